//! [`CpuLoad`]: how busy the processors were.

use std::path::{Path, PathBuf};

use procfs::{CpuTime, FromReadSI, KernelStats};
use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use super::error::parse;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity};

/// The share of time in which all processors together were busy since the last sampling.
///
/// - Unit: percent, 0 to 100. Waiting for disks counts as idle, time stolen by a hypervisor as busy.
/// - Source: the first line of `/proc/stat`, in steps of 10 ms. Sampled faster than that, it repeats its last reading; so it
///   does once where the kernel's counters go back, as when a processor was taken out.
///
/// ```no_run
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::linux::CpuLoad;
/// let load = SensorOutput::new(CpuLoad::new("cpu")?);
/// load.map(|e| e.val > 90.0).connect(call(|hot| println!("overloaded: {hot}")));
/// # Ok::<(), thingflow_sensors::linux::LinuxError>(())
/// ```
#[derive(Debug)]
pub struct CpuLoad {
    id: SensorId,
    path: PathBuf,
    before: Ticks,
    last: f64,
}

/// Time since boot, in steps of the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks {
    busy: u64,
    idle: u64,
}

const LOAD: Quantity = Quantity::new("load", "%", 0.0..=100.0);

impl CpuLoad {
    /// The load of this machine, from now on.
    ///
    /// # Errors
    /// If `/proc` is not mounted.
    pub fn new(id: impl Into<SensorId>) -> Result<Self, LinuxError> {
        Self::under("/", id)
    }

    /// The load of the machine whose root directory is `root`.
    ///
    /// # Errors
    /// If `proc` is not mounted there.
    pub fn under(root: impl AsRef<Path>, id: impl Into<SensorId>) -> Result<Self, LinuxError> {
        let path = root.as_ref().join("proc/stat");
        Ok(Self { id: id.into(), before: Ticks::read(&path)?, path, last: 0.0 })
    }
}

impl Ticks {
    pub(super) fn read(path: &Path) -> Result<Self, LinuxError> {
        parse(path, |file| KernelStats::from_read(file, procfs::current_system_info()))
            .map(|stat| Self::of(&stat.total))
    }

    fn of(time: &CpuTime) -> Self {
        let idle = time.idle.saturating_add(time.iowait.unwrap_or(0));
        // Time of guests is part of `user` and `nice`.
        let busy = [Some(time.user), Some(time.nice), Some(time.system), time.irq, time.softirq, time.steal];
        Self { busy: busy.into_iter().flatten().fold(0, u64::saturating_add), idle }
    }

    /// How many were busy and how many idle since then; none if a counter has gone back, which is a new start.
    pub(super) fn since(self, before: Self) -> Option<(u64, u64)> {
        Some((self.busy.checked_sub(before.busy)?, self.idle.checked_sub(before.idle)?))
    }
}

impl Measures for CpuLoad {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [LOAD]
    }
}

impl Device for CpuLoad {
    type Reading = f64;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(self.path.display(), value)
    }
}

impl DirectDevice for CpuLoad {
    #[allow(clippy::cast_precision_loss)] // a share of a short time
    fn measure(&mut self) -> Result<f64, SampleError<LinuxError>> {
        let now = Ticks::read(&self.path)?;
        if let Some((busy, idle)) = now.since(self.before) {
            let all = busy.saturating_add(idle);
            if all == 0 {
                return Ok(self.last); // no tick since
            }
            self.last = 100.0 * busy as f64 / all as f64;
        }
        self.before = now;
        Ok(self.last)
    }
}

sensor!([] CpuLoad => f64, LinuxError);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use proptest::prelude::*;
    use std::fs;
    use thingflow_core::Sensor;

    pub(crate) fn fed(number: &str) -> Fed {
        let root = tempfile::tempdir().unwrap();
        stat(root.path(), 7, 7);
        let load = CpuLoad::under(root.path(), "x").unwrap();
        let text = format!("cpu {number} 0 0 9 0 0 0 0 0 0\nctxt 1\nbtime 1\nprocesses 1\n");
        fs::write(root.path().join("proc/stat"), text).unwrap();
        specimen::direct(load)
    }

    pub(crate) fn stat(root: &Path, busy: u64, idle: u64) {
        fs::create_dir_all(root.join("proc")).unwrap();
        let text = format!("cpu {busy} 0 0 {idle} 0 0 0 0 0 0\nctxt 1\nbtime 1\nprocesses 1\n");
        fs::write(root.join("proc/stat"), text).unwrap();
    }

    #[test]
    fn is_the_busy_share_since_the_last_sampling() {
        let root = tempfile::tempdir().unwrap();
        stat(root.path(), 1000, 1000);
        let mut load = CpuLoad::under(root.path(), "cpu").unwrap();
        stat(root.path(), 1025, 1075);
        assert_eq!(load.sample().unwrap(), 25.0);
        assert_eq!(load.sample().unwrap(), 25.0, "no tick since: the last reading");
        stat(root.path(), 1125, 1075);
        assert_eq!(load.sample().unwrap(), 100.0);
    }

    #[test]
    fn f61_counters_that_go_back_are_a_new_start() {
        let root = tempfile::tempdir().unwrap();
        stat(root.path(), 4000, 4000);
        let mut load = CpuLoad::under(root.path(), "cpu").unwrap();
        let mut sample = |busy, idle| {
            stat(root.path(), busy, idle);
            load.sample().unwrap()
        };
        assert_eq!(sample(4025, 4075), 25.0);
        assert_eq!(sample(4100, 1000), 25.0, "a processor was taken out: its idle time has gone");
        assert_eq!([sample(4150, 1050), sample(4240, 1060)], [50.0, 90.0]);
        assert_eq!([sample(10, 2000), sample(20, 2000)], [90.0, 100.0], "the busy time has gone");
        assert_eq!(sample(u64::MAX, u64::MAX), 100.0, "more than can be added");
    }

    proptest! {
        #[test]
        fn never_panics(text in "([a-z0-9 \n]|cpu |99999999999999999999|ü){0,60}\nctxt 1\nbtime 1\nprocesses 1\n|.*") {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir(root.path().join("proc")).unwrap();
            fs::write(root.path().join("proc/stat"), text).unwrap();
            let _ = CpuLoad::under(root.path(), "cpu");
        }
    }

    #[test]
    fn sees_that_this_program_works() {
        let mut load = CpuLoad::new("cpu").unwrap();
        // Each sampling is some work of the kernel for this program; thousands of them fill a step of 10 ms.
        let seen = (0..100_000).map(|_| load.sample().unwrap()).find(|load| *load > 0.0);
        assert!(seen.is_some_and(|load| load <= 100.0), "{seen:?}");
    }

    #[test]
    fn says_what_is_missing() {
        let root = tempfile::tempdir().unwrap();
        let text = CpuLoad::under(root.path(), "cpu").unwrap_err().to_string();
        assert!(text.contains("proc/stat cannot be read: No such file"), "{text}");
        fs::create_dir(root.path().join("proc")).unwrap();
        fs::write(root.path().join("proc/stat"), "cpu one two\n").unwrap();
        let text = CpuLoad::under(root.path(), "cpu").unwrap_err().to_string();
        assert!(text.contains("proc/stat is not what Linux documents"), "{text}");
    }
}
