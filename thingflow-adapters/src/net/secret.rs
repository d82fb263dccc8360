//! [`Secret`]: a password that is read from a file when it is needed.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fmt, fs, io};

/// What a secret is longest, so that a wrong path does not fill the memory.
const LONGEST: u64 = 65_535;

/// A password, a token: where it is kept, not what it is. It is read each time that it is needed, so one that was changed on
/// disk is taken without a restart, and no log or drawing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret(Kept);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    File(PathBuf),
    Credential(String),
}

impl Secret {
    /// In a file, which should be readable by the program's user alone. A line break at its end does not count.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kept::File(path.into()))
    }

    /// A credential of the service manager: `LoadCredential=name:/etc/…` in the unit.
    pub fn credential(name: impl Into<String>) -> Self {
        Self(Kept::Credential(name.into()))
    }

    /// Reads it.
    ///
    /// # Errors
    /// That there is no such file, or none that may be read.
    pub fn read(&self) -> Result<Vec<u8>, SecretError> {
        let path = self.path();
        let failed = |cause| SecretError { path: path.clone(), cause };
        if fs::metadata(&path).map_err(failed)?.len() > LONGEST {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        let mut bytes = fs::read(&path).map_err(failed)?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        Ok(bytes)
    }

    /// The file that it is in.
    pub(crate) fn path(&self) -> PathBuf {
        match &self.0 {
            Kept::File(path) => path.clone(),
            Kept::Credential(name) => {
                let folder = env::var_os("CREDENTIALS_DIRECTORY").unwrap_or_default();
                PathBuf::from(folder).join(name)
            }
        }
    }
}

/// A secret that cannot be read.
pub struct SecretError {
    path: PathBuf,
    cause: io::Error,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = crate::printable::printable(&self.path.to_string_lossy());
        write!(f, "cannot read the secret in {path}: {}; its owner must be the program's user", self.cause)
    }
}

/// As `Display`.
impl fmt::Debug for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for SecretError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_anew_each_time_and_without_its_line_break() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        let secret = Secret::file(&path);
        assert!(secret.read().unwrap_err().to_string().contains("cannot read the secret"));
        for (kept, read) in [("one\n", "one"), ("two\r\n", "two"), ("three \n\n", "three \n")] {
            fs::write(&path, kept).unwrap();
            assert_eq!(secret.read().unwrap(), read.as_bytes());
        }
    }
}
