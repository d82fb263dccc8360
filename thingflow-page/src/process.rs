//! What the program costs, by the kernel.

use std::fs;

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
