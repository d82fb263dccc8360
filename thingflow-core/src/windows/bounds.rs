//! Results with the bounds of their window: [`Windowed`].

use core::time::Duration;

use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::state::{Saved, StateVisitor, saves};

/// The result of a window, and which window that was: what a window [with bounds](super::CountWindow::bounds) sends.
///
/// The times are those of the wall clock. A window of time is `[start, end)`, also where the end of the stream has cut it
/// short; `last(d, limit)` is `(start, end]`. One that counts begins with the arrival of its first event and ends with that of its
/// last. Where there is no wall clock, as without a scheduler, the clock's own start counts as 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Windowed<V> {
    /// When the window began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// How many events are in it.
    pub count: u64,
    /// How many of them are left out, because their reading is missing: a NaN.
    pub missing: u64,
    /// Whether the window is complete. Only windows by event time send it in another state.
    pub pane: Pane,
    /// The result.
    pub value: V,
}

/// What a result says of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The window goes on: there will be another result.
    Early,
    /// The window has ended.
    #[default]
    Final,
    /// The window had ended, and a late event has changed it. The result takes the place of all earlier ones, of the same key, whose windows
    /// lie within this one: of windows of a fixed place that is the one with the same bounds, of sessions it may be several that the
    /// event has made one.
    Correction,
}

saves! { [V: Saved] Windowed<V> { start, end, count, missing, pane, value } }

impl Saved for Pane {
    fn blank() -> Self {
        Self::Final
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut number = *self as u8;
        number.on_state(name, state);
        match [Self::Early, Self::Final, Self::Correction].into_iter().find(|pane| *pane as u8 == number) {
            Some(pane) => *self = pane,
            None => state.refuse(name),
        }
    }
}

impl<V> Windowed<V> {
    /// Which share of the events has a reading, from 0 to 1; of no events it is 0.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::windows::Mean;
    /// # #[cfg(feature = "alloc")] {
    /// let gaps = from_iter([20.0, f64::NAN, f64::NAN, 22.0]); // the mark of a missing reading
    /// let mean = gaps.aggregate(Window::tumbling(4).bounds(), Mean::new()).collect_now()[0];
    /// assert_eq!((mean.value, mean.count, mean.missing, mean.coverage()), (21.0, 4, 2, 0.5));
    /// # }
    /// ```
    #[allow(clippy::cast_precision_loss)] // a share
    pub fn coverage(&self) -> f64 {
        let readings = self.count.saturating_sub(self.missing);
        if self.count == 0 { 0.0 } else { readings as f64 / self.count as f64 }
    }

    /// Which share of the readings is there, from 0 to 1, for a sensor that gives one each `period`: events that did not
    /// come count as missing, too. A window shorter than the period expects one.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use thingflow_core::Timestamp;
    /// # use thingflow_core::windows::Windowed;
    /// let (start, end) = (Timestamp::from_secs(0), Timestamp::from_secs(60));
    /// let mean = Windowed { start, end, count: 4, missing: 1, pane: Default::default(), value: 21.0 };
    /// assert_eq!(mean.coverage_at(Duration::from_secs(10)), 0.5); // three of six
    /// ```
    #[allow(clippy::cast_precision_loss)] // a share
    pub fn coverage_at(&self, period: Duration) -> f64 {
        let expected = (self.end - self.start).as_secs_f64() / period.as_secs_f64();
        let readings = self.count.saturating_sub(self.missing);
        (readings as f64 / if expected > 1.0 { expected } else { 1.0 }).clamp(0.0, 1.0)
    }
}

/// How many events a window has, and how many of these are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All events.
    pub count: usize,
    /// Those whose reading is missing.
    pub missing: usize,
}

impl Tally {
    /// Counts an event. A restored count may be anything.
    #[inline]
    pub(super) fn add(&mut self, missing: usize) {
        self.count = self.count.wrapping_add(1);
        self.missing = self.missing.wrapping_add(missing);
    }

    /// Counts the events of another window, too.
    #[cfg(feature = "alloc")]
    pub(super) fn merge(&mut self, other: Self) {
        self.count = self.count.wrapping_add(other.count);
        self.missing = self.missing.wrapping_add(other.missing);
    }
}

/// Whether results carry the bounds of their window: [`Bounds`], or [`Bare`] ones.
pub trait Stamp {
    /// What is sent for a result.
    type Out<U>;
    /// What is kept of the time of an event.
    type Mark: Copy + Saved;
    /// Keeps the time that is so many nanoseconds before another one.
    fn mark(before: u64, at: Instant) -> Self::Mark;
    /// A result of the window from `start` to `end`.
    fn stamp<U>(value: U, start: Self::Mark, end: Instant, tally: Tally, cx: &Context<'_>) -> Self::Out<U>;
    /// Counts an event that `is_missing`, if results say how many there were: 1 or 0.
    fn missing(is_missing: impl FnOnce() -> bool) -> usize;
}

/// Results without bounds.
#[derive(Clone, Copy, Debug)]
pub struct Bare;

impl Stamp for Bare {
    type Out<U> = U;
    type Mark = ();
    #[inline]
    fn mark(_: u64, _: Instant) {}
    #[inline]
    fn stamp<U>(value: U, (): (), _: Instant, _: Tally, _: &Context<'_>) -> U {
        value
    }
    #[inline]
    fn missing(_: impl FnOnce() -> bool) -> usize {
        0
    }
}

/// Results with bounds, as [`Windowed`].
#[derive(Clone, Copy, Debug)]
pub struct Bounds;

impl Stamp for Bounds {
    type Out<U> = Windowed<U>;
    /// A time of the scheduler's clock, and by how many nanoseconds before it the window has begun.
    type Mark = (Instant, u64);
    #[inline]
    fn mark(before: u64, at: Instant) -> (Instant, u64) {
        (at, before)
    }
    fn stamp<U>(value: U, (at, before): Self::Mark, end: Instant, tally: Tally, cx: &Context<'_>) -> Windowed<U> {
        let start = at.signed_nanos() - i128::from(before);
        let [start, end] = [start, end.signed_nanos()].map(|at| wall_clock(at, cx));
        Windowed { start, end, count: tally.count as u64, missing: tally.missing as u64, pane: Pane::Final, value }
    }
    #[inline]
    fn missing(is_missing: impl FnOnce() -> bool) -> usize {
        usize::from(is_missing())
    }
}

/// Nanoseconds of the wall clock now; the scheduler's own clock where there is none.
pub(super) fn wall_clock_now(cx: &Context<'_>) -> i128 {
    match cx.timestamp() {
        Timestamp::UNIX_EPOCH => cx.now().signed_nanos(),
        wall_clock => i128::from(wall_clock.as_nanos()),
    }
}

/// The time of the wall clock at one of the scheduler's clock.
fn wall_clock(at: i128, cx: &Context<'_>) -> Timestamp {
    let nanos = wall_clock_now(cx) + at - cx.now().signed_nanos();
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
}
