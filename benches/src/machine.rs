//! What the kernel knows: processor time, switches, memory, cores.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rustix::process::setpriority_process;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use crate::{Result, counter};

/// Nanoseconds on the monotonic clock, the one that `Instant` reads, too.
pub fn now() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

/// Processor time that this process has used.
pub fn cpu_time() -> Duration {
    Duration::from_nanos(nanoseconds(ClockId::ProcessCPUTime))
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Asks to be preferred over what else runs here; without the right to, nothing changes.
pub fn take_priority() {
    let _ = setpriority_process(None, -20);
}

/// Binds this process, and the threads it starts from now on, to the first core that it may use.
pub fn stay_on_one_core() -> Result<()> {
    let allowed = sched_getaffinity(None)?;
    let first = (0..CpuSet::MAX_CPU).find(|core| allowed.is_set(*core)).ok_or("no core to run on")?;
    let mut one = CpuSet::new();
    one.set(first);
    Ok(sched_setaffinity(None, &one)?)
}

/// How often the threads of a process have gone to sleep by themselves.
pub fn voluntary_switches(process: u32) -> Result<u64> {
    let mut switches = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        switches += field(&status, "voluntary_ctxt_switches:")?;
    }
    Ok(switches)
}

/// The most memory that a process has held so far, in KiB. (`ru_maxrss` would count that of its parent, too.)
pub fn peak_memory(process: u32) -> Result<u64> {
    field(&fs::read_to_string(format!("/proc/{process}/status"))?, "VmHWM:")
}

fn field(status: &str, name: &str) -> Result<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("no {name}"))?;
    Ok(rest.split_whitespace().next().ok_or_else(|| format!("nothing after {name}"))?.parse()?)
}

/// One line on this machine, for the head of the table.
pub fn described() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(" : unknown processor");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc =
        rustc.map_or_else(|_| "rustc unknown".into(), |said| String::from_utf8_lossy(&said.stdout).into_owned());
    let kernel = kernel.split(['-', '\n']).next().unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let arch = std::env::consts::ARCH;
    if counter::is_emulated() {
        return format!("{arch}, emulated: instructions, which are not cycles; {}", rustc.trim());
    }
    format!("{cores} x {model}, {arch}, Linux {kernel}, {}", rustc.trim())
}
