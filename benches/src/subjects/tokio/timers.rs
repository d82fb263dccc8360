//! A task with an interval for each sensor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::task::yield_now;
use tokio::time::{interval_at, sleep_until};

use crate::Result;
use crate::ticking::{Grid, PERIOD, tick};

/// Runs all sensors until the end.
pub fn run(grid: &Grid) -> Result<()> {
    let runtime = super::runtime()?;
    let asleep = Arc::new(AtomicUsize::new(0));
    for sensor in 0..grid.sensors {
        let (phase, first, asleep) = (grid.phase(sensor), grid.first(sensor), asleep.clone());
        runtime.spawn(async move {
            let mut interval = interval_at(first.into(), PERIOD);
            asleep.fetch_add(1, Relaxed);
            loop {
                interval.tick().await;
                tick(phase);
            }
        });
    }
    runtime.block_on(async {
        while asleep.load(Relaxed) < grid.sensors {
            yield_now().await;
        }
        grid.set_up();
        sleep_until(grid.end().into()).await;
    });
    Ok(())
}
