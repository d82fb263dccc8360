//! [`Host`]: a server of any protocol, as the program has it.

use std::io;
use std::net::SocketAddr;

use thingflow_core::{Context, Demand, EventThing, InputThing, Port, Shared};

use super::listener::Listener;
use super::listening::Listening;
use super::options::Rules;
use super::peer::ClientId;
use super::protocol::Protocol;
use crate::net::Scheduled;

/// What a client has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received<T> {
    /// Which connection.
    pub client: ClientId,
    /// The line, or the bytes.
    pub frame: T,
}

/// A client that has come or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<A = SocketAddr> {
    /// It has connected, from this address, and may be sent to.
    Connected(ClientId, A),
    /// It has hung up, its connection was lost, or it has been disconnected.
    Disconnected(ClientId),
}

/// What a server has seen. Numbers but that of clients only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStats {
    /// Clients that are connected.
    pub clients: usize,
    /// Clients that were turned away: there were too many, or they had not what lets them in.
    pub refused: u64,
    /// Frames that have come.
    pub received: u64,
    /// Frames that were left out, since they could not be read.
    pub invalid: u64,
    /// Frames that slow clients have missed.
    pub missed: u64,
    /// Clients that were disconnected because they were slow, or sent what is no frame.
    pub disconnected: u64,
}

/// A server of any protocol, as the program has it.
pub(crate) struct Host<P: Protocol, L: Listener> {
    shared: Shared<Listening<P, L>>,
    received: Port<Received<P::Frame>>,
    changes: Port<Change<L::Client>>,
    place: L::Place,
}

impl<P: Protocol, L: Listener> Host<P, L> {
    pub(crate) fn new(listener: L, name: String, protocol: P, rules: Rules) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        rules.tls.iter().try_for_each(|tls| tls.accept().map(drop))?; // what is wrong with the files is told now
        let place = listener.place()?;
        let (received, changes) = (Port::new().named("received"), Port::new().named("clients"));
        let listening = Listening::new(listener, name, protocol, rules, received.clone(), changes.clone());
        Ok(Self { shared: Shared::new(listening), received, changes, place })
    }

    pub(crate) fn place(&self) -> &L::Place {
        &self.place
    }

    pub(crate) fn received(&self) -> &Port<Received<P::Frame>> {
        &self.received
    }

    pub(crate) fn changes(&self) -> &Port<Change<L::Client>> {
        &self.changes
    }

    pub(crate) fn broadcast(&self) -> impl InputThing<P::Frame> + use<P, L> {
        self.shared.input(|server: &mut Listening<P, L>, frame, cx: &mut Context<'_>| {
            server.send_to_all(&frame, cx);
            Ok(Demand::More)
        })
    }

    pub(crate) fn reply(&self) -> impl InputThing<Received<P::Frame>> + use<P, L> {
        self.shared.input(|server: &mut Listening<P, L>, reply: Received<P::Frame>, cx: &mut Context<'_>| {
            server.send_to(reply.client, &reply.frame, cx);
            Ok(Demand::More)
        })
    }

    pub(crate) fn stats(&self) -> ServerStats {
        self.shared.with(|server| server.stats())
    }

    pub(crate) fn thing(&self) -> impl EventThing + use<P, L> {
        Scheduled::new(&self.shared, Listening::hang_up)
    }
}

impl<P: Protocol, L: Listener> Clone for Host<P, L> {
    fn clone(&self) -> Self {
        let Self { shared, received, changes, place } = self;
        Self { shared: shared.clone(), received: received.clone(), changes: changes.clone(), place: place.clone() }
    }
}
