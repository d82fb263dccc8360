//! Pins of a Raspberry Pi, by the character device and by `rppal`; the host sees them and drives them.

use std::time::Duration;

use embedded_hal::digital::{InputPin, OutputPin};
use thingflow_adapters::gpio::chardev::Line;
use thingflow_adapters::gpio::{PinState, pin_out, rppal};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_sensors::pin::pin_in;

use crate::checks::{Checks, expect};
use crate::waiting::run_until;
use crate::{Result, host};

pub(crate) fn check(checks: &mut Checks, chip: &str) {
    checks.run("the host sees a pin of the character device", || driven(17, Line::at(chip, 17).output(PinState::Low)?));
    checks.run("the host sees a pin of rppal", || driven(18, rppal::output(18, PinState::Low)?));
    checks.run("the character device sees what the host drives", || read(22, Line::at(chip, 22).input()?));
    checks.run("rppal sees what the host drives", || read(23, rppal::input(23)?));
}

/// What the host reads at the pin while on, off, on flow into it, and when the stream is over.
fn driven(number: u32, pin: impl OutputPin<Error: Send + Sync> + 'static) -> Result<String> {
    let (mut scheduler, seen) = (Scheduler::new()?, Recorder::new());
    let levels = from_iter([true, false, true]).output();
    levels.connect(pin_out("led", pin));
    levels.try_map(move |_| host::ask(&format!("pin {number}"))).connect(seen.clone());
    scheduler.schedule_periodic(levels, Duration::from_millis(10))?;
    scheduler.run_forever()?;
    drop(scheduler);
    expect("levels outside", &seen.events(), &vec!["1".to_owned(), "0".to_owned(), "1".to_owned()])?;
    expect("at the end", &host::ask(&format!("pin {number}"))?, &"0".to_owned())
}

/// What a sampled input reads while the host drives it.
fn read<P>(number: u32, pin: P) -> Result<String>
where
    P: InputPin<Error: Send + Sync> + 'static,
{
    let (mut scheduler, seen) = (Scheduler::new()?, Recorder::new());
    let door = SensorOutput::new(pin_in("door", pin));
    door.map(|event| event.val).dedup().connect(seen.clone());
    scheduler.schedule_periodic(door, Duration::from_millis(10))?;
    for (count, level) in [(1, 0), (2, 1), (3, 0)] {
        host::ask(&format!("drive {number} {level}"))?;
        run_until(&mut scheduler, "the level", || seen.events().len() == count)?;
    }
    expect("levels", &seen.events(), &vec![false, true, false])
}
