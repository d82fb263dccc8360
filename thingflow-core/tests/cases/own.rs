//! Cases of operators of one's own, which other libraries call plug-ins: traits that are in scope.

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

/// Sends twice each number.
struct Doubled;

impl Filter<i32> for Doubled {
    type Out = i32;
    fn on_next(&mut self, event: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        out.next(2 * event)
    }
}

trait Doubling: Chain<Item = i32> {
    fn doubled(self) -> Self::Piped<Doubled> {
        self.pipe(Doubled)
    }
}
impl<C: Chain<Item = i32>> Doubling for C {}

#[test]
fn case_432_node_as_a_constructor() -> Result<(), FatalError> {
    assert_eq!(from_iter([1, 2]).doubled().collect_now(), [2, 4]); // where a chain begins
    let (port, seen) = (Port::new(), Recorder::new());
    port.doubled().doubled().connect(seen.clone()); // of a port that is there, and of a chain behind it
    pipe().doubled().to(port.clone()).next(3, &mut Context::detached(Instant::ZERO))?; // of a chain without a beginning
    assert_eq!(seen.events(), [24]);
    Ok(())
}

/// Sends whether it freezes.
struct Frost;

impl Filter<SensorEvent<f64>> for Frost {
    type Out = bool;
    fn on_next(&mut self, event: SensorEvent<f64>, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Receipt {
        out.next(event.val < 0.0)
    }
}

/// Operators of the chains of one kind of event; that others do not have them, compile-fail.md says.
trait Celsius: Chain<Item = SensorEvent<f64>> {
    fn frost(self) -> Self::Piped<Frost> {
        self.pipe(Frost)
    }
}
impl<C: Chain<Item = SensorEvent<f64>>> Celsius for C {}

#[test]
fn case_435_registering_on_a_subclass() {
    let roof = [3.0, -1.0, -50.0].map(|celsius| SensorEvent::new("roof", Timestamp::UNIX_EPOCH, celsius));
    // What all chains have stays visible before it and behind it.
    let frost = from_iter(roof).filter(|event| event.val > -40.0).frost().enumerate();
    assert_eq!(frost.collect_now(), [(0, false), (1, true)]);
}
