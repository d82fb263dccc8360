//! [`Server`]: accepts clients, hears them, and sends to all or to one.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use thingflow_core::{
    Context, Demand, EventThing, Failure, InputThing, Instant, Interest, Notice, Port, PortRef, PortSource, Ports,
    Question, Receipt, Registry, Shared, StreamError,
};

use super::door::{Door, Turns};
use super::listener::{Accepted, Listener, UnixSocket};
use super::options::{Options, Slow};
use super::peer::{ClientId, Peer};
use crate::framing::{FrameError, Framing, Lines, Piece};
use crate::net::{Scheduled, Socket, Stream};

/// A server of lines of text, with the usual [`Options`].
///
/// # Errors
/// Those of the operating system: the address is in use, or is not one of this machine.
pub fn listen(address: impl ToSocketAddrs) -> io::Result<Server<Lines>> {
    Options::default().listen(address)
}

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
    /// It has connected, from this address.
    Connected(ClientId, A),
    /// It has hung up, its connection was lost, or it has been disconnected.
    Disconnected(ClientId),
}

/// What a server has seen. Numbers but that of clients only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStats {
    /// Clients that are connected.
    pub clients: usize,
    /// Clients that were turned away, since there were too many.
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

/// A handle to a server: its ports and inputs. Give [`thing`](Self::thing) to the scheduler. Clones are the same server.
pub struct Server<F: Framing, L: Listener = TcpListener> {
    shared: Shared<Listening<F, L>>,
    received: Port<Received<F::Frame>>,
    changes: Port<Change<L::Client>>,
    place: L::Place,
}

impl<F: Framing + 'static> Server<F> {
    /// The address that is bound: with the port that was chosen, if it was 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.place
    }
}

impl<F: Framing + 'static> Server<F, UnixSocket> {
    /// The file of the socket.
    pub fn path(&self) -> &Path {
        &self.place
    }
}

impl<F: Framing + 'static, L: Listener> Server<F, L> {
    pub(super) fn new(listener: L, options: Options<F>) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        options.tls.iter().try_for_each(|tls| tls.accept().map(drop))?; // what is wrong with the files is told now
        let place = listener.place()?;
        let (received, changes) = (Port::new().named("received"), Port::new().named("clients"));
        let listening = Listening {
            name: L::name(&place),
            door: Door::new(listener),
            registry: None,
            clients: BTreeMap::new(),
            next_id: 1,
            turns: Turns::default(),
            options,
            received: received.clone(),
            changes: changes.clone(),
            told: VecDeque::new(),
            scratch: Vec::new(),
            stats: ServerStats::default(),
        };
        Ok(Self { shared: Shared::new(listening), received, changes, place })
    }

    /// The port of all frames that clients send, in the order of each client.
    pub fn received(&self) -> &Port<Received<F::Frame>> {
        &self.received
    }

    /// The port of clients that come and go.
    pub fn changes(&self) -> &Port<Change<L::Client>> {
        &self.changes
    }

    /// An input whose events are sent to all clients. It is never full: what becomes of a client that does not read is said by
    /// [`Options::slow`].
    pub fn broadcast(&self) -> impl InputThing<F::Frame> + use<F, L> {
        self.shared.input(|server: &mut Listening<F, L>, frame, _: &mut Context<'_>| {
            server.send_to_all(&frame);
            Ok(Demand::More)
        })
    }

    /// An input whose events are sent to one client each, in answer to what it has sent. One that has gone misses it.
    pub fn reply(&self) -> impl InputThing<Received<F::Frame>> + use<F, L> {
        self.shared.input(|server: &mut Listening<F, L>, reply: Received<F::Frame>, _: &mut Context<'_>| {
            server.send_to(reply.client, &reply.frame);
            Ok(Demand::More)
        })
    }

    /// What the server has seen so far. Not to be called by a Thing that the server itself is calling.
    pub fn stats(&self) -> ServerStats {
        self.shared.with(|server| ServerStats { clients: server.clients.len(), ..server.stats })
    }

    /// What to give to
    /// [`schedule_on_main_event_loop`](thingflow_core::Scheduler::schedule_on_main_event_loop).
    pub fn thing(&self) -> impl EventThing + use<F, L> {
        Scheduled::new(&self.shared, Listening::hang_up)
    }
}

impl<F: Framing, L: Listener> Clone for Server<F, L> {
    fn clone(&self) -> Self {
        let Self { shared, received, changes, place } = self;
        Self { shared: shared.clone(), received: received.clone(), changes: changes.clone(), place: place.clone() }
    }
}

impl<F: Framing, L: Listener> fmt::Debug for Server<F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("place", &self.place).finish_non_exhaustive()
    }
}

/// The key of the listener; those of clients are their numbers.
const LISTENER: usize = 0;
/// So many frames are sent before others have their turn.
const BATCH: usize = 64;
/// How long a client may take to say who it is, by TLS.
const GREETING: Duration = Duration::from_secs(10);

/// The server itself.
struct Listening<F: Framing, L: Listener> {
    door: Door<L>,
    name: String,
    registry: Option<Registry>,
    clients: BTreeMap<usize, Peer<F, L::Client>>,
    next_id: u64,
    turns: Turns,
    options: Options<F>,
    received: Port<Received<F::Frame>>,
    changes: Port<Change<L::Client>>,
    /// Changes that have not been sent yet.
    told: VecDeque<Change<L::Client>>,
    /// The bytes of the frame that is being sent.
    scratch: Vec<u8>,
    stats: ServerStats,
}

impl<F: Framing, L: Listener> Listening<F, L> {
    /// Takes a client that waits; `false` if none does.
    fn accept(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(accepted) = self.door.accept(&self.name, cx) else { return false };
        if let Some((Accepted(socket), address)) = accepted
            && let Err(error) = self.welcome(socket, address, cx)
        {
            cx.report(&self.name, &StreamError::caused("cannot serve a client", error));
        }
        true
    }

    fn welcome(&mut self, socket: Socket, address: L::Client, cx: &mut Context<'_>) -> io::Result<()> {
        if self.clients.len() >= self.options.max_clients {
            self.stats.refused += 1;
            self.door.turn_away(&self.name, self.clients.len(), cx);
            return Ok(());
        }
        self.door.welcome();
        socket.watch()?;
        let id = ClientId(self.next_id);
        let key = usize::try_from(self.next_id).map_err(|_| ErrorKind::OutOfMemory)?;
        let greets_by = cx.now() + GREETING;
        #[cfg(feature = "tls")]
        let stream = Stream::accepted(socket, self.options.tls.as_ref())?;
        #[cfg(not(feature = "tls"))]
        let stream = Stream::plain(thingflow_core::Descriptor::new(socket));
        let mut client = Peer::new(id, address.clone(), stream, self.options.framing.clone(), greets_by);
        let registry = self.registry.as_ref().ok_or(ErrorKind::NotConnected)?;
        registry.register(client.socket.stream.descriptor(), key, Interest::READABLE | Interest::WRITABLE)?;
        if !client.socket.stream.is_greeted() {
            cx.wake_at(greets_by);
        }
        self.next_id += 1;
        self.clients.insert(key, client);
        self.told.push_back(Change::Connected(id, address));
        self.turns.add(key);
        Ok(())
    }

    /// Parts with those who have not said in time who they are.
    fn see_to_greetings(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let (mut late, mut next) = (Vec::new(), Instant::NEVER);
        for (key, client) in self.clients.iter().filter(|(_, client)| !client.socket.stream.is_greeted()) {
            if client.greets_by <= now {
                late.push(*key);
            } else {
                next = next.min(client.greets_by);
            }
        }
        for key in late {
            self.stats.disconnected += 1;
            self.part_with(key);
        }
        cx.wake_at(next);
    }

    /// The end of the run.
    fn hang_up(&mut self) {
        std::mem::take(&mut self.clients).into_values().for_each(|client| client.socket.stream.end());
    }

    fn part_with(&mut self, key: usize) {
        if let Some(client) = self.clients.remove(&key) {
            self.told.push_back(Change::Disconnected(client.id));
            self.registry.iter().for_each(Registry::call_soon);
        }
    }

    fn send_to_all(&mut self, frame: &F::Frame) {
        self.encode(frame);
        let keys: Vec<usize> = self.clients.keys().copied().collect();
        for key in keys {
            self.send_scratch(key);
        }
    }

    fn send_to(&mut self, client: ClientId, frame: &F::Frame) {
        self.encode(frame);
        if let Ok(key) = usize::try_from(client.0) {
            self.send_scratch(key);
        }
    }

    fn encode(&mut self, frame: &F::Frame) {
        self.scratch.clear();
        self.options.framing.encode(frame, &mut self.scratch);
    }

    fn send_scratch(&mut self, key: usize) {
        let Some(client) = self.clients.get_mut(&key) else {
            self.stats.missed += 1;
            return;
        };
        // A frame that is longer than the limit goes to a client for which nothing waits.
        let is_behind = client.unsent() > 0 && client.unsent() + self.scratch.len() > self.options.max_unsent;
        let is_lost = if is_behind {
            self.stats.missed += 1;
            self.options.slow == Slow::Disconnect
        } else {
            client.send(&self.scratch).is_err() // what is wrong is told by reading
        };
        if is_lost {
            self.stats.disconnected += u64::from(is_behind);
            self.part_with(key);
        }
    }

    /// Reads what one client has sent. `None`: there is nothing more of it.
    fn read(&mut self, key: usize, cx: &Context<'_>) -> Option<Received<F::Frame>> {
        loop {
            let client = self.clients.get_mut(&key)?;
            let id = client.id;
            match client.socket.next() {
                Piece::Frame(frame) => {
                    self.stats.received += 1;
                    return Some(Received { client: id, frame });
                }
                Piece::Nothing => return None,
                Piece::Bad(error) if error.is_fatal() => {
                    self.disconnect(key, error, cx);
                    return None;
                }
                Piece::Bad(error) => {
                    self.stats.invalid += 1;
                    let who = format!("{}, client {id} at {}", self.name, client.address);
                    cx.report(&who, &StreamError::caused("a frame was left out", error));
                }
                Piece::End(fault) => {
                    // Clients vanish: that is no fault of the program.
                    if let Some(error) = fault {
                        log::debug!("{}: client {id} at {}: {error}", self.name, client.address);
                    }
                    self.part_with(key);
                    return None;
                }
            }
        }
    }

    /// Parts with a client that sends what is no frame.
    fn disconnect(&mut self, key: usize, error: FrameError, cx: &Context<'_>) {
        let address = self.clients.get(&key).map(|client| client.address.to_string()).unwrap_or_default();
        self.stats.disconnected += 1;
        self.stats.invalid += 1;
        let who = format!("{}, client {key} at {address}", self.name);
        cx.report(&who, &StreamError::caused("a client was disconnected", error));
        self.part_with(key);
    }

    /// Sends what has changed; the receipt of the last.
    fn tell(&mut self, cx: &mut Context<'_>) -> Receipt {
        while let Some(change) = self.told.pop_front() {
            let demand = self.changes.emit(change, cx)?;
            if demand == Demand::Full {
                return Ok(demand);
            }
        }
        Ok(Demand::More)
    }

    fn gather_turns(&mut self) {
        let Some(registry) = &self.registry else { return };
        while let Some(ready) = registry.next_ready() {
            self.turns.add(ready.key);
        }
    }

    /// Does what there is to do for one key.
    fn turn(&mut self, key: usize, cx: &mut Context<'_>) -> Receipt {
        if key == LISTENER {
            if self.accept(cx) {
                self.turns.add(LISTENER);
            }
            return self.tell(cx);
        }
        if self.clients.get_mut(&key).is_some_and(|client| client.push().is_err()) {
            self.part_with(key);
        }
        let received = self.read(key, cx);
        if received.is_some() {
            self.turns.add(key);
        }
        if self.tell(cx)? == Demand::Full {
            cx.call_again();
        }
        received.map_or(Ok(Demand::More), |received| self.received.emit(received, cx))
    }
}

impl<F: Framing, L: Listener> Ports for Listening<F, L> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.received.as_ref());
        see(self.changes.as_ref());
    }
}

impl<F: Framing, L: Listener> PortSource for Listening<F, L> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        self.gather_turns();
        self.tell(cx)?;
        for _ in 0..BATCH {
            let Some(key) = self.turns.next() else { return Ok(Demand::More) };
            if self.turn(key, cx)? == Demand::Full {
                return Ok(Demand::Full);
            }
        }
        cx.call_again();
        Ok(Demand::More)
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if matches!(notice, Notice::Wake) {
            self.see_to_greetings(cx);
            self.turns.add(LISTENER);
            cx.call_again();
            return Ok(Demand::More);
        }
        let starts = matches!(notice, Notice::Start);
        let demand = self.tell_ports(notice, cx)?;
        Ok(if starts { Demand::More } else { demand }) // it may only send
    }
    fn answer(&self, question: Question<'_>) -> bool {
        matches!(question, Question::Open) || self.ask_ports(question) // it may only send
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl<F: Framing, L: Listener> EventThing for Listening<F, L> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(self.door.descriptor(), LISTENER, Interest::READABLE)?;
        self.registry = Some(registry.clone());
        self.turns.add(LISTENER);
        Ok(())
    }
}
