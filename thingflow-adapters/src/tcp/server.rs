//! [`Server`]: accepts clients, hears them, and sends to all or to one.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;

use thingflow_core::{EventThing, InputThing, Port};

use super::host::{Change, Host, Received, ServerStats};
use super::listener::{Listener, UnixSocket};
use super::options::ServerOptions;
use crate::framing::{Framing, Lines};

/// A server of lines of text, with the usual [`ServerOptions`].
///
/// # Errors
/// Those of the operating system: the address is in use, or is not one of this machine.
pub fn listen(address: impl ToSocketAddrs) -> io::Result<Server<Lines>> {
    ServerOptions::default().listen(address)
}

/// A handle to a server: its ports and inputs. Give [`thing`](Self::thing) to the scheduler. Clones are the same server.
pub struct Server<F: Framing + 'static, L: Listener = TcpListener>(Host<F, L>);

impl<F: Framing + 'static> Server<F> {
    /// The address that is bound: with the port that was chosen, if it was 0.
    pub fn local_addr(&self) -> SocketAddr {
        *self.0.place()
    }
}

impl<F: Framing + 'static> Server<F, UnixSocket> {
    /// The file of the socket.
    pub fn path(&self) -> &Path {
        self.0.place()
    }
}

impl<F: Framing + 'static, L: Listener> Server<F, L> {
    pub(super) fn new(listener: L, options: ServerOptions<F>) -> io::Result<Self> {
        let name = L::name(&listener.place()?);
        Host::new(listener, name, options.framing, options.rules).map(Self)
    }

    /// The port of all frames that clients send, in the order of each client.
    pub fn received(&self) -> &Port<Received<F::Frame>> {
        self.0.received()
    }

    /// The port of clients that come and go.
    pub fn changes(&self) -> &Port<Change<L::Client>> {
        self.0.changes()
    }

    /// An input whose events are sent to all clients. It is never full: what becomes of a client that does not read is said by
    /// [`ServerOptions::slow`].
    pub fn broadcast(&self) -> impl InputThing<F::Frame> + use<F, L> {
        self.0.broadcast()
    }

    /// An input whose events are sent to one client each, in answer to what it has sent. One that has gone misses it.
    pub fn reply(&self) -> impl InputThing<Received<F::Frame>> + use<F, L> {
        self.0.reply()
    }

    /// What the server has seen so far. Not to be called by a Thing that the server itself is calling.
    pub fn stats(&self) -> ServerStats {
        self.0.stats()
    }

    /// What to give to
    /// [`schedule_on_main_event_loop`](thingflow_core::Scheduler::schedule_on_main_event_loop).
    pub fn thing(&self) -> impl EventThing + use<F, L> {
        self.0.thing()
    }
}

impl<F: Framing + 'static, L: Listener> Clone for Server<F, L> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Framing + 'static, L: Listener> fmt::Debug for Server<F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("place", self.0.place()).finish_non_exhaustive()
    }
}
