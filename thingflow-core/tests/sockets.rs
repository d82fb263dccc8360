//! Things on sockets of their own: over the real reactor, alone and beside others.
#![cfg(feature = "std")]

use std::cell::RefCell;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Interest, PortRef, Registry, ScheduleError};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Sends what comes from a socket, at most `most` bytes in a turn.
struct Bytes<S> {
    socket: Descriptor<S>,
    port: Port<Vec<u8>>,
    most: usize,
}

impl<S: Read + AsFd> Bytes<S> {
    fn new(socket: S, most: usize) -> Self {
        Self { socket: Descriptor::new(socket), port: Port::new(), most }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> std::result::Result<Demand, Failure> {
        let mut buffer = vec![0; self.most];
        match self.socket.read(&mut buffer) {
            Ok(0) => {
                self.port.complete(cx)?;
                Ok(Demand::Done)
            }
            Ok(n) => {
                buffer.truncate(n);
                cx.call_again(); // readiness is announced once: there may be more
                Ok(self.port.emit(buffer, cx)?)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Demand::More),
            Err(error) => Err(StreamError::caused("the line is dead", error).into()),
        }
    }
}

impl<S: Read + AsFd> Ports for Bytes<S> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl<S: Read + AsFd> PortSource for Bytes<S> {
    fn send(&mut self, cx: &mut Context<'_>) -> std::result::Result<Demand, Failure> {
        self.read(cx)
    }
}

impl<S: Read + AsFd> EventThing for Bytes<S> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.socket, 0, Interest::READABLE)
    }
}

fn unix_pair() -> io::Result<(UnixStream, UnixStream)> {
    UnixStream::pair()
}

fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    Ok((near, far))
}

/// What a sensor writes into one end comes out at the other, through the reactor, and so does the end.
fn echoes(near: impl Write + 'static, far: impl Read + AsFd + 'static) -> Result<(String, bool)> {
    let mut scheduler = Scheduler::new()?;
    let (mut near, received) = (near, Recorder::new());
    let bytes = Bytes::new(far, 7);
    bytes.port.connect(received.clone());
    scheduler.schedule_on_main_event_loop(bytes)?;
    let lines = from_iter(0..50).map(|n| format!("line {n}\n"));
    scheduler.schedule_periodic(
        lines.connect(try_call(move |line: String| near.write_all(line.as_bytes()))),
        Duration::from_micros(100),
    )?;
    scheduler.run_forever()?; // the writer is dropped at its end, which ends the reader
    Ok((String::from_utf8(received.events().concat())?, received.is_completed()))
}

#[test]
fn a_socket_on_the_reactor_gives_what_was_written_and_the_end() -> Result {
    let sent: String = (0..50).map(|n| format!("line {n}\n")).collect();
    let (near, far) = unix_pair()?;
    assert_eq!(echoes(near, far)?, (sent.clone(), true));
    let (near, far) = tcp_pair()?;
    assert_eq!(echoes(near, far)?, (sent, true));
    Ok(())
}

#[test]
fn a_busy_socket_leaves_the_others_their_turn() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (mut flood, busy_end) = unix_pair()?;
    let (mut quiet, quiet_end) = tcp_pair()?;
    let (busy, calm) = (Bytes::new(busy_end, 1), Bytes::new(quiet_end, 64));
    let (bytes, words) = (Recorder::new(), Recorder::new());
    busy.port.map(|chunk| chunk.len()).scan(0, |sum, n| sum + n).connect(bytes.clone());
    calm.port.connect(words.clone());
    let handle = scheduler.schedule_on_main_event_loop(busy)?;
    let calm = scheduler.schedule_on_main_event_loop(calm)?;

    // A flood without an end: only the sensor's twentieth tick stops the run.
    let writer = std::thread::spawn(move || while flood.write_all(&[0; 4096]).is_ok() {});
    let (stopper, seen) = (scheduler.stopper(), Recorder::new());
    let sensor = from_iter(1..).try_map(move |n| {
        if n <= 3 {
            quiet.write_all(b"x")?;
        }
        Ok::<i32, io::Error>(n)
    });
    let sensor = sensor.also_to(seen.clone()).connect(call(move |n| {
        if n == 20 {
            stopper.stop();
        }
    }));
    let ticks = scheduler.schedule_periodic(sensor, Duration::from_millis(1))?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), (1..=20).collect::<Vec<_>>());
    assert_eq!(ticks.stats().ticks, 20);
    assert_eq!(words.events().concat(), b"xxx");
    assert!(bytes.events().len() > 20, "the busy one had its turns between the ticks");
    assert!(!handle.is_active() && !calm.is_active(), "the stop closed both");
    drop(scheduler); // closes the reading end, so that the flood ends
    writer.join().map_err(|_| "the writer panicked")?;
    Ok(())
}

#[test]
fn two_busy_sockets_take_turns() -> Result {
    let mut scheduler = Scheduler::new()?;
    let seen = Rc::new(RefCell::new(String::new()));
    for name in ["a", "b"] {
        let (mut near, far) = unix_pair()?;
        near.write_all(&[0; 5])?;
        let bytes = Bytes::new(far, 1);
        let seen = seen.clone();
        bytes.port.for_each(move |_| *seen.borrow_mut() += name);
        scheduler.schedule_on_main_event_loop(bytes)?;
    }
    scheduler.run_forever()?;
    assert_eq!(*seen.borrow(), "ababababab");
    Ok(())
}

#[test]
fn a_socket_that_nobody_listens_to_is_let_go() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (mut near, far) = unix_pair()?;
    near.write_all(b"xyz")?;
    let (bytes, seen) = (Bytes::new(far, 1), Recorder::new());
    bytes.port.take(2).connect(seen.clone());
    scheduler.schedule_on_main_event_loop(bytes)?;
    scheduler.run_forever()?; // returns although the socket is open
    assert_eq!(seen.events().concat(), b"xy");
    assert_eq!(near.write_all(b"more").unwrap_err().kind(), ErrorKind::BrokenPipe, "its descriptor is closed");
    Ok(())
}

#[test]
fn a_broken_connection_is_an_error_of_the_stream() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (near, mut far) = tcp_pair()?;
    far.write_all(b"never read")?;
    let (bytes, seen) = (Bytes::new(far, 64), Recorder::new());
    bytes.port.connect(seen.clone());
    scheduler.schedule_on_main_event_loop(bytes)?;
    drop(near); // with something unread, which resets the connection
    scheduler.run_forever()?;
    let error = seen.error().ok_or("no error")?;
    assert!(error.starts_with("the line is dead: "), "{error}");
    Ok(())
}

#[test]
fn a_descriptor_that_cannot_be_waited_for_is_refused() -> Result {
    let scheduler = Scheduler::new()?;
    let file = Bytes::new(std::fs::File::open("/proc/self/exe")?, 1);
    file.port.connect(call(drop));
    let refused = scheduler.schedule_on_main_event_loop(file).map(drop).unwrap_err();
    assert!(matches!(refused.error, ScheduleError::Register(_)), "{refused}");
    let text = format!("{refused:?}");
    assert!(text.starts_with("cannot wait for this Thing's descriptor: Operation not permitted"), "{text}");
    assert_eq!(text.matches("Operation").count(), 1, "the cause is said once");
    assert_eq!(refused.source().map(ToString::to_string), refused.error.source().map(ToString::to_string));
    assert_eq!(refused.thing.most, 1, "the Thing comes back");
    assert!(!refused.thing.socket.is_registered());
    assert!(scheduler.active().is_empty());
    Ok(())
}

/// What has come before somebody listens is announced once, and is still there.
#[test]
fn f63_a_socket_waits_for_its_reader() -> Result {
    let (mut near, far) = unix_pair()?;
    let bytes = Bytes::new(far, 64);
    let (port, received) = (bytes.port.clone(), Recorder::new());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(bytes)?;
    near.write_all(b"early")?;
    drop(near);
    let (choice, seen) = (timer(Duration::from_millis(5)).output(), received.clone());
    choice.for_each(move |_| drop(port.connect(seen.clone())));
    scheduler.schedule_recurring(choice)?;
    scheduler.run_forever()?;
    assert_eq!((received.events(), received.is_completed()), (vec![b"early".to_vec()], true));
    Ok(())
}
