//! [`Desk`]: what the handles of a client and its connection share; [`Handle`]: one of them.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::{
    Context, DeliveryMeter, DeliveryStats, EventThing, InputThing, Port, Registry, Shared, StreamError,
};

use super::link::{Calling, Link};
use super::protocol::Protocol;
use crate::net::{Counts, Scheduled};

/// How a connection fares.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// It has been made.
    Connected,
    /// There is none; the next try comes after a while.
    Disconnected {
        /// Why.
        error: StreamError,
        /// How long until the next try.
        retry_in: Duration,
    },
}

/// What has become of the frames of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientStats {
    /// Frames that were to be sent.
    pub posted: u64,
    /// Frames that were handed to the operating system. What it has not sent when a connection is lost is lost, too.
    pub sent: u64,
    /// Frames that wait to be sent.
    pub waiting: u64,
    /// Frames that the policy of the queue has dropped, or that were still waiting at the end of the run.
    pub dropped: u64,
    /// Frames that have come.
    pub received: u64,
    /// Frames that were left out, since they could not be read.
    pub invalid: u64,
    /// How often a connection has been made.
    pub connections: u64,
    /// Whether there was no room for one more when this was read.
    pub is_full: bool,
}

/// As the counts of every other output: what was handed to the operating system is delivered, since nothing says more.
impl From<ClientStats> for DeliveryStats {
    fn from(stats: ClientStats) -> Self {
        let ClientStats { posted, sent, waiting, dropped, is_full, .. } = stats;
        let mut all = Self::default();
        (all.posted, all.delivered, all.waiting, all.dropped, all.is_full) = (posted, sent, waiting, dropped, is_full);
        all
    }
}

/// A client of any protocol, as the program has it.
pub(crate) struct Handle<P: Protocol> {
    link: Shared<Link<P>>,
    desk: Rc<Desk>,
    received: Port<P::Frame>,
}

impl<P: Protocol> Handle<P> {
    pub(crate) fn new(protocol: P, calling: Calling) -> Self {
        let (desk, received) = (Rc::new(Desk::default()), Port::new().named("received"));
        let link = Link::new(protocol, calling, desk.clone(), received.clone());
        Self { link: Shared::without_ports(link).has_room(Link::has_room), desk, received }
    }

    pub(crate) fn received(&self) -> &Port<P::Frame> {
        &self.received
    }

    pub(crate) fn sender(&self) -> impl InputThing<P::Frame> + use<P> {
        let pass = Pass::new(&self.desk);
        self.link.input(move |link: &mut Link<P>, frame, cx: &mut Context<'_>| {
            let _keeps = &pass;
            link.post(frame, cx)
        })
    }

    pub(crate) fn status(&self) -> &Port<Status> {
        &self.desk.status
    }

    pub(crate) fn stats(&self) -> ClientStats {
        self.desk.stats.get()
    }

    pub(crate) fn meter(&self) -> DeliveryMeter {
        self.desk.stats.meter()
    }

    pub(crate) fn thing(&self) -> impl EventThing + use<P> {
        Scheduled::new(&self.link, Link::close)
    }
}

impl<P: Protocol> Clone for Handle<P> {
    fn clone(&self) -> Self {
        Self { link: self.link.clone(), desk: self.desk.clone(), received: self.received.clone() }
    }
}

/// What the handles of a client and its connection share.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) registry: OnceCell<Registry>,
    pub(super) senders: Cell<usize>,
    pub(super) stats: Counts<ClientStats>,
    pub(super) status: Port<Status>,
}

impl Desk {
    /// Has the connection called in the next turn.
    pub(super) fn ring(&self) {
        self.registry.get().into_iter().for_each(Registry::call_soon);
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut ClientStats)) {
        self.stats.change(|stats| {
            change(stats);
            stats.waiting = stats.posted - stats.sent - stats.dropped;
        });
    }
}

/// While it lives, somebody may send.
struct Pass(Rc<Desk>);

impl Pass {
    fn new(desk: &Rc<Desk>) -> Self {
        desk.senders.set(desk.senders.get() + 1);
        Self(desk.clone())
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.senders.set(self.0.senders.get() - 1);
        self.0.ring();
    }
}
