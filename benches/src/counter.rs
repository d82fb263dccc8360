//! Instructions of a child, counted by callgrind, or by an emulator of another processor. Two lengths of the same run, so
//! that what comes before and after the events drops out.

use std::env;
use std::process::Command;
use std::sync::OnceLock;

use crate::{Result, child};

/// The emulator's plug-in that counts, see `count.c`; set by `cargo xtask bench --target`.
const COUNTER: &str = "THINGFLOW_BENCH_COUNTER";

/// The words that run a program on the emulator; set by `scripts/cross-cargo`.
const EMULATOR: &str = "THINGFLOW_TEST_RUNNER";

const VALGRIND: &str = "valgrind --tool=callgrind --callgrind-out-file=/dev/null";

const MISSING: &str = "\
**********************************************************************
* valgrind was not found: no instruction can be counted.             *
* Install it with:    apt-get install valgrind                       *
* Most groups stay without their main figures.                       *
**********************************************************************";

/// Whether this runs on an emulated processor: there instructions are a figure, and times and memory are not.
pub fn is_emulated() -> bool {
    env::var_os(COUNTER).is_some()
}

/// What to put in front of a program whose instructions are to be counted.
fn counting() -> String {
    match (env::var(EMULATOR), env::var(COUNTER)) {
        (Ok(emulator), Ok(counter)) => format!("{emulator} -plugin {counter}"),
        _ => VALGRIND.into(),
    }
}

/// Whether instructions can be counted; looked up once.
pub fn available() -> Result<()> {
    static FOUND: OnceLock<bool> = OnceLock::new();
    let look = || Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success());
    if is_emulated() || *FOUND.get_or_init(look) { Ok(()) } else { Err(MISSING.into()) }
}

/// Instructions for each event, for a child whose last argument is the number of events.
pub fn per_event(args: &[String], events: u64) -> Result<f64> {
    if available().is_err() {
        return Err("needs valgrind: apt-get install valgrind".into());
    }
    let short = instructions(args, events)?;
    let long = instructions(args, 3 * events)?;
    Ok((long - short) / (2 * events) as f64)
}

fn instructions(args: &[String], events: u64) -> Result<f64> {
    let child = child::command(args)?;
    let counting = counting();
    let mut words = counting.split_whitespace();
    let output = Command::new(words.next().unwrap_or_default())
        .args(words)
        .arg(child.get_program())
        .args(child.get_args())
        .arg(events.to_string())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(said.trim().to_owned().into());
    }
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.ok_or("the counter did not say what it collected")?;
    Ok(count.trim().parse()?)
}
