//! [`List`]: readings given beforehand.

use alloc::vec::Vec;
use core::convert::Infallible;

use thingflow_core::{SampleError, Sensor, SensorId};

/// Gives the readings of a list, then ends, or begins again.
///
/// ```
/// use thingflow_core::{SampleError, Sensor};
/// use thingflow_sensors::simulated::List;
/// let mut lux = List::new("lux", [20.0, 30.0]);
/// assert_eq!((lux.sample(), lux.sample()), (Ok(20.0), Ok(30.0)));
/// assert_eq!(lux.sample(), Err(SampleError::Ended));
/// ```
#[derive(Clone, Debug)]
pub struct List<T> {
    id: SensorId,
    readings: Vec<T>,
    at: usize,
    repeating: bool,
}

impl<T> List<T> {
    /// A sensor with the given readings.
    pub fn new(id: impl Into<SensorId>, readings: impl Into<Vec<T>>) -> Self {
        Self { id: id.into(), readings: readings.into(), at: 0, repeating: false }
    }

    /// Begins again after the last reading. A list without readings still ends.
    #[must_use]
    pub fn repeating(self) -> Self {
        Self { repeating: true, ..self }
    }
}

impl<T: Clone> Sensor for List<T> {
    type Reading = T;
    type Error = Infallible;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<T, SampleError<Infallible>> {
        if self.repeating && self.at == self.readings.len() {
            self.at = 0;
        }
        let reading = self.readings.get(self.at).cloned().ok_or(SampleError::Ended)?;
        self.at += 1;
        Ok(reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_on_demand() {
        let mut lux = List::new("lux", [1, 2]).repeating();
        assert_eq!((0..5).map(|_| lux.sample().unwrap()).collect::<Vec<_>>(), [1, 2, 1, 2, 1]);
        assert_eq!(List::<u8>::new("lux", []).repeating().sample(), Err(SampleError::Ended));
    }
}
