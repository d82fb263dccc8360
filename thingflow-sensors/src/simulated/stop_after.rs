//! [`StopAfter`]: any sensor, for so many samplings only.

use thingflow_core::{SampleError, Sensor, SensorId};

use crate::{Measures, Quantity};

/// Ends the readings of a sensor after a number of samplings, failed ones included: for tests and trial runs.
///
/// ```
/// use thingflow_core::{SampleError, Sensor};
/// use thingflow_sensors::simulated::{Constant, StopAfter};
/// let mut room = StopAfter::new(1, Constant::new("room", 21.5));
/// assert_eq!(room.sample(), Ok(21.5));
/// assert_eq!(room.sample(), Err(SampleError::Ended));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StopAfter<S> {
    left: usize,
    sensor: S,
}

impl<S: Sensor> StopAfter<S> {
    /// The sensor, for `samplings` samplings.
    pub fn new(samplings: usize, sensor: S) -> Self {
        Self { left: samplings, sensor }
    }
}

impl<S: Measures> Measures for StopAfter<S> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        self.sensor.quantities()
    }
}

impl<S: Sensor> Sensor for StopAfter<S> {
    type Reading = S::Reading;
    type Error = S::Error;

    fn id(&self) -> SensorId {
        self.sensor.id()
    }
    fn sample(&mut self) -> Result<S::Reading, SampleError<S::Error>> {
        self.left = self.left.checked_sub(1).ok_or(SampleError::Ended)?;
        self.sensor.sample()
    }
}
