//! [`Busiest`]: the process that took the most processor time.

use std::collections::HashMap;

use procfs::ProcError;
use procfs::process::{Stat, all_processes};
use thingflow::prelude::*;

/// The process that took the most processor time since the last sampling. From `/proc/*/stat`, in steps of 10 ms.
#[derive(Debug)]
pub(crate) struct Busiest {
    before: HashMap<i32, u64>,
    /// The time of all processors together.
    total: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Top {
    pub(crate) name: String,
    pub(crate) pid: i32,
    /// The share of all processors.
    pub(crate) percent: f64,
}

impl Busiest {
    pub(crate) fn new() -> Result<Self, ProcError> {
        let before = processes()?.iter().map(|it| (it.pid, it.utime + it.stime)).collect();
        Ok(Self { before, total: total()? })
    }
}

/// Those that can be read; one that ends meanwhile is left out.
fn processes() -> Result<Vec<Stat>, ProcError> {
    Ok(all_processes()?.filter_map(|process| process.ok()?.stat().ok()).collect())
}

fn total() -> Result<u64, ProcError> {
    use procfs::{CurrentSI, KernelStats};
    let time = KernelStats::current()?.total;
    let parts = [time.irq, time.softirq, time.steal, time.iowait];
    Ok(time.user + time.nice + time.system + time.idle + parts.into_iter().flatten().sum::<u64>())
}

impl Sensor for Busiest {
    type Reading = Top;
    type Error = ProcError;

    fn id(&self) -> SensorId {
        "top process".into()
    }

    #[allow(clippy::cast_precision_loss)] // a share of a short time
    fn sample(&mut self) -> Result<Top, SampleError<ProcError>> {
        let (now, total) = (processes()?, total()?);
        let since = |it: &Stat| (it.utime + it.stime).saturating_sub(self.before.get(&it.pid).copied().unwrap_or(0));
        let busiest = now.iter().max_by_key(|it| since(it));
        let all = total.saturating_sub(self.total).max(1) as f64;
        let top = busiest.map_or(Top { name: "none".to_owned(), pid: 0, percent: 0.0 }, |it| Top {
            name: it.comm.clone(),
            pid: it.pid,
            percent: (100.0 * since(it) as f64 / all).min(100.0),
        });
        self.total = total;
        self.before = now.iter().map(|it| (it.pid, it.utime + it.stime)).collect();
        Ok(top)
    }
}
