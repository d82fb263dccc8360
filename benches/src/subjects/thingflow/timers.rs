//! A sensor of one second for each place on the grid.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use thingflow_core::{Chain, Flow, Periodic, SampleError, Sampled, Scheduler, Sensor, SensorId, call};

use crate::Result;
use crate::ticking::{Grid, PERIOD, tick};

/// Runs the sensors of the grid to its end.
pub fn run(grid: &Grid) -> Result<()> {
    let mut scheduler = Scheduler::new()?;
    for i in 0..grid.sensors {
        let sensor = Flow::new(Sampled::new(Grids { id: i, phase: grid.phase(i) })).connect(call(|_| {}));
        let first = grid.first(i).saturating_duration_since(Instant::now());
        scheduler.schedule_periodic(sensor, Periodic::every(PERIOD).first_after(first))?;
    }
    grid.set_up();
    scheduler.run_for(grid.end().saturating_duration_since(Instant::now()))?;
    Ok(())
}

struct Grids {
    id: usize,
    phase: Duration,
}

impl Sensor for Grids {
    type Reading = ();
    type Error = Infallible;
    fn id(&self) -> SensorId {
        (self.id as u64).into()
    }
    fn sample(&mut self) -> std::result::Result<(), SampleError<Infallible>> {
        tick(self.phase);
        Ok(())
    }
}
