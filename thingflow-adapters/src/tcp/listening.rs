//! [`Listening`]: the Thing behind a server: it accepts clients, hears them, and sends to all or to one.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::time::Duration;

use thingflow_core::{
    Context, Demand, EventThing, Failure, Instant, Interest, Notice, Port, PortRef, PortSource, Ports, Question,
    Receipt, Registry, StreamError,
};

use super::door::{Door, Turns};
use super::host::{Change, Received, ServerStats};
use super::listener::{Accepted, Listener};
use super::options::{Rules, Slow};
use super::peer::{ClientId, Peer};
use super::protocol::{Conversation, Heard, Protocol};
use crate::net::{Socket, Stream};

/// The key of the listener; those of clients are their numbers.
const LISTENER: usize = 0;
/// So many frames are sent before others have their turn.
const BATCH: usize = 64;
/// How long a client may take to say who it is.
const GREETING: Duration = Duration::from_secs(10);

/// What one turn of a client has come to.
enum Reading<T> {
    Frame(Received<T>),
    /// There may be more, when others have had their turn: nobody keeps the thread by pings or bad frames.
    Again,
    /// There is nothing more of it now.
    Nothing,
}

/// The server itself.
pub(super) struct Listening<P: Protocol, L: Listener> {
    door: Door<L>,
    name: String,
    registry: Option<Registry>,
    clients: BTreeMap<usize, Peer<P::Talk, L::Client>>,
    next_id: u64,
    turns: Turns,
    protocol: P,
    rules: Rules,
    received: Port<Received<P::Frame>>,
    changes: Port<Change<L::Client>>,
    /// Changes that have not been sent yet.
    told: VecDeque<Change<L::Client>>,
    /// The bytes of the frame that is being sent.
    scratch: Vec<u8>,
    /// A port was full, so clients are not read.
    blocked: bool,
    stats: ServerStats,
}

impl<P: Protocol, L: Listener> Listening<P, L> {
    pub(super) fn new(
        listener: L,
        name: String,
        protocol: P,
        rules: Rules,
        received: Port<Received<P::Frame>>,
        changes: Port<Change<L::Client>>,
    ) -> Self {
        Self {
            name,
            door: Door::new(listener),
            registry: None,
            clients: BTreeMap::new(),
            next_id: 1,
            turns: Turns::default(),
            protocol,
            rules,
            received,
            changes,
            told: VecDeque::new(),
            scratch: Vec::new(),
            blocked: false,
            stats: ServerStats::default(),
        }
    }

    pub(super) fn stats(&self) -> ServerStats {
        ServerStats { clients: self.clients.len(), ..self.stats }
    }

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
        if self.clients.len() >= self.rules.max_clients {
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
        let stream = Stream::accepted(socket, self.rules.tls.as_ref())?;
        #[cfg(not(feature = "tls"))]
        let stream = Stream::plain(thingflow_core::Descriptor::new(socket));
        let mut client = Peer::new(id, address, self.protocol.begin(stream)?, greets_by);
        let registry = self.registry.as_ref().ok_or(ErrorKind::NotConnected)?;
        registry.register(client.talk.stream().descriptor(), key, Interest::READABLE | Interest::WRITABLE)?;
        self.next_id += 1;
        self.clients.insert(key, client);
        self.greet(key, cx);
        self.turns.add(key);
        Ok(())
    }

    /// Goes on with what comes before the first frame.
    fn greet(&mut self, key: usize, cx: &mut Context<'_>) {
        let Some(client) = self.clients.get_mut(&key).filter(|client| !client.is_open()) else { return };
        match client.greet(cx.now()) {
            Ok(true) => {
                self.told.push_back(Change::Connected(client.id, client.address.clone()));
                cx.wake_at(client.due(self.rules.pulse));
            }
            Ok(false) => cx.wake_at(client.due(self.rules.pulse)),
            // Whoever asks for something else is no fault of the program.
            Err(error) => {
                log::debug!("{}: client {} at {}: {error}", self.name, client.id, client.address);
                self.stats.refused += 1;
                self.part_with(key);
            }
        }
    }

    /// Parts with those who have not said in time who they are, and with those who are silent although they were asked.
    fn see_to_time(&mut self, cx: &mut Context<'_>) {
        let (now, pulse) = (cx.now(), self.rules.pulse);
        let mut late = Vec::new();
        for (key, client) in &mut self.clients {
            if self.blocked {
                client.excuse(now);
            }
            if client.is_late(pulse, now) {
                late.push(*key);
            } else if client.ask(pulse, now) {
                self.turns.add(*key);
            }
        }
        for key in late {
            log::debug!("{}: client {key} is disconnected, since nothing has come from it for too long", self.name);
            self.stats.disconnected += 1;
            self.part_with(key);
        }
        let next = self.clients.values().map(|client| client.due(pulse)).min();
        cx.wake_at(next.unwrap_or(Instant::NEVER));
    }

    /// The end of the run.
    pub(super) fn hang_up(&mut self) {
        std::mem::take(&mut self.clients).into_values().for_each(Peer::end);
    }

    fn part_with(&mut self, key: usize) {
        if let Some(client) = self.clients.remove(&key) {
            if client.is_open() {
                self.told.push_back(Change::Disconnected(client.id));
            }
            client.end();
            self.registry.iter().for_each(Registry::call_soon);
        }
    }

    pub(super) fn send_to_all(&mut self, frame: &P::Frame, cx: &Context<'_>) {
        self.encode(frame);
        let open = self.clients.iter().filter(|(_, client)| client.is_open());
        let keys: Vec<usize> = open.map(|(key, _)| *key).collect();
        for key in keys {
            self.send_scratch(key, cx);
        }
    }

    pub(super) fn send_to(&mut self, client: ClientId, frame: &P::Frame, cx: &Context<'_>) {
        self.encode(frame);
        if let Ok(key) = usize::try_from(client.0) {
            self.send_scratch(key, cx);
        }
    }

    fn encode(&mut self, frame: &P::Frame) {
        self.scratch.clear();
        self.protocol.encode(frame, &mut self.scratch);
    }

    fn send_scratch(&mut self, key: usize, cx: &Context<'_>) {
        let Some(client) = self.clients.get_mut(&key).filter(|client| client.is_open()) else {
            self.stats.missed += 1;
            return;
        };
        // A frame that is longer than the limit goes to a client for which nothing waits.
        let unsent = client.unsent();
        if unsent > 0 && unsent + self.scratch.len() > self.rules.max_unsent {
            self.stats.missed += 1;
            if self.rules.slow == Slow::Disconnect {
                let text = format!("it does not read: {unsent} bytes wait for it; see `slow` and `max_unsent`");
                self.disconnect(key, StreamError::msg(text), cx);
            }
        } else if client.send(&self.scratch).is_err() {
            self.part_with(key); // what is wrong is told by reading
        }
    }

    /// Reads the next of what one client has sent.
    fn read(&mut self, key: usize, cx: &Context<'_>) -> Reading<P::Frame> {
        let Some(client) = self.clients.get_mut(&key) else { return Reading::Nothing };
        let id = client.id;
        match client.hear(cx.now()) {
            Some(Heard::Frame(frame)) => {
                self.stats.received += 1;
                return Reading::Frame(Received { client: id, frame });
            }
            Some(Heard::Sign | Heard::Again) => return Reading::Again,
            Some(Heard::LeftOut(error)) => {
                self.stats.invalid += 1;
                let who = format!("{}, client {id} at {}", self.name, client.address);
                cx.report(&who, &StreamError::caused("a frame was left out", error));
                return Reading::Again;
            }
            None | Some(Heard::Nothing) => {}
            Some(Heard::Nonsense(error)) => {
                self.stats.invalid += 1;
                self.disconnect(key, error, cx);
            }
            Some(Heard::End(why)) => {
                // Clients vanish: that is no fault of the program.
                if let Some(error) = why {
                    log::debug!("{}: client {id} at {}: {error}", self.name, client.address);
                }
                self.part_with(key);
            }
        }
        Reading::Nothing
    }

    /// Parts with a client that does not do what it should.
    fn disconnect(&mut self, key: usize, error: StreamError, cx: &Context<'_>) {
        let address = self.clients.get(&key).map(|client| client.address.to_string()).unwrap_or_default();
        self.stats.disconnected += 1;
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
        self.greet(key, cx);
        let reading = self.read(key, cx);
        if !matches!(reading, Reading::Nothing) {
            self.turns.add(key);
        } else if self.clients.get_mut(&key).is_some_and(|client| client.push().is_err()) {
            self.part_with(key); // it could not be answered
        }
        if self.tell(cx)? == Demand::Full {
            cx.call_again();
        }
        match reading {
            Reading::Frame(received) => self.received.emit(received, cx),
            Reading::Again | Reading::Nothing => Ok(Demand::More),
        }
    }
}

impl<P: Protocol, L: Listener> Ports for Listening<P, L> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.received.as_ref());
        see(self.changes.as_ref());
    }
}

impl<P: Protocol, L: Listener> PortSource for Listening<P, L> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        self.gather_turns();
        self.tell(cx)?;
        self.blocked = false;
        for _ in 0..BATCH {
            let Some(key) = self.turns.next() else { return Ok(Demand::More) };
            if self.turn(key, cx)? == Demand::Full {
                self.blocked = true;
                return Ok(Demand::Full);
            }
        }
        cx.call_again();
        Ok(Demand::More)
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if matches!(notice, Notice::Wake) {
            self.see_to_time(cx);
            self.turns.add(LISTENER);
            cx.call_again();
            return Ok(Demand::More);
        }
        self.tell_ports(notice, cx)
    }
    fn answer(&self, question: Question<'_>) -> bool {
        matches!(question, Question::Open) || self.ask_ports(question) // it may only send
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl<P: Protocol, L: Listener> EventThing for Listening<P, L> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(self.door.descriptor(), LISTENER, Interest::READABLE)?;
        self.registry = Some(registry.clone());
        self.turns.add(LISTENER);
        Ok(())
    }
}
