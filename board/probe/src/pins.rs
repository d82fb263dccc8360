//! Pins of a simulated chip: driven, read, found by name, in use.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use thingflow_adapters::gpio::chardev::Line;
use thingflow_adapters::gpio::{PinState, pin_out};
use thingflow_core::prelude::*;
use thingflow_sensors::pin::pin_in;

use crate::Result;
use crate::checks::{Checks, expect};
use crate::simulated::Simulated;
use crate::waiting::run_until;

const LED: u32 = 1;
const DOOR: u32 = 2;
/// The line that the init script has named `lamp`.
const LAMP: u32 = 5;

pub(crate) fn check(checks: &mut Checks, chip: &Simulated) {
    let led = || Line::at(&chip.chip, LED);
    checks.run("a pin is driven, as seen outside", || driven(chip, led(), LED));
    checks.run("a pin is found by its name", || driven(chip, Line::named("lamp"), LAMP));
    checks.run("a pin is read", || read(chip));
    checks.run("a pin in use is refused", || {
        let _first = led().output(PinState::Low)?;
        let refused = led().output(PinState::Low).map(drop).map_err(|error| error.to_string());
        let text = refused.err().ok_or("it was given twice")?;
        if text.contains("thingflow") { Ok(text) } else { Err(format!("who has it is not said: {text}").into()) }
    });
}

/// The levels outside while on, off, on flow into the pin.
fn driven(chip: &Simulated, line: Line, number: u32) -> Result<String> {
    let mut scheduler = Scheduler::new()?;
    let (seen, outside) = (Rc::new(RefCell::new(Vec::new())), chip.clone());
    let levels = from_iter([true, false, true]).output();
    levels.connect(pin_out("led", line.output(PinState::Low)?));
    let levels_seen = seen.clone();
    levels.try_for_each(move |_| -> std::io::Result<()> {
        levels_seen.borrow_mut().push(outside.level(number)?);
        Ok(())
    });
    scheduler.schedule_periodic(levels, Duration::from_millis(10))?;
    scheduler.run_forever()?;
    let seen = seen.borrow().clone();
    expect("levels", &seen, &vec![true, false, true])
}

/// What a sampled input reads while it is pulled up and down from outside.
fn read(chip: &Simulated) -> Result<String> {
    let mut scheduler = Scheduler::new()?;
    let seen = Rc::new(RefCell::new(Vec::new()));
    let door = SensorOutput::new(pin_in("door", Line::at(&chip.chip, DOOR).input()?));
    let levels = seen.clone();
    door.map(|event| event.val).dedup().for_each(move |level| levels.borrow_mut().push(level));
    scheduler.schedule_periodic(door, Duration::from_millis(10))?;
    for (count, up) in [(1, false), (2, true), (3, false)] {
        chip.pull(DOOR, up)?;
        run_until(&mut scheduler, "the level", || seen.borrow().len() == count)?;
    }
    let seen = seen.borrow().clone();
    expect("levels", &seen, &vec![false, true, false])
}
