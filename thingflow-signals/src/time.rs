//! The times of events: [`Timed`], and how much time lies between two of them.

use thingflow_core::windows::Carrier;
use thingflow_core::{Context, Instant, Saved, SensorEvent, StateVisitor, Timestamp};

/// An event that has a time: a sensor event its own, a plain number that of its arrival.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no time",
    note = "numbers and sensor events have one; of readings with several values take one: `.map(|event| event.map(|reading| reading.lux))`"
)]
pub trait Timed: Carrier {
    /// The time, on a line that is only good for differences.
    fn instant(&self, cx: &Context<'_>) -> Instant;
}

impl<T> Timed for SensorEvent<T> {
    #[inline]
    fn instant(&self, _: &Context<'_>) -> Instant {
        on_line(self.ts)
    }
}

macro_rules! plain {
    ($($number:ty)*) => {$(
        impl Timed for $number {
            #[inline]
            fn instant(&self, cx: &Context<'_>) -> Instant {
                cx.now()
            }
        }
    )*};
}
plain!(f32 f64 i8 i16 i32 i64 isize u8 u16 u32 u64 usize bool);

/// A wall-clock time as a point on a line that begins in 1677, where all times are positive.
pub(crate) const fn on_line(ts: Timestamp) -> Instant {
    Instant::from_nanos((ts.as_nanos() as u64) ^ (1 << 63))
}

/// Shows a time to a walk over the state: that of a sensor event stays what it is, that of the scheduler's clock follows that clock.
pub(crate) fn on_state(time: &mut Option<Instant>, name: &str, state: &mut dyn StateVisitor) {
    let mut is_some = time.is_some();
    is_some.on_state(name, state);
    let mut at = time.take().unwrap_or(Instant::ZERO);
    if is_some {
        let mut is_events = at >= EVENTS;
        is_events.on_state(name, state);
        if is_events {
            let mut nanos = at.as_nanos();
            nanos.on_state(name, state);
            at = Instant::from_nanos(nanos);
        } else {
            at.on_state(name, state);
        }
        *time = Some(at);
    }
}

/// No clock of a scheduler has run for 73 years, and no event is from before 1750.
const EVENTS: Instant = Instant::from_nanos(1 << 61);

/// Seconds from one sample to the next, which tell of a time that goes back.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Elapsed(Option<Instant>);

impl Elapsed {
    /// Seconds since the call before, 0 or more; `None` at the first call, and where the time has gone back.
    pub(crate) fn since_last(&mut self, at: Instant) -> Option<f64> {
        let before = self.0.replace(at)?;
        (before <= at).then(|| at.since(before).as_secs_f64())
    }

    /// Shows the time of the call before. Any time is a valid one, but nobody can say how long ago it was where that is not known.
    pub(crate) fn state(&mut self, state: &mut dyn StateVisitor) {
        on_state(&mut self.0, "time before", state);
        self.0.take_if(|before| before.is_long_ago());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_keeps_order_and_distance() {
        let times = [i64::MIN, -5, 0, 7, i64::MAX].map(|nanos| on_line(Timestamp::from_nanos(nanos)));
        assert!(times.is_sorted());
        assert_eq!(times[3].since(times[1]).as_nanos(), 12);
        assert_eq!(times[0], Instant::ZERO);
    }

    #[test]
    fn a_time_that_goes_back_has_no_distance() {
        let mut elapsed = Elapsed::default();
        let at = |secs: u64| Instant::from_nanos(secs * 1_000_000_000);
        assert_eq!(
            [5, 7, 7, 3, 4].map(|secs| elapsed.since_last(at(secs))),
            [None, Some(2.0), Some(0.0), None, Some(1.0)]
        );
    }
}
