//! [`Record`]: what a journal gives back.

/// A record as it was pushed, with the number that it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number. Numbers rise; a number is never given to another record, but some are left out.
    pub number: u64,
    /// Its time in nanoseconds, as it was pushed.
    pub time: i64,
    /// Whether it may have been handed out before, by a process that ended before it was acknowledged.
    pub resent: bool,
    /// Its contents.
    pub payload: Vec<u8>,
}
