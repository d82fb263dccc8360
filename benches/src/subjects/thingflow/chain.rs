//! The chain, fused with its source and behind one port.

use std::cell::Cell;
use std::rc::Rc;

use thingflow_core::{Chain, Context, Elementwise, Instant, Port, Windows, call, from_iter};

use super::NEVER_FAILS;
use crate::event::{Event, Events};

/// Average of five, over 64 or not, counted; source, filters and sink are one type.
pub fn fused(events: Events) -> u64 {
    let count = Rc::new(Cell::new(0));
    let mut flow = from_iter(events)
        .map(|event: Event| event.val)
        .running_avg_of::<5>()
        .map(|avg| avg > 64.0)
        .connect(call(count_into(&count)));
    flow.run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    count.get()
}

/// The same behind a port, which events are pushed into.
pub fn behind_a_port(events: Events) -> u64 {
    let count = Rc::new(Cell::new(0));
    let port = Port::new();
    port.map(|event: Event| event.val).running_avg_of::<5>().map(|avg| avg > 64.0).connect(call(count_into(&count)));
    let cx = &mut Context::detached(Instant::ZERO);
    for event in events {
        port.emit(event, cx).expect(NEVER_FAILS);
    }
    count.get()
}

/// What ends the chain.
fn count_into(count: &Rc<Cell<u64>>) -> impl FnMut(bool) + 'static {
    let count = count.clone();
    move |over| {
        count.set(count.get() + u64::from(over));
    }
}
