//! [`Moment`]: when an event happened, on the clock that nobody sets.

use core::time::Duration;

use thingflow_core::{Context, Instant, SensorEvent, Timestamp};

/// When an event happened. Events carry the wall clock's time, which may be set between two of them; what lasted from one to
/// the other is measured on the scheduler's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// As the event says.
    pub(crate) ts: Timestamp,
    /// When we saw it.
    pub(crate) seen: Instant,
    /// When it happened on the scheduler's clock, unless its time does not fit what the wall clock shows now.
    happened: Option<Instant>,
}

/// No event waits for longer until it is seen.
const LONGEST_WAIT: i64 = 60_000_000_000;

impl Moment {
    pub(crate) fn of<T>(event: &SensorEvent<T>, cx: &Context<'_>) -> Self {
        let (ts, seen) = (event.ts, cx.now());
        let age = cx.timestamp().as_nanos().saturating_sub(ts.as_nanos());
        // One from the future: the clock has been set back, or the two were read one after the other.
        let waited = u64::try_from(age.max(0)).unwrap_or_default();
        let happened = seen.as_nanos().checked_sub(waited).filter(|_| age <= LONGEST_WAIT).map(Instant::from_nanos);
        Self { ts, seen, happened }
    }

    /// Time since an earlier event; zero if it is not earlier.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        match (earlier.happened, self.happened) {
            // Seen together, or events of a recording: theirs is the only time there is.
            _ if earlier.seen == self.seen => self.ts - earlier.ts,
            (Some(from), Some(to)) if from <= to => to.since(from),
            _ => self.seen.since(earlier.seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;
    use thingflow_core::prelude::*;
    use thingflow_core::{Closed, Sink, VirtualClock};

    /// Notes when each event happened.
    struct Noted(Rc<RefCell<Vec<Moment>>>);

    impl Sink for Noted {
        type Event = SensorEvent<()>;
        fn on_next(&mut self, event: SensorEvent<()>, cx: &mut Context<'_>) -> Receipt {
            self.0.borrow_mut().push(Moment::of(&event, cx));
            Ok(Demand::More)
        }
        fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
            Ok(())
        }
        fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
            Ok(())
        }
    }

    const HOUR: i64 = 3_600_000;

    /// What is measured from event to event, in milliseconds, if each comes at the first time and carries the second.
    fn lasted(events: &[(u64, i64)]) -> Vec<u128> {
        let moments = Rc::new(RefCell::new(Vec::new()));
        let clock = VirtualClock::starting_at(Timestamp::from_secs(1_000_000));
        let mut scheduler = Scheduler::with_clock(clock).unwrap();
        let port = Port::new();
        port.connect(Noted(moments.clone()));
        for (at, ts) in events {
            let ts = Timestamp::from_millis(1_000_000_000 + ts);
            let event = from_iter([SensorEvent::new("bell", ts, ())]).connect(port.clone());
            scheduler.schedule_later_one_time(event, Duration::from_millis(*at)).unwrap();
        }
        scheduler.run_forever().unwrap();
        moments.borrow().windows(2).map(|pair| pair[1].since(&pair[0]).as_millis()).collect()
    }

    #[test]
    fn f40_a_clock_that_is_set_does_not_change_what_lasted() {
        assert_eq!(lasted(&[(0, 0), (100, HOUR + 100), (300, HOUR + 300)]), [100, 200]);
        assert_eq!(lasted(&[(0, 0), (100, 100 - HOUR), (300, 300 - HOUR)]), [100, 200]);
    }

    #[test]
    fn events_that_had_to_wait_lasted_as_they_say() {
        assert_eq!(lasted(&[(0, 0), (3000, 100), (3000, 150)]), [100, 50]);
    }
}
