//! A sensor of one's own.

use std::convert::Infallible;

use thingflow::prelude::*;

/// A sensor: a simulated thermometer that climbs by `step` °C at each reading, eight times.
pub(crate) struct Ramp {
    id: SensorId,
    step: f64,
    taken: u32,
}

impl Ramp {
    pub(crate) fn new(id: &'static str, step: f64) -> Self {
        Self { id: id.into(), step, taken: 0 }
    }
}

impl Sensor for Ramp {
    type Reading = f64;
    type Error = Infallible;
    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<Infallible>> {
        if self.taken == 8 {
            return Err(SampleError::Ended);
        }
        self.taken += 1;
        Ok(f64::from(self.taken) * self.step)
    }
}
