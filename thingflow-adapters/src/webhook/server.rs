//! [`Hook`]: the handle of a web hook, and the Thing behind it.
//!
//! Invariant: a request is answered once: when the last of its events has been settled, or when that has taken too long.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::tracking::{Outcome, Settled, Tracked, Tracker};
use thingflow_core::{
    Closed, Context, Demand, EventThing, Failure, Instant, Interest, Notice, Port, PortRef, PortSource, Ports,
    Question, Receipt, Registry, Shared, StreamError,
};

use super::budget::{Budget, LATER, Share};
use super::connection::{Connection, News};
use super::options::Options;
use super::request::Request;
use crate::net::{Scheduled, Stream};
use crate::requests::{Answer, Guard};
use crate::tcp::{Accepted, Door, Turns};

/// What a web hook has seen. Numbers but that of clients only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HookStats {
    /// Clients that are connected.
    pub clients: usize,
    /// Clients that were turned away, since there were too many.
    pub turned_away: u64,
    /// Requests that have come whole and were let in; the others, without the token or without sense, are among the refused.
    pub requests: u64,
    /// Events that were in them.
    pub events: u64,
    /// Requests whose events have all been dealt with.
    pub done: u64,
    /// Requests that were refused, by any answer but 204 and 503, whether they had come whole or not.
    pub refused: u64,
    /// Requests that were put off by 503, whether they had come whole or not.
    pub put_off: u64,
}

impl HookStats {
    pub(super) fn count(&mut self, answer: &Answer) {
        match answer.status {
            204 => self.done += 1,
            503 => self.put_off += 1,
            _ => self.refused += 1,
        }
    }
}

/// A handle to a web hook. Give [`thing`](Self::thing) to the scheduler. Clones are the same hook.
pub struct Hook<T: Clone + 'static> {
    shared: Shared<Hosting<T>>,
    received: Port<T>,
    tracked: Port<Tracked<T>>,
    address: SocketAddr,
}

impl<T: Clone + 'static> Hook<T> {
    pub(super) fn new(listener: TcpListener, options: Options<T>) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        options.tls.iter().try_for_each(|tls| tls.accept().map(drop))?; // what is wrong with the files is told now
        let address = listener.local_addr()?;
        let (received, tracked) = (Port::new().named("received"), Port::new().named("tracked"));
        let hosting = Hosting::new(listener, address, options, received.clone(), tracked.clone());
        Ok(Self { shared: Shared::without_ports(hosting), received, tracked, address })
    }

    /// The address that is bound: with the port that was chosen, if it was 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The port of the events. A request is answered when what is connected has taken them.
    pub fn received(&self) -> &Port<T> {
        &self.received
    }

    /// The port of the same events, [tracked](thingflow_core::tracking): a request is answered when the graph is done with them; behind
    /// an outbox, when that has them on disk; behind a writer, when they have been written.
    pub fn received_tracked(&self) -> &Port<Tracked<T>> {
        &self.tracked
    }

    /// What the hook has seen so far. Not to be called by a Thing that the hook itself is calling.
    pub fn stats(&self) -> HookStats {
        self.shared.with(|hosting| HookStats { clients: hosting.connections.len(), ..hosting.stats })
    }

    /// What to give to
    /// [`schedule_on_main_event_loop`](thingflow_core::Scheduler::schedule_on_main_event_loop).
    pub fn thing(&self) -> impl EventThing + use<T> {
        Scheduled::new(&self.shared, Hosting::hang_up)
    }
}

impl<T: Clone + 'static> Clone for Hook<T> {
    fn clone(&self) -> Self {
        let Self { shared, received, tracked, address } = self;
        Self { shared: shared.clone(), received: received.clone(), tracked: tracked.clone(), address: *address }
    }
}

impl<T: Clone + 'static> fmt::Debug for Hook<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The key of the listener; those of clients are their numbers.
const DOOR: usize = 0;
/// So many turns are taken before others have theirs.
const BATCH: usize = 64;
/// How often a stop looks whether all is answered: nobody tells it of descriptors.
const LOOK: Duration = Duration::from_millis(5);

/// A request whose events are on their way.
struct Open {
    key: usize,
    left: usize,
    failed: Option<String>,
    abandoned: bool,
}

struct Hosting<T: Clone + 'static> {
    door: Door<TcpListener>,
    name: String,
    registry: Rc<RefCell<Option<Registry>>>,
    options: Options<T>,
    guard: Guard,
    budget: Rc<Budget>,
    connections: BTreeMap<usize, Connection>,
    next_key: usize,
    turns: Turns,
    received: Port<T>,
    tracked: Port<Tracked<T>>,
    tracker: Tracker,
    /// What the tracker has told and has not been looked at.
    settled: Rc<RefCell<Vec<(u64, Outcome)>>>,
    /// How many events have been tracked, and of which request those are that are on their way.
    sent: u64,
    on_their_way: HashMap<u64, u64>,
    open: HashMap<u64, Open>,
    next_request: u64,
    /// Events that have not been sent yet.
    pending: VecDeque<(u64, T)>,
    /// A port was full.
    blocked: bool,
    stopping: bool,
    stats: HookStats,
}

impl<T: Clone + 'static> Hosting<T> {
    fn new(
        listener: TcpListener,
        address: SocketAddr,
        options: Options<T>,
        received: Port<T>,
        tracked: Port<Tracked<T>>,
    ) -> Self {
        let settled = Rc::<RefCell<Vec<(u64, Outcome)>>>::default();
        let registry = Rc::<RefCell<Option<Registry>>>::default();
        let (told, bell) = (settled.clone(), registry.clone());
        let tracker = Tracker::new(move |Settled { index, outcome, .. }: Settled, _: &mut Context<'_>| {
            told.borrow_mut().push((index, outcome));
            bell.borrow().iter().for_each(Registry::call_soon);
            Ok(())
        });
        Self {
            door: Door::new(listener),
            name: format!("web hook {address}"),
            registry,
            guard: Guard::new(options.access.clone(), Vec::new()),
            budget: Budget::new(options.max_bodies.max(options.max_body)),
            options,
            connections: BTreeMap::new(),
            next_key: DOOR + 1,
            turns: Turns::default(),
            received,
            tracked,
            tracker,
            settled,
            sent: 0,
            on_their_way: HashMap::new(),
            open: HashMap::new(),
            next_request: 0,
            pending: VecDeque::new(),
            blocked: false,
            stopping: false,
            stats: HookStats::default(),
        }
    }

    /// Takes a client that waits; `false` if none does.
    fn accept(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(accepted) = self.door.accept(&self.name, cx) else { return false };
        let Some((Accepted(socket), _)) = accepted else { return true };
        if self.connections.len() >= self.options.max_clients {
            self.stats.turned_away += 1;
            self.door.turn_away(&self.name, self.connections.len(), cx);
            return true;
        }
        self.door.welcome();
        let key = self.free_key();
        let _ = socket.watch(); // a connection without is one, too
        #[cfg(feature = "tls")]
        let stream = Stream::accepted(socket, self.options.tls.as_ref());
        #[cfg(not(feature = "tls"))]
        let stream = io::Result::Ok(Stream::plain(thingflow_core::Descriptor::new(socket)));
        let registered = stream.and_then(|stream| {
            let share = Share::of(&self.budget);
            let mut connection = Connection::new(stream, share, self.options.read_timeout, cx.now());
            let registry = self.registry.borrow();
            let registry = registry.as_ref().ok_or(io::ErrorKind::NotConnected)?;
            registry.register(connection.stream.descriptor(), key, Interest::READABLE | Interest::WRITABLE)?;
            Ok(connection)
        });
        match registered {
            Ok(connection) => {
                self.connections.insert(key, connection);
                self.turns.add(key);
            }
            Err(error) => cx.report(&self.name, &StreamError::caused("cannot serve a client", error)),
        }
        true
    }

    /// A key that is neither the door's, nor that of a client or of an answer that one is owed. There are less than four thousand
    /// millions of them on some boards, so they come again.
    fn free_key(&mut self) -> usize {
        loop {
            let key = self.next_key;
            self.next_key = key.wrapping_add(1);
            let is_owed = || self.open.values().any(|open| open.key == key);
            if key != DOOR && !self.connections.contains_key(&key) && !is_owed() {
                return key;
            }
        }
    }

    /// Does what there is to do for one key.
    fn turn(&mut self, key: usize, cx: &mut Context<'_>) {
        if key == DOOR {
            if !self.stopping && self.accept(cx) {
                self.turns.add(DOOR);
            }
            return;
        }
        let Self { connections, options, guard, stats, .. } = self;
        let Some(connection) = connections.get_mut(&key) else { return };
        let now = cx.now();
        let check = |request: &Request| {
            if options.path.as_ref().is_some_and(|path| *path != request.path) {
                return Err(Answer::new(404, "events are posted to another path"));
            }
            guard.check(&request.headers, now)
        };
        match connection.advance(options.max_body, check, stats, now) {
            News::Nothing => {}
            News::Again => self.turns.add(key),
            News::Gone => self.part_with(key),
            News::Request(request) => {
                self.stats.requests += 1;
                self.take(key, &request, cx);
                self.turns.add(key);
            }
        }
    }

    /// The events of a request are to be sent.
    fn take(&mut self, key: usize, request: &Request, cx: &Context<'_>) {
        let events = match (self.options.read)(request) {
            Ok(events) => events,
            Err(why) => return self.answer(key, Answer::new(400, format!("invalid body: {why}")), cx),
        };
        let most = self.options.max_waiting;
        if events.len() > most {
            let why = format!("there are {} events in it; send {most} at most in one request", events.len());
            return self.answer(key, Answer::new(413, why), cx);
        }
        if let Some(why) = self.is_busy(events.len()) {
            return self.answer(key, Answer::busy(why, LATER), cx);
        }
        if events.is_empty() {
            return self.answer(key, Answer::done(), cx);
        }
        let number = self.next_request;
        self.next_request += 1;
        self.stats.events += events.len() as u64;
        self.open.insert(number, Open { key, left: events.len(), failed: None, abandoned: false });
        self.pending.extend(events.into_iter().map(|event| (number, event)));
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.wait_until(cx.now() + self.options.answer_timeout);
        }
    }

    /// Why nothing more can be taken now.
    fn is_busy(&self, more: usize) -> Option<&'static str> {
        let waiting = self.on_their_way.len() + self.pending.len();
        if self.stopping {
            return Some("the program ends");
        }
        if !self.ask_ports(Question::Open) {
            return Some("nobody listens");
        }
        let is_full = waiting + more > self.options.max_waiting;
        (self.blocked || is_full).then_some("too much is on its way already")
    }

    fn answer(&mut self, key: usize, answer: Answer, cx: &Context<'_>) {
        self.stats.count(&answer);
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.answer(answer, cx.now());
            self.turns.add(key);
        }
    }

    fn part_with(&mut self, key: usize) {
        if let Some(connection) = self.connections.remove(&key) {
            connection.stream.end();
        }
    }

    /// Sends events as long as there is room.
    fn deliver(&mut self, cx: &mut Context<'_>) -> Closed {
        loop {
            self.blocked = self.blocked && !self.ask_ports(Question::Room);
            if self.blocked {
                return Ok(());
            }
            let Some((number, value)) = self.pending.pop_front() else { return Ok(()) };
            // Who has been told to send it again gets it once.
            if !self.open.contains_key(&number) {
                continue;
            }
            let event = self.tracker.track(value.clone(), (), cx);
            self.on_their_way.insert(self.sent, number);
            self.sent += 1;
            let demands = [self.tracked.emit(event.clone(), cx)?, self.received.emit(value, cx)?];
            if demands == [Demand::Done; 2] {
                event.abandon(); // nobody has listened
            } else {
                drop(event.done());
            }
            self.blocked = demands.contains(&Demand::Full);
        }
    }

    /// Answers those whose last event has been settled.
    fn hear_of_settled(&mut self, cx: &Context<'_>) {
        for (index, outcome) in self.settled.take() {
            let Some(number) = self.on_their_way.remove(&index) else { continue };
            let Some(open) = self.open.get_mut(&number) else { continue };
            open.left -= 1;
            match outcome {
                Outcome::Done => {}
                Outcome::Failed(error) => drop(open.failed.get_or_insert_with(|| error.to_string())),
                _ => open.abandoned = true,
            }
            if open.left == 0
                && let Some(Open { key, failed, abandoned, .. }) = self.open.remove(&number)
            {
                let answer = match failed {
                    Some(why) => Answer::new(422, format!("an event was refused: {why}")),
                    None if abandoned => Answer::busy("it was not dealt with", LATER),
                    None => Answer::done(),
                };
                self.answer(key, answer, cx);
            }
        }
    }

    /// Parts with those who take too long, and puts off those for whom the graph does.
    fn see_to_time(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let late: Vec<usize> = self.connections.iter().filter(|(_, it)| it.due <= now).map(|(key, _)| *key).collect();
        for key in late {
            let Some(connection) = self.connections.get_mut(&key) else { continue };
            if connection.is_waiting() {
                self.open.retain(|_, open| open.key != key);
                self.answer(key, Answer::busy("it was not dealt with in time", LATER), cx);
            } else if connection.is_late(&mut self.stats, now) {
                self.part_with(key);
            }
        }
        let next = self.connections.values().map(|connection| connection.due).min();
        cx.wake_at(next.unwrap_or(Instant::NEVER));
    }

    fn work(&mut self, cx: &mut Context<'_>) -> Receipt {
        if let Some(registry) = &*self.registry.borrow() {
            while let Some(ready) = registry.next_ready() {
                self.turns.add(ready.key);
            }
        }
        self.deliver(cx)?; // there may be room again
        for _ in 0..BATCH {
            self.hear_of_settled(cx);
            let Some(key) = self.turns.next() else { break };
            self.turn(key, cx);
            self.deliver(cx)?;
        }
        self.hear_of_settled(cx);
        if self.turns.is_waiting() {
            cx.call_again();
        }
        self.see_to_time(cx);
        if self.blocked {
            cx.wake_on_resume();
        }
        if self.stopping && !self.open.is_empty() {
            cx.wake_at(cx.now() + LOOK);
        }
        Ok(Demand::More)
    }

    /// The end of the run: who waits is told to come again.
    fn hang_up(&mut self) {
        for (_, mut connection) in std::mem::take(&mut self.connections) {
            if connection.is_waiting() {
                self.stats.put_off += 1;
                connection.answer(Answer::busy("the program has ended", LATER).closing(), Instant::ZERO);
            }
            connection.stream.end();
        }
        self.open.clear();
        self.pending.clear();
    }
}

impl<T: Clone + 'static> Ports for Hosting<T> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.received.as_ref());
        see(self.tracked.as_ref());
    }
}

impl<T: Clone + 'static> PortSource for Hosting<T> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        Ok(self.work(cx)?)
    }

    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Wake => {
                self.turns.add(DOOR);
                self.work(cx)
            }
            Notice::Flush => {
                self.stopping = true;
                self.tell_ports(Notice::Flush, cx)?;
                self.work(cx)
            }
            notice => self.tell_ports(notice, cx),
        }
    }

    fn answer(&self, question: Question<'_>) -> bool {
        match question {
            Question::Open => true,
            Question::Holding | Question::Draining if self.stopping && !self.open.is_empty() => true,
            question => self.ask_ports(question),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl<T: Clone + 'static> EventThing for Hosting<T> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(self.door.descriptor(), DOOR, Interest::READABLE)?;
        *self.registry.borrow_mut() = Some(registry.clone());
        self.turns.add(DOOR);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use thingflow_core::prelude::*;

    #[test]
    fn keys_that_have_all_been_used_come_again_but_not_those_that_are_taken() {
        let hook = Options::<u32>::json().without_token().listen("127.0.0.1:0").unwrap();
        hook.received().for_each(drop);
        let mut scheduler = Scheduler::virtual_time().unwrap();
        scheduler.schedule_on_main_event_loop(hook.thing()).unwrap();
        let first = TcpStream::connect(hook.local_addr()).unwrap(); // with the key 1
        scheduler.run_for(Duration::from_secs(1)).unwrap();
        hook.shared.with(|hosting| hosting.next_key = usize::MAX);
        let second = TcpStream::connect(hook.local_addr()).unwrap();
        let third = TcpStream::connect(hook.local_addr()).unwrap();
        let mut all = [first, second, third];
        for socket in &mut all {
            socket.write_all(b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 1\r\n\r\n7").unwrap();
        }
        for _ in 0..5 {
            scheduler.run_for(Duration::from_secs(1)).unwrap();
        }
        for mut socket in all {
            let mut answer = String::new();
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            socket.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
        }
        assert_eq!((hook.stats().clients, hook.stats().done), (0, 3));
    }
}
