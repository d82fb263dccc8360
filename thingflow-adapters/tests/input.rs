//! Standard input, in a process of its own.
#![cfg(feature = "lines")]

use std::env;
use std::error::Error;
use std::io::Write;
use std::process::{Command, Stdio};

use thingflow_adapters::lines;
use thingflow_core::prelude::*;

const CHILD: &str = "THINGFLOW_TEST_INPUT";

#[test]
fn a_child_that_reads_its_input() -> Result<(), Box<dyn Error>> {
    if env::var_os(CHILD).is_none() {
        return Ok(());
    }
    let typed = lines::stdin()?.events();
    typed
        .port()
        .filter_map(|line| line.parse::<f64>().ok())
        .fold(0.0, |sum, x| sum + x)
        .for_each(|sum| println!("sum {sum}"));
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(typed)?;
    scheduler.run_forever()?;
    Ok(())
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

#[test]
fn f85_standard_input_is_a_source() -> Result<(), Box<dyn Error>> {
    let mut child = this_program()?
        .args(["--exact", "a_child_that_reads_its_input", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().ok_or("no input")?.write_all(b"1.5\nno number\n2\n")?;
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("sum 3.5"), "{text}");
    Ok(())
}
