//! [`Specimen`]: a chip as the tests see it that go through all of them.

use std::fmt::Debug;
use std::string::String;
use std::vec::Vec;

use thingflow_core::Sensor;

use super::fake::{FakeChip, Noise};
use crate::{Conversion, Measures, Progress, Quantity, Values};

/// What the tests of a chip hand over.
pub(crate) struct Specimen {
    /// As its errors begin.
    pub(crate) name: &'static str,
    /// What it sends where the chip answers by noise, with good checksums and the right identification.
    pub(crate) fed: fn(Noise) -> Fed,
    /// If it is on I2C.
    pub(crate) nobody: Option<Nobody>,
    /// If it has registers.
    pub(crate) registers: Option<Settings>,
}

/// A chip with registers, and what must be in them before it is read.
pub(crate) struct Settings {
    /// The chip, with its identification.
    pub(crate) chip: fn() -> FakeChip,
    /// A sensor on that chip; each call samples it once.
    pub(crate) sensor: fn(FakeChip) -> Sampling,
    /// How many samplings it takes to be set up.
    pub(crate) samplings: usize,
    /// All registers that readings depend on, and their values.
    pub(crate) expected: &'static [(u8, u8)],
}

/// Samples once; false if that failed.
pub(crate) type Sampling = Box<dyn FnMut() -> bool>;

/// Its address in hexadecimal digits, and the error of the first access where nobody answers.
pub(crate) type Nobody = (&'static str, fn() -> String);

/// What has been sent.
#[derive(Debug, Default)]
pub(crate) struct Fed {
    /// Each number and its quantity.
    pub(crate) values: Vec<(Quantity, f64)>,
    /// Readings, those among them that have no number.
    pub(crate) readings: usize,
    /// Samplings that failed, or gave nothing yet.
    pub(crate) without: usize,
}

impl Fed {
    /// What has been sent here and there.
    #[allow(dead_code)] // needed where there are several values
    pub(crate) fn and(mut self, more: Self) -> Self {
        self.values.extend(more.values);
        Self { readings: self.readings + more.readings, without: self.without + more.without, ..self }
    }

    pub(crate) fn see<R: Values>(&mut self, quantities: &[Quantity], mut reading: R) {
        self.readings += 1;
        let seen = reading.try_each(&mut |place, value| {
            self.values.push((quantities[place], value));
            Ok::<_, ()>(value)
        });
        assert_eq!(seen, Ok(()));
    }
}

const SAMPLINGS: usize = 30;

/// What a sensor sends.
pub(crate) fn direct<S: Sensor<Reading: Values> + Measures>(mut sensor: S) -> Fed {
    let mut fed = Fed::default();
    for _ in 0..SAMPLINGS {
        match sensor.sample() {
            Ok(reading) => fed.see(sensor.quantities().as_ref(), reading),
            Err(_) => fed.without += 1,
        }
    }
    fed
}

/// What a slow one sends.
pub(crate) fn slow<C: Conversion<Reading: Values> + Measures>(mut sensor: C) -> Fed {
    let mut fed = Fed::default();
    for _ in 0..SAMPLINGS {
        match convert(&mut sensor) {
            Some(reading) => fed.see(sensor.quantities().as_ref(), reading),
            None => fed.without += 1,
        }
    }
    fed
}

/// The reading of one measurement, if it comes to an end.
pub(crate) fn convert<C: Conversion>(sensor: &mut C) -> Option<C::Reading> {
    sensor.start().ok()?;
    for _ in 0..12 {
        if let Progress::Ready(reading) = sensor.read().ok()? {
            return Some(reading);
        }
    }
    None
}

/// The text of an error that must be there.
pub(crate) fn error<T: Debug, E: std::error::Error>(outcome: Result<T, E>) -> String {
    std::string::ToString::to_string(&outcome.expect_err("nobody answers"))
}
