//! [`button`]: a push button, whose bouncing contact makes clean events.

use core::fmt;
use core::time::Duration;

use embedded_hal::digital::InputPin;
use thingflow_core::{
    Chain, Demand, DriverError, Emitter, Filter, Flow, Identity, InputThing, Instant, Receipt, SampleError, Sampled,
    Sensor, SensorEvent, SensorId, Then, Visitor,
};

/// A button between a pin and ground, with the pull-up switched on. Sample it every 5 ms.
///
/// ```
/// use core::time::Duration;
/// use embedded_hal::digital::InputPin;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::button::{Press, button};
/// fn doorbell<P: InputPin<Error: Send + Sync> + 'static>(pin: P) -> Result<(), Box<dyn std::error::Error>> {
///     let scheduler = Scheduler::new()?;
///     let presses = button("bell", pin).filter(|e: &SensorEvent<Press>| e.val == Press::Pressed);
///     scheduler.schedule_periodic(presses.connect(call(|_| println!("ding dong"))), Duration::from_millis(5))?;
///     Ok(())
/// }
/// ```
pub fn button<P: InputPin<Error: Send + Sync + 'static>>(
    id: impl Into<SensorId>,
    pin: P,
) -> Flow<Sampled<PinLevel<P>>, Then<Identity, Presses>> {
    Flow::new(Sampled::new(PinLevel::new(id, pin).active_low())).pipe(Presses::new())
}

/// The level of a pin, as a sensor: true if it is high.
///
/// Under Linux the GPIO adapter tells of changes as they happen, which needs no sampling.
#[derive(Clone, Debug)]
pub struct PinLevel<P> {
    id: SensorId,
    pin: P,
    active_low: bool,
}

impl<P: InputPin> PinLevel<P> {
    /// The level of `pin`.
    pub fn new(id: impl Into<SensorId>, pin: P) -> Self {
        Self { id: id.into(), pin, active_low: false }
    }

    /// True if the pin is low, as a button that connects to ground makes it.
    #[must_use]
    pub fn active_low(self) -> Self {
        Self { active_low: true, ..self }
    }
}

impl<P: InputPin<Error: Send + Sync + 'static>> Sensor for PinLevel<P> {
    type Reading = bool;
    type Error = DriverError<P::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<bool, SampleError<Self::Error>> {
        Ok(self.pin.is_high().map_err(DriverError)? != self.active_low)
    }
}

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// It has been pressed.
    Pressed,
    /// It has been held for long; once for each press.
    Long,
    /// It has been let go, after this time.
    Released(Duration),
}

/// Levels of a button, true for pressed, to what they mean.
///
/// A contact bounces for some milliseconds, so a level counts once it has been the same for so many samples in a row:
/// four, which are 20 ms if it is sampled every 5 ms.
///
/// ```
/// use thingflow_core::{SensorEvent, prelude::*};
/// use thingflow_sensors::button::{Press, Presses};
/// let levels = [true, false, true, true, true, true, false];
/// let levels = levels.map(|on| SensorEvent::new("bell", Timestamp::UNIX_EPOCH, on));
/// let presses = from_iter(levels).pipe(Presses::new().samples(3)).map(|e: SensorEvent<Press>| e.val).collect_now();
/// assert_eq!(presses, [Press::Pressed]);
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct Presses {
    samples: u16,
    long: Duration,
    /// How many samples in a row differ from the state.
    differing: u16,
    pressed: Option<Held>,
}

#[derive(Clone, Copy)]
struct Held {
    since: Instant,
    told: bool,
}

impl Presses {
    /// Four samples for a level, a second for a long press.
    pub const fn new() -> Self {
        Self { samples: 4, long: Duration::from_secs(1), differing: 0, pressed: None }
    }

    /// How many samples in a row a level must last. One: it does not bounce.
    pub const fn samples(self, samples: u16) -> Self {
        Self { samples, ..self }
    }

    /// How long a press is a long one.
    pub const fn long(self, long: Duration) -> Self {
        Self { long, ..self }
    }

    fn press(&mut self, down: bool, now: Instant) -> Option<Press> {
        self.differing = if down == self.pressed.is_some() { 0 } else { self.differing + 1 };
        if self.differing > 0 && self.differing >= self.samples {
            self.differing = 0;
            return Some(match self.pressed.take() {
                Some(held) => Press::Released(now.since(held.since)),
                None => {
                    self.pressed = Some(Held { since: now, told: false });
                    Press::Pressed
                }
            });
        }
        let held = self.pressed.as_mut().filter(|held| !held.told && now.since(held.since) >= self.long)?;
        held.told = true;
        Some(Press::Long)
    }
}

impl Default for Presses {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Presses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presses({})", if self.pressed.is_some() { "pressed" } else { "released" })
    }
}

impl Filter<SensorEvent<bool>> for Presses {
    type Out = SensorEvent<Press>;

    fn on_next(
        &mut self,
        event: SensorEvent<bool>,
        out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<Press>>>,
    ) -> Receipt {
        match self.press(event.val, out.now()) {
            Some(press) => out.next(event.map(|_| press)),
            None => Ok(Demand::More),
        }
    }

    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter("presses");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use proptest::prelude::*;
    use thingflow_core::prelude::{Filters, Scheduler};
    use thingflow_core::testing::Recorder;

    fn pin(levels: &str) -> Mock {
        let states = levels.bytes().map(|level| if level == b'1' { State::High } else { State::Low });
        Mock::new(&states.map(Transaction::get).collect::<Vec<_>>())
    }

    #[test]
    fn a_bouncing_press_is_one() {
        let levels = "11101010000000011011111111";
        let mut pin = pin(levels);
        let seen = Recorder::new();
        let thing = button("bell", pin.clone()).map(|e: SensorEvent<Press>| e.val).connect(seen.clone());
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let handle = scheduler.schedule_periodic(thing, Duration::from_millis(5)).unwrap();
        scheduler.run_for(Duration::from_millis(5 * levels.len() as u64)).unwrap();
        assert!(handle.is_active());
        assert_eq!(seen.timed_text(), "Pressed@0.055 Released(55ms)@0.11");
        drop(scheduler);
        pin.done();
    }

    #[test]
    fn a_long_press_is_told_once() {
        let mut presses = Presses::new().samples(1).long(Duration::from_millis(500));
        let at = |ms: u64| Instant::from_nanos(ms * 1_000_000);
        let told: Vec<_> = (0..10).filter_map(|n| presses.press(n != 0 && n != 9, at(n * 100))).collect();
        assert_eq!(told, [Press::Pressed, Press::Long, Press::Released(Duration::from_millis(800))]);
    }

    #[test]
    fn a_level_is_true_for_high_unless_told_otherwise() {
        let mut pin = pin("10");
        let mut level = PinLevel::new("door", pin.clone());
        assert_eq!((level.sample(), level.sample()), (Ok(true), Ok(false)));
        drop(level);
        pin.done();
    }

    proptest! {
        #[test]
        fn presses_and_releases_take_turns(
            levels in proptest::collection::vec(any::<bool>(), 0..200), samples in 1_u16..6,
        ) {
            let mut presses = Presses::new().samples(samples);
            let told = levels.iter().filter_map(|down| presses.press(*down, Instant::ZERO)).collect::<Vec<_>>();
            for (nth, press) in told.iter().enumerate() {
                prop_assert_eq!(*press == Press::Pressed, nth % 2 == 0);
            }
            // As a naive reader sees it: the last level that lasted long enough.
            let lasting = levels.windows(usize::from(samples)).rfind(|run| run.iter().all(|level| *level == run[0]));
            prop_assert_eq!(presses.pressed.is_some(), lasting.is_some_and(|run| run[0]));
        }
    }
}
