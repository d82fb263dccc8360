//! Records of journals as JSON: events of an outbox, dead letters, entries of a recording.

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args;
use serde_json::{Map, Value, json};
use thingflow::Timestamp;
use thingflow::adapters::outbox::{DeadLetterRecord, code};
use thingflow::adapters::recording::{Entry, What};
use thingflow_journal::inspect::Overview;
use thingflow_journal::{BootClock, CommitWindow, Folder, Options, Range, Record, inspect};

use crate::failure::{Done, Failure};
use crate::people::shown;

/// How many records there are.
pub(crate) fn records_in(overview: &Overview) -> u64 {
    overview.segments.iter().map(|segment| (segment.last + 1).saturating_sub(segment.first)).sum()
}

/// How many records there are in the journal of a folder, for who shows how much of them is done.
pub(crate) fn all_in(folder: &Path) -> Done<u64> {
    Ok(records_in(&inspect::list(&open(folder)?)?))
}

/// The folder of the dead letters in that of an outbox.
pub(crate) const DEAD: &str = "dead";

/// The position in the dead letters up to which they have been fed back.
pub(crate) const FED: &str = "fed";

/// Which records.
#[derive(Args)]
pub(crate) struct Which {
    /// The first number
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// The last number
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
    /// Only what was taken at this time or later: 2026-01-31T11:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only what was taken before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl Which {
    /// How many records there are by their numbers. By their times they may be fewer.
    pub(crate) fn most_of(&self, overview: &Overview) -> u64 {
        let (from, to) = (self.from.unwrap_or(1), self.to.unwrap_or(u64::MAX));
        let counts = overview.segments.iter().map(|segment| {
            let (first, last) = (segment.first.max(from), segment.last.min(to));
            last.saturating_add(1).saturating_sub(first)
        });
        counts.sum()
    }

    pub(crate) fn range(&self) -> Range {
        let range = Range::all().numbers(self.from.unwrap_or(1)..=self.to.unwrap_or(u64::MAX));
        if self.since.is_none() && self.until.is_none() {
            return range;
        }
        let since = self.since.map_or(i64::MIN, Timestamp::as_nanos);
        match self.until {
            Some(until) => range.times(since..until.as_nanos()),
            None => range.times(since..),
        }
    }
}

/// Opens the folder of a journal that is there.
pub(crate) fn open(folder: &Path) -> Done<Folder> {
    let cannot = || Failure::io(format!("open the folder {}", folder.display()));
    let opened = Folder::open_existing(folder).map_err(cannot())?;
    if is_journal(folder).map_err(cannot())? {
        return Ok(opened);
    }
    let folder = folder.display();
    Err(Failure::cannot(format!(
        "{folder} is neither an outbox nor a recording: name the folder that the program opens"
    )))
}

/// Options without a limit, which is the program's, and with segments for the longest record that is in any of these folders. How
/// much waits for a commit is up to who commits.
pub(crate) fn unlimited(folders: &[&Path]) -> Done<Options> {
    let mut longest = 0;
    for folder in folders {
        let segments = inspect::list(&open(folder)?)?.segments;
        longest = segments.iter().map(|segment| segment.bytes).fold(longest, u64::max);
    }
    let segment = longest.next_multiple_of(4096).clamp(1 << 20, 1 << 30);
    Ok(Options::new(u64::MAX, CommitWindow::default()).segment_bytes(segment).buffer_bytes(usize::MAX))
}

/// Whether a folder has any file that a journal has. An empty journal has its lock.
fn is_journal(folder: &Path) -> io::Result<bool> {
    for file in fs::read_dir(folder)? {
        let name = PathBuf::from(file?.file_name());
        if name == Path::new("lock") || name.extension().is_some_and(|ending| ending == "seg" || ending == "pos") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The dead letters of an outbox, if it has a folder of them.
pub(crate) fn dead_letters(folder: &Path) -> Option<PathBuf> {
    let dead = folder.join(DEAD);
    is_journal(&dead).is_ok_and(|found| found).then_some(dead)
}

/// What is known of the wall clocks of boots. That of dead letters is with their outbox.
pub(crate) fn clocks_of(folder: &Path) -> Done<Vec<BootClock>> {
    let of = |folder: &Path| Ok(inspect::list(&open(folder)?)?.clocks);
    match folder.parent() {
        Some(outbox) if folder.file_name() == Some(DEAD.as_ref()) => of(outbox).or_else(|_: Failure| of(folder)),
        _ => of(folder),
    }
}

/// A record as JSON, and whether all of it could be read. The time of a record that was taken before the clock was set is put right
/// if it is known by now.
pub(crate) fn to_json(record: &Record, clocks: &[BootClock]) -> (Value, bool) {
    let mut line = Map::new();
    line.insert("number".into(), record.number.into());
    line.insert("time".into(), Timestamp::from_nanos(record.time).to_string().into());
    let readable = fill(&record.payload, clocks, &mut line);
    (Value::Object(line), readable)
}

fn fill(payload: &[u8], clocks: &[BootClock], line: &mut Map<String, Value>) -> bool {
    if let Ok(Some(letter)) = DeadLetterRecord::decode(payload) {
        line.insert("outlet".into(), letter.outlet.into());
        line.insert("refused".into(), letter.number.into());
        line.insert("reason".into(), letter.reason.into());
        return event(&letter.event, clocks, line);
    }
    let Some(entry) = Entry::decode(payload) else { return event(payload, clocks, line) };
    line.insert("at".into(), entry.at.as_secs_f64().into());
    if !entry.stream.is_empty() {
        line.insert("stream".into(), entry.stream.into());
    }
    match entry.what {
        What::Event => return event(entry.contents, clocks, line),
        What::Error => line.insert("error".into(), String::from_utf8_lossy(entry.contents).into()),
        What::Watermark => {
            let nanos = entry.contents.try_into().map_or(0, i64::from_le_bytes);
            line.insert("watermark".into(), Timestamp::from_nanos(nanos).to_string().into())
        }
        What::Completed => line.insert("completed".into(), true.into()),
        What::Flushed => line.insert("flushed".into(), true.into()),
        What::Clock => line.insert("clock_set".into(), entry.moment().is_some_and(|(at, _)| at.is_known()).into()),
        _ => line.insert("began".into(), true.into()),
    };
    true
}

fn event(bytes: &[u8], clocks: &[BootClock], line: &mut Map<String, Value>) -> bool {
    let settled = code::stamp(bytes).map(|stamp| code::settle(stamp, clocks));
    if let Some(settled) = settled {
        line.insert("time".into(), settled.shown().to_string().into());
        line.insert("time_known".into(), settled.is_known().into());
        line.insert("boot".into(), settled.boot().to_string().into());
        line.insert("monotonic".into(), settled.at().as_secs_f64().into());
    }
    let decoded = match settled {
        Some(settled) => code::decode_settled::<Value>(bytes, &settled),
        None => code::decode(bytes),
    };
    let (name, value) = match decoded {
        Ok(value) => ("event", shown(value)),
        Err(error) => {
            line.insert("unreadable".into(), error.to_string().into());
            ("bytes", json!(bytes))
        }
    };
    line.insert(name.into(), value);
    name == "event"
}
