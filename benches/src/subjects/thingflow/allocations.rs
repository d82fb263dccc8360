//! Allocations of each part, once warm.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use thingflow_core::{
    Batch, Chain, Context, Delivery, Elementwise, InputThing, Instant, Limit, Notice, Port, Receipt, Scheduler,
    Windows, call, from_iter, pipe,
};

use super::NEVER_FAILS;
use crate::Result;
use crate::counting::Count;
use crate::event::{Event, Events};

/// A chain, fed directly.
pub fn chain(events: u64) -> Result<u64> {
    let cx = &mut Context::detached(Instant::ZERO);
    let sink = call(|over| {
        black_box(over);
    });
    let mut chain = pipe::<Event>().map(|event| event.val).running_avg(5).map(|avg| avg > 64.0).to(sink);
    chain.notice(Notice::Start, cx).expect(NEVER_FAILS);
    Ok(warm_then_counted(events, |event| chain.next(event, cx)))
}

/// Two ports in a row, the second with three connections, one of them a chain.
pub fn ports(events: u64) -> Result<u64> {
    let cx = &mut Context::detached(Instant::ZERO);
    let (first, second) = (Port::new(), Port::new());
    first.connect(second.clone());
    second.connect(call(|event: Event| {
        black_box(event);
    }));
    second.connect(call(|event: Event| {
        black_box(event);
    }));
    second.map(|event: Event| event.val).running_avg(5).connect(call(|avg| {
        black_box(avg);
    }));
    Ok(warm_then_counted(events, |event| first.emit(event, cx)))
}

/// Sends the events twice; counts what the second pass allocates.
fn warm_then_counted(events: u64, mut send: impl FnMut(Event) -> Receipt) -> u64 {
    let mut pass = || {
        for event in Events::new(events, Events::SEED) {
            send(event).expect(NEVER_FAILS);
        }
    };
    pass();
    let count = Count::start();
    pass();
    count.stop()
}

/// Ticks of a periodic source, in virtual time.
pub fn timers(events: u64) -> Result<u64> {
    let mut scheduler = Scheduler::virtual_time()?;
    let period = Duration::from_millis(1);
    for _ in 0..3 {
        scheduler.schedule_periodic(
            from_iter(0_u64..).connect(call(|x| {
                black_box(x);
            })),
            period,
        )?;
    }
    let span = period * u32::try_from(events)?;
    scheduler.run_for(span)?;
    let count = Count::start();
    scheduler.run_for(span)?;
    Ok(count.stop())
}

/// Posts of another thread, all of them through the reactor.
pub fn edge_queue(events: u64) -> Result<u64> {
    let mut scheduler = Scheduler::new()?;
    let (remote, port) = scheduler.remote::<u64>(Limit::block(1024))?;
    let counted = Rc::new(Cell::new(0));
    let (left, result) = (Cell::new(2 * events), counted.clone());
    let running = RefCell::new(None);
    port.connect(call(move |_| {
        left.set(left.get() - 1);
        if left.get() == events {
            running.replace(Some(Count::start()));
        } else if left.get() == 0 {
            result.set(running.take().map_or(0, Count::stop));
        }
    }));
    let poster = thread::spawn(move || (0..2 * events).try_for_each(|x| remote.post(x)).is_ok());
    scheduler.run_forever()?;
    if poster.join().is_ok_and(|well| well) { Ok(counted.get()) } else { Err("the queue closed early".into()) }
}

/// Events to a worker on a thread, in batches, each done before the next ones are sent.
pub fn worker_queue(events: u64) -> Result<u64> {
    let mut scheduler = Scheduler::virtual_time()?;
    let work = |batch: &mut Batch<u64>| {
        batch.iter().for_each(|x| {
            black_box(x);
        });
        Ok(())
    };
    let (sink, _refused) = scheduler.worker("worker", work, Delivery::within(Limit::block(1024)))?;
    scheduler.schedule_periodic(from_iter(0_u64..).connect(sink), Duration::from_millis(1))?;
    let span = Duration::from_millis(1) * u32::try_from(events)?;
    scheduler.run_for(span)?;
    let count = Count::start();
    scheduler.run_for(span)?;
    Ok(count.stop())
}
