//! A sensor of one second for each place on the grid.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use thingflow_core::{
    Chain, Flow, OutputThing, Periodic, SampleError, Sampled, Scheduler, Sensor, SensorId, SensorOutput, call,
};

use crate::Result;
use crate::ticking::{Grid, PERIOD, tick};

/// Runs the sensors of the grid to its end.
pub fn run(grid: &Grid) -> Result<()> {
    run_each(grid, |sensor| Flow::new(Sampled::new(sensor)).connect(call(|_| {})))
}

/// The same, with a port for each sensor.
pub fn run_with_ports(grid: &Grid) -> Result<()> {
    run_each(grid, |sensor| {
        let output = SensorOutput::new(sensor);
        output.connect(call(|_| {}));
        output
    })
}

fn run_each<O: OutputThing + 'static>(grid: &Grid, make: impl Fn(Grids) -> O) -> Result<()> {
    let mut scheduler = Scheduler::new()?;
    for i in 0..grid.sensors {
        let sensor = make(Grids { id: i, phase: grid.phase(i) });
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
