//! [`SpeedError`]: a speed that is none.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// A speed of a serial line that is none.
#[derive(Clone, PartialEq, Eq)]
pub struct SpeedError {
    path: PathBuf,
}

impl SpeedError {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl fmt::Display for SpeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "invalid speed of {path}: 0 bits a second; give that of its device, such as 9600 or 115200")
    }
}

/// As `Display`.
impl fmt::Debug for SpeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for SpeedError {}
