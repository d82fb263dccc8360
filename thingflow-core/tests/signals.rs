//! Signals that stop a run: sent to a child, which is this test program once more.
#![cfg(feature = "std")]

use std::error::Error;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use thingflow_core::prelude::*;
use thingflow_core::{Notice, StopSignal};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const MODE: &str = "THINGFLOW_SIGNAL_TEST";
const LONG: Duration = Duration::from_secs(3600);

/// Says when a stop has begun.
struct Says;

impl Filter<u64> for Says {
    type Out = u64;
    fn on_next(&mut self, event: u64, out: &mut Emitter<'_, '_, impl InputThing<u64>>) -> Receipt {
        out.next(event)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<u64>>) -> Receipt {
        println!("\nstopping");
        out.notice(Notice::Flush)
    }
}

/// What the child does; without a mode nothing.
#[test]
fn child() -> Result {
    let Ok(mode) = std::env::var(MODE) else { return Ok(()) };
    let mut scheduler = Scheduler::new()?;
    scheduler.stop_within(LONG);
    let source = interval(Duration::from_millis(1)).inspect(|n| {
        if *n == 0 {
            println!("\nrunning");
        }
    });
    match mode.as_str() {
        "hangs" => scheduler.schedule_recurring(source.for_each(|_| {
            loop {
                std::thread::park();
            }
        }))?,
        "holds" => scheduler.schedule_recurring(source.pipe(Says).delay(LONG, Limit::default()).for_each(drop))?,
        _ => {
            scheduler.stop_on([StopSignal::Terminate, StopSignal::Hangup, StopSignal::Quit]);
            scheduler.schedule_periodic(from_iter(0..).for_each(|_: u32| {}), LONG)?;
            scheduler.schedule_recurring(source.for_each(drop))?
        }
    };
    scheduler.run_forever()?;
    println!("\nended");
    loop {
        std::thread::park();
    }
}

/// This test program; where it runs on an emulated processor, started by the emulator.
fn this_program() -> std::io::Result<Command> {
    let (program, runner) = (std::env::current_exe()?, std::env::var("THINGFLOW_TEST_RUNNER").unwrap_or_default());
    let mut words = runner.split_whitespace();
    let Some(emulator) = words.next() else { return Ok(Command::new(program)) };
    let mut command = Command::new(emulator);
    command.args(words).arg(program);
    Ok(command)
}

/// Says so where the signals a test is about are not to be had.
fn has_default_effects() -> bool {
    let emulated = std::env::var_os("THINGFLOW_TEST_RUNNER").is_some();
    if emulated {
        eprintln!("NOT CHECKED: qemu-user gives a signal no default effect again");
    }
    !emulated
}

struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(mode: &str) -> Result<Self> {
        let mut command = this_program()?;
        command.args(["--exact", "child", "--nocapture"]).env(MODE, mode).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut program = Self { child, lines };
        program.wait_for("running")?;
        Ok(program)
    }

    fn wait_for(&mut self, line: &str) -> Result {
        for said in &mut self.lines {
            if said? == line {
                return Ok(());
            }
        }
        Err(format!("it never said {line}").into())
    }

    fn send(&self, signal: Signal) -> Result {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).ok_or("no process")?;
        Ok(kill_process(pid, signal)?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill(); // over already
        let _ = self.child.wait();
    }
}

#[test]
fn f19_after_a_run_signals_have_their_default_effect_again() -> Result {
    if !has_default_effects() {
        return Ok(());
    }
    let mut program = Program::start("ends")?;
    program.send(Signal::TERM)?;
    program.wait_for("ended")?;
    program.send(Signal::TERM)?;
    assert_eq!(program.child.wait()?.signal(), Some(Signal::TERM.as_raw()));
    Ok(())
}

#[test]
fn f19_a_hangup_and_a_quit_stop_the_run_by_choice() -> Result {
    for signal in [Signal::HUP, Signal::QUIT] {
        let mut program = Program::start("ends")?;
        program.send(signal)?;
        program.wait_for("ended")?;
    }
    Ok(())
}

#[test]
fn f19_a_second_signal_closes_at_once() -> Result {
    let mut program = Program::start("holds")?;
    program.send(Signal::TERM)?;
    program.wait_for("stopping")?;
    program.send(Signal::TERM)?;
    program.wait_for("ended")
}

#[test]
fn f19_a_second_signal_ends_a_process_that_hangs() -> Result {
    if !has_default_effects() {
        return Ok(());
    }
    let mut program = Program::start("hangs")?;
    // The first one finds nobody who could stop the run. Two that wait at the same time are one, so there may be more.
    while program.child.try_wait()?.is_none() {
        program.send(Signal::TERM)?;
        std::thread::yield_now();
    }
    assert_eq!(program.child.wait()?.signal(), Some(Signal::TERM.as_raw()));
    Ok(())
}
