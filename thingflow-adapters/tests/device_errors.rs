//! Each error of a device reads the same as `Debug`, which is what `main` prints, and keeps what caused it.
#![cfg(all(feature = "gpiocdev", feature = "pca9685", target_os = "linux"))]

use std::error::Error;
use std::io;
use std::time::Duration;

use thingflow_adapters::actuators::pca9685::Pca9685Fault;
use thingflow_adapters::actuators::sysfs_pwm::{SysfsPwm, SysfsPwmError};
use thingflow_adapters::actuators::{ActuatorError, PwmFault};
use thingflow_adapters::gpio::chardev::{Line, LineLevel};
use thingflow_adapters::gpio::{GpioError, PinFault, PinState, SimulatedPin, pin_out};
use thingflow_core::DriverError;
use thingflow_core::prelude::*;

#[test]
fn f13_what_main_prints_is_the_text() {
    let nothing = tempfile::tempdir().unwrap();
    let errors: Vec<Box<dyn Error>> = vec![
        Box::new(Line::at("/dev/gpiochip-none", 3).output(PinState::Low).unwrap_err()),
        Box::new(GpioError::Busy { line: "GPIO17".into(), by: String::new() }),
        Box::new(GpioError::Other { line: "GPIO17".into(), cause: "no such thing".into() }),
        Box::new("GPIO17".parse::<LineLevel>().unwrap_err()),
        Box::new(SysfsPwm::open_in(nothing.path(), 0, 0, Duration::from_millis(20)).unwrap_err()),
        Box::new(SysfsPwmError::Other { file: "/sys/x".into(), cause: io::ErrorKind::TimedOut.into() }),
        Box::new(Pca9685Fault::bus(io::ErrorKind::TimedOut)),
        Box::new(Pca9685Fault::<io::ErrorKind>::ExternalClock),
        Box::new(ActuatorError::bus(io::ErrorKind::TimedOut)),
        Box::new(ActuatorError::<io::ErrorKind>::Refused { value: 2.0, from: 0.0, to: 1.0, unit: "duty" }),
        Box::new(PinFault("no acknowledge")),
        Box::new(PwmFault("no acknowledge")),
    ];
    for error in errors {
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}

#[test]
fn f12_causes_can_be_looked_at() {
    let error = ActuatorError::bus(io::ErrorKind::TimedOut);
    let cause = error.source().and_then(|cause| cause.downcast_ref::<DriverError<io::ErrorKind>>());
    assert_eq!(cause, Some(&DriverError(io::ErrorKind::TimedOut)));
    let error = Pca9685Fault::bus(io::ErrorKind::TimedOut);
    let cause = error.source().and_then(|cause| cause.downcast_ref::<DriverError<io::ErrorKind>>());
    assert_eq!(cause, Some(&DriverError(io::ErrorKind::TimedOut)));
    let error = GpioError::Other { line: "GPIO17".into(), cause: io::Error::from(io::ErrorKind::TimedOut).into() };
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::TimedOut));
}

#[test]
fn f12_a_run_that_a_device_ends_keeps_the_cause() {
    let pin = SimulatedPin::new();
    pin.break_with("no acknowledge");
    let ended = pipe().to(pin_out("heater", pin)).feed([true]).unwrap_err();
    let (mut cause, mut found): (&(dyn Error + 'static), _) = (&ended, false);
    while let Some(next) = cause.source() {
        found |= next.is::<DriverError<PinFault>>();
        cause = next;
    }
    assert!(found, "{ended:?}");
    let (said, text) = (format!("{ended:?}"), ended.to_string());
    assert!(text.starts_with("actuator `heater`: no acknowledge"), "{text}");
    assert_eq!(said, text); // each cause once
}
