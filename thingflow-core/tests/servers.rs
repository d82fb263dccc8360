//! Servers and clients on the reactor: what is registered, changed and removed while they run.
#![cfg(feature = "std")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Interest, Notice, Question, Registry, ScheduleError, Shared};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;
type Sent = std::result::Result<Demand, Failure>;

/// What a call on a socket gave: `None` if it would have to wait.
fn done<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// One Thing that serves all its connections, each under a key of its own.
struct Hub {
    listener: Descriptor<TcpListener>,
    connections: BTreeMap<usize, Descriptor<TcpStream>>,
    registry: Option<Registry>,
    next: usize,
    /// How often each key was named.
    named: Recorder<usize>,
}

const LISTENER: usize = 0;

impl Hub {
    fn new(named: Recorder<usize>) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let listener = Descriptor::new(listener);
        Ok((Self { listener, connections: BTreeMap::new(), registry: None, next: LISTENER + 1, named }, address))
    }

    fn accept(&mut self, registry: &Registry) -> io::Result<()> {
        while let Some((socket, _)) = done(self.listener.accept())? {
            let mut socket = Descriptor::new(socket);
            registry.register(&mut socket, self.next, Interest::READABLE)?;
            self.connections.insert(self.next, socket);
            self.next += 1;
        }
        Ok(())
    }

    /// Whether the connection goes on.
    fn serve(&mut self, key: usize) -> io::Result<bool> {
        let Some(socket) = self.connections.get_mut(&key) else { return Ok(false) };
        let mut bytes = [0; 64];
        while let Some(n) = done(socket.read(&mut bytes))? {
            if n == 0 {
                return Ok(false);
            }
            socket.write_all(&bytes[..n].to_ascii_uppercase())?;
        }
        Ok(true)
    }
}

impl Ports for Hub {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Hub {
    fn send(&mut self, cx: &mut Context<'_>) -> Sent {
        let Some(registry) = self.registry.clone() else { return Ok(Demand::Done) };
        while let Some(ready) = registry.next_ready() {
            let _ = self.named.next(ready.key, cx)?;
            assert!(ready.readiness.readable, "{ready:?}");
            if ready.key == LISTENER {
                self.accept(&registry)?;
            } else if !self.serve(ready.key)? {
                self.connections.remove(&ready.key);
            }
        }
        Ok(if self.next > LISTENER + 1 && self.connections.is_empty() { Demand::Done } else { Demand::More })
    }
}

impl EventThing for Hub {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.registry = Some(registry.clone());
        registry.register(&mut self.listener, LISTENER, Interest::READABLE)
    }
}

#[test]
fn descriptors_of_one_thing_are_told_apart_by_their_keys() -> Result {
    let mut scheduler = Scheduler::new()?;
    let named = Recorder::new();
    let (hub, address) = Hub::new(named.clone())?;
    scheduler.schedule_on_main_event_loop(hub)?;
    let clients = std::thread::spawn(move || {
        let mut sockets = Vec::new();
        for name in ["a", "b", "c"] {
            let mut socket = TcpStream::connect(address)?;
            socket.write_all(name.as_bytes())?;
            sockets.push(socket);
        }
        let mut answers = [0; 3];
        for (socket, answer) in sockets.iter_mut().zip(&mut answers) {
            socket.read_exact(std::slice::from_mut(answer))?;
        }
        Ok::<_, io::Error>(answers)
    });
    scheduler.run_forever()?; // until all have hung up
    assert_eq!(clients.join().map_err(|_| "a client panicked")??, *b"ABC");
    let mut keys = named.events();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys, [LISTENER, 1, 2, 3]);
    Ok(())
}

/// A socket of a [`Shared`] client: writes what comes through its input, sends the lines that it hears, and connects again.
struct Client {
    address: SocketAddr,
    registry: Option<Registry>,
    socket: Option<Descriptor<TcpStream>>,
    unsent: Vec<u8>,
    /// What was published last.
    last: Vec<u8>,
    unread: Vec<u8>,
    lines: Port<String>,
    attempts: u32,
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        let lines = Port::new().named("lines");
        Self {
            address,
            registry: None,
            socket: None,
            unsent: Vec::new(),
            last: Vec::new(),
            unread: Vec::new(),
            lines,
            attempts: 0,
        }
    }

    fn publish(&mut self, line: String, _: &mut Context<'_>) -> Receipt {
        self.last = (line + "\n").into_bytes();
        self.unsent.extend(&self.last);
        if let Some(registry) = &self.registry {
            registry.call_soon();
        }
        Ok(Demand::More)
    }

    fn connect(&mut self) -> io::Result<()> {
        let Some(registry) = &self.registry else { return Ok(()) };
        let mut socket = Descriptor::connect(self.address)?;
        registry.register(&mut socket, 0, Interest::READABLE | Interest::WRITABLE)?;
        self.socket = Some(socket);
        self.attempts += 1;
        self.unsent.clone_from(&self.last); // which has not been answered
        Ok(())
    }

    fn exchange(&mut self) -> io::Result<()> {
        if self.socket.is_none() {
            self.connect()?;
        }
        let Some(socket) = &mut self.socket else { return Ok(()) };
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        match done(socket.write(&self.unsent)) {
            Ok(sent) => drop(self.unsent.drain(..sent.unwrap_or(0))),
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()), // not yet
            Err(error) => return Err(error),
        }
        let mut bytes = [0; 64];
        match done(socket.read(&mut bytes))? {
            Some(0) => Err(ErrorKind::UnexpectedEof.into()),
            Some(n) => {
                self.unread.extend(&bytes[..n]);
                self.registry.iter().for_each(Registry::call_soon);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Ports for Client {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.lines.as_ref());
    }
}

impl PortSource for Client {
    fn send(&mut self, cx: &mut Context<'_>) -> Sent {
        if self.exchange().is_err() {
            self.socket = None;
            cx.wake_at(cx.now() + Duration::from_millis(5)); // then once more
        }
        let mut demand = Demand::More;
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            demand = demand.and(self.lines.emit(String::from_utf8_lossy(&line[..end]).into_owned(), cx)?);
        }
        Ok(if demand == Demand::Done { Demand::More } else { demand })
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if matches!(notice, Notice::Wake) {
            cx.call_again();
            return Ok(Demand::More);
        }
        self.tell_ports(notice, cx)
    }
    fn answer(&self, question: Question<'_>) -> bool {
        matches!(question, Question::Open) || self.ask_ports(question)
    }
}

impl EventThing for Client {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.registry = Some(registry.clone());
        Ok(())
    }
}

#[test]
fn a_thing_with_a_socket_hands_out_inputs_and_ports_and_connects_again() -> Result {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut scheduler = Scheduler::new()?;
    let client = Shared::new(Client::new(listener.local_addr()?));
    let (lines, heard) = (client.with(|client| client.lines.clone()), Recorder::new());
    let stopper = scheduler.stopper();
    lines.also_to(heard.clone()).filter(|line| line == "echo 3").for_each(move |_| stopper.stop());
    scheduler.schedule_on_main_event_loop(client.clone())?;
    // Each time that a line comes back, the next one is published.
    let published = client.input(Client::publish);
    let (first, next) = (Port::new(), Port::new());
    next.map(|n: u32| n.to_string()).connect(published);
    first.connect(next.clone());
    let echoed = lines.filter_map(|line| line.strip_prefix("echo ")?.parse::<u32>().ok());
    echoed.map(|n| n + 1).connect(next.downgrade());
    scheduler.schedule_later_one_time(from_iter([1]).connect(first), Duration::ZERO)?;

    let server = std::thread::spawn(move || {
        for _ in 0..3 {
            let (mut socket, _) = listener.accept()?;
            let mut line = [0; 2];
            socket.read_exact(&mut line)?;
            socket.write_all(&[b"echo ", line.as_slice()].concat())?;
        } // and hangs up after each line
        Ok::<_, io::Error>(())
    });
    scheduler.run_forever()?;
    server.join().map_err(|_| "the server panicked")??;
    assert_eq!(heard.events(), ["echo 1", "echo 2", "echo 3"]);
    assert!(client.with(|client| client.attempts) >= 3);
    Ok(())
}

#[test]
fn a_connection_that_is_refused_is_told_by_readiness() -> Result {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    drop(listener); // nobody is there

    struct Once(Descriptor<TcpStream>, Option<Registry>, Recorder<ErrorKind>);
    impl Ports for Once {
        fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
    }
    impl PortSource for Once {
        fn send(&mut self, cx: &mut Context<'_>) -> Sent {
            let Some(ready) = self.1.as_ref().and_then(Registry::next_ready) else { return Ok(Demand::More) };
            assert_eq!((ready.key, ready.readiness.error), (7, true), "{ready:?}");
            if let Some(error) = self.0.take_error()? {
                let _ = self.2.next(error.kind(), cx)?;
            }
            Ok(Demand::Done)
        }
    }
    impl EventThing for Once {
        fn register(&mut self, registry: &Registry) -> io::Result<()> {
            self.1 = Some(registry.clone());
            registry.register(&mut self.0, 7, Interest::READABLE | Interest::WRITABLE)
        }
    }
    let (mut scheduler, seen) = (Scheduler::new()?, Recorder::new());
    scheduler.schedule_on_main_event_loop(Once(Descriptor::connect(address)?, None, seen.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), [ErrorKind::ConnectionRefused]);
    Ok(())
}

/// Two pipes, of which only the one that is asked for is watched.
struct Two {
    ends: [Descriptor<UnixStream>; 2],
    registry: Option<Registry>,
    port: Port<(usize, u8)>,
    /// Bytes that may be read in one call.
    most: usize,
}

impl Ports for Two {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl PortSource for Two {
    fn send(&mut self, cx: &mut Context<'_>) -> Sent {
        let Some(registry) = self.registry.clone() else { return Ok(Demand::Done) };
        let mut demand = Demand::More;
        while let Some(ready) = registry.next_ready() {
            let mut byte = [0];
            for left in (0..self.most).rev() {
                match done(self.ends[ready.key].read(&mut byte))? {
                    None => break,
                    Some(0) => return Ok(Demand::Done),
                    Some(_) => demand = demand.and(self.port.emit((ready.key, byte[0]), cx)?),
                }
                if left == 0 {
                    registry.call_again(ready); // there may be more, after the others had their turn
                }
            }
            if demand == Demand::Done {
                break;
            }
        }
        Ok(demand)
    }
}

impl EventThing for Two {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.registry = Some(registry.clone());
        registry.register(&mut self.ends[0], 0, Interest::READABLE)
    }
}

impl Two {
    fn pipes(most: usize) -> Result<(Self, [UnixStream; 2])> {
        let ((near0, far0), (near1, far1)) = (UnixStream::pair()?, UnixStream::pair()?);
        let ends = [Descriptor::new(far0), Descriptor::new(far1)];
        Ok((Self { ends, registry: None, port: Port::new(), most }, [near0, near1]))
    }

    fn watch(&mut self, which: usize, _: &mut Context<'_>) -> Receipt {
        if let Some(registry) = &self.registry {
            self.ends[1 - which].deregister();
            let watched = registry.register(&mut self.ends[which], which, Interest::READABLE);
            assert!(watched.is_ok(), "{watched:?}");
        }
        Ok(Demand::More)
    }
}

#[test]
fn descriptors_are_registered_and_removed_from_the_call_of_an_input() -> Result {
    let (two, [mut a, mut b]) = Two::pipes(1)?;
    let (port, seen) = (two.port.clone(), Recorder::new());
    let two = Shared::new(two);
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(two.clone())?;
    port.also_to(seen.clone()).take(3).for_each(drop);
    // Whenever something has come from one, only the other is of interest.
    port.map(|(from, _)| 1 - from).connect(two.input(Two::watch));
    a.write_all(b"xy")?;
    b.write_all(b"z")?;
    let stopper = scheduler.stopper();
    let enough = std::cell::Cell::new(0);
    port.for_each(move |_| {
        enough.set(enough.get() + 1);
        if enough.get() == 3 {
            stopper.stop();
        }
    });
    scheduler.run_forever()?;
    assert_eq!(seen.events(), [(0, b'x'), (1, b'z'), (0, b'y')]);
    Ok(())
}

#[test]
fn a_descriptor_that_is_announced_again_leaves_others_their_turn() -> Result {
    let (two, [mut a, mut b]) = Two::pipes(1)?;
    let (port, seen) = (two.port.clone(), Recorder::new());
    let two = Shared::new(two);
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(two.clone())?;
    two.with(|two| {
        let registry = two.registry.clone().ok_or(ErrorKind::NotFound)?;
        registry.register(&mut two.ends[1], 1, Interest::READABLE)
    })?;
    a.write_all(b"123")?;
    b.write_all(b"456")?;
    port.map(|(from, _)| from).take(6).connect(seen.clone());
    let stopper = scheduler.stopper();
    port.skip(5).for_each(move |_| stopper.stop());
    scheduler.run_forever()?;
    let seen = seen.events();
    assert!(seen[..2].contains(&0) && seen[..2].contains(&1), "{seen:?}");
    Ok(())
}

#[test]
fn interest_can_be_changed_while_it_is_registered() -> Result {
    struct Pauses(Descriptor<UnixStream>, Recorder<bool>, u32);
    impl Ports for Pauses {
        fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
    }
    impl PortSource for Pauses {
        fn send(&mut self, cx: &mut Context<'_>) -> Sent {
            let mut byte = [0];
            let _ = self.1.next(done(self.0.read(&mut byte))?.is_some(), cx)?;
            self.2 += 1;
            match self.2 {
                1 => self.0.set_interest(Interest::WRITABLE)?, // which is so at once
                2 => return Ok(Demand::Done),
                _ => {}
            }
            Ok(Demand::More)
        }
    }
    impl EventThing for Pauses {
        fn register(&mut self, registry: &Registry) -> io::Result<()> {
            assert!(self.0.set_interest(Interest::READABLE).is_err(), "it is not registered yet");
            registry.register(&mut self.0, 0, Interest::READABLE)
        }
    }
    let ((_near, far), seen) = (UnixStream::pair()?, Recorder::new());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(Pauses(Descriptor::new(far), seen.clone(), 0))?;
    scheduler.run_forever()?; // would not end if it were not called again
    assert_eq!(seen.events(), [false, false]);
    Ok(())
}

#[test]
fn a_thing_that_was_refused_can_be_mended_and_scheduled() -> Result {
    /// Registers two descriptors, of which the second cannot be waited for.
    struct Pair(Descriptor<UnixStream>, Descriptor<std::fs::File>);
    impl Ports for Pair {
        fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
    }
    impl PortSource for Pair {
        fn send(&mut self, _: &mut Context<'_>) -> Sent {
            Ok(Demand::Done)
        }
    }
    impl EventThing for Pair {
        fn register(&mut self, registry: &Registry) -> io::Result<()> {
            registry.register(&mut self.0, 0, Interest::READABLE)?;
            registry.register(&mut self.1, 1, Interest::READABLE)
        }
    }
    let (scheduler, (_near, far)) = (Scheduler::new()?, UnixStream::pair()?);
    let file = std::fs::File::open("/proc/self/exe")?;
    let refused = scheduler.schedule_on_main_event_loop(Pair(Descriptor::new(far), Descriptor::new(file))).unwrap_err();
    assert!(matches!(refused.error, ScheduleError::Register(_)), "{refused:?}");
    assert!(scheduler.active().is_empty());
    // The first one can be used anew, by the same scheduler and by another.
    let mut pair = refused.thing;
    pair.1 = Descriptor::new(std::fs::File::open("/dev/null")?);
    let null = scheduler.schedule_on_main_event_loop(pair).unwrap_err();
    let far = null.thing.0.into_inner();
    let (reader, _rest) = (Descriptor::new(far), ());
    assert!(!reader.is_registered());
    Ok(())
}

#[test]
fn f85_outside_of_a_scheduler_an_event_thing_comes_back() -> Result {
    let (hub, _) = Hub::new(Recorder::new())?;
    let cx = Context::detached(Instant::ZERO);
    let refused = cx.schedule_on_main_event_loop(hub).unwrap_err();
    assert!(matches!(refused.error, ScheduleError::NoScheduler));
    assert!(refused.thing.registry.is_none(), "it was not even asked");
    Ok(())
}

/// Goes on whether somebody listens to its port or not: what it is for may come by an input, or by a socket.
struct Counter {
    calls: u32,
    port: Port<u32>,
}

impl Ports for Counter {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl PortSource for Counter {
    fn send(&mut self, _: &mut Context<'_>) -> Sent {
        self.calls += 1;
        Ok(Demand::More)
    }
    fn answer(&self, question: Question<'_>) -> bool {
        matches!(question, Question::Open) || self.ask_ports(question)
    }
}

#[test]
fn a_thing_that_goes_on_although_nobody_listens_is_not_let_go_at_its_start() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let counter = Shared::new(Counter { calls: 0, port: Port::new() });
    let handle = scheduler.schedule_periodic(counter.clone(), Duration::from_secs(1))?;
    scheduler.run_for(Duration::from_secs(3))?;
    assert_eq!((counter.with(|counter| counter.calls), handle.is_active()), (3, true));
    Ok(())
}

#[test]
fn that_nobody_listens_ends_nothing_at_a_start_or_a_flush() -> Result {
    let (cx, seen) = (&mut Context::detached(Instant::ZERO), Recorder::new());
    let ports = (Port::<u32>::new(), Port::<u32>::new());
    assert_eq!(ports.tell_ports(Notice::Start, cx)?, Demand::More);
    assert_eq!(ports.tell_ports(Notice::Flush, cx)?, Demand::More);
    ports.1.connect(seen.clone());
    assert_eq!(ports.tell_ports(Notice::Completed, cx)?, Demand::Done);
    assert_eq!(seen.text(), "|");
    Ok(())
}
