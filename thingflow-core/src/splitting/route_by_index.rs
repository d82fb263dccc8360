//! `route_by_index()`: sends each event, a pair of an index and a value, to the port with that index.
//!
//! Holds nothing.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use super::outputs::all_to_ports;
use crate::context::Context;
use crate::error::StreamError;
use crate::notice::{Notice, Question};
use crate::output::Ports;
use crate::port::Port;
use crate::size::Size;
use crate::thing::{Demand, InputThing, Receipt};

/// The Thing that routes. [`route_by_index`](super::Splitting::route_by_index) connects one and gives back its ports; make
/// it yourself where the number of ports is known at run time only, or the chain is a flow.
///
/// An index without a port ends the stream by an error on all ports. An event for a port without connections is lost, and
/// that is no reason to stop the source: it hears `Done` when no port has a connection any more.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// let pairs = Port::new();
/// let [a, b] = pairs.route_by_index();
/// let (seen_a, seen_b) = (Recorder::new(), Recorder::new());
/// a.connect(seen_a.clone());
/// b.connect(seen_b.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// for pair in [(0, 10), (1, 15), (0, 20)] {
///     pairs.emit(pair, cx)?;
/// }
/// assert_eq!([seen_a.text(), seen_b.text()], ["10 20", "15"]);
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
pub struct RouteByIndex<T> {
    ports: Vec<Port<T>>,
}

impl<T: Clone + 'static> RouteByIndex<T> {
    /// The Thing with `n` ports, to be connected.
    #[track_caller]
    pub fn new(n: impl Into<Size>) -> Self {
        Self { ports: (0..n.into().get()).map(|n| Port::new().named(format!("{n}"))).collect() }
    }

    /// Its ports.
    pub fn ports(&self) -> &[Port<T>] {
        &self.ports
    }
}

impl<T: Clone + 'static> InputThing<(usize, T)> for RouteByIndex<T> {
    fn next(&mut self, (index, event): (usize, T), cx: &mut Context<'_>) -> Receipt {
        let Some(port) = self.ports.get(index) else {
            let n = self.ports.len();
            let error = format!("route_by_index: there is no port {index}; there are {n}, the first is 0");
            return self.ports.tell_ports(Notice::Error(StreamError::msg(error)), cx).map(|_| Demand::Done);
        };
        let demand = port.emit(event, cx)?;
        Ok(self.ports.receipt_of(demand.into()))
    }
    fn next_ref(&mut self, event: &(usize, T), cx: &mut Context<'_>) -> Receipt {
        self.next(event.clone(), cx)
    }
    all_to_ports!("route_by_index", ports);
}

impl<T> fmt::Debug for RouteByIndex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteByIndex").field("ports", &self.ports).finish()
    }
}
