//! [`Throughput`]: what went to and from the disks.

use std::fs;

use procfs::{DiskStat, ProcError};
use thingflow::prelude::*;

/// The kernel counts in sectors of 512 bytes, whatever the disk has.
const SECTOR: u64 = 512;

/// The bytes that were read from all disks, or written to them, since the last sampling. From `/proc/diskstats`; devices
/// without hardware, such as `loop0`, and partitions are left out.
#[derive(Debug)]
pub(crate) struct Throughput {
    id: SensorId,
    direction: Direction,
    before: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    Read,
    Written,
}

impl Throughput {
    pub(crate) fn new(id: impl Into<SensorId>, direction: Direction) -> Result<Self, ProcError> {
        Ok(Self { id: id.into(), direction, before: direction.total()? })
    }
}

impl Direction {
    fn total(self) -> Result<u64, ProcError> {
        let disks = procfs::diskstats()?;
        let sectors = disks.iter().filter(|disk| is_disk(disk)).map(|disk| match self {
            Self::Read => disk.sectors_read,
            Self::Written => disk.sectors_written,
        });
        Ok(sectors.sum::<u64>().saturating_mul(SECTOR))
    }
}

fn is_disk(disk: &DiskStat) -> bool {
    let is_made_up = ["loop", "ram", "zram", "dm-", "md"].iter().any(|start| disk.name.starts_with(start));
    !is_made_up && fs::exists(format!("/sys/block/{}", disk.name)).unwrap_or(false)
}

impl Sensor for Throughput {
    type Reading = f64;
    type Error = ProcError;

    fn id(&self) -> SensorId {
        self.id
    }

    #[allow(clippy::cast_precision_loss)] // exact up to 8 PiB between two samplings
    fn sample(&mut self) -> Result<f64, SampleError<ProcError>> {
        let now = self.direction.total()?;
        let since = now.saturating_sub(self.before); // less when a disk was taken out
        self.before = now;
        Ok(since as f64)
    }
}
