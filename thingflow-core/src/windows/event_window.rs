//! [`EventWindow`]: windows by the time that stands in the events, and not by that of their arrival.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use super::aggregates::Aggregate;
use super::by_event_time::ByEventTime;
use super::gather::Values;
use super::window::Assigner;
use crate::clock::{Timestamp, nanos};
use crate::limit::QueueMeter;
use crate::measure::Carrier;
use crate::size::Size;
use crate::thing::InputThing;

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
        let length = i64::try_from(nanos(self.0)).unwrap_or(i64::MAX);
        let start = Timestamp::from_nanos(at.as_nanos().saturating_sub(at.as_nanos().rem_euclid(length)));
        (start, start + self.0)
    }
}

/// Made by [`Window::event_time`](super::Window::event_time) and [`Window::calendar`](super::Window::calendar).
pub struct EventWindow<T, F, C, Q = fn(&T)> {
    pub(super) time: F,
    pub(super) key: Q,
    pub(super) calendar: C,
    /// How often a window begins, where windows overlap.
    pub(super) step: Option<Duration>,
    /// How long a window is kept for late events after it has been sent.
    pub(super) kept: Duration,
    pub(super) early: Option<Duration>,
    pub(super) most: usize,
    pub(super) late: Option<Box<dyn InputThing<T>>>,
    pub(super) meter: QueueMeter,
}

impl<T, F: FnMut(&T) -> Timestamp, C> EventWindow<T, F, C> {
    pub(super) fn new(calendar: C, time: F) -> Self {
        let (step, early, late) = (None, None, None);
        Self {
            time,
            key: |_| {},
            calendar,
            step,
            kept: Duration::ZERO,
            early,
            most: 1024,
            late,
            meter: QueueMeter::default(),
        }
    }

    /// Makes windows for each key on its own: for each sensor by `|event| event.sensor_id`. They are complete together, when the watermark
    /// of the stream has reached their end.
    #[doc(alias = "group_by")]
    pub fn by_key<K, Q: FnMut(&T) -> K>(self, key: Q) -> EventWindow<T, F, C, Q> {
        let Self { time, calendar, step, kept, early, most, late, meter, .. } = self;
        EventWindow { time, key, calendar, step, kept, early, most, late, meter }
    }
}

impl<T, F: FnMut(&T) -> Timestamp, C, Q> EventWindow<T, F, C, Q> {
    /// Keeps a window for so long after the watermark has passed its end: a late event then changes it, and its result is sent again as a
    /// [correction](super::Pane::Correction). By default it is not kept.
    #[doc(alias = "allowed_lateness")]
    #[must_use]
    pub fn corrections(self, kept: Duration) -> Self {
        Self { kept, ..self }
    }

    /// Sends what there is of windows that are not complete, at this interval of the scheduler's clock, as far as there is something
    /// new: [early](super::Pane::Early) results.
    ///
    /// # Panics
    /// If the interval is zero.
    #[track_caller]
    #[must_use]
    pub fn early(self, interval: Duration) -> Self {
        assert!(!interval.is_zero(), "early results at an interval of no time: use 1 ns or more");
        Self { early: Some(interval), ..self }
    }

    /// Sends events that come too late for one of their windows to a Thing, a port for instance. They are counted as dropped
    /// by the [meter](Self::metered) either way.
    #[must_use]
    pub fn late_to(self, late: impl InputThing<T> + 'static) -> Self {
        Self { late: Some(Box::new(late)), ..self }
    }

    /// Shows from outside how many events came, how many were too late, and how many windows were ever open at once.
    #[must_use]
    pub fn metered(self, meter: &QueueMeter) -> Self {
        Self { meter: meter.clone(), ..self }
    }

    /// Has at most so many windows open at once, by default 1,024: when there would be more, the one that ends first is sent as it
    /// is, and what comes for it later is late.
    #[track_caller]
    #[must_use]
    pub fn at_most(self, windows: impl Into<Size>) -> Self {
        Self { most: windows.into().get(), ..self }
    }
}

impl<T, F: FnMut(&T) -> Timestamp> EventWindow<T, F, Periods> {
    /// Has a window begin at each multiple of `step` since 1970 UTC, so that windows overlap: an event is in each that it lies in.
    ///
    /// # Panics
    /// If the step is zero, or does not divide the length.
    #[doc(alias = "hopping")]
    #[track_caller]
    #[must_use]
    pub fn every(self, step: Duration) -> Self {
        let fits = !step.is_zero() && nanos(self.calendar.0).is_multiple_of(nanos(step));
        assert!(fits, "windows of {:?} every {step:?}: the step divides the length", self.calendar.0);
        Self { step: Some(step), ..self }
    }
}

impl<T, F, C, Q, K, A> Assigner<T, Values<A>> for EventWindow<T, F, C, Q>
where
    T: Carrier<Value: Clone>,
    F: FnMut(&T) -> Timestamp,
    C: Calendar,
    Q: FnMut(&T) -> K,
    K: Ord + Clone,
    A: Aggregate<T::Value> + Clone,
{
    type Filter = ByEventTime<T, F, C, Q, K, Values<A>>;
    fn assign(self, gather: Values<A>) -> Self::Filter {
        ByEventTime::new(self, gather)
    }
}

impl<T, F, C: fmt::Debug, Q> fmt::Debug for EventWindow<T, F, C, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWindow")
            .field("calendar", &self.calendar)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
