//! [`Memory`]: what is used and what is left.

use std::path::{Path, PathBuf};

use procfs::process::Status;
use procfs::{FromRead, Meminfo};
use thingflow_core::{SampleError, Sensor, SensorId};

use super::LinuxError;
use super::error::parse;

/// The memory of the machine, or of this program.
///
/// - Unit and range: see [`MemoryValue`].
/// - Source: `/proc/meminfo`, for the program `/proc/self/status`.
///
/// ```
/// use thingflow_core::Sensor;
/// use thingflow_sensors::linux::{Memory, MemoryValue};
/// let mut memory = Memory::new("memory", MemoryValue::UsedPercent)?;
/// assert!((0.0..=100.0).contains(&memory.sample()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Memory {
    id: SensorId,
    path: PathBuf,
    value: MemoryValue,
}

/// What a [`Memory`] sensor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryValue {
    /// The share that programs could not have any more, in percent, 0 to 100.
    UsedPercent,
    /// What programs could still have without swapping, in bytes.
    AvailableBytes,
    /// What this program has in memory, in bytes. Watch it to find a leak.
    OwnBytes,
}

impl Memory {
    /// A value of this machine's memory.
    ///
    /// # Errors
    /// If `/proc` is not mounted.
    pub fn new(id: impl Into<SensorId>, value: MemoryValue) -> Result<Self, LinuxError> {
        Self::under("/", id, value)
    }

    /// A value of the machine whose root directory is `root`.
    ///
    /// # Errors
    /// If `proc` is not mounted there.
    pub fn under(root: impl AsRef<Path>, id: impl Into<SensorId>, value: MemoryValue) -> Result<Self, LinuxError> {
        let file = if value == MemoryValue::OwnBytes { "proc/self/status" } else { "proc/meminfo" };
        let sensor = Self { id: id.into(), path: root.as_ref().join(file), value };
        sensor.read()?;
        Ok(sensor)
    }

    #[allow(clippy::cast_precision_loss)] // exact up to 8 PiB
    fn read(&self) -> Result<f64, LinuxError> {
        let reading = match self.value {
            MemoryValue::OwnBytes => self.parse::<Status>()?.vmrss.map(|kib| kib as f64 * 1024.0),
            MemoryValue::AvailableBytes => self.parse::<Meminfo>()?.mem_available.map(|bytes| bytes as f64),
            MemoryValue::UsedPercent => {
                let info = self.parse::<Meminfo>()?;
                let total = info.mem_total.max(1) as f64;
                info.mem_available.map(|left| (100.0 - 100.0 * left as f64 / total).clamp(0.0, 100.0))
            }
        };
        reading.ok_or_else(|| {
            LinuxError::malformed(&self.path, "`MemAvailable` or `VmRSS` is missing (before Linux 3.14?)")
        })
    }

    fn parse<T: FromRead>(&self) -> Result<T, LinuxError> {
        parse(&self.path, T::from_read)
    }
}

impl Sensor for Memory {
    type Reading = f64;
    type Error = LinuxError;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<LinuxError>> {
        Ok(self.read()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn machine(meminfo: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("proc")).unwrap();
        fs::write(root.path().join("proc/meminfo"), meminfo).unwrap();
        root
    }

    /// The fields that every kernel has.
    fn meminfo(available: &str) -> String {
        let always =
            ["MemFree", "Buffers", "Cached", "SwapCached", "Active", "Inactive", "SwapTotal", "SwapFree", "Dirty"];
        let more = ["Writeback", "Mapped", "Slab", "Committed_AS", "VmallocTotal", "VmallocUsed", "VmallocChunk"];
        let rest: String = always.iter().chain(&more).map(|name| format!("{name}: 1 kB\n")).collect();
        format!("MemTotal: 1000 kB\n{available}{rest}")
    }

    #[test]
    fn reads_a_share_and_bytes() {
        let root = machine(&meminfo("MemAvailable: 250 kB\n"));
        let mut used = Memory::under(root.path(), "memory", MemoryValue::UsedPercent).unwrap();
        assert_eq!(used.sample().unwrap(), 75.0);
        let mut left = Memory::under(root.path(), "memory", MemoryValue::AvailableBytes).unwrap();
        assert_eq!(left.sample().unwrap(), 256_000.0);
    }

    #[test]
    fn an_old_kernel_is_named_as_the_cause() {
        let root = machine(&meminfo(""));
        let text = Memory::under(root.path(), "memory", MemoryValue::UsedPercent).unwrap_err().to_string();
        assert!(text.contains("before Linux 3.14?"), "{text}");
    }

    proptest! {
        #[test]
        fn never_panics(text in "([a-zA-Z0-9: \n]|kB|MemTotal|99999999999999999999|ü){0,60}") {
            let root = machine(&meminfo(&text));
            let _ = Memory::under(root.path(), "memory", MemoryValue::UsedPercent);
            fs::create_dir(root.path().join("proc/self")).unwrap();
            fs::write(root.path().join("proc/self/status"), text).unwrap();
            let _ = Memory::under(root.path(), "own", MemoryValue::OwnBytes);
        }
    }

    #[test]
    fn reads_this_program() {
        let mut own = Memory::new("own", MemoryValue::OwnBytes).unwrap();
        assert!(own.sample().unwrap() > 100_000.0);
    }
}
