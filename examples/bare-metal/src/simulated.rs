//! [`Readings`]: a summer day in twelve seconds, so that the board in the emulator and the laptop measure the same.

use core::convert::Infallible;
use core::slice;

use thingflow::{SampleError, Sensor, SensorId};

/// A sensor whose readings are in the program.
#[derive(Clone, Debug)]
pub struct Readings {
    id: SensorId,
    rest: slice::Iter<'static, f32>,
}

/// The light from dawn to dusk, with a cloud at noon.
pub fn light() -> Readings {
    static LUX: [f32; 24] = [
        1.0, 4.0, 9.5, 20.0, 48.0, 90.0, 160.0, 280.0, 390.0, 470.0, 560.0, 610.0, 95.0, 80.0, 640.0, 655.0, 610.0,
        480.0, 310.0, 150.0, 60.0, 21.0, 7.25, 2.0,
    ];
    Readings { id: "light".into(), rest: LUX.iter() }
}

/// The temperature of the same day.
pub fn temperature() -> Readings {
    static CELSIUS: [f32; 12] = [14.5, 15.1, 17.3, 20.8, 24.9, 27.4, 28.2, 29.7, 28.8, 25.1, 21.6, 18.2];
    Readings { id: "temperature".into(), rest: CELSIUS.iter() }
}

impl Sensor for Readings {
    type Reading = f32;
    type Error = Infallible;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f32, SampleError<Infallible>> {
        self.rest.next().copied().ok_or(SampleError::Ended)
    }
}
