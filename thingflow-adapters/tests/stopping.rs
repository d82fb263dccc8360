//! The safe level of a pin, however the process ends: each case is a process of its own, ended from outside.
#![cfg(feature = "gpio")]

use std::convert::Infallible;
use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use embedded_hal::digital::{ErrorType, OutputPin};
use rustix::process::{Pid, Signal, kill_process};
use thingflow_adapters::gpio::{PinState, pin_out};
use thingflow_core::prelude::*;
use thingflow_core::{Remote, StopToken};

const CASE: &str = "THINGFLOW_TEST_CASE";

/// A pin whose levels can be seen from outside the process.
struct Shown;

impl ErrorType for Shown {
    type Error = Infallible;
}

impl OutputPin for Shown {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set_state(PinState::Low)
    }
    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set_state(PinState::High)
    }
    fn set_state(&mut self, level: PinState) -> Result<(), Infallible> {
        println!("pin: {level:?}");
        Ok(())
    }
}

/// What the other tests run as a process of its own: a heater that is on, until it ends as `CASE` says; on its own, until
/// its sensor has no more readings.
#[test]
fn child() -> Result<(), Box<dyn Error>> {
    let case = std::env::var(CASE).unwrap_or_default();
    let mut scheduler = Scheduler::new()?;
    if case == "idle" {
        let (remote, switch) = scheduler.remote(Limit::default())?;
        switch.connect(pin_out("heater", Shown));
        let _posted = remote.post(true);
        return Ok(scheduler.run_forever()?); // nothing is due any more, and the remote is held: it sleeps
    }
    let heater = from_iter(0..if case.is_empty() { 9 } else { u32::MAX }).output();
    heater.map(|_| true).connect(pin_out("heater", Shown));
    let case_of_thing = case.clone();
    heater.try_for_each(move |n| match case_of_thing.as_str() {
        "fatal" if n == 3 => Err("the disk is full"),
        "panic" if n == 3 => panic!("a bug"),
        _ => Ok(()),
    });
    scheduler.schedule_periodic(heater, Duration::from_millis(1))?;
    if case == "edge panic" || case == "blocked" {
        scheduler.stop_within(Duration::from_millis(10));
        let blocks = case == "blocked";
        let work = move |_: Remote<()>, stop: StopToken| -> Result<(), &'static str> {
            if blocks {
                loop {
                    std::thread::park(); // a driver that does not answer
                }
            }
            stop.wait(Duration::from_millis(3));
            panic!("a bug on a thread")
        };
        scheduler.schedule_on_private_event_loop("edge", Limit::default(), work)?.connect(call(drop));
    }
    if case == "panic outside" {
        for _ in 0..9 {
            scheduler.turn(None)?;
        }
        panic!("a bug in a loop of the user's own");
    }
    scheduler.run_forever()?;
    Ok(())
}

/// This test program; where it runs on an emulated processor, started by the emulator.
fn this_program() -> Result<Command, Box<dyn Error>> {
    let (program, runner) = (std::env::current_exe()?, std::env::var("THINGFLOW_TEST_RUNNER").unwrap_or_default());
    let mut words = runner.split_whitespace();
    let Some(emulator) = words.next() else { return Ok(Command::new(program)) };
    let mut command = Command::new(emulator);
    command.args(words).arg(program);
    Ok(command)
}

fn start(case: &str) -> Result<Child, Box<dyn Error>> {
    let mut command = this_program()?;
    command.args(["--exact", "child", "--nocapture"]).env(CASE, case).env("RUST_BACKTRACE", "0");
    Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

/// Waits until the pin is high, does `then` to the process, and waits for its end: the levels written, the exit status,
/// and what it said.
fn run(case: &str, then: impl FnOnce(Pid)) -> Result<(Vec<String>, ExitStatus, String), Box<dyn Error>> {
    let mut child = start(case)?;
    let pid = Pid::from_child(&child);
    let (mut levels, mut then) = (Vec::new(), Some(then));
    for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
        // The test harness may have begun the line.
        let Some((_, level)) = line?.split_once("pin: ").map(|(a, b)| (a.to_owned(), b.to_owned())) else { continue };
        if level == "High" {
            then.take().into_iter().for_each(|then| then(pid));
        }
        levels.push(level);
    }
    let mut said = String::new();
    child.stderr.take().ok_or("no errors")?.read_to_string(&mut said)?;
    Ok((levels, child.wait()?, said))
}

#[test]
fn a_signal_from_outside_ends_the_run_cleanly_at_the_safe_level() -> Result<(), Box<dyn Error>> {
    for case in ["busy", "idle", "blocked"] {
        for signal in [Signal::TERM, Signal::INT] {
            let (levels, status, said) = run(case, |pid| kill_process(pid, signal).unwrap_or_default())?;
            assert_eq!(levels, ["Low", "High", "Low"], "{case}, {signal:?}");
            assert!(status.success(), "{case}, {signal:?}: {status}: {said}");
        }
    }
    Ok(())
}

#[test]
fn a_run_that_is_over_ends_at_the_safe_level() -> Result<(), Box<dyn Error>> {
    let (levels, status, said) = run("", |_| {})?;
    assert_eq!(levels, ["Low", "High", "Low"]);
    assert!(status.success(), "{status}: {said}");
    Ok(())
}

#[test]
fn a_fatal_error_ends_the_process_at_the_safe_level() -> Result<(), Box<dyn Error>> {
    let (levels, status, said) = run("fatal", |_| {})?;
    assert_eq!(levels, ["Low", "High", "Low"]);
    assert!(!status.success() && said.contains("TryCall: the disk is full"), "{said}");
    Ok(())
}

#[test]
fn a_panic_ends_the_process_at_the_safe_level() -> Result<(), Box<dyn Error>> {
    for (case, said) in [
        ("panic", "TryCall: panicked: a bug"),
        ("edge panic", "edge: panicked"),
        ("panic outside", "a bug in a loop of the user's own"),
    ] {
        let (levels, status, errors) = run(case, |_| {})?;
        assert_eq!(levels, ["Low", "High", "Low"], "{case}");
        assert!(!status.success() && errors.contains(said), "{case}: {errors}");
    }
    Ok(())
}
