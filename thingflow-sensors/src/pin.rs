//! [`pin_in`]: a pin, read at each sampling.

use embedded_hal::digital::InputPin;
use thingflow_core::{DriverError, SampleError, Sensor, SensorId};

/// The level of a pin at each sampling: true if it is high. For a switch or a door; Linux tells of changes as they
/// happen, which needs no sampling: see `gpio::chardev` of the adapters.
///
/// ```
/// use embedded_hal::digital::InputPin;
/// use thingflow_core::Sensor;
/// use thingflow_sensors::pin::pin_in;
/// /// A reed contact that connects its pin to ground while the door is shut.
/// fn is_shut<P: InputPin<Error: Send + Sync + 'static>>(pin: P) -> impl Sensor<Reading = bool> {
///     pin_in("door", pin).active_low()
/// }
/// ```
pub fn pin_in<P: InputPin>(id: impl Into<SensorId>, pin: P) -> PinIn<P> {
    PinIn { id: id.into(), pin, active_low: false }
}

/// Made by [`pin_in`].
#[derive(Clone, Debug)]
pub struct PinIn<P> {
    id: SensorId,
    pin: P,
    active_low: bool,
}

impl<P> PinIn<P> {
    /// True if the pin is low, as a button that connects to ground makes it.
    #[must_use]
    pub fn active_low(self) -> Self {
        Self { active_low: true, ..self }
    }
}

impl<P: InputPin<Error: Send + Sync + 'static>> Sensor for PinIn<P> {
    type Reading = bool;
    type Error = DriverError<P::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<bool, SampleError<Self::Error>> {
        Ok(self.pin.is_high().map_err(DriverError)? != self.active_low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    #[test]
    fn a_level_is_true_for_high_unless_told_otherwise() {
        let mut pin = Mock::new(&[State::High, State::Low, State::High, State::Low].map(Transaction::get));
        let mut level = pin_in("door", pin.clone());
        assert_eq!((level.sample(), level.sample()), (Ok(true), Ok(false)));
        let mut level = level.active_low();
        assert_eq!((level.sample(), level.sample()), (Ok(false), Ok(true)));
        pin.done();
    }

    #[test]
    fn a_pin_that_cannot_be_read_is_a_failed_sampling() {
        let error = MockError::Io(std::io::ErrorKind::TimedOut);
        let mut pin =
            Mock::new(&[Transaction::get(State::Low).with_error(error.clone()), Transaction::get(State::High)]);
        let mut door = pin_in("door", pin.clone());
        assert_eq!(door.sample(), Err(SampleError::Failed(DriverError(error))));
        assert_eq!(door.sample(), Ok(true));
        pin.done();
    }
}
