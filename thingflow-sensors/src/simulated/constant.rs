//! [`Constant`]: always the same reading.

use core::convert::Infallible;

use thingflow_core::{SampleError, Sensor, SensorId};

/// Gives the same reading at each sampling, for ever.
///
/// ```
/// use thingflow_core::Sensor;
/// use thingflow_sensors::simulated::Constant;
/// let mut room = Constant::new("room", 21.5);
/// assert_eq!(room.sample(), Ok(21.5));
/// assert_eq!(room.sample(), Ok(21.5));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Constant<T> {
    id: SensorId,
    reading: T,
}

impl<T> Constant<T> {
    /// A sensor that always reads `reading`.
    pub fn new(id: impl Into<SensorId>, reading: T) -> Self {
        Self { id: id.into(), reading }
    }
}

impl<T: Clone> Sensor for Constant<T> {
    type Reading = T;
    type Error = Infallible;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<T, SampleError<Infallible>> {
        Ok(self.reading.clone())
    }
}
