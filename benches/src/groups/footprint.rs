//! Part of `idle`: the memory and the size of the example `lux-led`, built as a user builds it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::child::Running;
use crate::figure::{Bound, OURS};
use crate::report::Report;
use crate::{Result, machine};

/// Where the example is, seen from this crate.
const EXAMPLE: &str = "../examples/lux-led/Cargo.toml";

/// The most memory and the largest binary that it may have.
const MEMORY_LIMIT_MIB: f64 = 2.5;
const BINARY_LIMIT_KIB: f64 = 700.0;

/// For how long it is watched, unless it ends before.
const WATCHED: Duration = Duration::from_secs(5);

/// Builds the example, runs it, adds its figures.
pub fn measure(report: &mut Report) {
    let program = build();
    let of_program = |measure: fn(&Path) -> Result<f64>| match &program {
        Ok(program) => vec![(OURS, measure(program))],
        Err(error) => vec![(OURS, Err(error.to_string().into()))],
    };
    report.add("idle", "lux-led, peak memory", "MiB", of_program(peak_memory), Some(Bound::AtMost(MEMORY_LIMIT_MIB)));
    report.add("idle", "lux-led, binary", "KiB", of_program(size), Some(Bound::AtMost(BINARY_LIMIT_KIB)));
}

/// Has cargo build the example, and tell where it put the program.
fn build() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE);
    let output = Command::new("cargo")
        .args(["build", "--release", "--message-format=json", "--manifest-path"])
        .arg(manifest)
        .stderr(Stdio::piped())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    program.ok_or_else(|| "cargo named no program".into())
}

/// The last peak that could be seen before the program ended or was ended, in MiB.
fn peak_memory(program: &Path) -> Result<f64> {
    let mut running = Running::start(Command::new(program))?;
    let start = Instant::now();
    let mut peak = None;
    while !running.has_ended()? && start.elapsed() < WATCHED {
        // It may end between the two looks.
        peak = machine::peak_memory(running.id()).ok().max(peak);
        thread::sleep(Duration::from_micros(100));
    }
    peak.map(|kib| kib as f64 / 1024.0).ok_or_else(|| "it ended before it could be looked at".into())
}

/// The size of the file in KiB; the release profile strips it.
fn size(program: &Path) -> Result<f64> {
    Ok(fs::metadata(program)?.len() as f64 / 1024.0)
}
