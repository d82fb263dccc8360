//! [`Blocking`]: a slow measurement as a plain sensor, which waits for it.

use core::fmt;
use core::time::Duration;

use embedded_hal::delay::DelayNs;
use thingflow_core::{SampleError, Sensor, SensorId};

use super::{Conversion, Progress, SHORTEST_WAIT, TIMEOUT};
use crate::{Measures, Quantity};

/// A slow sensor as a plain one: [`sample`](Sensor::sample) waits until the measurement is ready. For edge threads and
/// for programs that do nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Blocking<C, D> {
    conversion: C,
    delay: D,
}

impl<C: Conversion, D: DelayNs> Blocking<C, D> {
    /// The sensor, which waits by `delay`: `linux_embedded_hal::Delay`, or a microcontroller's.
    pub fn new(conversion: C, delay: D) -> Self {
        Self { conversion, delay }
    }

    fn wait(&mut self, d: Duration) {
        self.delay.delay_ms(u32::try_from(d.as_millis()).unwrap_or(u32::MAX));
        self.delay.delay_ns(d.subsec_nanos() % 1_000_000);
    }
}

impl<C: Conversion, D: DelayNs> Sensor for Blocking<C, D> {
    type Reading = C::Reading;
    type Error = BlockingError<C::Error>;

    fn id(&self) -> SensorId {
        self.conversion.id()
    }
    fn sample(&mut self) -> Result<C::Reading, SampleError<Self::Error>> {
        let mut left = TIMEOUT;
        let mut wait = self.conversion.start().map_err(BlockingError::Failed)?;
        loop {
            self.wait(wait);
            match self.conversion.read().map_err(BlockingError::Failed)? {
                Progress::Ready(reading) => return Ok(reading),
                Progress::AskIn(again) => wait = again.max(SHORTEST_WAIT),
            }
            left = left.checked_sub(wait).ok_or(BlockingError::Endless)?;
        }
    }
}

impl<C: Measures, D> Measures for Blocking<C, D> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        self.conversion.quantities()
    }
}

/// Why a slow sensor gave no reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BlockingError<E> {
    /// The driver failed.
    Failed(E),
    /// The measurement did not come to an end.
    Endless,
}

impl<E: fmt::Display> fmt::Display for BlockingError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Endless => f.write_str("its measurement does not come to an end; switch the sensor off and on"),
        }
    }
}

/// As `Display`.
impl<E: fmt::Display> fmt::Debug for BlockingError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Its text is that of the driver's error, so its cause is that one's.
impl<E: core::error::Error> core::error::Error for BlockingError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Endless => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{LATER, script};
    use super::*;
    use embedded_hal_mock::eh1::delay::NoopDelay;

    #[test]
    fn blocking_waits_and_gives_up() {
        let mut sensor = Blocking::new(script([LATER, Ok(Progress::Ready(7))]), NoopDelay);
        assert_eq!(sensor.sample(), Ok(7));
        assert_eq!(sensor.sample(), Err(SampleError::Failed(BlockingError::Endless)));
        let mut sensor = Blocking::new(script([Err("no answer")]), NoopDelay);
        assert_eq!(sensor.sample().unwrap_err().to_string(), "no answer");
    }
}
