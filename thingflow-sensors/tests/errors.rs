//! Each public error reads the same as `Debug`, which is what `main` prints, and keeps what caused it.
#![cfg(all(feature = "std", feature = "postcard", feature = "sysfs", target_os = "linux"))]
#![allow(clippy::unwrap_used)] // helpers of tests

use std::convert::Infallible;
use std::error::Error;
use std::io;

use thingflow_core::{DriverError, Sensor, SensorId};
use thingflow_sensors::linux::{LinuxError, Thermal};
use thingflow_sensors::serial::{CsvLines, FrameError, Framed, Message, encode};
use thingflow_sensors::{Blocking, BlockingError, Calibration, Chip, Conversion, Progress, Quantity};

/// Fails as a chip does on a bus that fails.
struct Broken;

impl Conversion for Broken {
    type Reading = f64;
    type Error = thingflow_sensors::ChipError<io::ErrorKind>;
    fn id(&self) -> SensorId {
        "broken".into()
    }
    fn start(&mut self) -> Result<std::time::Duration, Self::Error> {
        Err(Chip::i2c("BMP390", 0x77).silent(io::ErrorKind::TimedOut))
    }
    fn read(&mut self) -> Result<Progress<f64>, Self::Error> {
        Ok(Progress::Ready(0.0))
    }
}

/// One of each kind.
fn errors() -> Vec<Box<dyn Error>> {
    let out_of_range = Quantity::new("temperature", "°C", 0.0..=1.0).check(2.0).unwrap_err();
    let chip = Chip::i2c("BMP390", 0x77);
    let mut cut = Framed::opening("board", || Err::<&[u8], _>(io::Error::other("no board")), CsvLines::<1>::new());
    let linux: [LinuxError; 1] = [Thermal::new("x", "no such zone").unwrap_err()];
    let mut errors: Vec<Box<dyn Error>> = vec![
        Box::new(out_of_range),
        Box::new(chip.silent(io::ErrorKind::TimedOut)),
        Box::new(chip.stranger::<Infallible>(1, 2)),
        Box::new(chip.corrupt::<Infallible>()),
        Box::new(chip.impossible::<Infallible>(out_of_range)),
        Box::new(chip.no_reading::<Infallible>("it is too bright")),
        Box::new(Calibration::new([(0.0, 0.0)]).unwrap_err()),
        Box::new(Blocking::new(Broken, embedded_hal_mock::eh1::delay::NoopDelay).sample().unwrap_err()),
        Box::new(BlockingError::<Infallible>::Endless),
        Box::new(FrameError::TooLong),
        Box::new(FrameError::OutOfRange(out_of_range)),
        Box::new(encode(&Message { sensor: 1, ticks: 2, value: 3.0 }, &mut [0; 2]).unwrap_err()),
        Box::new(DriverError(io::ErrorKind::TimedOut)),
    ];
    if let Err(thingflow_core::SampleError::Failed(error)) = cut.sample() {
        errors.push(Box::new(error));
    }
    errors.extend(linux.map(|error| Box::new(error) as Box<dyn Error>));
    errors
}

#[test]
fn f13_what_main_prints_is_the_text() {
    let all = errors();
    assert_eq!(all.len(), 15);
    for error in all {
        // `SampleError` belongs to the core, and is only a wrapper of these.
        let debug = format!("{error:?}");
        assert_eq!(debug.trim_start_matches("Failed(").trim_end_matches(')'), error.to_string().trim_end_matches(')'));
        assert!(!debug.chars().any(char::is_control), "{debug}");
    }
}

#[test]
fn f12_what_the_bus_said_can_be_looked_at_through_all_layers() {
    let error = Blocking::new(Broken, embedded_hal_mock::eh1::delay::NoopDelay).sample().unwrap_err();
    let cause = error.source().and_then(|cause| cause.downcast_ref::<DriverError<io::ErrorKind>>());
    assert_eq!(cause, Some(&DriverError(io::ErrorKind::TimedOut)));
    let unreadable = LinuxError::Unreadable { path: "/x".into(), error: io::ErrorKind::PermissionDenied.into() };
    let cause = unreadable.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::PermissionDenied));
}
