//! Edges as events: their time and number, bounce, bursts, a chip that goes away; from a simulated chip whose inputs are
//! pulled, and from the board's own controller whose inputs the host drives.

use std::fs;
use std::thread;
use std::time::Duration;

use thingflow_adapters::gpio::chardev::{Edge, Line};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Clock, SystemClock};

use crate::checks::{Checks, expect};
use crate::rhythm::Rhythm;
use crate::simulated::Simulated;
use crate::waiting::run_until;
use crate::{Result, host};

const BUTTON: u32 = 3;
const BURST: u32 = 4;
/// Longer than any hiccup of an emulated board between two pulls.
const QUIET: Duration = Duration::from_millis(300);

pub(crate) fn check(checks: &mut Checks, chip: &Simulated) {
    checks.run("edges carry the kernel's time and number", || timed(chip));
    checks.run("the kernel removes bounce", || bounce_by_kernel(chip));
    checks.run("debounce removes bounce, the last edge is kept", || bounce_by_filter(chip));
    checks.run("a burst that nobody fetches keeps its last edge and counts the lost", || burst(chip));
}

type Seen = Recorder<SensorEvent<Edge>>;

/// The edges of a line, and a scheduler that has them.
fn watch(line: Line) -> Result<(Scheduler, Seen)> {
    let (scheduler, seen) = (Scheduler::new()?, Recorder::new());
    let edges = line.edges("button")?;
    edges.port().connect(seen.clone());
    scheduler.schedule_on_main_event_loop(edges)?;
    Ok((scheduler, seen))
}

fn shape(seen: &Seen) -> Vec<(bool, u32)> {
    seen.events().iter().map(|event| (event.val.rising, event.val.sequence)).collect()
}

/// Times that only go forward and lie between two readings of the clock.
fn check_times(seen: &Seen, from: Timestamp, to: Timestamp) -> Result {
    let times: Vec<Timestamp> = seen.events().iter().map(|event| event.ts).collect();
    let in_order = times.is_sorted_by(|a, b| a < b);
    if in_order && times.iter().all(|time| (from..=to).contains(time)) {
        return Ok(());
    }
    Err(format!("times {times:?} are not in order between {from} and {to}").into())
}

fn timed(chip: &Simulated) -> Result<String> {
    let (mut scheduler, seen) = watch(Line::at(&chip.chip, BUTTON))?;
    let (outside, from) = (chip.clone(), SystemClock.timestamp());
    let finger = thread::spawn(move || -> std::io::Result<()> {
        for press in 0..6 {
            outside.pull(BUTTON, press % 2 == 0)?;
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    });
    run_until(&mut scheduler, "six edges", || seen.events().len() == 6)?;
    finger.join().map_err(|_| "the outside panicked")??;
    check_times(&seen, from, SystemClock.timestamp())?;
    expect("edges", &shape(&seen), &(1..=6).map(|n| (n % 2 == 1, n)).collect())
}

/// Nine quick changes, the last one up.
fn bounce(chip: &Simulated, line: u32) -> Result {
    for change in 0..9 {
        chip.pull(line, change % 2 == 0)?;
    }
    Ok(())
}

fn bounce_by_kernel(chip: &Simulated) -> Result<String> {
    let (mut scheduler, seen) = watch(Line::at(&chip.chip, BUTTON).debounce(QUIET))?;
    bounce(chip, BUTTON)?;
    run_until(&mut scheduler, "an edge", || !seen.events().is_empty())?;
    scheduler.run_for(QUIET * 2)?;
    expect("edges", &shape(&seen), &vec![(true, 1)])?;
    chip.pull(BUTTON, false)?;
    run_until(&mut scheduler, "another edge", || seen.events().len() == 2)?;
    expect("edges", &shape(&seen), &vec![(true, 1), (false, 2)])
}

fn bounce_by_filter(chip: &Simulated) -> Result<String> {
    let (mut scheduler, seen) = (Scheduler::new()?, Recorder::new());
    let edges = Line::at(&chip.chip, BUTTON).edges("button")?;
    edges.port().debounce(QUIET).connect(seen.clone());
    scheduler.schedule_on_main_event_loop(edges)?;
    bounce(chip, BUTTON)?;
    run_until(&mut scheduler, "an edge", || !seen.events().is_empty())?;
    chip.pull(BUTTON, false)?;
    run_until(&mut scheduler, "another edge", || seen.events().len() == 2)?;
    let rising: Vec<bool> = seen.events().iter().map(|event| event.val.rising).collect();
    expect("edges up", &rising, &vec![true, false])
}

/// More edges than the kernel keeps, before the loop turns for the first time. Edges that follow each other too quickly for
/// the kernel are one to it, and not lost.
fn burst(chip: &Simulated) -> Result<String> {
    let (mut scheduler, seen) = watch(Line::at(&chip.chip, BURST))?;
    for change in 0..101 {
        chip.pull(BURST, change % 2 == 0)?;
        thread::sleep(Duration::from_millis(1));
    }
    run_until(&mut scheduler, "the edges", || !seen.events().is_empty())?;
    scheduler.run_for(QUIET)?;
    chip.pull(BURST, false)?;
    let last = seen.events().last().map(|event| event.val).ok_or("no edge")?;
    let lost: u32 = seen.events().iter().map(|event| event.val.lost).sum();
    let kept = u32::try_from(seen.events().len())?;
    let report = format!("{kept} kept, {lost} counted as lost, the last is {last:?}");
    let is_right = last.rising && lost > 0 && kept + lost == last.sequence;
    if is_right { Ok(report) } else { Err(report.into()) }
}

/// A chip that goes away ends its stream with an error; what is beside it keeps its rhythm.
pub(crate) fn check_vanishing(checks: &mut Checks, chip: &Simulated, live: &str) {
    checks.run("a chip that goes away ends its own stream only", || {
        let (mut scheduler, seen) = watch(Line::at(&chip.chip, BUTTON))?;
        let beat = Rhythm::beat(&scheduler, Duration::from_millis(20))?;
        chip.pull(BUTTON, true)?;
        run_until(&mut scheduler, "an edge", || seen.events().len() == 1)?;
        let live = live.to_owned();
        let thief = thread::spawn(move || fs::write(live, "0"));
        run_until(&mut scheduler, "the error", || seen.error().is_some())?;
        beat.go_on(&mut scheduler, 20)?;
        let kept = beat.judge()?;
        drop(scheduler);
        thief.join().map_err(|_| "the outside panicked")??;
        Ok(format!("{}; beside it {kept}", seen.error().unwrap_or_default()))
    });
}

/// Edges of the controller's inputs, which the host drives.
pub(crate) fn check_controller(checks: &mut Checks, chip: &str) {
    checks.run("edges injected by the host arrive", || {
        const LINE: u32 = 2;
        let (mut scheduler, seen) = watch(Line::at(chip, LINE))?;
        let from = SystemClock.timestamp();
        let world = thread::spawn(|| -> std::io::Result<()> {
            for level in [1, 0, 1, 0] {
                host::ask(&format!("input {LINE} {level}"))?;
            }
            Ok(())
        });
        run_until(&mut scheduler, "four edges", || seen.events().len() == 4)?;
        world.join().map_err(|_| "the outside panicked")??;
        check_times(&seen, from, SystemClock.timestamp())?;
        expect("edges", &shape(&seen), &vec![(true, 1), (false, 2), (true, 3), (false, 4)])
    });
}
