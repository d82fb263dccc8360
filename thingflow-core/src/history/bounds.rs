//! [`Bounds`]: how much a history keeps.

use core::fmt;
use core::time::Duration;

use alloc::boxed::Box;

use crate::limit::Limit;

/// How much a history keeps: a number of events, and if need be of bytes, and an age. Made of a [`Limit`], which also says
/// what happens when there are too many events or bytes.
///
/// ```
/// use core::time::Duration;
/// use thingflow_core::Limit;
/// use thingflow_core::history::{Bounds, History};
/// let an_hour = Bounds::new(Limit::drop_oldest(100_000)).max_age(Duration::from_secs(3600)).max_bytes(1 << 20, String::len);
/// let history = History::new(an_hour);
/// # let _ = history;
/// ```
pub struct Bounds<T> {
    pub(super) limit: Limit,
    pub(super) bytes: usize,
    pub(super) age: Duration,
    pub(super) size_of: Box<dyn Fn(&T) -> usize + Send + Sync>,
}

impl<T> Bounds<T> {
    /// So many events, of any age and size.
    pub fn new(limit: Limit) -> Self {
        Self { limit, bytes: usize::MAX, age: Duration::MAX, size_of: Box::new(|_| 0) }
    }

    /// At most so many bytes together, as `size_of` counts them. An event that is larger by itself is refused.
    #[must_use]
    pub fn max_bytes(self, most: usize, size_of: impl Fn(&T) -> usize + Send + Sync + 'static) -> Self {
        Self { bytes: most, size_of: Box::new(size_of), ..self }
    }

    /// None that came longer ago, by the scheduler's clock. An event that is too old is dropped when another one comes, or when
    /// the keeper is woken, within an eighth of the age.
    #[must_use]
    pub fn max_age(self, most: Duration) -> Self {
        Self { age: most, ..self }
    }
}

impl<T> From<Limit> for Bounds<T> {
    fn from(limit: Limit) -> Self {
        Self::new(limit)
    }
}

impl<T> fmt::Debug for Bounds<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, bytes, age, .. } = self;
        f.debug_struct("Bounds").field("limit", limit).field("bytes", bytes).field("age", age).finish_non_exhaustive()
    }
}

/// What becomes of an event whose key is less than the greatest that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutOfOrder {
    /// It is refused: an error to who pushes; as a sink the history ends its session by it.
    Refuse,
    /// It is dropped, and counted.
    Drop,
    /// It is put where it belongs. Readers that have passed that place have missed it.
    Sort,
}
