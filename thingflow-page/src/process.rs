//! What the program costs, and how warm its board is, by the kernel.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use thingflow_core::Timestamp;

/// What the program has cost so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Process {
    /// Processor time, in seconds.
    pub(crate) seconds: f64,
    /// Memory that is resident, in bytes.
    pub(crate) resident: u64,
}

impl Process {
    /// Reads `/proc/self`; `None` where there is none.
    pub(crate) fn read() -> Option<Self> {
        let pages: u64 = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        #[allow(clippy::cast_precision_loss)] // seconds of years are exact to less than a microsecond
        let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
        Some(Self { seconds, resident: pages * rustix::param::page_size() as u64 })
    }
}

/// The time by the wall clock of the system.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// The kernel's thermal zones: the name of each, and its temperature in degrees Celsius. None where there are none.
pub(crate) fn temperatures() -> Vec<(String, f64)> {
    let zones = fs::read_dir("/sys/class/thermal").into_iter().flatten().flatten();
    let mut all: Vec<_> = zones.filter_map(|zone| temperature(&zone.path())).collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.dedup_by(|(a, _), (b, _)| a == b); // a metric has each label once
    all
}

fn temperature(zone: &Path) -> Option<(String, f64)> {
    let read = |file: &str| fs::read_to_string(zone.join(file)).ok();
    let name = read("type")?.trim().to_owned();
    let millidegrees: i32 = read("temp")?.trim().parse().ok()?;
    Some((name, f64::from(millidegrees) / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_has_no_reading_is_left_out() -> std::io::Result<()> {
        let zone = tempfile::tempdir()?;
        fs::write(zone.path().join("type"), "cpu-thermal\n")?;
        assert_eq!(temperature(zone.path()), None);
        for (text, known) in [("48312\n", Some(48.312)), ("-5000\n", Some(-5.0)), ("", None), ("hot", None)] {
            fs::write(zone.path().join("temp"), text)?;
            assert_eq!(temperature(zone.path()), known.map(|celsius| ("cpu-thermal".to_owned(), celsius)), "{text}");
        }
        Ok(())
    }
}
