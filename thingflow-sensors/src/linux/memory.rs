//! [`Memory`]: what is used and what is left.
//!
//! Three fields are read by own code: the parsers of `procfs` ask for many more, and one of them panics at a name that
//! is not ASCII.

use std::fs;
use std::path::{Path, PathBuf};

use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity};

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
    /// What programs could still have without swapping, in bytes, 0 to 4 PiB, more than which no processor can address.
    AvailableBytes,
    /// What this program has in memory, in bytes, 0 to 4 PiB. Watch it to find a leak.
    OwnBytes,
}

const USED: Quantity = Quantity::new("memory used", "%", 0.0..=100.0);
const MEMORY: Quantity = Quantity::new("memory", "bytes", 0.0..=4_503_599_627_370_496.0);

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

    fn read(&self) -> Result<f64, LinuxError> {
        let text = fs::read(&self.path).map_err(LinuxError::unreadable(&self.path))?;
        let text = String::from_utf8_lossy(&text); // a program's name may be anything
        let bytes = |field| {
            let missing =
                || LinuxError::malformed(&self.path, format_args!("`{field}` is missing (before Linux 3.14?)"));
            kibibytes(&text, field).map(|kib| kib * 1024.0).ok_or_else(missing)
        };
        Ok(match self.value {
            MemoryValue::OwnBytes => bytes("VmRSS")?,
            MemoryValue::AvailableBytes => bytes("MemAvailable")?,
            MemoryValue::UsedPercent => 100.0 - 100.0 * bytes("MemAvailable")? / bytes("MemTotal")?,
        })
    }
}

/// The number in a line such as `MemTotal:  1000 kB`.
#[allow(clippy::cast_precision_loss)] // exact up to 8 EiB
fn kibibytes(text: &str, field: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib as f64)
}

impl Measures for Memory {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [match self.value {
            MemoryValue::UsedPercent => USED,
            MemoryValue::AvailableBytes | MemoryValue::OwnBytes => MEMORY,
        }]
    }
}

impl Device for Memory {
    type Reading = f64;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(self.path.display(), value)
    }
}

impl DirectDevice for Memory {
    fn measure(&mut self) -> Result<f64, SampleError<LinuxError>> {
        Ok(self.read()?)
    }
}

sensor!([] Memory => f64, LinuxError);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use proptest::prelude::*;
    use std::fs;
    use thingflow_core::Sensor;

    pub(crate) fn fed(number: &str) -> Fed {
        let mut fed = Fed::default();
        for value in [MemoryValue::UsedPercent, MemoryValue::AvailableBytes] {
            let root = machine("MemTotal: 1000 kB\nMemAvailable: 1 kB\n");
            let memory = Memory::under(root.path(), "x", value).unwrap();
            let text = format!("MemTotal: 1000 kB\nMemAvailable: {number} kB\n");
            fs::write(root.path().join("proc/meminfo"), text).unwrap();
            fed = fed.and(specimen::direct(memory));
        }
        fed
    }

    fn machine(meminfo: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("proc")).unwrap();
        fs::write(root.path().join("proc/meminfo"), meminfo).unwrap();
        root
    }

    #[test]
    fn reads_a_share_and_bytes() {
        let root = machine("MemTotal:        1000 kB\nMemFree: 1 kB\nMemAvailable:     250 kB\n");
        let mut used = Memory::under(root.path(), "memory", MemoryValue::UsedPercent).unwrap();
        assert_eq!(used.sample().unwrap(), 75.0);
        let mut left = Memory::under(root.path(), "memory", MemoryValue::AvailableBytes).unwrap();
        assert_eq!(left.sample().unwrap(), 256_000.0);
    }

    #[test]
    fn an_old_kernel_is_named_as_the_cause() {
        let root = machine("MemTotal: 1000 kB\n");
        let text = Memory::under(root.path(), "memory", MemoryValue::UsedPercent).unwrap_err().to_string();
        assert!(text.ends_with("`MemAvailable` is missing (before Linux 3.14?)"), "{text}");
    }

    proptest! {
        #[test]
        fn never_panics(text in "([a-zA-Z0-9: \n]|kB|MemTotal:|MemAvailable:|99999999999999999999|ü){0,60}") {
            let root = machine(&format!("MemTotal: 1000 kB\n{text}"));
            let used = Memory::under(root.path(), "memory", MemoryValue::UsedPercent).map(|mut memory| memory.sample());
            let used = used.unwrap_or_else(|error| Err(error.into()));
            prop_assert!(used.is_err() || used.is_ok_and(|percent| (0.0..=100.0).contains(&percent)));
        }
    }

    #[test]
    fn sees_what_this_program_takes() {
        const MORE: usize = 32 << 20;
        let mut own = Memory::new("own", MemoryValue::OwnBytes).unwrap();
        let before = own.sample().unwrap();
        let block = std::hint::black_box(vec![1_u8; MORE]);
        let grown = own.sample().unwrap() - before;
        // Other tests run in the same program, and take and give back less than that.
        assert!(grown > MORE as f64 / 2.0, "{grown} of {}", block.len());
    }
}
