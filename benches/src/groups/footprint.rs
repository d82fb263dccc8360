//! Part of `idle`: the memory and the size of the example `lux-led`, built as a user builds it, and once more with MQTT.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::child::Running;
use crate::figure::{Bound, OURS};
use crate::report::Report;
use crate::servers::mosquitto::Mosquitto;
use crate::{Result, machine};

/// Where the example is, seen from this crate.
const EXAMPLE: &str = "../examples/lux-led/Cargo.toml";

/// The most memory and the largest binary that it may have.
const MEMORY_LIMIT_MIB: f64 = 2.5;
const BINARY_LIMIT_KIB: f64 = 800.0;

/// The same for one that publishes what it reads to a broker.
const CONNECTED_MEMORY_LIMIT_MIB: f64 = 3.0;
const CONNECTED_BINARY_LIMIT_KIB: f64 = 1200.0;

/// For how long it is watched, unless it ends before.
const WATCHED: Duration = Duration::from_secs(5);

/// Builds the example, runs it, adds its figures.
pub fn measure(report: &mut Report) {
    let limits = [MEMORY_LIMIT_MIB, BINARY_LIMIT_KIB];
    measure_built(report, ["lux-led, peak memory", "lux-led, binary"], limits, "", peak_memory);
    let limits = [CONNECTED_MEMORY_LIMIT_MIB, CONNECTED_BINARY_LIMIT_KIB];
    let names = ["lux-led with MQTT, peak memory", "lux-led with MQTT, binary"];
    measure_built(report, names, limits, "mqtt", peak_memory_connected);
}

fn measure_built(
    report: &mut Report,
    [memory, binary]: [&'static str; 2],
    [most_memory, largest_binary]: [f64; 2],
    features: &str,
    peak: fn(&Path) -> Result<f64>,
) {
    let program = build(features);
    let of_program = |measure: fn(&Path) -> Result<f64>| match &program {
        Ok(program) => vec![(OURS, measure(program))],
        Err(error) => vec![(OURS, Err(error.to_string().into()))],
    };
    report.add("idle", memory, "MiB", of_program(peak), Some(Bound::AtMost(most_memory)));
    report.add("idle", binary, "KiB", of_program(size), Some(Bound::AtMost(largest_binary)));
}

/// Has cargo build the example, and tell where it put the program.
fn build(features: &str) -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE);
    let output = Command::new("cargo")
        .args(["build", "--release", "--message-format=json", "--features", features, "--manifest-path"])
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
    peak_memory_of(Command::new(program))
}

/// The same of a program that publishes what it reads.
fn peak_memory_connected(program: &Path) -> Result<f64> {
    let broker = Mosquitto::start();
    let mut command = Command::new(program);
    command.env("LUX_LED_BROKER", format!("mqtt://{}", broker.address()));
    let peak = peak_memory_of(command)?;
    let published = broker.log().matches("Received PUBLISH").count();
    if published > 1 { Ok(peak) } else { Err("it has published nothing".into()) }
}

fn peak_memory_of(command: Command) -> Result<f64> {
    let mut running = Running::start(command)?;
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
