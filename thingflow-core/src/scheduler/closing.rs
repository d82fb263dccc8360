//! Taking all Things off a graph, so that they can be closed in reverse order of creation.

use super::engine::Engine;
use super::host::Waiting;
use crate::port::{Held, PortRef};
use crate::visit::{Visitor, ports_behind};

/// Takes the Things off every port that can be reached from a schedule, from what still drains, or from an event on its
/// way round a loop, each with the number of its creation.
pub(super) fn take_things(engine: &Engine, held: &mut Vec<(usize, Box<dyn Held>)>) {
    for port in ports_behind(|visitor| show(engine, visitor)) {
        port.port().close(held);
    }
    for hub in engine.run.lingering.take() {
        hub.close_draining(held);
    }
}

fn show(engine: &Engine, visitor: &mut dyn Visitor) {
    engine.describe(visitor);
    for hub in &*engine.run.lingering.borrow() {
        match hub.clone().as_port() {
            Some(port) => visitor.port(PortRef::new(port), false),
            None => hub.describe(visitor),
        }
    }
    for waiting in engine.run.ports.borrow().iter() {
        if let Waiting::Events(hub) = waiting
            && let Some(port) = hub.clone().as_port()
        {
            visitor.port(PortRef::new(port), true);
        }
    }
}
