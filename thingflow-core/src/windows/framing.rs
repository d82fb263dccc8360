//! [`Framing`]: which windows a time lies in: the periods of a [`Calendar`], windows that overlap, [sessions](Sessions).

use alloc::collections::BTreeMap;
use core::time::Duration;

use super::merge::Merge;
use crate::clock::{Timestamp, nanos};

/// Which period of a calendar a time is in: a day of a time zone, a month.
///
/// ```
/// use thingflow_core::Timestamp;
/// use thingflow_core::windows::{Calendar, UtcMonths};
/// let (start, end) = UtcMonths.period(Timestamp::from_secs(951_782_400)); // 2000-02-29
/// assert_eq!((start.to_string(), end.to_string()), ("2000-02-01T00:00:00Z".into(), "2000-03-01T00:00:00Z".into()));
/// ```
pub trait Calendar {
    /// The start of the period and its end, which is the start of the next one. Periods do not overlap, and `at` lies in the one
    /// that it is given.
    fn period(&self, at: Timestamp) -> (Timestamp, Timestamp);
}

/// The months of UTC.
#[derive(Clone, Copy, Debug)]
pub struct UtcMonths;

impl Calendar for UtcMonths {
    fn period(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let (year, month, _) = at.date();
        let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        (Timestamp::of_date(year, month, 1), Timestamp::of_date(next_year, next, 1))
    }
}

/// Periods of one length, since 1970 UTC.
#[derive(Clone, Copy, Debug)]
pub struct Periods(pub(super) Duration);

impl Calendar for Periods {
    fn period(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let start = floor(at, self.0);
        (start, start + self.0)
    }
}

/// The last multiple of a length since 1970 UTC.
fn floor(at: Timestamp, length: Duration) -> Timestamp {
    let length = i64::try_from(nanos(length)).unwrap_or(i64::MAX).max(1);
    Timestamp::from_nanos(at.as_nanos().saturating_sub(at.as_nanos().rem_euclid(length)))
}

/// Periods of one length that begin at each multiple of a step since 1970 UTC. Made by [`EventWindow::every`](super::EventWindow::every).
#[derive(Clone, Copy, Debug)]
pub struct Hops {
    pub(super) length: Duration,
    pub(super) step: Duration,
}

/// Events that follow each other by less than a gap. Made by [`Window::session`](super::Window::session).
#[derive(Clone, Copy, Debug)]
pub struct Sessions(pub(super) Duration);

/// The end and the start of a window, and its key: windows are in the order in which they end.
pub type Frame<K> = (Timestamp, Timestamp, K);

/// Windows that are open, what each has gathered in `W`.
pub type OpenWindows<K, W> = BTreeMap<Frame<K>, W>;

/// Which windows a time lies in. `W` is what a window has gathered.
pub trait Framing<W> {
    /// The windows, the first to end first.
    fn spans(&self, at: Timestamp) -> Spans;
    /// Whether of two windows the one that ends first has begun first.
    const STARTS_RISE: bool = true;
    /// Whether a window that is open takes an event in for which `_frame` was made, although it is another one.
    fn touches<K: Ord>(&self, _frame: &Frame<K>, _open: &OpenWindows<K, W>) -> bool {
        false
    }
    /// The window that takes in an event for which `frame` was made: one that takes the place of those that it touches.
    fn settle<K: Ord + Clone>(&self, frame: Frame<K>, _open: &mut OpenWindows<K, W>) -> Frame<K> {
        frame
    }
}

impl<W, C: Calendar> Framing<W> for C {
    fn spans(&self, at: Timestamp) -> Spans {
        let (start, end) = self.period(at);
        Spans { start, length: end - start, step: Duration::ZERO, left: 1 }
    }
}

impl<W> Framing<W> for Hops {
    fn spans(&self, at: Timestamp) -> Spans {
        let &Self { length, step } = self;
        let (last, windows) = (floor(at, step), nanos(length) / nanos(step).max(1));
        // Near the ends of the time that there is fewer windows begin.
        let back = last.as_nanos().abs_diff(i64::MIN) / nanos(step).max(1);
        let before = back.min(windows.saturating_sub(1));
        let start = Timestamp::from_nanos(last.as_nanos().saturating_sub_unsigned(before * nanos(step)));
        Spans { start, length, step, left: before + 1 }
    }
}

impl<W: Merge> Framing<W> for Sessions {
    fn spans(&self, at: Timestamp) -> Spans {
        Spans { start: at, length: self.0, step: Duration::ZERO, left: 1 }
    }
    const STARTS_RISE: bool = false;
    fn touches<K: Ord>(&self, frame: &Frame<K>, open: &OpenWindows<K, W>) -> bool {
        open.keys().any(|other| touch(frame, other))
    }
    fn settle<K: Ord + Clone>(&self, frame: Frame<K>, open: &mut OpenWindows<K, W>) -> Frame<K> {
        // At most two: those before and behind it, which do not touch each other; in the order of their ends.
        let touched: heapless::Vec<Frame<K>, 2> =
            open.keys().filter(|other| touch(&frame, other)).take(2).cloned().collect();
        let (mut end, mut start, key) = frame;
        let mut united: Option<W> = None;
        for frame in touched {
            let Some(window) = open.remove(&frame) else { continue };
            (start, end) = (start.min(frame.1), end.max(frame.0));
            match &mut united {
                Some(united) => united.merge(window),
                None => united = Some(window),
            }
        }
        let frame = (end, start, key);
        if let Some(window) = united {
            open.insert(frame.clone(), window);
        }
        frame
    }
}

/// Whether two sessions of one key are one.
fn touch<K: PartialEq>((end, start, key): &Frame<K>, other: &Frame<K>) -> bool {
    other.1 < *end && *start < other.0 && other.2 == *key
}

/// Windows of one length, one step after the other: their starts and ends.
#[derive(Clone, Copy, Debug)]
pub struct Spans {
    start: Timestamp,
    length: Duration,
    step: Duration,
    left: u64,
}

impl Iterator for Spans {
    type Item = (Timestamp, Timestamp);
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let start = self.start;
        self.start = start + self.step;
        Some((start, start + self.length))
    }
}

impl Spans {
    /// Whether there is none left.
    pub(super) fn is_last(&self) -> bool {
        self.left == 0
    }
}
