//! [`Processes`]: which processes keep the machine busy.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use super::cpu_load::Ticks;
use super::sysfs::entries;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity, Values};

/// How busy each process was since the last sampling, the busiest first.
///
/// - Unit: percent of all processors together, 0 to 100, as in [`CpuLoad`](super::CpuLoad). A program of one thread on four
///   processors comes to 25.
/// - Source: `/proc/*/stat`, in steps of 10 ms. Sampling reads a file for each process: some milliseconds. What has begun
///   and ended between two samplings is not seen, nor are those of other users where `/proc` hides them.
///
/// ```
/// use thingflow_core::Sensor;
/// use thingflow_sensors::linux::Processes;
/// let mut processes = Processes::new("processes")?.most(3);
/// for process in processes.sample()? {
///     println!("{:.1} % {} ({})", process.load, process.name, process.pid);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "top")]
#[derive(Debug)]
pub struct Processes {
    id: SensorId,
    proc: PathBuf,
    most: usize,
    machine: Ticks,
    /// By number and start, since numbers are given again.
    before: HashMap<(u32, u64), u64>,
}

/// A process, as [`Processes`] sees it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The name of its program, up to 15 letters of it.
    pub name: String,
    /// How busy it was, in percent of all processors together.
    pub load: f64,
}

const LOAD: Quantity = Quantity::new("load", "%", 0.0..=100.0);

impl Processes {
    /// The processes of this machine, from now on; the five busiest of them.
    ///
    /// # Errors
    /// If `/proc` is not mounted.
    pub fn new(id: impl Into<SensorId>) -> Result<Self, LinuxError> {
        Self::under("/", id)
    }

    /// Those of the machine whose root directory is `root`.
    ///
    /// # Errors
    /// If `proc` is not mounted there.
    pub fn under(root: impl AsRef<Path>, id: impl Into<SensorId>) -> Result<Self, LinuxError> {
        let proc = root.as_ref().join("proc");
        let machine = Ticks::read(&proc.join("stat"))?;
        let before = all(&proc).map(|(key, _, ticks)| (key, ticks)).collect();
        Ok(Self { id: id.into(), proc, most: 5, machine, before })
    }

    /// How many of them a reading has at most.
    #[must_use]
    pub fn most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    #[allow(clippy::cast_precision_loss)] // a share of a short time
    fn busiest(&mut self) -> Result<Vec<Process>, LinuxError> {
        let machine = Ticks::read(&self.proc.join("stat"))?;
        let passed = machine.since(self.machine).map_or(0, |(busy, idle)| busy.saturating_add(idle));
        let (mut seen, mut found) = (HashMap::new(), Vec::new());
        for (key, name, ticks) in all(&self.proc) {
            let since = ticks.saturating_sub(self.before.get(&key).copied().unwrap_or(0));
            seen.insert(key, ticks);
            // The files are read one after the other, so that a process may seem busier than the machine.
            let load = if passed == 0 { 0.0 } else { (100.0 * since as f64 / passed as f64).min(100.0) };
            found.push(Process { pid: key.0, name, load });
        }
        (self.machine, self.before) = (machine, seen);
        found.sort_by(|a, b| b.load.total_cmp(&a.load).then(a.pid.cmp(&b.pid)));
        found.truncate(self.most);
        Ok(found)
    }
}

/// Number and start, name, and ticks of each process that has not ended meanwhile.
fn all(proc: &Path) -> impl Iterator<Item = ((u32, u64), String, u64)> {
    entries(proc, "", "").into_iter().filter_map(|(number, folder)| {
        let pid = number.parse().ok()?;
        let text = fs::read(folder.join("stat")).ok()?;
        let (name, ticks, start) = parse(&String::from_utf8_lossy(&text))?;
        Some(((pid, start), name, ticks))
    })
}

/// The name, the ticks, and when it has begun; by `proc_pid_stat(5)`. A name may be anything, brackets included.
fn parse(text: &str) -> Option<(String, u64, u64)> {
    let (head, fields) = text.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let field = |at: usize| fields.split_whitespace().nth(at)?.parse::<u64>().ok();
    Some((name.to_owned(), field(11)?.saturating_add(field(12)?), field(19)?))
}

impl Values for Vec<Process> {
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        self.iter_mut().try_for_each(|process| process.load.try_each(admit))
    }
}

impl Measures for Processes {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [LOAD]
    }
}

impl Device for Processes {
    type Reading = Vec<Process>;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(self.proc.display(), value)
    }
}

impl DirectDevice for Processes {
    fn measure(&mut self) -> Result<Vec<Process>, SampleError<LinuxError>> {
        Ok(self.busiest()?)
    }
}

sensor!([] Processes => Vec<Process>, LinuxError);

#[cfg(test)]
pub(crate) mod tests {
    use super::super::cpu_load::tests::stat;
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use proptest::prelude::*;
    use thingflow_core::Sensor;

    pub(crate) fn fed(number: &str) -> Fed {
        let root = tempfile::tempdir().unwrap();
        stat(root.path(), 1, 1);
        let processes = Processes::under(root.path(), "x").unwrap();
        process(root.path(), 7, "a", number);
        stat(root.path(), 2, 2);
        specimen::direct(processes)
    }

    fn process(root: &Path, pid: u32, name: &str, ticks: &str) {
        let folder = root.join("proc").join(pid.to_string());
        fs::create_dir_all(&folder).unwrap();
        let text = format!("{pid} ({name}) S 1 1 1 0 -1 4194560 1 1 1 1 {ticks} 0 0 0 20 0 1 0 55 1 1\n");
        fs::write(folder.join("stat"), text).unwrap();
    }

    #[test]
    fn f85_the_busiest_process_comes_first() {
        let root = tempfile::tempdir().unwrap();
        stat(root.path(), 1000, 1000);
        process(root.path(), 1, "init", "500");
        process(root.path(), 20, "a) b (c", "100");
        let mut processes = Processes::under(root.path(), "top").unwrap().most(2);
        stat(root.path(), 1060, 1140);
        process(root.path(), 1, "init", "510");
        process(root.path(), 20, "a) b (c", "150");
        process(root.path(), 30, "new", "20");
        let busiest = processes.sample().unwrap();
        let process = |pid, name: &str, load| Process { pid, name: name.to_owned(), load };
        assert_eq!(busiest, [process(20, "a) b (c", 25.0), process(30, "new", 10.0)]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[0-9]{0,3} ?\\(?.{0,9}\\)?( [A-Z]?[0-9-]{0,20}){0,25}") {
            let _ = parse(&text);
        }
    }
}
