//! Holding back and routing behind a port, and thousands of flows at once.

use std::cell::Cell;
use std::f64::consts::TAU;
use std::rc::Rc;
use std::time::{Duration, Instant as StdInstant};

use thingflow_core::{
    Context, FlowControl, Instant, Limit, Periodic, Port, Scheduler, Selecting, Sinks, Splitting, Windows, from_iter,
};

use super::NEVER_FAILS;
use crate::child::Readings;
use crate::event::{Event, Events};
use crate::{Result, machine};

fn emit_all(events: Events, port: &Port<Event>) {
    let cx = &mut Context::detached(Instant::ZERO);
    for event in events {
        port.emit(event, cx).expect(NEVER_FAILS);
    }
}

/// Each event through a buffer of 1024, over 64 or not, counted.
pub fn buffer(events: Events) -> u64 {
    let (port, count) = (Port::new(), Rc::new(Cell::new(0)));
    let seen = count.clone();
    port.buffer(Limit::block(1024)).for_each(move |event: Event| seen.set(seen.get() + u64::from(event.val > 64.0)));
    emit_all(events, &port);
    count.get()
}

/// Lists of ten, their first over 64 or not, counted.
pub fn chunks(events: Events) -> u64 {
    let (port, count) = (Port::new(), Rc::new(Cell::new(0)));
    let seen = count.clone();
    port.chunks(10).for_each(move |list: Vec<Event>| seen.set(seen.get() + u64::from(list[0].val > 64.0)));
    emit_all(events, &port);
    count.get()
}

/// A count for each of eight keys, of readings over 64; their sum.
pub fn group_by(events: Events) -> u64 {
    let (port, count) = (Port::new(), Rc::new(Cell::new(0)));
    let seen = count.clone();
    port.group_by(|event: &Event| event.id).for_each(move |(_, group)| {
        let seen = seen.clone();
        group.for_each(move |event| seen.set(seen.get() + u64::from(event.val > 64.0)));
    });
    emit_all(events, &port);
    count.get()
}

/// That many flows: a sensor's wave, a filter, an average, a sink; what each takes of memory, and all of processor time.
pub fn many(flows: usize, events_a_second: u32) -> Result<Readings> {
    let period = Duration::from_secs(flows as u64) / events_a_second;
    let mut scheduler = Scheduler::new()?;
    let alone = machine::peak_memory(std::process::id())?;
    for i in 0..flows {
        let wave = from_iter((0_u32..).map(|step| 60.0 + 10.0 * (f64::from(step) / 100.0 * TAU).sin()));
        let mut highest = 0.0;
        let flow =
            wave.filter(|val| val.is_finite()).running_avg(60).for_each(move |avg| highest = f64::max(highest, avg));
        let first = period * u32::try_from(i)? / u32::try_from(flows)?;
        scheduler.schedule_periodic(flow, Periodic::every(period).first_after(first))?;
    }
    let (start, used) = (StdInstant::now(), machine::cpu_time());
    scheduler.run_for(period)?;
    let memory = (machine::peak_memory(std::process::id())? - alone) as f64 / flows as f64;
    let busy = (machine::cpu_time() - used).as_secs_f64() / start.elapsed().as_secs_f64();
    Ok(Readings::default().with("KiB", memory).with("ms", busy * 1e3))
}
