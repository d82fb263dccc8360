//! [`EventWindow`]: windows by the time that stands in the events, and not by that of their arrival.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use super::by_event_time::{ByEventTime, Gathered};
use super::by_key::{KeyedBy, Keying, SavedKey, Unkeyed};
use super::framing::{Framing, Hops, Periods};
use super::gather::{Limited, Peek};
use super::window::Assigner;
use crate::clock::{Timestamp, nanos};
use crate::limit::QueueMeter;
use crate::size::Size;
use crate::state::Saved;
use crate::thing::InputThing;

/// In how many windows an event may be at most, where windows overlap.
const MOST_OVERLAPS: u64 = 1024;

/// Made by [`Window::event_time`](super::Window::event_time), [`Window::calendar`](super::Window::calendar) and
/// [`Window::session`](super::Window::session).
pub struct EventWindow<T, F, C, Q = Unkeyed> {
    pub(super) time: F,
    pub(super) key: Q,
    pub(super) framing: C,
    /// How long a window is kept for late events after it has been sent.
    pub(super) kept: Duration,
    pub(super) early: Option<Duration>,
    pub(super) most: usize,
    pub(super) late: Option<Box<dyn InputThing<T>>>,
    pub(super) meter: QueueMeter,
}

impl<T, F: FnMut(&T) -> Timestamp, C> EventWindow<T, F, C> {
    pub(super) fn new(framing: C, time: F) -> Self {
        let (kept, early, late, meter) = (Duration::ZERO, None, None, QueueMeter::default());
        Self { time, key: Unkeyed, framing, kept, early, most: 1024, late, meter }
    }

    /// Makes windows for each key on its own: for each sensor by `|event| event.sensor_id`. They are complete together, when the watermark
    /// of the stream has reached their end.
    ///
    /// What is in them is not part of the state that a walk saves; see [`by_saved_key`](Self::by_saved_key).
    #[doc(alias = "group_by")]
    pub fn by_key<K, Q: FnMut(&T) -> K>(self, key: Q) -> EventWindow<T, F, C, KeyedBy<Q>> {
        self.keyed(KeyedBy(key))
    }

    /// As [`by_key`](Self::by_key), by a key that can be saved, a number or a [`SensorId`](crate::SensorId): a walk that saves the
    /// state of the graph saves what is in the windows, too.
    pub fn by_saved_key<K: Saved, Q: FnMut(&T) -> K>(self, key: Q) -> EventWindow<T, F, C, SavedKey<Q>> {
        self.keyed(SavedKey(key))
    }

    fn keyed<Q>(self, key: Q) -> EventWindow<T, F, C, Q> {
        let Self { time, framing, kept, early, most, late, meter, .. } = self;
        EventWindow { time, key, framing, kept, early, most, late, meter }
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

impl<T, F: FnMut(&T) -> Timestamp, Q> EventWindow<T, F, Periods, Q> {
    /// Has a window begin at each multiple of `step` since 1970 UTC, so that windows overlap: an event is in each that it lies in.
    ///
    /// # Panics
    /// If the step is zero, or does not divide the length, or an event were in more than 1,024 windows.
    #[doc(alias = "hopping")]
    #[track_caller]
    #[must_use]
    pub fn every(self, step: Duration) -> EventWindow<T, F, Hops, Q> {
        let Self { time, key, framing: Periods(length), kept, early, most, late, meter } = self;
        let fits = !step.is_zero() && nanos(length).is_multiple_of(nanos(step));
        assert!(fits, "windows of {length:?} every {step:?}: the step divides the length");
        let windows = nanos(length) / nanos(step);
        assert!(
            windows <= MOST_OVERLAPS,
            "windows of {length:?} every {step:?}: an event would be in {windows} of them; use a longer step, by which it is \
             in {MOST_OVERLAPS} at most"
        );
        EventWindow { time, key, framing: Hops { length, step }, kept, early, most, late, meter }
    }
}

impl<T, F, C, Q, G> Assigner<T, G> for EventWindow<T, F, C, Q>
where
    F: FnMut(&T) -> Timestamp,
    C: Framing<Gathered<T, G>>,
    Q: Keying<T>,
    G: Peek<T> + Limited,
    G::Kept: Clone,
{
    type Filter = ByEventTime<T, F, C, Q, G>;
    /// # Panics
    /// If the gatherer would have its source pause: what ends a window is the watermark, which comes with the events.
    #[track_caller]
    fn assign(self, gather: G) -> Self::Filter {
        assert!(
            !gather.waits(),
            "a window by event time cannot have its source wait: use another limit than Limit::block"
        );
        ByEventTime::new(self, gather)
    }
}

impl<T, F, C: fmt::Debug, Q> fmt::Debug for EventWindow<T, F, C, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWindow").field("framing", &self.framing).finish_non_exhaustive()
    }
}
