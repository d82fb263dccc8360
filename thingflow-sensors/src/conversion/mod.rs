//! [`Conversion`]: a measurement that takes long. It is started, and read when it is ready; nothing waits for it.

mod blocking;
mod converting;

use core::time::Duration;

use thingflow_core::SensorId;

pub use blocking::{Blocking, BlockingError};
pub use converting::Converting;

/// A sensor whose measurement takes so long that the reactor should not wait for it: 9 ms of a hygrometer, 22 ms of a
/// barometer, 5 s of a CO2 sensor.
///
/// Give it to [`Converting`] to have it started at each tick and read when it is ready, or to [`Blocking`] where
/// waiting does no harm: on an edge thread, or in a program that does nothing else.
pub trait Conversion {
    /// What one measurement gives.
    type Reading;
    /// What may go wrong.
    type Error: core::error::Error + Send + Sync + 'static;

    /// The sensor's id, which its events carry.
    fn id(&self) -> SensorId;

    /// Starts a measurement. Returns how long it takes.
    ///
    /// # Errors
    /// Any error of the driver.
    fn start(&mut self) -> Result<Duration, Self::Error>;

    /// Looks whether the measurement is ready. Takes no longer than the bus does.
    ///
    /// # Errors
    /// Any error of the driver. The measurement is lost; the next one begins with [`start`](Self::start).
    fn read(&mut self) -> Result<Progress<Self::Reading>, Self::Error>;
}

/// How far a measurement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<T> {
    /// It is ready.
    Ready(T),
    /// It is not; ask again after this time.
    AskIn(Duration),
}

/// After this time a measurement that is still not ready has failed.
const TIMEOUT: Duration = Duration::from_secs(10);

/// No measurement comes sooner when it is asked for more often.
const SHORTEST_WAIT: Duration = Duration::from_micros(100);

/// A measurement for the tests of those who wait for one.
#[cfg(test)]
mod script {
    use super::*;
    use std::collections::VecDeque;
    use thingflow_core::StreamError;

    pub(super) type Step = Result<Progress<u32>, &'static str>;

    pub(super) const LATER: Step = Ok(Progress::AskIn(Duration::from_millis(400)));

    /// Takes 250 ms and reads what it is told.
    pub(super) struct Script(VecDeque<Step>);

    pub(super) fn script(steps: impl IntoIterator<Item = Step>) -> Script {
        Script(steps.into_iter().collect())
    }

    impl Conversion for Script {
        type Reading = u32;
        type Error = StreamError;
        fn id(&self) -> SensorId {
            "script".into()
        }
        fn start(&mut self) -> Result<Duration, StreamError> {
            Ok(Duration::from_millis(250))
        }
        fn read(&mut self) -> Result<Progress<u32>, StreamError> {
            self.0.pop_front().unwrap_or(Ok(Progress::AskIn(TIMEOUT))).map_err(StreamError::new)
        }
    }
}
