//! Results with the bounds of their window: [`Windowed`].

use crate::clock::{Instant, Timestamp};
use crate::context::Context;

/// What was made of a window, and which window that was: what a window [with bounds](super::CountWindow::bounds) sends.
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
    /// The result.
    pub value: V,
}

/// Whether results carry the bounds of their window: [`Bounds`], or [`Bare`] ones.
pub trait Stamp {
    /// What is sent for a result.
    type Out<U>;
    /// What is kept of the time of an event.
    type Mark: Copy;
    /// Keeps the time that is so many nanoseconds before another one.
    fn mark(before: u64, at: Instant) -> Self::Mark;
    /// A result of the window from `start` to `end`.
    fn stamp<U>(value: U, start: Self::Mark, end: Instant, count: usize, cx: &Context<'_>) -> Self::Out<U>;
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
    fn stamp<U>(value: U, (): (), _: Instant, _: usize, _: &Context<'_>) -> U {
        value
    }
}

/// Results with bounds, as [`Windowed`].
#[derive(Clone, Copy, Debug)]
pub struct Bounds;

impl Stamp for Bounds {
    type Out<U> = Windowed<U>;
    /// Nanoseconds of the scheduler's clock, on which a window may have begun before its start.
    type Mark = i128;
    #[inline]
    fn mark(before: u64, at: Instant) -> i128 {
        i128::from(at.as_nanos()) - i128::from(before)
    }
    fn stamp<U>(value: U, start: i128, end: Instant, count: usize, cx: &Context<'_>) -> Windowed<U> {
        let [start, end] = [start, i128::from(end.as_nanos())].map(|at| wall_clock(at, cx));
        Windowed { start, end, count: count as u64, value }
    }
}

/// Nanoseconds of the wall clock now; the scheduler's own clock where there is none.
pub(super) fn wall_clock_now(cx: &Context<'_>) -> i128 {
    match cx.timestamp() {
        Timestamp::UNIX_EPOCH => i128::from(cx.now().as_nanos()),
        wall_clock => i128::from(wall_clock.as_nanos()),
    }
}

/// The time of the wall clock at one of the scheduler's clock.
fn wall_clock(at: i128, cx: &Context<'_>) -> Timestamp {
    let nanos = wall_clock_now(cx) + at - i128::from(cx.now().as_nanos());
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
}
