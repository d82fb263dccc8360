//! The lamp of the library on a laptop: a simulated sensor, pin and delay.
//!
//! ```sh
//! cargo run -p bare-metal
//! cargo xtask bare          # the filters and the scheduler for two Cortex-M targets
//! ```

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, OutputPin};
use thingflow_core::{RunError, SampleError, Sensor, SensorId};

fn main() -> Result<(), RunError> {
    let lamp = Lamp::default();
    bare_metal::run(Lux(vec![10.0, 20.0, 30.0, 60.0, 90.0]), lamp.clone(), &mut NoDelay)?;
    println!("{:?}", lamp.0.borrow());
    Ok(())
}

/// Readings from the first to the last.
struct Lux(Vec<f32>);

impl Sensor for Lux {
    type Reading = f32;
    type Error = Infallible;
    fn id(&self) -> SensorId {
        "lux".into()
    }
    fn sample(&mut self) -> Result<f32, SampleError<Infallible>> {
        if self.0.is_empty() { Err(SampleError::Ended) } else { Ok(self.0.remove(0)) }
    }
}

/// A pin that remembers what it was set to.
#[derive(Clone, Default)]
struct Lamp(Rc<RefCell<Vec<bool>>>);

impl ErrorType for Lamp {
    type Error = Infallible;
}

impl OutputPin for Lamp {
    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.borrow_mut().push(true);
        Ok(())
    }
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.borrow_mut().push(false);
        Ok(())
    }
}

/// A laptop need not wait.
struct NoDelay;

impl DelayNs for NoDelay {
    fn delay_ns(&mut self, _: u32) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lamp_is_lit_while_it_is_dark_and_goes_out_at_the_end() -> Result<(), RunError> {
        let lamp = Lamp::default();
        bare_metal::run(Lux(vec![10.0, 20.0, 30.0, 60.0, 90.0]), lamp.clone(), &mut NoDelay)?;
        assert_eq!(*lamp.0.borrow(), [true, true, true, false, false, false]);
        Ok(())
    }
}
