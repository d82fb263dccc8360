//! What an outbox adds to a flow, and a recorded day, replayed.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, Stored};
use thingflow_adapters::recording::{Recording, Replay};
use thingflow_core::prelude::*;
use thingflow_core::tracking::Tracked;

use crate::Result;
use crate::counting::Count;
use crate::event::Events;
use crate::subjects::journal::reading;

type Reading = SensorEvent<f64>;

/// Each event through an outbox, over 64 or not, counted.
pub fn outbox(events: Events) -> Result<u64> {
    run(events, |_| ())
}

/// Allocations of all threads, of that many events after as many.
pub fn outbox_allocations(events: u64) -> Result<u64> {
    let (count, counted) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(0)));
    let (begun, ended) = (count.clone(), counted.clone());
    run(Events::new(2 * events, Events::SEED), move |seen| {
        if seen == events {
            begun.set(Some(Count::start()));
        } else if seen == 2 * events - 1 {
            ended.set(begun.take().map_or(0, Count::stop));
        }
    })?;
    Ok(counted.get())
}

/// `look` is told how many events have come out.
fn run(events: Events, look: impl Fn(u64) + 'static) -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let mut outbox = Outbox::<Reading>::open(folder.path(), Options::new(64 << 20, CommitWindow::default()))?;
    let (count, mut seen) = (Rc::new(Cell::new(0)), 0);
    let over = count.clone();
    outbox.port("server", Outlet::default())?.for_each(move |event: Tracked<Reading, Stored>| {
        seen += 1;
        look(seen);
        over.set(over.get() + u64::from(event.value.val > 64.0));
    });
    let readings =
        from_iter(events.map(|event| {
            SensorEvent::new(u64::from(event.id), Timestamp::from_nanos(event.ts.cast_signed()), event.val)
        }));
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_recurring(readings.connect(outbox.input()))?;
    scheduler.schedule_on_main_event_loop(outbox)?;
    scheduler.run_forever()?;
    Ok(count.get())
}

fn names(sensors: u32) -> Vec<String> {
    (0..sensors).map(|sensor| format!("sensor-{sensor}")).collect()
}

/// The averages of the last sixty readings of each sensor; their bits, summed up.
fn graph(ports: &[Port<Reading>]) -> Rc<Cell<u64>> {
    let sum = Rc::new(Cell::new(0_u64));
    for port in ports {
        let seen = sum.clone();
        let averages = port.map(|event| event.val).running_avg(60);
        averages.for_each(move |average: f64| seen.set(seen.get().wrapping_add(average.to_bits())));
    }
    sum
}

/// Runs sensors for a day of the virtual clock, one reading a second each, and records them. Gives what the graph gave.
pub fn record_day(folder: &Path, sensors: u32, seconds: u32) -> Result<u64> {
    let recording = Recording::open(folder, Options::new(1 << 30, CommitWindow::default()))?;
    let mut scheduler = Scheduler::virtual_time()?;
    let mut ports = Vec::new();
    for (sensor, name) in (0..).zip(names(sensors)) {
        let readings = (0..seconds).map(move |second| {
            let ts = Timestamp::from_secs(i64::from(second) + 1);
            SensorEvent::new(u64::from(sensor), ts, reading(sensor, second))
        });
        let output = from_iter(readings).output();
        output.connect(recording.stream(&name)?);
        ports.push(output.port().clone());
        scheduler.schedule_periodic(output, Duration::from_secs(1))?;
    }
    let sum = graph(&ports);
    scheduler.schedule_on_main_event_loop(recording)?;
    scheduler.run_forever()?;
    Ok(sum.get())
}

/// The same by a replay.
pub fn replay_day(folder: &Path, sensors: u32) -> Result<u64> {
    let mut replay = Replay::open(folder)?;
    let ports: Vec<Port<Reading>> =
        names(sensors).iter().map(|name| replay.port(name)).collect::<std::result::Result<_, _>>()?;
    let sum = graph(&ports);
    let mut scheduler = Scheduler::with_clock(replay.clock())?;
    scheduler.schedule_recurring(replay)?;
    scheduler.run_forever()?;
    Ok(sum.get())
}
