//! `pin_in(id, pin)`: a pin, read at each sampling.

use embedded_hal::digital::InputPin;
use thingflow_core::{DriverError, SampleError, Sensor, SensorId};

/// A sensor that reads a pin at each sampling: true when it is high. For a button that must not be missed use edges,
/// see [`chardev`](super::chardev).
///
/// ```
/// use thingflow_adapters::gpio::{SimulatedPin, pin_in};
/// use thingflow_core::Sensor;
/// let pin = SimulatedPin::new();
/// let mut door = pin_in("door", pin.clone());
/// assert_eq!(door.sample(), Ok(false));
/// pin.set_level(true);
/// assert_eq!(door.sample(), Ok(true));
/// ```
pub fn pin_in<P: InputPin>(id: impl Into<SensorId>, pin: P) -> GpioPinIn<P> {
    GpioPinIn { id: id.into(), pin }
}

/// Made by [`pin_in`].
#[derive(Clone, Debug)]
pub struct GpioPinIn<P> {
    id: SensorId,
    pin: P,
}

impl<P: InputPin<Error: Send + Sync + 'static>> Sensor for GpioPinIn<P> {
    type Reading = bool;
    type Error = DriverError<P::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<bool, SampleError<Self::Error>> {
        Ok(self.pin.is_high().map_err(DriverError)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpio::SimulatedPin;

    #[test]
    fn a_pin_that_cannot_be_read_is_a_failed_sampling() {
        let pin = SimulatedPin::new();
        let mut door = pin_in("door", pin.clone());
        pin.break_with("the expander does not answer");
        assert_eq!(door.sample().unwrap_err().to_string(), "the expander does not answer");
        pin.mend();
        assert_eq!(door.sample(), Ok(false));
    }
}
