//! Allocations of each part, once warm.

use std::hint::black_box;

use thingflow_core::{Chain, Context, Filters, InputThing, Instant, Port, Receipt, Windows, call, pipe};

use super::NEVER_FAILS;
use crate::Result;
use crate::counting::Count;
use crate::event::{Event, Events};

/// A chain, fed directly.
pub fn chain(events: u64) -> Result<u64> {
    let cx = &mut Context::detached(Instant::ZERO);
    let sink = call(|over| drop(black_box(over)));
    let mut chain = pipe::<Event>().map(|event| event.val).running_avg(5).map(|avg| avg > 64.0).to(sink);
    chain.on_start(cx).expect(NEVER_FAILS);
    Ok(warm_then_counted(events, |event| chain.on_next(event, cx)))
}

/// Two ports in a row, the second with three connections, one of them a chain.
pub fn ports(events: u64) -> Result<u64> {
    let cx = &mut Context::detached(Instant::ZERO);
    let (first, second) = (Port::new(), Port::new());
    first.connect(second.clone());
    second.connect(call(|event: Event| drop(black_box(event))));
    second.connect(call(|event: Event| drop(black_box(event))));
    second.map(|event: Event| event.val).running_avg(5).connect(call(|avg| drop(black_box(avg))));
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

// To come, behind the feature `scheduler`, each `fn(events: u64) -> Result<u64>`:
// timers: that many ticks of a millisecond; edge_queue: that many posts from another thread.
