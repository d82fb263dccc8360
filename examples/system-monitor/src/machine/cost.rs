//! [`OwnCost`]: what this program itself takes.

use std::fmt;
use std::time::Duration;

use procfs::ProcError;
use procfs::process::Process;
use rustix::time::{ClockId, clock_gettime};
use thingflow::prelude::*;

/// What this program has taken since it was made.
#[derive(Debug)]
pub(crate) struct OwnCost {
    started: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// The share of one processor.
    percent: f64,
    /// Memory that is in use, in bytes.
    resident: u64,
}

impl OwnCost {
    pub(crate) fn new() -> Self {
        Self { started: time(ClockId::Monotonic) }
    }
}

fn time(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

impl Sensor for OwnCost {
    type Reading = Cost;
    type Error = ProcError;

    fn id(&self) -> SensorId {
        "own cost".into()
    }
    fn sample(&mut self) -> Result<Cost, SampleError<ProcError>> {
        let passed = time(ClockId::Monotonic).saturating_sub(self.started).as_secs_f64();
        let percent = 100.0 * time(ClockId::ProcessCPUTime).as_secs_f64() / passed.max(0.001);
        let resident = Process::myself()?.statm()?.resident.saturating_mul(procfs::page_size());
        Ok(Cost { percent, resident })
    }
}

impl fmt::Display for Cost {
    #[allow(clippy::cast_precision_loss)] // for people
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} % of a core since the start, {:.1} MiB", self.percent, self.resident as f64 / 1_048_576.0)
    }
}
