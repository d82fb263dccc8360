//! `hold_until_clock_is_set(longest, limit)`: hold events back until their wall time is known.
//!
//! Holds up to `limit` events.

use core::time::Duration;

use crate::clock::{Instant, Timestamp};
use crate::error::StreamError;
use crate::kit::Holding;
use crate::limit::Limit;
use crate::moment::{Dated, WallClock};
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::storage::Growing;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// How often the clock is looked at while it is not set.
const LOOK: Duration = Duration::from_secs(1);

/// Made by [`hold_until_clock_is_set`](super::Timing::hold_until_clock_is_set).
#[derive(Clone, Debug)]
pub struct HoldUntilClockIsSet<T> {
    longest: Duration,
    /// When waiting ends, whether or not the clock has been set.
    until: Option<Instant>,
    held: Holding<Dated<T>, Growing<Dated<T>>>,
}

impl<T> HoldUntilClockIsSet<T> {
    pub(super) fn new(longest: Duration, limit: Limit) -> Self {
        Self { longest, until: None, held: Holding::new(limit) }
    }

    /// Whether there is nothing to wait for any more.
    fn is_over(&self, clock: &WallClock) -> bool {
        clock.is_set || self.until.is_some_and(|until| until <= clock.at)
    }

    fn send(&mut self, clock: &WallClock, out: &mut Emitter<'_, '_, impl InputThing<Dated<T>>>) -> Receipt {
        let over = self.is_over(clock);
        self.held.send(usize::MAX, |_, _| over, |dated| dated.settled(clock), out)
    }

    /// Asks for the next look at the clock, or for room downstream.
    fn wait(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Dated<T>>>) {
        let until = self.until.unwrap_or(Instant::NEVER);
        self.held.wait(|_, now| if until <= now { now } else { until.min(now + LOOK) }, out);
    }
}

impl<T> Filter<T> for HoldUntilClockIsSet<T> {
    type Out = Dated<T>;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Dated<T>>>) -> Receipt {
        let _ = out.context().wall_clock(); // from now on the clock is watched
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Dated<T>>>) -> Receipt {
        let (clock, moment) = (out.context().wall_clock(), out.context().moment());
        if self.until.is_none() && !clock.is_set {
            self.until = Some(if out.context().drains() { clock.at + self.longest } else { clock.at });
        }
        let demand = self.send(&clock, out)?;
        if demand == Demand::Done {
            return Ok(demand);
        }
        let mut dated = Dated::new(moment, event);
        if self.is_over(&clock) {
            match self.held.pass(dated, out) {
                Ok(receipt) => return Ok(demand.and(receipt?)),
                Err(back) => dated = back,
            }
        }
        let room = self.held.hold(dated, "hold_until_clock_is_set", |dated| dated.settled(&clock), out)?;
        if room != Demand::Done {
            self.wait(out);
        }
        Ok(demand.and(room))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Dated<T>>>) -> Receipt {
        let clock = out.context().wall_clock();
        let demand = self.send(&clock, out)?;
        if demand != Demand::Done {
            self.wait(out);
        }
        self.held.follow(demand, out)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<Dated<T>>>) -> Receipt {
        self.held.on_watermark(watermark, out)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Dated<T>>>) -> Closed {
        if self.held.may_wait(out) {
            return self.on_wake(out).map(drop);
        }
        let clock = out.context().wall_clock();
        self.held.flush(|dated| dated.settled(&clock), out)
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Dated<T>>>) -> Closed {
        let clock = out.context().wall_clock();
        self.held.fail(error, |dated| dated.settled(&clock), out)
    }
    fn has_room(&self, _: bool) -> bool {
        self.held.has_room()
    }
    fn is_draining(&self) -> bool {
        self.held.is_draining()
    }
    fn is_holding(&self) -> bool {
        self.held.is_holding()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.held.is_holding() {
            state.unsaved("hold_until_clock_is_set");
        }
    }
}

impl<T: Saved> SavedEvents for HoldUntilClockIsSet<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.until.on_state("until", state);
        self.held.on_events("events", state);
    }
}
