//! What can be wrong with the set-up of a client.

use std::error::Error;
use std::fmt;

use crate::printable::printable;

/// A part of the set-up that cannot be: a topic or a filter that MQTT does not allow.
#[derive(Clone, PartialEq, Eq)]
pub struct OptionsError {
    what: &'static str,
    topic: String,
    why: &'static str,
}

impl OptionsError {
    pub(super) fn new(what: &'static str, topic: &str, why: &'static str) -> Self {
        Self { what, topic: printable(topic), why }
    }
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {} `{}`: {}", self.what, self.topic, self.why)
    }
}

/// As `Display`.
impl fmt::Debug for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for OptionsError {}
