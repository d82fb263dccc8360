//! Things with several outputs: what is the same for all of them.
//!
//! A port that nobody listens to is no reason to stop the source; all of them are.

use alloc::vec::Vec;

use crate::context::Context;
use crate::error::StreamError;
use crate::port::{Port, PortRef};
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::Visitor;

/// What an `InputThing` with several outputs does but for taking events: everything goes to all ports of the field.
macro_rules! all_of_it_to {
    ($ports:ident, $name:literal) => {
        fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
            self.$ports.complete_all(cx)
        }
        fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
            self.$ports.fail_all(&error, cx)
        }
        fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
            self.$ports.start_all(cx)
        }
        fn is_open(&self) -> bool {
            self.$ports.any_listened()
        }
        fn has_room(&self) -> bool {
            self.$ports.all_have_room()
        }
        fn describe(&self, visitor: &mut dyn Visitor) {
            self.$ports.show($name, visitor);
        }
    };
}
pub(super) use all_of_it_to;

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
