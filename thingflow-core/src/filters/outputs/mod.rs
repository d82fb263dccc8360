//! Things with several outputs: what is the same for all of them.
//!
//! A port that nobody listens to is no reason to stop the source; all of them are.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::chain::Chain;
use crate::context::Context;
use crate::error::StreamError;
use crate::port::{Connection, Port, PortRef};
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::Visitor;

/// A chain that begins at a port, so that nothing is left to be done when its end is connected.
///
/// A flow does not: connected, it is still to be scheduled, and a method that gives back ports could not give it back as
/// well. There you make the Thing yourself, for example by [`Split::new`](super::Split::new), take its ports, connect it,
/// and schedule the flow; or you let the chain begin at the port of [`flow.output()`](crate::Flow::output).
///
/// ```compile_fail
/// use thingflow_core::prelude::*;
/// let (even, odd) = from_iter(1..9).partition(|x| x % 2 == 0);
/// ```
pub trait AtPort: Chain {}

impl<C, T: 'static> AtPort for C where C: Chain<Item = T, Ended<Box<dyn InputThing<T>>> = Connection> {}

/// One of several ports, without its type.
pub trait Outlet {
    fn start(&self, cx: &mut Context<'_>) -> Receipt;
    fn complete(&self, cx: &mut Context<'_>) -> Closed;
    fn fail(&self, error: StreamError, cx: &mut Context<'_>) -> Closed;
    fn is_listened(&self) -> bool;
    fn has_room(&self) -> bool;
    fn port(&self) -> PortRef;
}

impl<T: Clone + 'static> Outlet for Port<T> {
    fn start(&self, cx: &mut Context<'_>) -> Receipt {
        self.clone().on_start(cx)
    }
    fn complete(&self, cx: &mut Context<'_>) -> Closed {
        Self::complete(self, cx)
    }
    fn fail(&self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        Self::fail(self, error, cx)
    }
    fn is_listened(&self) -> bool {
        Self::is_listened(self)
    }
    fn has_room(&self) -> bool {
        InputThing::has_room(self)
    }
    fn port(&self) -> PortRef {
        self.as_ref()
    }
}

/// All ports of a Thing.
pub trait Outlets {
    /// The ports, in order.
    fn outlets(&self) -> impl Iterator<Item = &dyn Outlet>;

    fn start_all(&self, cx: &mut Context<'_>) -> Receipt {
        let mut sum = Sum::default();
        for port in self.outlets() {
            sum.add(port.start(cx)?);
        }
        Ok(if sum.open { sum.demand() } else { Demand::Done })
    }

    fn complete_all(&self, cx: &mut Context<'_>) -> Closed {
        self.outlets().try_for_each(|port| port.complete(cx))
    }

    fn fail_all(&self, error: &StreamError, cx: &mut Context<'_>) -> Closed {
        self.outlets().try_for_each(|port| port.fail(error.clone(), cx))
    }

    fn any_listened(&self) -> bool {
        self.outlets().any(Outlet::is_listened)
    }

    /// Whether all have room: which of them the next event goes to is not known.
    fn all_have_room(&self) -> bool {
        self.outlets().all(Outlet::has_room)
    }

    /// The receipt for an event, from those of the ports that it went to.
    fn receipt(&self, sum: Sum) -> Demand {
        if sum.done && !self.any_listened() { Demand::Done } else { sum.demand() }
    }

    fn show(&self, name: &str, visitor: &mut dyn Visitor) {
        visitor.filter(name);
        self.outlets().for_each(|port| visitor.port(port.port(), false));
    }
}

impl<T: Clone + 'static> Outlets for Vec<Port<T>> {
    fn outlets(&self) -> impl Iterator<Item = &dyn Outlet> {
        self.iter().map(|port| port as &dyn Outlet)
    }
}

/// The receipts of several ports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    open: bool,
    full: bool,
    done: bool,
}

impl Sum {
    pub(super) fn add(&mut self, demand: Demand) {
        self.open |= demand != Demand::Done;
        self.full |= demand == Demand::Full;
        self.done |= demand == Demand::Done;
    }

    fn demand(self) -> Demand {
        if self.full { Demand::Full } else { Demand::More }
    }
}

impl From<Demand> for Sum {
    fn from(demand: Demand) -> Self {
        let mut sum = Self::default();
        sum.add(demand);
        sum
    }
}
