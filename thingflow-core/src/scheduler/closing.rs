//! Taking all Things off a graph, so that they can be closed in reverse order of creation.

use std::collections::HashSet;

use super::engine::Engine;
use crate::port::{Held, PortRef};
use crate::visit::Visitor;

/// Takes the Things off every port that can be reached from a schedule, each with the number of its creation.
pub(super) fn take_things(engine: &Engine, held: &mut Vec<(usize, Box<dyn Held>)>) {
    let mut found = Ports::default();
    engine.describe(&mut found);
    let mut ports = Vec::new();
    while let Some(port) = found.ports.pop() {
        port.connections(&mut |connection| connection.describe(&mut found));
        ports.push(port);
    }
    for port in ports {
        port.port().close(held);
    }
}

#[derive(Default)]
struct Ports {
    seen: HashSet<usize>,
    ports: Vec<PortRef>,
}

impl Visitor for Ports {
    fn filter(&mut self, _: &str) {}
    fn sink(&mut self, _: &str) {}
    fn port(&mut self, port: PortRef, _: bool) {
        if self.seen.insert(port.id()) {
            self.ports.push(port);
        }
    }
}
