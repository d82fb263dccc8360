//! Sensors: [`Sensor`] is what a driver's author writes, [`SensorOutput`] makes it a Thing.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, NOT_YET, StreamError};
use crate::event::{SensorEvent, SensorId};
use crate::output::Source;

/// Something with an id that can be sampled. It knows nothing of events, time or threads.
///
/// ```
/// use thingflow_core::{SampleError, Sensor, SensorId};
/// use std::num::ParseFloatError;
/// /// The first number of `/proc/loadavg`.
/// struct Load;
/// impl Sensor for Load {
///     type Reading = f64;
///     type Error = ParseFloatError;
///     fn id(&self) -> SensorId {
///         "load".into()
///     }
///     fn sample(&mut self) -> Result<f64, SampleError<ParseFloatError>> {
///         let text = "0.25 0.19 0.11"; // std::fs::read_to_string("/proc/loadavg")
///         Ok(text.split(' ').next().unwrap_or_default().parse()?)
///     }
/// }
/// assert_eq!(Load.sample()?, 0.25);
/// # Ok::<(), SampleError<ParseFloatError>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement `Sensor`",
    label = "not a sensor",
    note = "a chip that takes long to measure is a `Conversion`: `Converting::output(..)` makes a port of it",
    note = "events of other kinds come from a `Source`: `Flow::new(..).output()` gives it a port"
)]
pub trait Sensor {
    /// What one sampling gives.
    type Reading;
    /// What may go wrong. `Infallible` if nothing can.
    type Error: Error + Send + Sync + 'static;

    /// The sensor's id, which its events carry.
    fn id(&self) -> SensorId;

    /// Takes a reading. May block for as long as the bus takes; sensors that take longer than a few milliseconds belong
    /// on an edge thread.
    ///
    /// # Errors
    /// [`SampleError::Ended`] when there will be no more readings; [`SampleError::NotYet`] while the first one is still
    /// being measured; any error of the driver, by `?`.
    fn sample(&mut self) -> Result<Self::Reading, SampleError<Self::Error>>;
}

/// Why there is no reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SampleError<E> {
    /// There will be no more: the stream completes.
    Ended,
    /// There will be one after this time: the sensor has only just begun to measure. That is no failure. Nothing is sent,
    /// and the sensor is asked again when the time is over, if its next tick is not earlier: then, on an edge thread and
    /// on a microcontroller, at the first tick after it.
    NotYet(Duration),
    /// This one failed: the schedule's policy decides.
    Failed(E),
}

impl<E> From<E> for SampleError<E> {
    fn from(error: E) -> Self {
        Self::Failed(error)
    }
}

impl<E: fmt::Display> fmt::Display for SampleError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the sensor has no more readings"),
            Self::NotYet(_) => f.write_str(NOT_YET),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// As `Display`.
impl<E: fmt::Display> fmt::Debug for SampleError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<E: Error + 'static> Error for SampleError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Ended | Self::NotYet(_) => None,
            Self::Failed(error) => error.source(),
        }
    }
}

/// An error of a driver that is only `Debug`, as those of `embedded-hal` are.
///
/// ```
/// use thingflow_core::DriverError;
/// #[derive(Debug)]
/// enum Bus { NoAcknowledge }
/// assert_eq!(DriverError(Bus::NoAcknowledge).to_string(), "NoAcknowledge");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DriverError<E>(pub E);

impl<E: fmt::Debug> fmt::Display for DriverError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As `Display`.
impl<E: fmt::Debug> fmt::Debug for DriverError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: fmt::Debug> Error for DriverError<E> {}

/// A sensor as a source: each reading becomes a [`SensorEvent`] with the time at which it was taken.
#[derive(Debug)]
pub struct Sampled<S> {
    sensor: S,
    /// What errors call a sensor whose id is a number.
    #[cfg(feature = "alloc")]
    label: Option<alloc::string::String>,
    /// Before this time there is no reading.
    ready_at: Instant,
}

impl<S: Sensor> Sampled<S> {
    /// The source of a sensor. [`SensorOutput::new`] is the shorter way where there is an allocator.
    pub fn new(sensor: S) -> Self {
        Self {
            #[cfg(feature = "alloc")]
            label: label(sensor.id()),
            sensor,
            ready_at: Instant::ZERO,
        }
    }
}

impl<S: Sensor> Source for Sampled<S> {
    type Item = SensorEvent<S::Reading>;

    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<Self::Item>, Failure> {
        if cx.now() < self.ready_at {
            return Err(Failure::NotYet);
        }
        match self.sensor.sample() {
            Ok(val) => {
                cx.refresh(); // sampling may have taken long
                Ok(Some(SensorEvent { sensor_id: self.sensor.id(), ts: cx.timestamp(), val }))
            }
            Err(SampleError::Ended) => Ok(None),
            Err(SampleError::NotYet(wait)) => {
                cx.refresh();
                self.ready_at = cx.now() + wait;
                Err(Failure::NotYet)
            }
            Err(SampleError::Failed(error)) => {
                cx.refresh();
                Err(StreamError::caused("the sensor gave no reading", error).into())
            }
        }
    }

    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        Some(self.ready_at).filter(|at| *at > cx.now())
    }

    /// The sensor's id; `sensor 17` if that is a number, and only `sensor` where there is no allocator.
    fn name(&self) -> &str {
        #[cfg(feature = "alloc")]
        if let Some(label) = &self.label {
            return label;
        }
        self.sensor.id().name().unwrap_or("sensor")
    }
}

#[cfg(feature = "alloc")]
fn label(id: SensorId) -> Option<alloc::string::String> {
    id.number().map(|number| alloc::format!("sensor {number}"))
}

/// A sensor with an output port of [`SensorEvent`]s.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::ListSensor;
/// let lux = SensorOutput::new(ListSensor::new("lux", [20.0, 30.0]));
/// lux.for_each(|e| println!("{e}")); // any number of readers of one port
/// lux.map(|e| e.val).running_avg(5).map(|v| v > 25.0).for_each(|on| println!("{on}"));
/// ```
#[cfg(feature = "alloc")]
pub type SensorOutput<S> = crate::output::Output<Sampled<S>>;

#[cfg(feature = "alloc")]
impl<S: Sensor> crate::output::Output<Sampled<S>>
where
    S::Reading: Clone + 'static,
{
    /// The output of a sensor.
    pub fn new(sensor: S) -> Self {
        Self::of(Sampled::new(sensor))
    }
}

/// A sensor whose failures are readings too: `None` in band, instead of an error that goes to the schedule's policy.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::prelude::*;
/// use thingflow_core::{OrMissing, testing::FlakySensor};
/// let mut sensor = OrMissing(FlakySensor::new("co2", [Ok(400.0), Err("no answer"), Ok(410.0)]));
/// assert_eq!(sensor.sample(), Ok(Some(400.0)));
/// assert_eq!(sensor.sample(), Ok(None));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OrMissing<S>(pub S);

impl<S: Sensor> Sensor for OrMissing<S> {
    type Reading = Option<S::Reading>;
    type Error = core::convert::Infallible;

    fn id(&self) -> SensorId {
        self.0.id()
    }
    fn sample(&mut self) -> Result<Self::Reading, SampleError<Self::Error>> {
        match self.0.sample() {
            Ok(reading) => Ok(Some(reading)),
            Err(SampleError::Ended) => Err(SampleError::Ended),
            Err(SampleError::NotYet(wait)) => Err(SampleError::NotYet(wait)),
            Err(SampleError::Failed(error)) => {
                log::warn!("{}: {error}", self.0.id());
                Ok(None)
            }
        }
    }
}
