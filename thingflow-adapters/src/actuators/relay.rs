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
///   an error or a stop nobody is left to switch later, so a relay may go off before its time to stay on is over. Nor does
///   it when no command has come for [so long](super::ActuatorInput::safe_after).
/// - A switching that failed is tried again without a wait when the same is told once more.
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
        if self.unsure && self.wish == Some(self.on) {
            return self.since; // what failed is no switching that has to be waited for
        }
        self.since + if self.on { self.min_on } else { self.min_off }
    }

    fn settle(&mut self, now: Instant) -> Result<(), ActuatorError<P::Error>> {
        match self.wish {
            Some(on) if now >= self.free_at() => self.switch(on, now),
            _ => Ok(()),
        }
    }

    fn go_safe(&mut self, now: Instant) -> Result<(), ActuatorError<P::Error>> {
        self.wish = None;
        if self.on == self.safe && !self.unsure {
            return Ok(());
        }
        self.switch(self.safe, now)
    }

    fn switch(&mut self, on: bool, now: Instant) -> Result<(), ActuatorError<P::Error>> {
        (self.wish, self.unsure, self.since, self.on) = (None, true, now, on);
        self.pin.set_state(PinState::from(on != self.active_low)).map_err(ActuatorError::bus)?;
        self.unsure = false;
        Ok(())
    }
}

impl<P: OutputPin<Error: Send + Sync + 'static>> Actuator for Relay<P> {
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
        self.go_safe(self.since)
    }
    fn expire(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.go_safe(now)
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
    use embedded_hal::digital::ErrorType;
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use proptest::prelude::*;
    use std::cell::{Cell, RefCell};
    use std::convert::Infallible;
    use std::io::ErrorKind;
    use std::rc::Rc;
    use thingflow_core::testing::ListSensor;
    use thingflow_core::{Context, Elementwise, InputThing, Notice, Scheduler, SensorOutput, prelude::Chain};

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// What the pin is at each half second, with wishes at each second: `1` on, `.` off.
    fn levels(wishes: &str, relay: impl FnOnce(Relay<SimulatedPin>) -> Relay<SimulatedPin>) -> String {
        let (pin, mut scheduler) = (SimulatedPin::new(), Scheduler::virtual_time().unwrap());
        let wish = SensorOutput::new(ListSensor::new("wish", wishes.chars().map(|c| c == '1').collect::<Vec<_>>()));
        wish.map(|e| e.val).connect(ActuatorInput::new("relay", relay(Relay::new(pin.clone()))));
        scheduler.schedule_periodic(wish, secs(1)).unwrap();
        let step = |_| {
            scheduler.run_for(Duration::from_millis(500)).unwrap();
            if pin.level() { '1' } else { '.' }
        };
        (0..2 * wishes.len()).map(step).collect()
    }

    #[test]
    fn switches_at_once_without_times() {
        assert_eq!(levels("1.1", |relay| relay), ".11..1");
    }

    #[test]
    fn stays_off_after_the_start_and_on_after_switching() {
        let times = |relay: Relay<_>| relay.min_off(Duration::from_millis(2500)).min_on(secs(2));
        assert_eq!(levels("11......", times), "....1111........");
    }

    #[test]
    fn only_the_last_wish_counts() {
        assert_eq!(levels("1.1.1.....", |relay| relay.min_off(secs(4))), "....................");
        assert_eq!(levels("..1.1...", |relay| relay.min_on(secs(10))), ".....11111111111");
    }

    #[test]
    fn does_not_wait_with_its_safe_state() {
        let talk = [State::Low, State::High, State::Low].map(Transaction::set);
        let mut pin = Mock::new(&talk);
        let mut relay = ActuatorInput::new("relay", Relay::new(pin.clone()).min_on(secs(60)));
        let _ = relay.notice(Notice::Start, &mut Context::detached(Instant::ZERO)).unwrap();
        let cx = &mut Context::detached(Instant::ZERO + secs(1));
        relay.next(true, cx).unwrap();
        relay.next(false, cx).unwrap(); // waits
        let _ = relay.notice(Notice::Completed, cx).unwrap();
        drop(relay);
        pin.done();
        let mut pin = Mock::new(&talk);
        let mut relay = Relay::new(pin.clone()).active_low().safe_on();
        relay.start(Instant::ZERO).unwrap();
        relay.act(false, Instant::ZERO).unwrap();
        relay.make_safe().unwrap();
        pin.done();
    }

    #[test]
    fn after_a_failure_the_next_wish_is_written_whatever_it_is() {
        let lost = Transaction::set(State::High).with_error(MockError::Io(ErrorKind::TimedOut));
        let mut pin = Mock::new(&[Transaction::set(State::Low), lost, Transaction::set(State::High)]);
        let mut relay = Relay::new(pin.clone()).min_on(secs(5));
        relay.start(Instant::ZERO).unwrap();
        relay.act(true, Instant::ZERO).unwrap_err();
        assert_eq!(relay.due(), Instant::NEVER); // nobody tries for ever
        relay.act(false, Instant::ZERO + secs(1)).unwrap(); // it may be on, so it waits
        assert_eq!(relay.due(), Instant::ZERO + secs(5));
        relay.act(true, Instant::ZERO + secs(2)).unwrap();
        assert_eq!(relay.due(), Instant::NEVER);
        pin.done();
    }

    #[test]
    fn f70_what_could_not_be_switched_off_is_switched_off_as_soon_as_it_can_be() {
        let pin = SimulatedPin::new();
        let mut relay = Relay::new(pin.clone()).min_off(secs(300));
        relay.start(Instant::ZERO).unwrap();
        relay.act(true, Instant::ZERO + secs(300)).unwrap();
        pin.break_with("remote I/O error");
        relay.act(false, Instant::ZERO + secs(400)).unwrap_err();
        pin.mend();
        relay.act(false, Instant::ZERO + secs(401)).unwrap();
        assert_eq!(pin.writes(), [false, true, false]);
    }

    #[test]
    fn f70_switched_off_by_a_silence_it_stays_off_for_its_time() {
        let pin = SimulatedPin::new();
        let mut relay = ActuatorInput::new("fridge", Relay::new(pin.clone()).min_off(secs(10))).safe_after(secs(3));
        let at = |seconds| Context::detached(Instant::ZERO + secs(seconds));
        let _ = relay.notice(Notice::Start, &mut at(0)).unwrap();
        relay.next(true, &mut at(20)).unwrap();
        let _ = relay.notice(Notice::Wake, &mut at(23)).unwrap();
        assert_eq!(pin.writes(), [false, true, false]);
        relay.next(true, &mut at(31)).unwrap();
        let _ = relay.notice(Notice::Wake, &mut at(32)).unwrap();
        assert!(!pin.level()); // for 9 s only
        relay.next(true, &mut at(33)).unwrap();
        assert!(pin.level());
    }

    /// Notes when it is written.
    #[derive(Clone, Default)]
    struct Noted(Rc<Cell<Instant>>, Rc<RefCell<Vec<(Instant, bool)>>>);

    impl ErrorType for Noted {
        type Error = Infallible;
    }
    impl OutputPin for Noted {
        fn set_low(&mut self) -> Result<(), Infallible> {
            self.1.borrow_mut().push((self.0.get(), false));
            Ok(())
        }
        fn set_high(&mut self) -> Result<(), Infallible> {
            self.1.borrow_mut().push((self.0.get(), true));
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn never_switches_too_early_and_ends_as_wished(
            wishes in proptest::collection::vec((0_u64..4, any::<bool>(), any::<bool>()), 1..40),
            (min_on, min_off) in (0_u64..6, 0_u64..6),
        ) {
            let pin = Noted::default();
            let mut relay = ActuatorInput::new("relay", Relay::new(pin.clone()).min_on(secs(min_on)).min_off(secs(min_off)));
            let mut now = Instant::ZERO;
            let _ = relay.notice(Notice::Start, &mut Context::detached(now)).unwrap();
            for (wait, wish, woken) in &wishes {
                now = now + secs(*wait);
                pin.0.set(now);
                let cx = &mut Context::detached(now);
                if *woken {
                    let _ = relay.notice(Notice::Wake, cx).unwrap();
                }
                relay.next(*wish, cx).unwrap();
            }
            now = now + secs(6);
            pin.0.set(now);
            let _ = relay.notice(Notice::Wake, &mut Context::detached(now)).unwrap();
            let seen = pin.1.borrow().clone();
            prop_assert_eq!(seen.last().map(|(_, on)| *on), wishes.last().map(|(_, wish, _)| *wish));
            for pair in seen.windows(2) {
                prop_assert_ne!(pair[0].1, pair[1].1);
                let least = secs(if pair[0].1 { min_on } else { min_off });
                prop_assert!(pair[1].0.since(pair[0].0) >= least);
            }
        }
    }
}
