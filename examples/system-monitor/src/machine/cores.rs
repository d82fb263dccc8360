//! [`Cores`]: how busy each processor was.

use procfs::{CpuTime, CurrentSI, KernelStats, ProcError};
use thingflow::prelude::*;

/// The share of time in which each processor was busy since the last sampling, in percent from 0 to 100, in the kernel's
/// order. From `/proc/stat`.
#[derive(Debug)]
pub(crate) struct Cores {
    before: Vec<Ticks>,
}

#[derive(Clone, Copy, Debug)]
struct Ticks {
    idle: u64,
    all: u64,
}

impl Cores {
    pub(crate) fn new() -> Result<Self, ProcError> {
        Ok(Self { before: read()? })
    }
}

fn read() -> Result<Vec<Ticks>, ProcError> {
    Ok(KernelStats::current()?.cpu_time.iter().map(Ticks::of).collect())
}

impl Ticks {
    fn of(time: &CpuTime) -> Self {
        let idle = time.idle + time.iowait.unwrap_or(0);
        let busy = [Some(time.user), Some(time.nice), Some(time.system), time.irq, time.softirq, time.steal];
        Self { idle, all: idle + busy.into_iter().flatten().sum::<u64>() }
    }

    /// Counts that go back are a new start.
    #[allow(clippy::cast_precision_loss)] // a share of a short time
    fn busy_since(self, before: Self) -> f64 {
        let all = self.all.saturating_sub(before.all);
        let idle = self.idle.saturating_sub(before.idle).min(all);
        if all == 0 { 0.0 } else { 100.0 * (all - idle) as f64 / all as f64 }
    }
}

impl Sensor for Cores {
    type Reading = Vec<f64>;
    type Error = ProcError;

    fn id(&self) -> SensorId {
        "cores".into()
    }
    fn sample(&mut self) -> Result<Vec<f64>, SampleError<ProcError>> {
        let now = read()?;
        let before = std::mem::replace(&mut self.before, now);
        let both = self.before.iter().enumerate();
        Ok(both.map(|(core, now)| now.busy_since(before.get(core).copied().unwrap_or(*now))).collect())
    }
}
