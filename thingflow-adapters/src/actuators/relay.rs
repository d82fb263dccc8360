//! [`Relay`]: a relay that does not switch too often.

use std::fmt;
use std::time::Duration;

use embedded_hal::digital::{OutputPin, PinState};
use thingflow_core::Instant;

use super::{Actuator, ActuatorError};

/// A relay, with the time for which it stays on or off at least: for compressors, pumps, burners and anything else that
/// frequent switching wears out.
///
/// - Takes truth values: on at `true`. A wish that comes too early waits until the time is over; only the last one
///   counts. If it is then as the relay is already, nothing happens.
/// - The time counts from the last switching, and from the start of the run, since nobody knows what was before: after
///   a loss of power a compressor stays off for its time.
/// - Safe state: off, unless [`safe_on`](Self::safe_on) says otherwise. It does not wait: at the end of the stream, by
///   an error or a stop nobody is left to switch later, so a relay may go off before its time to stay on is over.
/// - Hazards: what hangs on a relay is often the mains; have it wired by somebody who may. A contact can weld: what must go
///   off wants a fuse or a thermostat of its own in series.
///
/// ```
/// use std::time::Duration;
/// use thingflow_adapters::{actuators::{ActuatorInput, relay::Relay}, gpio::SimulatedPin};
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::ListSensor;
/// let pin = SimulatedPin::new();
/// let minute = Duration::from_secs(60);
/// let fridge = Relay::new(pin.clone()).min_off(5 * minute).min_on(2 * minute);
/// let inside = SensorOutput::new(ListSensor::new("inside", [9.0, 9.0, 9.0, 9.0, 9.0, 4.0, 4.0, 4.0]));
/// inside.map(|e| e.val > 7.0).connect(ActuatorInput::new("fridge", fridge));
/// let mut scheduler = Scheduler::virtual_time()?;
/// scheduler.schedule_periodic(inside, minute)?;
/// scheduler.run_for(5 * minute)?;
/// assert!(pin.level()); // wished since the first minute
/// scheduler.run_for(minute)?;
/// assert!(pin.level()); // cold enough, but it runs for two minutes
/// scheduler.run_for(minute)?;
/// assert!(!pin.level());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Driver: any [`OutputPin`].
pub struct Relay<P> {
    pin: P,
    active_low: bool,
    min_on: Duration,
    min_off: Duration,
    safe: bool,
    on: bool,
    /// Whether the last writing failed, so that `on` is a guess.
    unsure: bool,
    /// When it switched last.
    since: Instant,
    /// What is to be done as soon as the time is over.
    wish: Option<bool>,
}

impl<P: OutputPin> Relay<P> {
    /// A relay that is on when its pin is high, and switches at any time.
    pub fn new(pin: P) -> Self {
        Self {
            pin,
            active_low: false,
            min_on: Duration::ZERO,
            min_off: Duration::ZERO,
            safe: false,
            on: false,
            unsure: true,
            since: Instant::ZERO,
            wish: None,
        }
    }

    /// It is on when its pin is low, as most boards with several relays are.
    #[must_use]
    pub fn active_low(mut self) -> Self {
        self.active_low = true;
        self
    }

    /// Once on, it stays on for so long at least.
    #[must_use]
    pub fn min_on(mut self, time: Duration) -> Self {
        self.min_on = time;
        self
    }

    /// Once off, it stays off for so long at least.
    #[must_use]
    pub fn min_off(mut self, time: Duration) -> Self {
        self.min_off = time;
        self
    }

    /// The safe state is on: for a pump that keeps a cellar dry.
    #[must_use]
    pub fn safe_on(mut self) -> Self {
        self.safe = true;
        self
    }

    /// When it may switch again.
    fn free_at(&self) -> Instant {
        self.since + if self.on { self.min_on } else { self.min_off }
    }

    fn settle(&mut self, now: Instant) -> Result<(), ActuatorError<P::Error>> {
        match self.wish {
            Some(on) if now >= self.free_at() => self.switch(on, now),
            _ => Ok(()),
        }
    }

    fn switch(&mut self, on: bool, now: Instant) -> Result<(), ActuatorError<P::Error>> {
        (self.wish, self.unsure, self.since, self.on) = (None, true, now, on);
        self.pin.set_state(PinState::from(on != self.active_low)).map_err(ActuatorError::Bus)?;
        self.unsure = false;
        Ok(())
    }
}

impl<P: OutputPin> Actuator for Relay<P> {
    type Command = bool;
    type Error = ActuatorError<P::Error>;

    fn start(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.switch(self.safe, now)
    }
    fn act(&mut self, on: bool, now: Instant) -> Result<(), Self::Error> {
        self.wish = Some(on).filter(|on| *on != self.on || self.unsure);
        self.settle(now)
    }
    fn due(&self) -> Instant {
        if self.wish.is_some() { self.free_at() } else { Instant::NEVER }
    }
    fn wake(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.settle(now)
    }
    fn make_safe(&mut self) -> Result<(), Self::Error> {
        self.wish = None;
        if self.on == self.safe && !self.unsure {
            return Ok(());
        }
        self.switch(self.safe, self.since)
    }
}

impl<P> fmt::Debug for Relay<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("min_on", &self.min_on).field("min_off", &self.min_off).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actuators::ActuatorInput;
    use crate::gpio::SimulatedPin;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use proptest::prelude::*;
    use std::cell::RefCell;
    use std::rc::Rc;
    use thingflow_core::testing::{ListSensor, Recorder};
    use thingflow_core::{Filters, Port, Scheduler, SensorOutput, StreamError, prelude::Chain};

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// A pin that notes when it is written; `h` is high. Wishes come every second.
    fn run(wishes: &[bool], relay: impl FnOnce(TimedPin) -> Relay<TimedPin>) -> String {
        let (pin, mut scheduler) = (TimedPin::default(), Scheduler::virtual_time().unwrap());
        let wish = SensorOutput::new(ListSensor::new("wish", wishes.to_vec()));
        wish.map(|e| e.val).connect(ActuatorInput::new("relay", relay(pin.clone())));
        scheduler.schedule_periodic(wish, secs(1)).unwrap();
        pin.run(&mut scheduler, wishes.len() as u64);
        pin.seen.timed_text()
    }

    /// Keeps what is written until the end of each millisecond, when a recorder gets it with the time.
    #[derive(Clone)]
    struct TimedPin {
        pin: SimulatedPin,
        seen: Recorder<char>,
        noted: Rc<RefCell<usize>>,
    }

    impl Default for TimedPin {
        fn default() -> Self {
            Self { pin: SimulatedPin::new(), seen: Recorder::new(), noted: Rc::default() }
        }
    }

    impl TimedPin {
        fn run(&self, scheduler: &mut Scheduler, seconds: u64) {
            let port = Port::new();
            port.connect(self.seen.clone());
            for tick in 0..seconds * 10 {
                if tick > 0 {
                    scheduler.run_for(Duration::from_millis(100)).unwrap();
                }
                let at = Instant::ZERO + Duration::from_millis(100 * tick);
                for high in self.pin.writes().drain(..).skip(*self.noted.borrow()) {
                    port.emit(if high { 'h' } else { 'l' }, &mut thingflow_core::Context::detached(at)).unwrap();
                }
                *self.noted.borrow_mut() = self.pin.writes().len();
            }
        }
    }
}
