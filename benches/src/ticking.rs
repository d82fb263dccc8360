//! The grid on which the sensors of the group `timers` are due, and the record of how late each tick came.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::child::Readings;
use crate::{Result, machine};

/// How often each sensor is due.
pub const PERIOD: Duration = Duration::from_secs(1);

/// For how long they are watched.
const SPAN: Duration = Duration::from_secs(10);

/// When which sensor is due: every second, all of them spread evenly over the second.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// How many sensors there are.
    pub sensors: usize,
    /// When the first is due for the first time.
    pub start: Instant,
    /// What the program took of memory before, in KiB.
    alone: u64,
}

impl Grid {
    /// A grid that starts when `lead` has passed, to leave time for the set-up.
    pub fn after(lead: Duration, sensors: usize) -> Result<Self> {
        let alone = machine::peak_memory(std::process::id())?;
        Ok(Self { sensors, start: Instant::now() + lead, alone })
    }

    /// How far into the second that sensor is due.
    pub fn phase(&self, sensor: usize) -> Duration {
        PERIOD * sensor as u32 / self.sensors as u32
    }

    /// When that sensor is due for the first time.
    pub fn first(&self, sensor: usize) -> Instant {
        self.start + self.phase(sensor)
    }

    /// When to stop.
    pub fn end(&self) -> Instant {
        self.start + SPAN
    }

    /// To be called once all is set up: from here on processor time counts.
    pub fn set_up(&self) {
        assert!(Instant::now() < self.start, "the set-up took longer than there was time for it");
        let lateness = Vec::with_capacity(self.expected() + self.sensors);
        let (span, half) = (SPAN.as_nanos() as u64, self.expected() / 2);
        let record = Record { start: self.start, span, lateness, half, peak: 0, cpu: machine::cpu_time() };
        RECORD.set(Some(record));
    }

    /// To be called when the end is reached.
    pub fn finish(&self) -> Result<Readings> {
        let cpu = machine::cpu_time();
        let record = RECORD.take().ok_or("the subject never said that it was set up")?;
        let mut late = record.lateness;
        let fired = late.len() as f64 / self.expected() as f64;
        if fired < 0.98 {
            return Err(format!("only {:.1} % of the ticks came", 100.0 * fired).into());
        }
        late.sort_unstable();
        let at = |share: f64| f64::from(late[(late.len() as f64 * share) as usize]) / 1_000.0;
        let cpu = (cpu - record.cpu).as_secs_f64();
        let noted = (late.len() / 2 * size_of::<u32>()) as f64;
        let memory = (record.peak - self.alone) as f64 / 1024.0 - noted / f64::from(1 << 20);
        Ok(Readings::default().with("cpu_s", cpu).with("p50_us", at(0.5)).with("p99_us", at(0.99)).with("MiB", memory))
    }

    fn expected(&self) -> usize {
        self.sensors * SPAN.as_secs() as usize
    }
}

struct Record {
    start: Instant,
    span: u64,
    lateness: Vec<u32>,
    /// After so many samples memory is looked at: before what a program is run for ends.
    half: usize,
    /// The most memory until then, in KiB.
    peak: u64,
    cpu: Duration,
}

thread_local! {
    static RECORD: RefCell<Option<Record>> = const { RefCell::new(None) };
}

/// To be called by each sensor, each time it is sampled: notes how long ago it was due. (One that comes early is taken
/// for one that is nearly a second late.)
#[inline]
pub fn tick(phase: Duration) {
    RECORD.with_borrow_mut(|record| {
        let record = record.as_mut().expect("sampled before it was set up");
        let since = record.start.elapsed().as_nanos() as u64;
        if since < record.span {
            let period = PERIOD.as_nanos() as u64;
            let late = (since + period - phase.as_nanos() as u64) % period;
            record.lateness.push(late as u32);
            if record.lateness.len() == record.half {
                record.peak = machine::peak_memory(std::process::id()).expect("Linux");
            }
        }
    });
}
