//! [`Server`]: WebSockets of many clients: hears them, and sends to all or to one.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::{EventThing, InputThing, Port};
use tungstenite::protocol::Role;

use super::error::HeaderError;
use super::handshake::{Reception, subprotocol};
use super::message::Message;
use super::talk::{Encoder, Side, Talk};
use super::{ASK_AFTER, MAX_MESSAGE, TIMEOUT};
use crate::bound::bound;
#[cfg(feature = "tls")]
use crate::net::Tls;
use crate::net::{Secret, Stream};
use crate::requests::{Access, Guard};
use crate::tcp::{Change, Host, Protocol, Pulse, Received, Rules, ServerStats, Slow};

/// A server that is not bound yet. It must be told a [`token`](Self::token), or that there is [none](Self::without_token).
///
/// ```
/// use thingflow_adapters::net::Secret;
/// use thingflow_adapters::websocket::{ServerOptions, Slow};
/// let options = ServerOptions::default().path("/readings").token(Secret::credential("readings")).slow(Slow::Disconnect);
/// let server = options.listen("127.0.0.1:0")?;
/// assert_eq!(server.stats().clients, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerOptions {
    path: Option<String>,
    access: Access,
    origins: Vec<String>,
    subprotocol: Option<String>,
    max_message: usize,
    rules: Rules,
}

impl Default for ServerOptions {
    /// At most 64 clients, of which each may be 64 KiB behind, and whose messages may have 64 KiB.
    fn default() -> Self {
        let pulse = Pulse { ask_after: ASK_AFTER, idle_timeout: ASK_AFTER + TIMEOUT };
        Self {
            path: None,
            access: Access::default(),
            origins: Vec::new(),
            subprotocol: None,
            max_message: MAX_MESSAGE,
            rules: Rules { pulse, ..Rules::default() },
        }
    }
}

impl ServerOptions {
    /// Takes clients at this path only. Otherwise the path does not matter.
    pub fn path(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// Takes only clients that ask with `Authorization: Bearer` and this token, which a web page cannot. One that is changed on disk is
    /// taken within a second; who is connected stays. While its file cannot be read, or is empty, clients are refused, and the log
    /// says why.
    pub fn token(self, token: Secret) -> Self {
        Self { access: Access::Token(token), ..self }
    }

    /// Takes whoever reaches the address, except web pages, which are refused by their `Origin` unless it is
    /// [allowed](Self::allow_origin).
    pub fn without_token(self) -> Self {
        Self { access: Access::Everybody, ..self }
    }

    /// Takes web pages that come from there too, such as `https://dashboard.example`: the scheme, the host and the port if it is not
    /// the usual one, as browsers say it. Other programs can say so as well: it keeps strange pages out, and nobody else.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Chooses this subprotocol if a client offers it.
    ///
    /// # Errors
    /// A name that is not an HTTP token: letters, digits, `-` and the like.
    pub fn subprotocol(self, name: impl Into<String>) -> Result<Self, HeaderError> {
        Ok(Self { subprotocol: Some(subprotocol(name.into())?), ..self })
    }

    /// How many bytes a message of a client may have: 64 KiB unless told otherwise. Who sends a longer one is disconnected, before
    /// its bytes are kept.
    pub fn max_message(self, bytes: usize) -> Self {
        Self { max_message: bytes, ..self }
    }

    /// Turns away clients beyond so many: 64 unless told otherwise.
    pub fn max_clients(self, max_clients: usize) -> Self {
        Self { rules: Rules { max_clients, ..self.rules }, ..self }
    }

    /// How many bytes may wait for a client that does not read: 64 KiB unless told otherwise.
    pub fn max_unsent(self, max_unsent: usize) -> Self {
        Self { rules: Rules { max_unsent, ..self.rules }, ..self }
    }

    /// What happens to a client that is behind by more than that. By default it misses whole messages ([`Slow::Drop`]).
    pub fn slow(self, slow: Slow) -> Self {
        Self { rules: Rules { slow, ..self.rules }, ..self }
    }

    /// Pings a client from which nothing has come for so long, 30 s unless told otherwise, and disconnects it when it does not answer
    /// within ten seconds.
    pub fn ping_after(self, silence: Duration) -> Self {
        let pulse = Pulse { ask_after: silence, idle_timeout: silence.saturating_add(TIMEOUT) };
        Self { rules: Rules { pulse, ..self.rules }, ..self }
    }

    /// Speaks `wss://` only: shows a certificate, and lets in everybody, or those who show one that is trusted, see [`Tls`].
    #[cfg(feature = "tls")]
    pub fn tls(self, tls: Tls) -> Self {
        Self { rules: Rules { tls: Some(tls), ..self.rules }, ..self }
    }

    /// Binds the address. Clients are accepted when the server has been scheduled.
    ///
    /// # Errors
    /// Those of the operating system: the address is in use, or is not one of this machine. Nothing was said of a token, or
    /// its file is empty. A certificate that cannot be used.
    pub fn listen(self, address: impl ToSocketAddrs) -> io::Result<Server> {
        let Self { path, access, origins, subprotocol, max_message, rules } = self;
        access.check("web socket")?;
        let listener = bound(address, |addresses| TcpListener::bind(addresses))?;
        let name = format!("web socket {}", listener.local_addr()?);
        let reception = Reception { path, subprotocol, guard: Guard::new(access, origins) };
        let greeter = Greeter { reception: Rc::new(reception), encoder: Encoder::new(Role::Server), max_message };
        Host::new(listener, name, greeter, rules).map(Server)
    }
}

/// A handle to a server: its ports and inputs. Give [`thing`](Self::thing) to the scheduler. Clones are the same server.
#[derive(Clone)]
pub struct Server(Host<Greeter, TcpListener>);

impl Server {
    /// The address that is bound: with the port that was chosen, if it was 0.
    pub fn local_addr(&self) -> SocketAddr {
        *self.0.place()
    }

    /// The port of all messages that clients send, in the order of each client; `frame` is the message. While what is connected is full,
    /// clients are not read, so they wait.
    pub fn received(&self) -> &Port<Received<Message>> {
        self.0.received()
    }

    /// The port of clients that come and go.
    pub fn changes(&self) -> &Port<Change> {
        self.0.changes()
    }

    /// An input whose events are sent to all clients. It is never full: what becomes of a client that does not read is said by
    /// [`ServerOptions::slow`].
    pub fn broadcast(&self) -> impl InputThing<Message> + use<> {
        self.0.broadcast()
    }

    /// An input whose events are sent to one client each, in answer to what it has sent. One that has gone misses it.
    pub fn reply(&self) -> impl InputThing<Received<Message>> + use<> {
        self.0.reply()
    }

    /// What the server has seen so far. Not to be called by a Thing that the server itself is calling.
    pub fn stats(&self) -> ServerStats {
        self.0.stats()
    }

    /// What to give to
    /// [`schedule_on_main_event_loop`](thingflow_core::Scheduler::schedule_on_main_event_loop).
    pub fn thing(&self) -> impl EventThing + use<> {
        self.0.thing()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("place", self.0.place()).finish_non_exhaustive()
    }
}

/// A server's side of the protocol.
struct Greeter {
    reception: Rc<Reception>,
    encoder: Encoder,
    max_message: usize,
}

impl Protocol for Greeter {
    type Frame = Message;
    type Talk = Talk;

    fn begin(&mut self, stream: Stream) -> io::Result<Talk> {
        Talk::new(stream, Side::Server(self.reception.clone()), self.max_message)
    }

    fn encode(&mut self, message: &Message, to: &mut Vec<u8>) {
        self.encoder.encode(message, to);
    }
}
