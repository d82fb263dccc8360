//! `pin_out(name, pin)`: a pin, driven by the events of a stream.

use std::fmt;

use embedded_hal::digital::{OutputPin, PinState};
use thingflow_core::Instant;

use crate::actuators::{Actuator, ActuatorError, ActuatorInput};

/// A Thing that drives a pin: high at `true`, low at `false`, written on changes only. Sensor events do not fit, by
/// their type; say first what they mean: `.map(|e| e.val > 25.0)`.
///
/// Its safe state is a level, low unless told otherwise; the pin goes there in all the cases of an [`ActuatorInput`], which
/// is also how to go on [without it](ActuatorInput::skip_errors). For what must not switch too often there is `Relay`.
///
/// ```
/// use thingflow_adapters::gpio::{PinState, SimulatedPin, pin_out};
/// use thingflow_core::prelude::*;
/// let relay = SimulatedPin::new(); // one that is off when its pin is high
/// pipe().to(pin_out("relay", relay.clone()).safe(PinState::High)).feed([true, false, false])?;
/// assert_eq!(relay.writes(), [true, false, true]);
/// # Ok::<(), RunError>(())
/// ```
pub fn pin_out<P: OutputPin<Error: Send + Sync + 'static>>(
    name: impl Into<String>,
    pin: P,
) -> ActuatorInput<PinOut<P>> {
    ActuatorInput::new(name, PinOut { pin, safe: PinState::Low, last: None })
}

/// A pin that is told its level. Made by [`pin_out`].
pub struct PinOut<P> {
    pin: P,
    safe: PinState,
    /// What was written last, if that went well.
    last: Option<PinState>,
}

/// Of [`pin_out`].
impl<P: OutputPin<Error: Send + Sync + 'static>> ActuatorInput<PinOut<P>> {
    /// Another safe level than low.
    #[must_use]
    pub fn safe(mut self, safe: PinState) -> Self {
        self.actuator.safe = safe;
        self
    }
}

impl<P: OutputPin> PinOut<P> {
    fn write(&mut self, level: PinState) -> Result<(), ActuatorError<P::Error>> {
        if self.last == Some(level) {
            return Ok(());
        }
        self.last = None;
        self.pin.set_state(level).map_err(ActuatorError::bus)?;
        self.last = Some(level);
        Ok(())
    }
}

impl<P: OutputPin<Error: Send + Sync + 'static>> Actuator for PinOut<P> {
    type Command = bool;
    type Error = ActuatorError<P::Error>;

    fn act(&mut self, high: bool, _: Instant) -> Result<(), Self::Error> {
        self.write(high.into())
    }
    fn make_safe(&mut self) -> Result<(), Self::Error> {
        self.write(self.safe)
    }
}

impl<P> fmt::Debug for PinOut<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinOut").field("safe", &self.safe).field("last", &self.last).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpio::SimulatedPin;
    use std::time::Duration;
    use thingflow_core::testing::FlakySensor;
    use thingflow_core::{Chain, Context, Demand, Elementwise, InputThing, Instant, Scheduler, SensorOutput, pipe};

    #[test]
    fn writes_on_change_only_and_low_at_completion() {
        let pin = SimulatedPin::new();
        pipe().to(pin_out("led", pin.clone())).feed([true, true, false, true]).unwrap();
        assert_eq!(pin.writes(), [false, true, false, true, false]);
    }

    #[test]
    fn a_failing_sensor_leaves_the_heater_off() {
        let pin = SimulatedPin::new();
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let temperature = SensorOutput::new(FlakySensor::new("t", [Ok(10.0), Err("no answer"), Ok(10.0)]));
        temperature.map(|e| e.val < 20.0).connect(pin_out("heater", pin.clone()));
        scheduler.schedule_periodic(temperature, Duration::from_secs(1)).unwrap();
        scheduler.run_forever().unwrap();
        assert_eq!(pin.writes(), [false, true, false]);
    }

    #[test]
    fn a_pin_that_fails_ends_the_run_and_is_tried_once_more() {
        let pin = SimulatedPin::new();
        let mut chain = pipe().to(pin_out("heater", pin.clone()));
        pin.break_with("remote I/O error");
        let error = chain.feed([true]).unwrap_err().to_string();
        assert_eq!(
            error,
            "actuator `heater`: remote I/O error; check the wiring, and that no other program uses the pin or its bus"
        );
        pin.mend();
        drop(chain);
        assert_eq!(pin.writes(), [false]);
    }

    #[test]
    fn a_pin_that_fails_is_skipped_by_choice_and_written_again() {
        let pin = SimulatedPin::new();
        let mut chain = pipe().to(pin_out("lamp", pin.clone()).safe(PinState::High).skip_errors());
        pin.break_with("remote I/O error");
        let cx = &mut Context::detached(Instant::ZERO);
        assert_eq!(chain.next(false, cx).unwrap(), Demand::More);
        pin.mend();
        assert_eq!(chain.next(false, cx).unwrap(), Demand::More);
        assert_eq!(pin.writes(), [false]);
    }
}
