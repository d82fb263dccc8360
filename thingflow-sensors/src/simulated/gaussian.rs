//! [`Gaussian`]: normally distributed readings.

use core::convert::Infallible;
use core::fmt;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Normal};
use thingflow_core::{SampleError, Sensor, SensorId};

/// Normally distributed readings around a mean, the same ones for the same seed on every machine.
///
/// ```
/// use thingflow_core::Sensor;
/// use thingflow_sensors::simulated::Gaussian;
/// let mut lux = Gaussian::new("lux", 300.0, 5.0)?.seed(42);
/// let mut same = Gaussian::new("lux", 300.0, 5.0)?.seed(42);
/// assert_eq!(lux.sample(), same.sample());
/// # Ok::<(), thingflow_sensors::simulated::GaussianError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gaussian {
    id: SensorId,
    spread: Normal<f64>,
    random: Xoshiro256PlusPlus,
}

impl Gaussian {
    /// Readings around `mean` with the standard deviation `deviation`, from the seed 0.
    ///
    /// # Errors
    /// If one of the two is not a finite number, or the deviation is negative.
    pub fn new(id: impl Into<SensorId>, mean: f64, deviation: f64) -> Result<Self, GaussianError> {
        let wrong = GaussianError { mean, deviation };
        if !(mean.is_finite() && deviation >= 0.0) {
            return Err(wrong);
        }
        let spread = Normal::new(mean, deviation).map_err(|_| wrong)?;
        Ok(Self { id: id.into(), spread, random: Xoshiro256PlusPlus::seed_from_u64(0) })
    }

    /// Starts another series of readings.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { random: Xoshiro256PlusPlus::seed_from_u64(seed), ..self }
    }
}

impl Sensor for Gaussian {
    type Reading = f64;
    type Error = Infallible;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<Infallible>> {
        Ok(self.spread.sample(&mut self.random))
    }
}

/// A mean and a deviation that make no normal distribution.
#[derive(Clone, Copy, PartialEq)]
pub struct GaussianError {
    mean: f64,
    deviation: f64,
}

impl fmt::Display for GaussianError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean, deviation } = self;
        write!(
            f,
            "no normal distribution has the mean {mean} and the deviation {deviation}; give a finite mean and a "
        )?;
        f.write_str("finite deviation of at least 0")
    }
}

/// As `Display`.
impl fmt::Debug for GaussianError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for GaussianError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_are_those_asked_for() {
        let mut sensor = Gaussian::new("lux", 100.0, 10.0).unwrap();
        let readings: Vec<f64> = (0..10_000).map(|_| sensor.sample().unwrap()).collect();
        let mean = readings.iter().sum::<f64>() / 10_000.0;
        let variance = readings.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 10_000.0;
        assert!((mean - 100.0).abs() < 0.5, "{mean}");
        assert!((variance.sqrt() - 10.0).abs() < 0.5, "{variance}");
    }

    #[test]
    fn another_seed_gives_other_readings() {
        let mut first = Gaussian::new("lux", 0.0, 1.0).unwrap();
        let mut second = first.clone().seed(1);
        assert_ne!(first.sample(), second.sample());
    }

    #[test]
    fn refuses_what_is_no_distribution() {
        for (mean, deviation) in [(f64::NAN, 1.0), (0.0, -1.0), (0.0, f64::INFINITY), (0.0, f64::NAN)] {
            assert!(Gaussian::new("lux", mean, deviation).is_err(), "{mean} {deviation}");
        }
        let error = Gaussian::new("lux", 0.0, -1.0).unwrap_err();
        let text = error.to_string();
        assert_eq!(format!("{error:?}"), text); // what `main` prints
        assert!(text.ends_with("give a finite mean and a finite deviation of at least 0"), "{text}");
    }
}
