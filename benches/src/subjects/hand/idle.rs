//! Sleeping between ticks with nothing but the kernel.

use std::convert::Infallible;
use std::time::Duration;

use rustix::thread::{ClockId, Timespec, clock_nanosleep_absolute};

use crate::{Result, machine};

/// Ticks for ever.
pub fn tick_every(period: Duration) -> Result<Infallible> {
    let mut next = machine::now();
    loop {
        next += period.as_nanos() as u64;
        let due = Timespec { tv_sec: (next / 1_000_000_000) as i64, tv_nsec: (next % 1_000_000_000) as i64 };
        clock_nanosleep_absolute(ClockId::Monotonic, &due)?;
    }
}
