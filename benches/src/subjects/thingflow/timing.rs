//! Timed operators behind a port, under the scheduler.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::{Context, Demand, Failure, Port, PortRef, PortSource, Ports, Scheduler, Sinks, Timing};

use crate::Result;
use crate::event::{Event, Events};
use crate::groups::timing::BURST;

const WINDOW: Duration = Duration::from_secs(10);

/// Sends a burst each time it is called.
struct Bursts {
    events: Events,
    port: Port<Event>,
}

impl Ports for Bursts {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl PortSource for Bursts {
    fn send(&mut self, cx: &mut Context<'_>) -> std::result::Result<Demand, Failure> {
        for _ in 0..BURST {
            let Some(event) = self.events.next() else {
                self.port.complete(cx)?;
                return Ok(Demand::Done);
            };
            self.port.emit(event, cx)?;
        }
        Ok(Demand::More)
    }
}

fn run(bursts: Bursts, count: &Cell<u64>) -> Result<u64> {
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_recurring(bursts)?;
    scheduler.run_forever()?;
    Ok(count.get())
}

/// The events that were followed by quiet, counted.
pub fn debounce(events: Events) -> Result<u64> {
    let (port, count) = (Port::new(), Rc::new(Cell::new(0)));
    let seen = count.clone();
    port.debounce(WINDOW).for_each(move |_| seen.set(seen.get() + 1));
    run(Bursts { events, port }, &count)
}

/// The first events and the last ones of each window, counted.
pub fn throttle(events: Events) -> Result<u64> {
    let (port, count) = (Port::new(), Rc::new(Cell::new(0)));
    let seen = count.clone();
    port.throttle(WINDOW).for_each(move |_| seen.set(seen.get() + 1));
    run(Bursts { events, port }, &count)
}
