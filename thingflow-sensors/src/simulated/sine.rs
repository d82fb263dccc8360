//! [`Sine`]: a smooth wave.

use core::convert::Infallible;
use core::f64::consts::TAU;

use thingflow_core::{SampleError, Sensor, SensorId, Size};

/// A wave that depends on the number of samplings only, not on any clock: `offset + amplitude * sin(2 π k / period)`
/// for the sampling `k`, counted from 0.
///
/// ```
/// use thingflow_core::Sensor;
/// use thingflow_sensors::simulated::Sine;
/// let mut tide = Sine::new("tide", 4).amplitude(2.0).offset(10.0);
/// let readings: Vec<f64> = (0..4).filter_map(|_| tide.sample().ok()).map(f64::round).collect();
/// assert_eq!(readings, [10.0, 12.0, 10.0, 8.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sine {
    id: SensorId,
    period: usize,
    at: usize,
    amplitude: f64,
    offset: f64,
}

impl Sine {
    /// A wave between -1 and 1, one period of which takes `period` samplings.
    #[track_caller]
    pub fn new(id: impl Into<SensorId>, period: impl Into<Size>) -> Self {
        Self { id: id.into(), period: period.into().get(), at: 0, amplitude: 1.0, offset: 0.0 }
    }

    /// The height of the wave above its middle. 1 unless told otherwise.
    #[must_use]
    pub fn amplitude(self, amplitude: f64) -> Self {
        Self { amplitude, ..self }
    }

    /// The middle of the wave. 0 unless told otherwise.
    #[must_use]
    pub fn offset(self, offset: f64) -> Self {
        Self { offset, ..self }
    }
}

impl Sensor for Sine {
    type Reading = f64;
    type Error = Infallible;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<Infallible>> {
        let turns = self.at as f64 / self.period as f64;
        self.at = (self.at + 1) % self.period;
        Ok(self.offset + self.amplitude * (turns * TAU).sin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_period_is_the_first_again_to_the_last_bit() {
        let mut wave = Sine::new("wave", 7);
        let mut period = || (0..7).map(|_| wave.sample().unwrap().to_bits()).collect::<Vec<_>>();
        assert_eq!(period(), period());
    }
}
