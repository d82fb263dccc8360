//! [`FileError`]: a file that cannot be read or written, and what to do about it.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use crate::printable::Printable;

/// A file that cannot be opened, read or written. Its text names the file and says what to do; its source is the
/// [`io::Error`].
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
    Append,
    Write,
    Sync,
    #[cfg(feature = "csv")]
    Remove,
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
        let writes = matches!(self.doing, Doing::Create | Doing::Append | Doing::Write);
        Some(match self.error.kind() {
            ErrorKind::NotFound if writes => format!("create the directory: mkdir -p {}", Printable(directory)),
            ErrorKind::NotFound => "check the name".into(),
            ErrorKind::PermissionDenied => "give the user of this program the right, or choose another place".into(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                "the disk is full: remove old files, or choose another place".into()
            }
            ErrorKind::FileTooLarge => "the file has reached the limit of its size: begin another one".into(),
            ErrorKind::ReadOnlyFilesystem => "the disk is mounted read-only: choose another place".into(),
            ErrorKind::BrokenPipe => "the program that was to read it has ended".into(),
            ErrorKind::ResourceBusy => "end the other writer, or give each its own file".into(),
            ErrorKind::IsADirectory => "name a file, not a directory".into(),
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
            Doing::Append => "append to",
            Doing::Write => "write to",
            Doing::Sync => "sync",
            #[cfg(feature = "csv")]
            Doing::Remove => "remove",
        };
        write!(f, "cannot {doing} {}: {}", Printable(&self.path), self.error)?;
        self.hint().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// As `Display`.
impl fmt::Debug for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f12_the_cause_is_kept_as_a_value() {
        let error = FileError::when(Doing::Open, Path::new("/data"))(ErrorKind::PermissionDenied.into());
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        assert_eq!(cause.map(io::Error::kind), Some(ErrorKind::PermissionDenied));
    }

    #[test]
    fn f13_debug_says_what_display_says() {
        let error = FileError::when(Doing::Open, Path::new("/data"))(io::Error::other("it is on fire"));
        assert_eq!(error.to_string(), "cannot open /data: it is on fire");
        assert_eq!(format!("{error:?}"), error.to_string());
    }

    #[test]
    fn f52_a_path_is_printed_without_control_characters() {
        let error = FileError::when(Doing::Open, Path::new("/da\n\u{1b}[31mta\0"))(io::Error::other("no"));
        assert_eq!(error.to_string(), "cannot open /da\\n\\u{1b}[31mta\\0: no");
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
