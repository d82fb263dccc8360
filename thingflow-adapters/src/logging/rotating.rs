//! [`Rotating`]: a file of bounded size with one backup, which is written to seldom.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, mem};

/// A file to whose end lines are written, in blocks. When it would grow beyond its limit it becomes the backup, `NAME.1`, in the place of
/// the one before, and a new one begins. So both together never have more than twice the limit.
#[derive(Debug)]
pub(super) struct Rotating {
    path: PathBuf,
    /// None while it cannot be opened.
    file: Option<File>,
    /// How long it is.
    len: u64,
    limit: u64,
    /// Whole lines that are to be written.
    held: Vec<u8>,
    since: Option<Instant>,
    /// Lines that could not be written, and why the last could not.
    lost: Option<(u64, io::Error)>,
}

/// As much is written at once: what a card writes at least.
pub(super) const BLOCK: usize = 4096;
/// So old a line becomes before it is written, if another one comes.
const OLDEST: Duration = Duration::from_secs(5);

impl Rotating {
    pub(super) fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let file = append(&path)?;
        let len = file.metadata()?.len();
        let (held, since, lost) = (Vec::with_capacity(BLOCK), None, None);
        Ok(Self { path, file: Some(file), len, limit: limit.max(1), held, since, lost })
    }

    /// Takes a line, with its line break. One that is longer than the limit is cut off, and is a line still.
    pub(super) fn push(&mut self, line: &[u8], now: Instant) {
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let line = if line.len() > most { &cut(line, most)[..] } else { line };
        if self.len + (self.held.len() + line.len()) as u64 > self.limit {
            self.flush();
            if self.len + line.len() as u64 > self.limit {
                self.rotate();
            }
        }
        self.held.extend_from_slice(line);
        let since = *self.since.get_or_insert(now);
        if self.held.len() >= BLOCK || now.saturating_duration_since(since) >= OLDEST {
            self.flush();
        }
    }

    /// Writes what is held. What cannot be written is lost, and how much that was is said when it can be again.
    pub(super) fn flush(&mut self) {
        let held = mem::take(&mut self.held);
        self.since = None;
        if held.is_empty() {
            return;
        }
        let lines = held.iter().filter(|byte| **byte == b'\n').count() as u64;
        let whole = match &self.lost {
            Some((lines, error)) => [format!("{lines} lines were lost: {error}\n").as_bytes(), &held].concat(),
            None => held,
        };
        match self.write(&whole) {
            Ok(()) => self.lost = None,
            Err(error) => {
                let before = self.lost.take().map_or(0, |(before, _)| before);
                self.lost = Some((before + lines, error));
            }
        }
        self.held = whole;
        self.held.clear();
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(append(&self.path)?),
        };
        let before = file.metadata()?.len();
        let written = file.write_all(bytes);
        if written.is_err() {
            let _ = file.set_len(before); // half a line is none
        }
        self.len = file.metadata()?.len();
        written
    }

    fn rotate(&mut self) {
        let mut backup = self.path.clone().into_os_string();
        backup.push(".1");
        let moved = fs::rename(&self.path, backup);
        // Where it cannot have another name it begins anew, so that it does not fill the disk.
        if moved.is_err()
            && let Some(file) = &self.file
        {
            let _ = file.set_len(0);
        }
        self.file = append(&self.path).ok();
        self.len = self.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |metadata| metadata.len());
    }
}

impl Drop for Rotating {
    fn drop(&mut self) {
        self.flush();
    }
}

/// The beginning of a line, in whole characters, and a line break: `most` bytes, which are one at least.
fn cut(line: &[u8], most: usize) -> Vec<u8> {
    let is_inside = |at: usize| line[at] & 0b1100_0000 == 0b1000_0000; // of a character in UTF-8
    let end = (0..most).rev().find(|at| !is_inside(*at)).unwrap_or(0);
    [&line[..end], b"\n"].concat()
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Log {
        dir: tempfile::TempDir,
        file: Rotating,
        now: Instant,
    }

    impl Log {
        fn new(limit: u64) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let file = Rotating::open(&dir.path().join("log"), limit).unwrap();
            Self { dir, file, now: Instant::now() }
        }
        fn push(&mut self, line: &str) {
            self.file.push(line.as_bytes(), self.now);
        }
        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
        }
    }

    #[test]
    fn mp11_a_line_that_would_exceed_the_limit_begins_a_new_file_and_one_backup_stays() {
        let mut log = Log::new(10);
        for line in ["one\n", "two\n", "three\n", "four\n", "five\n"] {
            log.push(line);
        }
        log.file.flush();
        assert_eq!((log.read("log").as_str(), log.read("log.1").as_str()), ("four\nfive\n", "three\n"));
        assert_eq!(fs::read_dir(log.dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn mp11_lines_are_written_in_blocks_or_when_they_are_old() {
        let mut log = Log::new(1 << 20);
        log.push("first\n");
        assert_eq!(log.read("log"), "");
        log.now += OLDEST;
        log.push("second\n");
        assert_eq!(log.read("log"), "first\nsecond\n");
        log.push(&"x".repeat(BLOCK));
        assert_eq!(log.read("log").len(), 13 + BLOCK);
        log.push("last\n");
        let Log { dir, file, .. } = log;
        drop(file);
        assert!(fs::read_to_string(dir.path().join("log")).unwrap().ends_with("last\n"));
    }

    #[test]
    fn mp11_a_start_goes_on_behind_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "12345678\n").unwrap();
        let mut file = Rotating::open(&path, 12).unwrap();
        file.push(b"ab\n", Instant::now());
        file.flush();
        assert_eq!(fs::read_to_string(&path).unwrap(), "12345678\nab\n");
        file.push(b"c\n", Instant::now());
        file.flush();
        assert_eq!(fs::read_to_string(&path).unwrap(), "c\n");
    }

    #[test]
    fn a_disk_that_is_full_costs_lines_and_says_how_many() {
        let mut log = Log::new(1 << 20);
        log.file.file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
        log.push("one\ntwo\n");
        log.file.flush();
        log.push("three\n");
        log.file.flush();
        log.file.file = None; // there is room again
        log.push("four\n");
        log.file.flush();
        let text = log.read("log");
        assert!(text.starts_with("3 lines were lost: No space left") && text.ends_with("\nfour\n"), "{text}");
    }

    #[test]
    fn a_disk_that_stays_full_is_no_panic_whatever_the_lines_were() {
        let mut log = Log::new(1 << 20);
        log.file.file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
        log.push("no line break");
        log.file.flush();
        log.push("nor here");
        log.file.flush();
        log.push("nor here");
        log.file.flush();
        log.file.file = None;
        log.push("four\n");
        log.file.flush();
        assert!(log.read("log").ends_with("\nfour\n"), "{}", log.read("log"));
    }

    #[test]
    fn a_line_that_is_cut_off_is_still_a_line() {
        let mut log = Log::new(10);
        for line in ["0123456789abc\n", "0123456789\n", "012345678\n", "x\n"] {
            log.push(line);
            log.file.flush();
        }
        assert_eq!((log.read("log.1").as_str(), log.read("log").as_str()), ("012345678\n", "x\n"));
        let mut log = Log::new(10);
        log.push("0123456789abc\n");
        log.file.flush();
        assert_eq!(log.read("log"), "012345678\n");
        let mut log = Log::new(10);
        log.push("01234567éabc\n");
        log.file.flush();
        assert_eq!(log.read("log"), "01234567\n", "half a character is none");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Both files keep the limit, and hold the last lines without a gap.
        #[test]
        fn mp11_the_last_lines_are_there_within_the_limit(
            limit in 1..60_u64,
            lines in prop::collection::vec((0..20_usize, any::<bool>()), 0..60),
        ) {
            let mut log = Log::new(limit);
            let mut all = String::new();
            for (n, (length, flushes)) in lines.into_iter().enumerate() {
                let line = format!("{n}{}\n", "x".repeat(length));
                log.push(&line);
                let limit = usize::try_from(limit).unwrap();
                all.push_str(&if line.len() > limit { format!("{}\n", &line[..limit - 1]) } else { line });
                if flushes {
                    log.file.flush();
                }
                let on_disk = [log.read("log"), log.read("log.1")];
                prop_assert!(on_disk.iter().all(|text| text.len() <= limit));
            }
            log.file.flush();
            let kept = log.read("log.1") + &log.read("log");
            prop_assert!(all.ends_with(&kept), "{kept:?} of {all:?}");
        }
    }
}
