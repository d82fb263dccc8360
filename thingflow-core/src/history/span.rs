//! [`Span`]: which part of a past is asked for, along its numbers, its times or its keys.

use core::fmt;
use core::ops::{Bound, Range, RangeBounds, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use crate::clock::Timestamp;
use crate::size::Size;

/// A place by the number that an event was given: numbers begin at 1 and rise by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub u64);

/// A place by the key of an event, see [`History::keyed`](super::History::keyed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<K>(pub K);

/// A part of the past, from one place to another: `P` is a [`Number`], a [`Timestamp`] or a [`Key`].
///
/// Every range of Rust is a span: `Number(3)..=Number(9)` has both ends, `Key("a")..Key("b")` not the last one, `..t` begins
/// with the oldest.
///
/// ```
/// use thingflow_core::history::{Number, Span};
/// let every_tenth = Span::of(Number(100)..=Number(200)).step_by(10);
/// let around = Span::of(Number(100)..=Number(200)).covering(); // from at or before 100 to at or after 200
/// assert_ne!(every_tenth, around);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<P> {
    pub(super) start: Bound<P>,
    pub(super) end: Bound<P>,
    pub(super) covers_start: bool,
    pub(super) covers_end: bool,
    pub(super) step: usize,
}

impl<P: Clone> Span<P> {
    /// The span of a range, with nothing beyond its ends.
    pub fn of(range: impl RangeBounds<P>) -> Self {
        let (start, end) = (range.start_bound().cloned(), range.end_bound().cloned());
        Self { start, end, covers_start: false, covers_end: false, step: 1 }
    }
}

impl<P> Span<P> {
    /// Reaches outward at both ends, so that what is found covers the range: see [`covering_start`](Self::covering_start)
    /// and [`covering_end`](Self::covering_end).
    #[must_use]
    pub fn covering(self) -> Self {
        self.covering_start().covering_end()
    }

    /// Begins with the last event at or before the start. If there is none, the start stays as it is.
    #[must_use]
    pub fn covering_start(self) -> Self {
        Self { covers_start: true, ..self }
    }

    /// Ends with the first event at or after the end. If there is none yet, that is an error: see [`Uncovered`].
    #[must_use]
    pub fn covering_end(self) -> Self {
        Self { covers_end: true, ..self }
    }

    /// Only each `n`th event, beginning with the first of the span.
    #[must_use]
    #[track_caller]
    pub fn step_by(self, n: impl Into<Size>) -> Self {
        Self { step: n.into().get(), ..self }
    }

    /// The length of a step.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Whether a place lies between the ends.
    pub fn contains(&self, place: &P) -> bool
    where
        P: Ord,
    {
        !is_before(&self.start, place) && !is_after(&self.end, place)
    }
}

/// Whether a place lies before the start of a span.
pub(super) fn is_before<P: Ord>(start: &Bound<P>, place: &P) -> bool {
    match start {
        Bound::Included(start) => place < start,
        Bound::Excluded(start) => place <= start,
        Bound::Unbounded => false,
    }
}

/// Whether a place lies after the end of a span.
pub(super) fn is_after<P: Ord>(end: &Bound<P>, place: &P) -> bool {
    match end {
        Bound::Included(end) => place > end,
        Bound::Excluded(end) => place >= end,
        Bound::Unbounded => false,
    }
}

impl<P: Ord + Clone> Span<P> {
    /// Where to look for what covers the start: at or before this place.
    pub fn start_to_cover(&self) -> Option<&P> {
        place_of(&self.start).filter(|_| self.covers_start)
    }

    /// Where to look for what covers the end: at or after this place.
    pub fn end_to_cover(&self) -> Option<&P> {
        place_of(&self.end).filter(|_| self.covers_end)
    }

    /// The places of its ends, where it has any.
    pub fn ends(&self) -> (Option<&P>, Option<&P>) {
        (place_of(&self.start), place_of(&self.end))
    }

    /// The span whose ends have been moved outward to places that there are. For authors of a [`Past`](super::Past): `before`
    /// is the greatest place at or before [`start_to_cover`](Self::start_to_cover), `after` the least at or after
    /// [`end_to_cover`](Self::end_to_cover).
    ///
    /// # Errors
    /// [`Uncovered`], if there is no such `after`.
    pub fn widened(&self, before: Option<P>, after: Option<P>) -> Result<Self, Uncovered> {
        let mut span = Self { covers_start: false, covers_end: false, ..self.clone() };
        if let Some(before) = before {
            span.start = Bound::Included(before);
        }
        match (self.end_to_cover(), after) {
            (Some(_), Some(after)) => span.end = Bound::Included(after),
            (Some(_), None) => return Err(Uncovered),
            (None, _) => {}
        }
        Ok(span)
    }
}

fn place_of<P>(bound: &Bound<P>) -> Option<&P> {
    match bound {
        Bound::Included(place) | Bound::Excluded(place) => Some(place),
        Bound::Unbounded => None,
    }
}

macro_rules! from_ranges {
    ($($range:ty),*) => {$(
        /// A range of Rust.
        impl<P: Clone> From<$range> for Span<P> {
            fn from(range: $range) -> Self {
                Self::of(range)
            }
        }
    )*};
}
from_ranges! { Range<P>, RangeInclusive<P>, RangeFrom<P>, RangeTo<P>, RangeToInclusive<P>, RangeFull, (Bound<P>, Bound<P>) }

/// A span was to reach up to an event at or after its end, and there is none yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Uncovered;

impl fmt::Display for Uncovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no event at or after the end of the range: ask again later, or without `covering_end`")
    }
}

/// As `Display`.
impl fmt::Debug for Uncovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Uncovered {}

/// A past that can be read along `P`: of a [`History`](super::History) in memory, or of a journal on disk.
///
/// One call for all of them, so what evaluates an hour need not know where it is kept:
///
/// ```
/// use thingflow_core::history::{History, Number, Past, Span};
/// use thingflow_core::prelude::*;
/// fn mean<P: Past<Number, Event = f64>>(past: &P, span: impl Into<Span<Number>>) -> Result<f64, P::Error> {
///     let events = past.range(span)?;
///     Ok(events.iter().map(|kept| kept.event).sum::<f64>() / events.len() as f64)
/// }
/// let history = History::new(Limit::drop_oldest(100));
/// from_iter([20.0, 21.0, 25.0]).keep(&history).run(&mut Context::detached(Instant::ZERO))?;
/// assert_eq!(mean(&history, Number(2)..=Number(3)).unwrap(), 23.0);
/// # Ok::<(), FatalError>(())
/// ```
pub trait Past<P> {
    /// What is kept.
    type Event;
    /// Why it cannot be read. A span that asks for it may be [`Uncovered`].
    type Error: From<Uncovered>;

    /// What is kept of a span, in order. Events that have come to be kept since the call began are left out.
    ///
    /// # Errors
    /// [`Uncovered`] as an error of the past's type, and what keeps the past from being read.
    fn range(&self, span: impl Into<Span<P>>) -> Result<alloc::vec::Vec<Kept<Self::Event>>, Self::Error>;
}

/// An event of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kept<T> {
    /// Its number: the first event of a session has 1, and each other one more than that before it. Of a journal it is the
    /// number of the record.
    pub number: u64,
    /// When it came, by the wall clock.
    pub time: Timestamp,
    /// The event.
    pub event: T,
}
