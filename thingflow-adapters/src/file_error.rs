//! [`FileError`]: a file that cannot be read or written, and what to do about it.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// A file that cannot be opened, read or written. Its text names the file and says what to do.
#[derive(Debug)]
pub struct FileError {
    doing: Doing,
    path: PathBuf,
    error: io::Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Open,
    Read,
    Create,
    Write,
}

impl FileError {
    /// For `map_err`.
    pub(crate) fn when(doing: Doing, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self { doing, path: path.to_owned(), error }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    fn hint(&self) -> Option<String> {
        let directory = self.path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(match self.error.kind() {
            ErrorKind::NotFound if matches!(self.doing, Doing::Create | Doing::Write) => {
                format!("create the directory: mkdir -p {}", directory.display())
            }
            ErrorKind::NotFound => "check the name".into(),
            ErrorKind::PermissionDenied => "give the user of this program the right, or choose another place".into(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                "the disk is full: remove old files, or choose another place".into()
            }
            ErrorKind::ReadOnlyFilesystem => "the disk is mounted read-only: choose another place".into(),
            ErrorKind::BrokenPipe => "the program that was to read it has ended".into(),
            _ => return None,
        })
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doing = match self.doing {
            Doing::Open => "open",
            Doing::Read => "read",
            Doing::Create => "create",
            Doing::Write => "write to",
        };
        write!(f, "cannot {doing} {}: {}", self.path.display(), self.error)?;
        self.hint().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source() // the text has said the rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_everything_once() {
        let error = FileError::when(Doing::Open, Path::new("/data"))(io::Error::other("it is on fire"));
        assert_eq!(error.to_string(), "cannot open /data: it is on fire");
        assert!(error.source().is_none());
    }

    #[test]
    fn says_what_to_do() {
        let text = |doing, kind: ErrorKind| FileError::when(doing, Path::new("/data/lux.csv"))(kind.into()).to_string();
        assert!(text(Doing::Create, ErrorKind::NotFound).ends_with("create the directory: mkdir -p /data"));
        assert!(text(Doing::Write, ErrorKind::NotFound).ends_with("create the directory: mkdir -p /data"));
        assert!(text(Doing::Open, ErrorKind::NotFound).starts_with("cannot open /data/lux.csv: "));
        assert!(text(Doing::Write, ErrorKind::StorageFull).contains("remove old files"));
    }
}
