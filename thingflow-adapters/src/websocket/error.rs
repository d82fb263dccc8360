//! [`HeaderError`]: what cannot be said in a handshake.

use std::error::Error;
use std::fmt;

use crate::printable::printable;

/// A header, or a subprotocol, that cannot be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderError {
    name: String,
    why: &'static str,
}

impl HeaderError {
    pub(super) fn new(name: &str, why: &'static str) -> Self {
        Self { name: printable(name), why }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid header `{}`: {}", self.name, self.why)
    }
}

/// As `Display`.
impl fmt::Debug for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for HeaderError {}
