//! A `Timer` source for each sensor.

use calloop::EventLoop;
use calloop::timer::{TimeoutAction, Timer};

use crate::Result;
use crate::ticking::{Grid, PERIOD, tick};

/// Runs all sensors until the end.
pub fn run(grid: &Grid) -> Result<()> {
    let mut events: EventLoop<'_, ()> = EventLoop::try_new()?;
    let handle = events.handle();
    for sensor in 0..grid.sensors {
        let phase = grid.phase(sensor);
        let sample = move |due, (): &mut (), (): &mut ()| {
            tick(phase);
            TimeoutAction::ToInstant(due + PERIOD)
        };
        handle.insert_source(Timer::from_deadline(grid.first(sensor)), sample).map_err(|error| error.error)?;
    }
    let signal = events.get_signal();
    let stop = move |_, (): &mut (), (): &mut ()| {
        signal.stop();
        TimeoutAction::Drop
    };
    handle.insert_source(Timer::from_deadline(grid.end()), stop).map_err(|error| error.error)?;
    grid.set_up();
    Ok(events.run(None, &mut (), |()| {})?)
}
