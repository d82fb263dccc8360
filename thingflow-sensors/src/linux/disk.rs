//! [`Disk`]: how full a file system is.

use std::path::{Path, PathBuf};

use rustix::fs::StatVfs;
use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity};

/// How full the file system is that holds a path.
///
/// - Unit and range: see [`DiskValue`]. What is kept back for the administrator counts as used, as in `df`.
/// - Source: the system call `statvfs`. On a network file system it may block: use an edge thread there.
///
/// ```
/// use thingflow_core::Sensor;
/// use thingflow_sensors::linux::{Disk, DiskValue};
/// let mut disk = Disk::new("disk", "/", DiskValue::UsedPercent)?;
/// assert!((0.0..=100.0).contains(&disk.sample()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Disk {
    id: SensorId,
    path: PathBuf,
    value: DiskValue,
}

/// What a [`Disk`] sensor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiskValue {
    /// The share of the blocks that is used, in percent, 0 to 100.
    UsedPercent,
    /// What this program may still write, in bytes, 0 to 8 EiB.
    FreeBytes,
    /// The share of the file entries that is used, in percent, 0 to 100; 0 where the file system does not count them.
    UsedEntriesPercent,
}

const USED: Quantity = Quantity::new("disk used", "%", 0.0..=100.0);
const FREE: Quantity = Quantity::new("disk free", "bytes", 0.0..=9_223_372_036_854_775_807_u64 as f64);

impl Disk {
    /// A value of the file system that holds `path`.
    ///
    /// # Errors
    /// If there is no such path.
    pub fn new(id: impl Into<SensorId>, path: impl AsRef<Path>, value: DiskValue) -> Result<Self, LinuxError> {
        let sensor = Self { id: id.into(), path: path.as_ref().to_owned(), value };
        sensor.read()?;
        Ok(sensor)
    }

    fn read(&self) -> Result<f64, LinuxError> {
        let stat = rustix::fs::statvfs(&self.path).map_err(|e| LinuxError::unreadable(&self.path)(e.into()))?;
        Ok(self.value.of(&stat))
    }
}

impl DiskValue {
    #[allow(clippy::cast_precision_loss)] // exact up to 8 PiB
    fn of(self, stat: &StatVfs) -> f64 {
        match self {
            Self::UsedPercent => used_percent(stat.f_blocks, stat.f_bfree, stat.f_bavail),
            Self::FreeBytes => stat.f_bavail as f64 * stat.f_frsize as f64,
            Self::UsedEntriesPercent => used_percent(stat.f_files, stat.f_ffree, stat.f_favail),
        }
    }
}

/// As `df` counts: what is used, of what could be used by this program.
#[allow(clippy::cast_precision_loss)] // a share
fn used_percent(all: u64, free: u64, available: u64) -> f64 {
    let used = all.saturating_sub(free);
    let usable = used.saturating_add(available);
    if usable == 0 { 0.0 } else { 100.0 * used as f64 / usable as f64 }
}

impl Measures for Disk {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [match self.value {
            DiskValue::UsedPercent | DiskValue::UsedEntriesPercent => USED,
            DiskValue::FreeBytes => FREE,
        }]
    }
}

impl Device for Disk {
    type Reading = f64;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(self.path.display(), value)
    }
}

impl DirectDevice for Disk {
    fn measure(&mut self) -> Result<f64, SampleError<LinuxError>> {
        Ok(self.read()?)
    }
}

sensor!([] Disk => f64, LinuxError);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use rustix::fs::StatVfsMountFlags;
    use thingflow_core::Sensor;

    pub(crate) fn fed(_: &str) -> Fed {
        specimen::direct(Disk::new("x", "/", DiskValue::UsedPercent).unwrap()) // there is no way to make one up
    }

    #[test]
    fn counts_as_df_does() {
        assert_eq!(used_percent(100, 40, 20), 75.0);
        assert_eq!(used_percent(0, 0, 0), 0.0);
        assert_eq!(used_percent(10, 0, 0), 100.0);
    }

    #[test]
    fn each_value_is_counted_in_its_unit() {
        let stat = StatVfs {
            f_bsize: 65_536, // what is best read at once, not what is counted in
            f_frsize: 4096,
            f_blocks: 1000,
            f_bfree: 400,
            f_bavail: 300,
            f_files: 50,
            f_ffree: 40,
            f_favail: 40,
            f_fsid: 0,
            f_flag: StatVfsMountFlags::empty(),
            f_namemax: 255,
        };
        assert!((DiskValue::UsedPercent.of(&stat) - 100.0 * 600.0 / 900.0).abs() < 1e-9);
        assert_eq!(DiskValue::FreeBytes.of(&stat), 300.0 * 4096.0);
        assert_eq!(DiskValue::UsedEntriesPercent.of(&stat), 20.0);
    }

    #[test]
    fn reads_the_file_system_that_holds_the_path() {
        // `/proc` has neither blocks nor entries; what holds a file of this test has both.
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |path: &Path, value| Disk::new("disk", path, value).unwrap().sample().unwrap();
        assert_eq!(read(Path::new("/proc"), DiskValue::FreeBytes), 0.0);
        assert!(read(file.path(), DiskValue::FreeBytes) > 0.0);
    }

    #[test]
    fn names_a_path_that_is_not_there() {
        let text = Disk::new("disk", "/no/such/place", DiskValue::FreeBytes).unwrap_err().to_string();
        assert!(text.starts_with("/no/such/place cannot be read: No such file"), "{text}");
    }
}
