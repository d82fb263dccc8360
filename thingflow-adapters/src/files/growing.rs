//! [`GrowingFile`]: a file that is written to at its end, by its name, and stays whole through crashes and rotation.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf, absolute};

/// A file at whose end is written, as long as its name stands for it. Nobody else who takes the lock writes to it.
///
/// If the file has been moved or removed, as `logrotate` does, a new one of the name is begun, or the one that is there
/// by now goes on. One that has been emptied in place begins anew too. So nothing is written where nobody looks for it.
/// (What is no regular file, such as a pipe, is neither locked nor looked after.)
#[derive(Debug)]
pub(crate) struct GrowingFile {
    /// From the root on: the program may change its directory.
    path: PathBuf,
    file: File,
    /// It has not been looked at since it was opened.
    fresh: bool,
}

/// What was moved aside, and where it is now.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) bytes: u64,
    pub(crate) to: PathBuf,
}

impl GrowingFile {
    /// A new file; one of that name is emptied.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let new = Self::opened(path, false)?;
        if new.file.metadata()?.is_file() {
            new.file.set_len(0)?;
        }
        Ok(new)
    }

    /// The file of that name, or a new one.
    pub(crate) fn append(path: &Path) -> io::Result<Self> {
        Self::opened(path, true)
    }

    fn opened(path: &Path, to_read: bool) -> io::Result<Self> {
        Ok(Self { path: absolute(path)?, file: open(path, to_read)?, fresh: true })
    }

    /// Before each write: makes this the file that the name stands for. True if it has to be looked at first: another one,
    /// or one that is empty.
    pub(crate) fn follow_name(&mut self) -> io::Result<bool> {
        let own = self.file.metadata()?;
        if own.is_file() {
            if !self.is_named(&own) {
                self.file = open(&self.path, true)?;
                self.fresh = true;
            } else if own.len() == 0 {
                self.fresh = true;
            }
        }
        Ok(std::mem::take(&mut self.fresh))
    }

    fn is_named(&self, own: &Metadata) -> bool {
        match fs::metadata(&self.path) {
            Ok(named) => is_same(own, &named),
            // Who may no longer look, having given up rights, may still write.
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }

    /// The file from its beginning; nothing if it is not to be read, such as a pipe.
    pub(crate) fn contents(&mut self) -> io::Result<Option<BufReader<&File>>> {
        let metadata = self.file.metadata()?;
        if !metadata.is_file() || metadata.len() == 0 {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(0))?;
        Ok(Some(BufReader::with_capacity(1 << 16, &self.file)))
    }

    /// Cuts off what stands behind the first `len` bytes: the damage that a crash or a power cut has left. What of it is
    /// more than zeros is added to a file beside, `NAME.damaged`. None if nothing stands there.
    pub(crate) fn cut(&mut self, len: u64) -> io::Result<Option<Moved>> {
        let bytes = self.file.metadata()?.len().saturating_sub(len);
        if bytes == 0 {
            return Ok(None);
        }
        let mut name = self.path.clone().into_os_string();
        name.push(".damaged");
        let to = PathBuf::from(name);
        if !self.only_zeros_from(len)? {
            self.file.seek(SeekFrom::Start(len))?;
            let mut beside = OpenOptions::new().append(true).create(true).open(&to)?;
            io::copy(&mut (&self.file).take(bytes), &mut beside)?;
            beside.write_all(b"\n")?;
        }
        self.file.set_len(len)?;
        Ok(Some(Moved { bytes, to }))
    }

    fn only_zeros_from(&mut self, at: u64) -> io::Result<bool> {
        self.file.seek(SeekFrom::Start(at))?;
        let mut rest = BufReader::new(&self.file).bytes();
        rest.try_fold(true, |zeros, byte| Ok(zeros && byte? == 0))
    }

    /// Gives the file another name, the first free one of `lux.1.csv`, `lux.2.csv` …, and begins a new one.
    #[cfg(feature = "csv")]
    pub(crate) fn set_aside(&mut self) -> io::Result<Moved> {
        let bytes = self.file.metadata()?.len();
        let to =
            (1..10_000).map(|number| numbered(&self.path, number)).find(|path| fs::symlink_metadata(path).is_err());
        let to = to.ok_or_else(|| io::Error::other("too many files of this name have been set aside"))?;
        fs::rename(&self.path, &to)?;
        self.file = open(&self.path, true)?;
        self.fresh = false;
        Ok(Moved { bytes, to })
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn is_regular(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.is_file())
    }
}

/// `lux.1.csv` of `lux.csv`.
#[cfg(feature = "csv")]
fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

fn open(path: &Path, to_read: bool) -> io::Result<File> {
    let regular = fs::metadata(path).map_or(true, |there| there.is_file());
    // At the end, whatever others do to the file meanwhile. A pipe is not to be read from here.
    let file = OpenOptions::new().append(true).create(true).read(to_read && regular).open(path)?;
    if regular {
        lock(&file)?;
    }
    Ok(file)
}

#[cfg(unix)]
fn lock(file: &File) -> io::Result<()> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => {
            Err(io::Error::new(ErrorKind::ResourceBusy, "another writer has locked it, in this program or another"))
        }
        // File systems that know no locks.
        Err(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn lock(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
pub(crate) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
pub(crate) fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "csv")]
    #[test]
    fn a_numbered_name_keeps_its_ending() {
        let name = |path: &str| numbered(Path::new(path), 2).display().to_string();
        assert_eq!(name("/data/lux.csv"), "/data/lux.2.csv");
        assert_eq!(name("lux-2015-01-31.csv"), "lux-2015-01-31.2.csv");
        assert_eq!(name("log"), "log.2");
    }

    #[test]
    fn only_what_is_more_than_zeros_is_kept_beside() {
        let dir = tempfile::tempdir().unwrap();
        let (path, beside) = (dir.path().join("log"), dir.path().join("log.damaged"));
        fs::write(&path, b"whole\n\0\0\0").unwrap();
        let moved = GrowingFile::append(&path).unwrap().cut(6).unwrap().unwrap();
        assert_eq!((moved.bytes, beside.exists()), (3, false));
        fs::write(&path, b"whole\nha\0").unwrap();
        assert_eq!(GrowingFile::append(&path).unwrap().cut(6).unwrap().unwrap().bytes, 3);
        assert_eq!(fs::read(&beside).unwrap(), b"ha\0\n");
        assert!(GrowingFile::append(&path).unwrap().cut(6).unwrap().is_none());
    }
}
