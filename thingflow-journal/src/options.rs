//! [`Options`]: the limits of a journal, what happens at them, and how often it commits. [`CommitWindow`]: the latter.

use std::time::Duration;

use crate::error::Error;
use crate::format::{HEADER_BYTES, RECORD_BYTES};

/// What happens when there is no room for another record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The push is refused, and whoever pushes waits.
    Block,
    /// The oldest records give way, whether delivered or not.
    DropOldest,
    /// The new record is dropped.
    DropNewest,
}

/// When what was pushed is committed, in one group: as soon as one of three bounds is reached. Databases call it group commit.
///
/// A power cut loses at most what was pushed within one window. None of that has been acknowledged, so whoever waits for
/// acknowledgements loses nothing. The window is the one knob between delay and wear: each commit rewrites the blocks
/// around the end of the segment.
///
/// ```
/// use std::time::Duration;
/// use thingflow_journal::CommitWindow;
///
/// let soon = CommitWindow::default();                                    // at most 50 ms
/// let kind_to_cards = CommitWindow::every(Duration::from_secs(5)).bytes(32 * 1024);
/// assert!(kind_to_cards != soon);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "group commit")]
pub struct CommitWindow {
    pub(crate) delay: Duration,
    pub(crate) count: u64,
    pub(crate) bytes: usize,
}

impl CommitWindow {
    /// At most this time passes between a push and the begin of its commit; zero commits at once.
    pub fn every(delay: Duration) -> Self {
        Self { delay, count: u64::MAX, bytes: usize::MAX }
    }

    /// Commits also when this many records wait; zero counts as one.
    #[must_use]
    pub fn count(self, records: u64) -> Self {
        Self { count: records.max(1), ..self }
    }

    /// Commits also when the waiting records, with 24 bytes for each, take this many bytes.
    #[must_use]
    pub fn bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }
}

impl Default for CommitWindow {
    /// 50 ms, or 256 KiB.
    fn default() -> Self {
        Self::every(Duration::from_millis(50)).bytes(256 * 1024)
    }
}

/// How a journal is to be.
///
/// ```
/// use thingflow_journal::{CommitWindow, Options, Policy};
///
/// let options = Options::new(64 << 20, CommitWindow::default()).policy(Policy::DropOldest).max_records(1_000_000);
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) limit: u64,
    pub(crate) segment: u64,
    pub(crate) records: u64,
    pub(crate) age: Option<Duration>,
    pub(crate) policy: Policy,
    pub(crate) window: CommitWindow,
    pub(crate) buffer: usize,
}

/// The least size of a segment.
const LEAST_SEGMENT: u64 = 8 * 1024;

impl Options {
    /// At most `limit` bytes on disk, all files of the journal together, as `du` counts; at least 512 KiB. Commits by
    /// `window`. Refuses pushes when it is full.
    pub fn new(limit: u64, window: CommitWindow) -> Self {
        let segment = (limit / 8 / HEADER_BYTES * HEADER_BYTES).clamp(64 << 10, 1 << 20);
        let (records, age, policy) = (u64::MAX, None, Policy::Block);
        Self { limit, segment, records, age, policy, window, buffer: 1 << 20 }
    }

    /// What happens when there is no room; [`Policy::Block`] unless set.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// At most this many records wait for any consumer, or are kept if there is none; at least 1.
    #[must_use]
    pub fn max_records(self, records: u64) -> Self {
        Self { records, ..self }
    }

    /// Records older than this are dropped by whole segments, whatever the policy: a segment goes when its youngest
    /// record is older than the youngest record of the journal by more than `age`. No limit unless set.
    ///
    /// It goes by the times that records have. So when the wall clock leaps ahead, as on a board that boots in 1970 and is set by a
    /// network, what was stored before the leap is old at once, and is dropped: there, limit bytes or records.
    ///
    /// ```
    /// use std::time::Duration;
    /// use thingflow_journal::{CommitWindow, Options};
    ///
    /// let a_week = Options::new(64 << 20, CommitWindow::default()).max_age(Duration::from_secs(7 * 24 * 3600));
    /// # let _ = a_week;
    /// ```
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        Self { age: Some(age), ..self }
    }

    /// The size of a segment in bytes, a multiple of 4 KiB and at least 8 KiB; an eighth of the limit, from 64 KiB to
    /// 1 MiB, unless set. No record is longer than a segment less 4,120 bytes.
    #[must_use]
    pub fn segment_bytes(self, segment: u64) -> Self {
        Self { segment, ..self }
    }

    /// How many bytes of records wait in memory for a commit, with 24 for each, before the policy acts; 1 MiB unless
    /// set. The commit that is under way holds as many again.
    #[must_use]
    pub fn buffer_bytes(self, buffer: usize) -> Self {
        Self { buffer, ..self }
    }

    /// The longest payload in bytes.
    pub fn longest_payload(&self) -> usize {
        usize::try_from(self.segment.saturating_sub(HEADER_BYTES + RECORD_BYTES)).unwrap_or(usize::MAX)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |what: String| Err(Error::Options(what));
        if self.segment < LEAST_SEGMENT || !self.segment.is_multiple_of(HEADER_BYTES) || self.segment > 1 << 30 {
            return wrong(format!(
                "invalid segment size of {} bytes: use a multiple of 4,096 from 8,192 to 1 GiB",
                self.segment
            ));
        }
        if self.limit / self.segment < 8 {
            return wrong(format!(
                "invalid limit of {} bytes: use at least eight segments, which are {} bytes",
                self.limit,
                8 * self.segment
            ));
        }
        if self.records == 0 {
            return wrong("invalid limit of 0 records: use at least 1".into());
        }
        Ok(())
    }
}
