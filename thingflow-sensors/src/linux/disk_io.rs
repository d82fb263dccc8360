//! [`DiskIo`]: what was read from a disk and written to it.

use std::fs;
use std::path::{Path, PathBuf};

use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use super::counter::Counter;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity};

/// What a disk, or a partition of one, has done since the last sampling: at one sampling a second, the rate per second.
///
/// - Unit: bytes, or milliseconds; see [`DiskIoValue`]. Whole numbers from 0 to 2⁶⁴, exact to 2⁵³.
/// - Source: `/proc/diskstats`. A disk that was unplugged and is back counts from 0. [`total`](Self::total) gives the
///   kernel's counter itself.
///
/// ```no_run
/// use thingflow_core::Sensor;
/// use thingflow_sensors::linux::{DiskIo, DiskIoValue};
/// let mut written = DiskIo::new("card", "mmcblk0", DiskIoValue::WrittenBytes)?;
/// println!("{} bytes", written.sample()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "throughput")]
#[derive(Debug)]
pub struct DiskIo {
    id: SensorId,
    path: PathBuf,
    disk: String,
    value: DiskIoValue,
    counter: Counter,
}

/// What a [`DiskIo`] sensor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiskIoValue {
    /// Bytes read.
    ReadBytes,
    /// Bytes written.
    WrittenBytes,
    /// Milliseconds in which it had something to do: at one sampling a second, a thousand is all of the time.
    BusyMilliseconds,
}

/// As the kernel counts, whatever the disk's own are.
const SECTOR: u64 = 512;

impl DiskIo {
    /// A value of the disk, for example of `sda` or `mmcblk0`, from now on.
    ///
    /// # Errors
    /// If there is no such disk; the text lists those there are.
    pub fn new(id: impl Into<SensorId>, disk: &str, value: DiskIoValue) -> Result<Self, LinuxError> {
        Self::under("/", id, disk, value)
    }

    /// A value of the machine whose root directory is `root`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn under(
        root: impl AsRef<Path>,
        id: impl Into<SensorId>,
        disk: &str,
        value: DiskIoValue,
    ) -> Result<Self, LinuxError> {
        let path = root.as_ref().join("proc/diskstats");
        let counter = Counter::from(count(&path, disk, value)?);
        Ok(Self { id: id.into(), path, disk: disk.to_owned(), value, counter })
    }

    /// The names of the disks and partitions that there are.
    ///
    /// # Errors
    /// If `/proc` is not mounted.
    pub fn disks() -> Result<Vec<String>, LinuxError> {
        Ok(names(&read(Path::new("/proc/diskstats"))?))
    }

    /// The kernel's counter itself, in the place of what came since the last sampling.
    #[must_use]
    pub fn total(self) -> Self {
        Self { counter: self.counter.total(), ..self }
    }
}

fn read(path: &Path) -> Result<String, LinuxError> {
    fs::read_to_string(path).map_err(LinuxError::unreadable(path))
}

fn names(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned).collect()
}

fn count(path: &Path, disk: &str, value: DiskIoValue) -> Result<u64, LinuxError> {
    let text = read(path)?;
    let Some(line) = text.lines().find(|line| line.split_whitespace().nth(2) == Some(disk)) else {
        return Err(LinuxError::NotThere { what: format!("disk `{disk}`"), there: names(&text) });
    };
    let (field, unit) = value.field();
    let number = line.split_whitespace().nth(field).and_then(|number| number.parse::<u64>().ok());
    let missing = || LinuxError::malformed(path, format_args!("expected a number in field {} of `{disk}`", field + 1));
    number.map(|number| number.saturating_mul(unit)).ok_or_else(missing)
}

impl DiskIoValue {
    /// Its place in a line, by the kernel's `Documentation/admin-guide/iostats.rst`, and what it is a number of.
    const fn field(self) -> (usize, u64) {
        match self {
            Self::ReadBytes => (5, SECTOR),
            Self::WrittenBytes => (9, SECTOR),
            Self::BusyMilliseconds => (12, 1),
        }
    }
}

impl Measures for DiskIo {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [match self.value {
            DiskIoValue::ReadBytes => Counter::quantity("read", "bytes"),
            DiskIoValue::WrittenBytes => Counter::quantity("written", "bytes"),
            DiskIoValue::BusyMilliseconds => Counter::quantity("busy", "ms"),
        }]
    }
}

impl Device for DiskIo {
    type Reading = f64;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(format_args!("disk `{}`", self.disk), value)
    }
}

impl DirectDevice for DiskIo {
    fn measure(&mut self) -> Result<f64, SampleError<LinuxError>> {
        Ok(self.counter.next(count(&self.path, &self.disk, self.value)?))
    }
}

sensor!([] DiskIo => f64, LinuxError);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use thingflow_core::Sensor;

    pub(crate) fn fed(number: &str) -> Fed {
        let root = tempfile::tempdir().unwrap();
        stats(root.path(), "1", "1");
        let disk = DiskIo::under(root.path(), "x", "sda", DiskIoValue::ReadBytes).unwrap();
        stats(root.path(), number, number);
        specimen::direct(disk)
    }

    fn stats(root: &Path, read: &str, written: &str) {
        fs::create_dir_all(root.join("proc")).unwrap();
        let line = |name| format!("   8       0 {name} 20 3 {read} 7 30 5 {written} 9 0 40 50 0 0 0 0\n");
        fs::write(root.join("proc/diskstats"), line("sda") + &line("sda1")).unwrap();
    }

    #[test]
    fn f85_counts_what_a_disk_does() {
        let root = tempfile::tempdir().unwrap();
        let disk = |value| DiskIo::under(root.path(), "x", "sda", value).unwrap();
        stats(root.path(), "100", "10");
        let (mut read, mut written) = (disk(DiskIoValue::ReadBytes), disk(DiskIoValue::WrittenBytes));
        let mut total = disk(DiskIoValue::WrittenBytes).total();
        stats(root.path(), "104", "11");
        let sampled = [read.sample(), written.sample(), total.sample()].map(Result::unwrap);
        assert_eq!(sampled, [4.0 * 512.0, 512.0, 11.0 * 512.0]);
        assert_eq!(disk(DiskIoValue::BusyMilliseconds).total().sample().unwrap(), 40.0);
        stats(root.path(), "2", "0");
        assert_eq!(read.sample().unwrap(), 1024.0, "it was unplugged, and is back");
    }

    #[test]
    fn a_wrong_name_is_answered_with_those_there_are() {
        let root = tempfile::tempdir().unwrap();
        stats(root.path(), "1", "1");
        let error = DiskIo::under(root.path(), "x", "sdb", DiskIoValue::ReadBytes).unwrap_err().to_string();
        assert_eq!(error, "no disk `sdb`; there is sda, sda1");
    }
}
