//! [`Steps`]: a rotary encoder, as steps to the left and to the right.
//!
//! Own code: a table of sixteen entries.

use embedded_hal::digital::InputPin;
use thingflow_core::{
    Chain, Demand, DriverError, Emitter, Filter, Flow, Identity, InputThing, Receipt, SampleError, Sampled, Sensor,
    SensorEvent, SensorId, Then, Visitor,
};

/// A rotary encoder whose two contacts connect to ground, with the pull-ups switched on. Sample it every millisecond.
///
/// Its events are 1 for each notch to the right, -1 to the left. If it turns the wrong way round, swap the pins.
///
/// Under Linux two lines of the kernel need no sampling: `Line::levels_with` of the adapters, with [`Steps`] behind it.
///
/// ```
/// use core::time::Duration;
/// use embedded_hal::digital::InputPin;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::rotary::rotary;
/// fn volume<P: InputPin<Error: Send + Sync> + 'static>(a: P, b: P) -> Result<(), Box<dyn std::error::Error>> {
///     let scheduler = Scheduler::new()?;
///     let turned = |volume: i32, step: SensorEvent<i32>| (volume + step.val).clamp(0, 100);
///     let volume = rotary("volume", a, b).scan(50, turned);
///     scheduler.schedule_periodic(volume.connect(call(|v| println!("{v} %"))), Duration::from_millis(1))?;
///     Ok(())
/// }
/// ```
pub fn rotary<A, B>(id: impl Into<SensorId>, a: A, b: B) -> Flow<Sampled<Phases<A, B>>, Then<Identity, Steps>>
where
    A: InputPin<Error: Send + Sync + 'static>,
    B: InputPin<Error = A::Error>,
{
    Flow::new(Sampled::new(Phases { id: id.into(), a, b })).pipe(Steps::new())
}

/// The levels of both contacts, as a sensor: (A, B), true if high.
#[derive(Clone, Debug)]
pub struct Phases<A, B> {
    id: SensorId,
    a: A,
    b: B,
}

impl<A: InputPin, B: InputPin> Phases<A, B> {
    /// The contacts at the pins `a` and `b`.
    pub fn new(id: impl Into<SensorId>, a: A, b: B) -> Self {
        Self { id: id.into(), a, b }
    }
}

impl<A: InputPin<Error: Send + Sync + 'static>, B: InputPin<Error = A::Error>> Sensor for Phases<A, B> {
    type Reading = (bool, bool);
    type Error = DriverError<A::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<(bool, bool), SampleError<Self::Error>> {
        Ok((self.a.is_high().map_err(DriverError)?, self.b.is_high().map_err(DriverError)?))
    }
}

/// The levels of two contacts to steps: 1 to the right, -1 to the left.
///
/// The levels may be changes, as those of two lines of the kernel, or samples. Of the two contacts only one changes at a
/// time, so one that bounces goes back and forth and makes no step. If both have changed, a change was missed, and it counts
/// as going on in the same direction.
///
/// ```
/// use thingflow_core::{SensorEvent, prelude::*};
/// use thingflow_sensors::rotary::Steps;
/// let right = [(true, true), (false, true), (false, false), (true, false), (true, true)];
/// let levels = right.map(|phases| SensorEvent::new("knob", Timestamp::UNIX_EPOCH, phases));
/// let steps = from_iter(levels).pipe(Steps::new()).map(|e: SensorEvent<i32>| e.val).collect_now();
/// assert_eq!(steps, [1]);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Steps {
    notches: u8,
    last: Option<u8>,
    direction: i8,
    quarters: i8,
}

impl Steps {
    /// For an encoder whose contacts go through their four states from one notch to the next, as most do.
    pub const fn new() -> Self {
        Self { notches: 1, last: None, direction: 1, quarters: 0 }
    }

    /// For an encoder with 2 notches in the four states of its contacts, or with 4 or no notches at all. Other numbers
    /// count as 4.
    pub const fn notches(self, notches: u8) -> Self {
        Self { notches, ..self }
    }

    fn step(&mut self, (a, b): (bool, bool)) -> Option<i32> {
        // The place within the four states: 11, 01, 00, 10 in turn when it goes to the right.
        let place = match (a, b) {
            (true, true) => 0,
            (false, true) => 1,
            (false, false) => 2,
            (true, false) => 3,
        };
        let last = self.last.replace(place)?;
        match (place + 4 - last) % 4 {
            0 => return None,
            1 => self.turn(1, 1),
            3 => self.turn(-1, 1),
            _ => self.turn(self.direction, 2),
        }
        let apart = if self.notches == 1 || self.notches == 2 { 4 / self.notches } else { 1 };
        if place % apart != 0 {
            return None;
        }
        let quarters = core::mem::take(&mut self.quarters);
        let enough = quarters.unsigned_abs() >= apart.div_ceil(2);
        enough.then(|| i32::from(quarters.signum()))
    }

    fn turn(&mut self, direction: i8, quarters: i8) {
        self.direction = direction;
        self.quarters = self.quarters.saturating_add(direction * quarters);
    }
}

impl Default for Steps {
    fn default() -> Self {
        Self::new()
    }
}

impl Filter<SensorEvent<(bool, bool)>> for Steps {
    type Out = SensorEvent<i32>;

    fn on_next(
        &mut self,
        event: SensorEvent<(bool, bool)>,
        out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<i32>>>,
    ) -> Receipt {
        match self.step(event.val) {
            Some(step) => out.next(event.map(|_| step)),
            None => Ok(Demand::More),
        }
    }

    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter("steps");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use proptest::prelude::*;
    use thingflow_core::prelude::*;

    const PLACES: [(bool, bool); 4] = [(true, true), (false, true), (false, false), (true, false)];

    /// What a shaft does that stands at these quarters of a cycle, one after the other.
    fn turn(mut steps: Steps, quarters: impl IntoIterator<Item = i32>) -> Vec<i32> {
        quarters.into_iter().filter_map(|at| steps.step(PLACES[at.rem_euclid(4) as usize])).collect()
    }

    #[test]
    fn counts_notches_both_ways() {
        assert_eq!(turn(Steps::new(), 0..=8), [1, 1]);
        assert_eq!(turn(Steps::new(), (-8..=0).rev()), [-1, -1]);
        assert_eq!(turn(Steps::new().notches(2), 0..=8), [1; 4]);
        assert_eq!(turn(Steps::new().notches(4), 0..=8), [1; 8]);
    }

    #[test]
    fn bouncing_and_turning_back_make_no_step() {
        assert_eq!(turn(Steps::new(), [0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4]), [1]);
        assert!(turn(Steps::new(), [0, 1, 2, 1, 0]).is_empty());
    }

    #[test]
    fn a_missed_sample_counts_as_going_on() {
        assert_eq!(turn(Steps::new(), [0, 1, 3, 4, 6, 8]), [1, 1]);
        assert_eq!(turn(Steps::new(), [0, -1, -3, -4]), [-1]);
    }

    #[test]
    fn reads_two_pins() {
        let get = |states: [State; 5]| Mock::new(&states.map(Transaction::get));
        let (low, high) = (State::Low, State::High);
        let (mut a, mut b) = (get([high, low, low, high, high]), get([high, high, low, low, high]));
        let flow = rotary("knob", a.clone(), b.clone()).map(|e: SensorEvent<i32>| e.val).take(1);
        assert_eq!(flow.collect_now(), [1]);
        a.done();
        b.done();
    }

    proptest! {
        #[test]
        fn follows_the_shaft(moves in proptest::collection::vec(-1_i32..=1, 0..300)) {
            // Never faster than a quarter at a time: the sum is where the shaft is, but for the notch it stands in.
            let mut at = 0;
            let places: Vec<i32> = moves.iter().map(|by| { at += by; at }).collect();
            let fine: i32 = turn(Steps::new().notches(4), [0].into_iter().chain(places.iter().copied())).iter().sum();
            prop_assert_eq!(fine, at);
            let notches: i32 = turn(Steps::new(), [0].into_iter().chain(places)).iter().sum();
            prop_assert!((notches * 4 - at).abs() < 4, "{} {}", notches, at);
        }
    }
}
