//! [`Range`]: records of the past by number and by time, whatever the consumers have acknowledged.

use std::ops::{Bound, RangeBounds};

use super::Store;
use crate::error::Error;
use crate::log::{Place, Window};
use crate::record::Record;

/// Which records to read, and how far the reading has come.
///
/// ```
/// use thingflow_journal::Range;
///
/// let january = Range::all().times(1_767_225_600..1_769_904_000);
/// let after_the_hundredth = Range::all().numbers(101..);
/// # let _ = (january, after_the_hundredth);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub(crate) place: Place,
    pub(crate) window: Window,
}

impl Range {
    /// All records that are kept.
    pub fn all() -> Self {
        Self { place: Place::at(1), window: Window::ALL }
    }

    /// Only records with these numbers.
    #[must_use]
    pub fn numbers(mut self, numbers: impl RangeBounds<u64>) -> Self {
        let first = match numbers.start_bound() {
            Bound::Included(number) => *number,
            Bound::Excluded(number) => number.saturating_add(1),
            Bound::Unbounded => 1,
        };
        self.place = Place::at(first);
        self.window.last = match numbers.end_bound() {
            Bound::Included(number) => *number,
            Bound::Excluded(number) => number.saturating_sub(1),
            Bound::Unbounded => u64::MAX,
        };
        self
    }

    /// Only records with these times, in nanoseconds as they were pushed. Segments without any are not read; times need not rise.
    #[must_use]
    pub fn times(mut self, times: impl RangeBounds<i64>) -> Self {
        let least = match times.start_bound() {
            Bound::Included(time) => Some(*time),
            Bound::Excluded(time) => time.checked_add(1),
            Bound::Unbounded => Some(i64::MIN),
        };
        let greatest = match times.end_bound() {
            Bound::Included(time) => Some(*time),
            Bound::Excluded(time) => time.checked_sub(1),
            Bound::Unbounded => Some(i64::MAX),
        };
        self.window.times = least.zip(greatest).unwrap_or((i64::MAX, i64::MIN));
        self
    }
}

impl Store {
    /// Reads on in a range until about `bytes` of records are found; none is the end at present. Records that are not on
    /// the disk yet are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]. Damage is no error: it is reported and left out.
    pub fn read(&mut self, range: &mut Range, bytes: usize) -> Result<Vec<Record>, Error> {
        range.place.raise(self.floor);
        let files = self.files.clone();
        loop {
            let read = self.log.read(&*files, &mut range.place, range.window, bytes)?;
            for gap in &read.gaps {
                self.quarantine(gap);
            }
            if !read.records.is_empty() || read.at_end {
                return Ok(read.records);
            }
        }
    }
}
