//! Instructions of a child, counted by callgrind. Two lengths of the same run, so that what comes before and after the
//! events drops out.

use std::process::Command;
use std::sync::OnceLock;

use crate::{Result, child};

const MISSING: &str = "\
**********************************************************************
* valgrind was not found: no instruction can be counted.             *
* Install it with:    apt-get install valgrind                       *
* Most groups stay without their main figures.                       *
**********************************************************************";

/// Whether valgrind can be called; looked up once.
pub fn available() -> Result<()> {
    static FOUND: OnceLock<bool> = OnceLock::new();
    let look = || Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success());
    if *FOUND.get_or_init(look) { Ok(()) } else { Err(MISSING.into()) }
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
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(child.get_program())
        .args(child.get_args())
        .arg(events.to_string())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(said.trim().to_owned().into());
    }
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.ok_or("callgrind did not say what it collected")?;
    Ok(count.trim().parse()?)
}
