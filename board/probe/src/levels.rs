//! Levels as events, from a simulated chip whose inputs are pulled: of one line, of two in their order, after a burst.

use std::time::Duration;

use thingflow_adapters::gpio::chardev::{Levels, Line};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use crate::Result;
use crate::checks::{Checks, expect};
use crate::simulated::Simulated;
use crate::waiting::run_until;

const DOOR: u32 = 6;
const KNOB: [u32; 2] = [0, 7];

pub(crate) fn check(checks: &mut Checks, chip: &Simulated) {
    checks.run("a level is told at the start and at each change", || one_line(chip));
    checks.run("the changes of two lines keep their order", || two_lines(chip));
    checks.run("after a burst that nobody fetches the level is the last one", || burst(chip));
}

type Seen<T> = Recorder<SensorEvent<T>>;

/// A scheduler that has the levels.
fn watch<T: Clone + 'static>(levels: Levels<T>) -> Result<(Scheduler, Seen<T>)> {
    let (scheduler, seen) = (Scheduler::new()?, Recorder::new());
    levels.port().connect(seen.clone());
    scheduler.schedule_on_main_event_loop(levels)?;
    Ok((scheduler, seen))
}

fn values<T: Clone>(seen: &Seen<T>) -> Vec<T> {
    seen.events().into_iter().map(|event| event.val).collect()
}

fn one_line(chip: &Simulated) -> Result<String> {
    chip.pull(DOOR, true)?;
    let (mut scheduler, seen) = watch(Line::at(&chip.chip, DOOR).levels("door")?)?;
    run_until(&mut scheduler, "the level at the start", || seen.events().len() == 1)?;
    for up in [false, true, false] {
        let before = seen.events().len();
        chip.pull(DOOR, up)?;
        run_until(&mut scheduler, "a change", || seen.events().len() > before)?;
    }
    expect("levels", &values(&seen), &vec![true, false, true, false])
}

/// A notch of a rotary encoder, all of it before the loop turns.
fn two_lines(chip: &Simulated) -> Result<String> {
    let [a, b] = KNOB.map(|line| Line::at(&chip.chip, line));
    let (mut scheduler, seen) = watch(a.levels_with(b, "knob")?)?;
    run_until(&mut scheduler, "the levels at the start", || seen.events().len() == 1)?;
    for (line, up) in [(KNOB[0], true), (KNOB[1], true), (KNOB[0], false), (KNOB[1], false)] {
        chip.pull(line, up)?;
    }
    run_until(&mut scheduler, "four changes", || seen.events().len() >= 5)?;
    expect("levels", &values(&seen), &vec![(false, false), (true, false), (true, true), (false, true), (false, false)])
}

fn burst(chip: &Simulated) -> Result<String> {
    let (mut scheduler, seen) = watch(Line::at(&chip.chip, DOOR).levels("door")?)?;
    for change in 0..101 {
        chip.pull(DOOR, change % 2 == 0)?;
        std::thread::sleep(Duration::from_millis(1));
    }
    run_until(&mut scheduler, "the levels", || seen.events().len() > 1)?;
    scheduler.run_for(Duration::from_millis(300))?;
    let levels = values(&seen);
    let alternating = levels.windows(2).all(|pair| pair[0] != pair[1]);
    let report = format!("{} levels, the last is {:?}", levels.len(), levels.last());
    if alternating && levels.last() == Some(&true) { Ok(report) } else { Err(format!("{report}: {levels:?}").into()) }
}
