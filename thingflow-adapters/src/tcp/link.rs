//! [`Link`]: the Thing that owns the socket of a client: it connects, moves frames, and connects again.
//!
//! Invariant: a frame is in `queue`, or in `writing` until its last byte has been handed to the system; what is in `writing` when
//! a connection is lost is sent anew by the next one.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::storage::Backlog;
use thingflow_core::{
    Attempts, Closed, Context, Demand, EventThing, Failure, Instant, Notice, Port, PortRef, PortSource, Ports,
    Question, Receipt, Registry, StreamError,
};

use super::client::{ClientOptions, Desk, Status};
use crate::framing::{Buffer, Framed, Framing, Piece};
use crate::net::{Dialer, Stream};

/// The key of its descriptors: there is one at a time.
const KEY: usize = 0;
/// So many frames are read in one turn, so that others have theirs.
const BATCH: usize = 64;
/// So many bytes of frames are made ready to be sent.
const READY: usize = 16 * 1024;
/// How often a stop looks whether all is sent: nobody tells it of descriptors.
const LOOK: Duration = Duration::from_millis(5);

pub(super) struct Link<F: Framing> {
    options: ClientOptions<F>,
    desk: Rc<Desk>,
    name: String,
    dialer: Dialer,
    retry: Attempts,
    failures: u64,
    phase: Phase<F>,
    received: Port<F::Frame>,
    queue: Backlog<F::Frame>,
    /// Frames whose bytes are in `unsent`, with how many of them are left.
    writing: VecDeque<(F::Frame, usize)>,
    unsent: Buffer,
    /// So many bytes of `writing` have left `unsent`, and are with TLS still.
    held: usize,
    /// The port was full.
    blocked: bool,
    stopping: bool,
}

enum Phase<F> {
    /// Until the next try.
    Waiting(Instant),
    Dialing {
        since: Instant,
    },
    Open {
        socket: Framed<Stream, F>,
        heard: Instant,
    },
    Closed,
}

impl<F: Framing + 'static> Link<F> {
    pub(super) fn new(options: ClientOptions<F>, desk: Rc<Desk>, received: Port<F::Frame>) -> Self {
        Self {
            name: options.address.to_string(),
            dialer: options.dialer(),
            retry: options.retry.attempts(),
            queue: Backlog::new(options.queue.clone()),
            desk,
            options,
            failures: 0,
            phase: Phase::Waiting(Instant::ZERO),
            received,
            writing: VecDeque::new(),
            unsent: Buffer::default(),
            held: 0,
            blocked: false,
            stopping: false,
        }
    }

    /// The input.
    pub(super) fn post(&mut self, frame: F::Frame, cx: &mut Context<'_>) -> Receipt {
        if matches!(self.phase, Phase::Closed) {
            return Ok(Demand::Done);
        }
        let before = self.queue.len();
        let demand = self.queue.push(frame, &self.name).map_err(|error| cx.fatal(error))?;
        let dropped = self.queue.len() == before;
        self.desk.count(|stats| {
            stats.posted += 1;
            stats.dropped += u64::from(dropped);
        });
        if self.stopping {
            self.turn(cx)?; // nobody calls any more
        } else {
            self.desk.ring();
        }
        Ok(demand)
    }

    pub(super) fn has_room(&self) -> bool {
        self.queue.has_room()
    }

    fn is_at_rest(&self) -> bool {
        self.queue.is_empty() && self.writing.is_empty()
    }

    /// One turn: everything that can be done without waiting.
    fn turn(&mut self, cx: &mut Context<'_>) -> Receipt {
        match self.connect(cx) {
            Ok(true) => self.tell(Status::Connected, cx)?,
            Ok(false) => {}
            Err(error) => self.lose(explained(error), cx)?,
        }
        self.read(cx)?;
        if let Err(error) = self.write() {
            self.lose(explained(error), cx)?;
        }
        if self.queue.take_room() {
            cx.resume();
        }
        if self.is_over() {
            self.close();
            return Ok(Demand::Done);
        }
        self.make_wishes(cx);
        Ok(Demand::More)
    }

    fn tell(&self, status: Status, cx: &mut Context<'_>) -> Closed {
        let _ = self.desk.status.emit(status, cx)?; // that nobody listens is no reason to end
        Ok(())
    }

    fn make_wishes(&self, cx: &mut Context<'_>) {
        if self.blocked {
            cx.wake_on_resume();
        }
        if self.stopping && !self.is_at_rest() {
            cx.wake_at(cx.now() + LOOK);
        }
        cx.wake_at(match &self.phase {
            Phase::Waiting(until) => *until,
            Phase::Dialing { since } => *since + self.options.patience,
            Phase::Open { heard, .. } => *heard + self.options.longest_silence,
            Phase::Closed => Instant::NEVER,
        });
    }

    /// Goes on connecting. True when the connection has been made by it.
    fn connect(&mut self, cx: &Context<'_>) -> io::Result<bool> {
        let Some(registry) = self.desk.registry.get().cloned() else { return Ok(false) };
        if let Phase::Waiting(until) = self.phase
            && cx.now() >= until
            && !self.stopping
        {
            self.phase = Phase::Dialing { since: cx.now() };
            self.dialer.begin(&registry, KEY)?;
        }
        let Phase::Dialing { since } = self.phase else { return Ok(false) };
        match self.dialer.poll(&registry, KEY)? {
            Some(stream) => {
                let socket = Framed::new(stream, self.options.framing.clone());
                self.phase = Phase::Open { socket, heard: cx.now() };
                self.connected(cx.now());
                Ok(true)
            }
            None if cx.now() >= since + self.options.patience => {
                Err(io::Error::new(ErrorKind::TimedOut, "no connection in time, see `patience`"))
            }
            None => Ok(false),
        }
    }

    fn connected(&mut self, now: Instant) {
        self.retry.connected(now);
        self.desk.count(|stats| stats.connections += 1);
        if self.failures > 0 {
            log::info!("{}: connected again after {} failures", self.name, std::mem::take(&mut self.failures));
        }
        self.unsent = Buffer::default();
        self.held = 0;
        let mut bytes = Vec::new();
        for (frame, left) in &mut self.writing {
            bytes.clear();
            self.options.framing.encode(frame, &mut bytes);
            *left = bytes.len();
            self.unsent.extend(&bytes);
        }
    }

    /// Hands on what has come, as long as there is room.
    fn read(&mut self, cx: &mut Context<'_>) -> Closed {
        if self.blocked && !self.received.as_ref().ask(Question::Room) {
            return Ok(());
        }
        self.blocked = false;
        for _ in 0..BATCH {
            let Phase::Open { socket, heard } = &mut self.phase else { return Ok(()) };
            match socket.next() {
                Piece::Frame(frame) => {
                    *heard = cx.now();
                    self.desk.count(|stats| stats.received += 1);
                    if self.received.emit(frame, cx)? == Demand::Full {
                        self.blocked = true;
                        return Ok(());
                    }
                }
                Piece::Nothing => {
                    if cx.now() >= *heard + self.options.longest_silence {
                        return self.lose(StreamError::message("nothing has come for too long"), cx);
                    }
                    return Ok(());
                }
                Piece::Bad(error) => {
                    self.desk.count(|stats| stats.invalid += 1);
                    if error.is_fatal() {
                        return self.lose(StreamError::caused("what the server sends cannot be read", error), cx);
                    }
                    cx.report(&self.name, &StreamError::caused("a frame was left out", error));
                }
                Piece::End(None) => return self.lose(StreamError::message("the server has hung up"), cx),
                Piece::End(Some(error)) => return self.lose(explained(error), cx),
            }
        }
        cx.call_again();
        Ok(())
    }

    /// Sends what the system takes now.
    fn write(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        loop {
            while self.unsent.len() < READY
                && let Some(frame) = self.queue.pop()
            {
                bytes.clear();
                self.options.framing.encode(&frame, &mut bytes);
                self.unsent.extend(&bytes);
                self.writing.push_back((frame, bytes.len()));
            }
            let Phase::Open { socket, .. } = &mut self.phase else { return Ok(()) };
            if self.unsent.is_empty() && !socket.stream.has_unsent() {
                return Ok(());
            }
            match hand_over(&mut socket.stream, &mut self.unsent, &mut self.held) {
                Ok(0) => {}
                Ok(n) => self.note_sent(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn note_sent(&mut self, mut n: usize) {
        while let Some((_, left)) = self.writing.front_mut() {
            if *left > n {
                *left -= n;
                return;
            }
            n -= *left;
            self.writing.pop_front();
            self.desk.count(|stats| stats.sent += 1);
        }
    }

    fn lose(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        let was_open = matches!(self.phase, Phase::Open { .. });
        self.dialer.give_up();
        let retry_in = self.retry.failed(cx.now());
        self.phase = Phase::Waiting(cx.now() + retry_in);
        self.failures += 1;
        if was_open || self.failures.is_power_of_two() {
            cx.report(&self.name, &error);
        }
        self.tell(Status::Disconnected { error, retry_in }, cx)
    }

    /// Whether nothing is left to do: nobody sends, nobody listens, and all is sent.
    fn is_over(&self) -> bool {
        self.desk.senders.get() == 0 && self.is_at_rest() && !self.received.as_ref().ask(Question::Open)
    }

    /// Hangs up. What has not been sent is lost, and counted.
    pub(super) fn close(&mut self) {
        if let Phase::Open { socket, .. } = std::mem::replace(&mut self.phase, Phase::Closed) {
            socket.stream.end();
        }
        let left = (self.queue.len() + self.writing.len()) as u64;
        if left > 0 {
            log::warn!("{}: the run has ended before {left} frames were sent", self.name);
            self.desk.count(|stats| stats.dropped += left);
        }
        self.queue.clear();
        self.writing.clear();
    }
}

/// Goes on with what TLS holds, then writes. How many bytes the system has by it.
fn hand_over(stream: &mut Stream, unsent: &mut Buffer, held: &mut usize) -> io::Result<usize> {
    if stream.has_unsent() {
        stream.flush()?;
    } else {
        let written = stream.write(unsent.bytes())?;
        if written == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        unsent.take(written);
        *held += written;
    }
    Ok(if stream.has_unsent() { 0 } else { std::mem::take(held) })
}

/// With what TLS means by it.
fn explained(error: io::Error) -> StreamError {
    let meaning = crate::net::fault(&error).map_or("no connection to the server", crate::net::TlsFault::meaning);
    StreamError::caused(meaning, error)
}

impl<F: Framing> Ports for Link<F> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.received.as_ref());
        see(self.desk.status.as_ref());
    }
}

impl<F: Framing + 'static> PortSource for Link<F> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        Ok(self.turn(cx)?)
    }

    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Wake => self.turn(cx),
            Notice::Start => {
                self.tell_ports(Notice::Start, cx)?; // that nobody listens is no reason to end
                Ok(Demand::More)
            }
            Notice::Flush => {
                self.stopping = true;
                self.tell_ports(Notice::Flush, cx)?;
                self.turn(cx)
            }
            notice => self.tell_ports(notice, cx),
        }
    }

    fn answer(&self, question: Question<'_>) -> bool {
        match question {
            Question::Open => !matches!(self.phase, Phase::Closed),
            Question::Holding | Question::Draining
                if matches!(self.phase, Phase::Open { .. }) && !self.is_at_rest() =>
            {
                self.stopping || self.ask_ports(question)
            }
            question => self.ask_ports(question),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl<F: Framing + 'static> EventThing for Link<F> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let _ = self.desk.registry.set(registry.clone()); // the socket follows
        Ok(())
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::super::ClientOptions;
    use super::*;
    use crate::framing::Lines;
    use crate::net::{Socket, Tls};
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use thingflow_core::Descriptor;

    /// Both ends of a connection by TLS, after the handshake.
    #[allow(clippy::unwrap_used)] // of what the test itself has made
    fn pair() -> (Stream, Stream) {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let tls = Tls::default().trust_only(&certificate).identity(&certificate, &key);
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let client = tls.begin("localhost").unwrap();
        let mut client = Stream::by_tls(Descriptor::new(Socket::Unix(ours)), client.into());
        let server = Tls::default().identity(&certificate, &key);
        let mut server = Stream::accepted(Socket::Unix(theirs), Some(&server)).unwrap();
        while !(client.is_greeted() && server.is_greeted()) || client.has_unsent() || server.has_unsent() {
            for end in [&mut client, &mut server] {
                let _ = end.flush();
                let read = end.read(&mut [0]);
                assert!(read.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "{read:?}");
            }
        }
        (client, server)
    }

    fn drain(from: &mut Stream, to: &mut Vec<u8>) {
        let mut piece = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut piece) {
            to.extend_from_slice(&piece[..n]);
        }
    }

    #[test]
    fn a_frame_that_tls_holds_counts_as_sent_when_the_system_has_it() {
        let (stream, mut server) = pair();
        let options = ClientOptions::new("tls://localhost:7").unwrap();
        let desk = Rc::<Desk>::default();
        let mut link = Link::<Lines>::new(options.clone(), desk.clone(), Port::new());
        link.phase = Phase::Open { socket: Framed::new(stream, options.framing), heard: Instant::ZERO };
        let has_unsent =
            |link: &Link<Lines>| matches!(&link.phase, Phase::Open { socket, .. } if socket.stream.has_unsent());
        let mut expected = String::new();
        while !has_unsent(&link) {
            let line = format!("{} {}", expected.len(), "x".repeat(1000));
            expected += &format!("{line}\n");
            link.queue.push(line, "test").unwrap();
            desk.count(|stats| stats.posted += 1);
            link.write().unwrap();
        }
        let stats = desk.stats.get();
        assert_eq!((stats.sent, stats.waiting), (stats.posted - 1, 1));
        assert!(!link.is_at_rest() && !link.is_over() && link.answer(Question::Open));
        link.stopping = true;
        assert!(link.answer(Question::Holding) && link.answer(Question::Draining));
        let mut seen = Vec::new();
        for _ in 0..2 {
            drain(&mut server, &mut seen);
            link.write().unwrap();
        }
        drain(&mut server, &mut seen);
        assert!(link.is_at_rest() && !link.answer(Question::Holding));
        assert_eq!(desk.stats.get().sent, stats.posted);
        assert!(seen == expected.as_bytes(), "{} of {}", seen.len(), expected.len());
    }

    /// It is sent anew by the next connection, as one is that was not written at all.
    #[test]
    fn a_frame_that_tls_holds_is_not_lost_with_the_connection() {
        let (stream, server) = pair();
        let options = ClientOptions::new("tls://localhost:7").unwrap();
        let mut link = Link::<Lines>::new(options.clone(), Rc::default(), Port::new());
        link.phase = Phase::Open { socket: Framed::new(stream, options.framing.clone()), heard: Instant::ZERO };
        let mut last = String::new();
        for n in 0.. {
            link.desk.count(|stats| stats.posted += 1);
            last = format!("{n} {}", "x".repeat(1000));
            link.queue.push(last.clone(), "test").unwrap();
            link.write().unwrap();
            if matches!(&link.phase, Phase::Open { socket, .. } if socket.stream.has_unsent()) {
                break;
            }
        }
        drop(server);
        let (stream, mut server) = pair();
        link.phase = Phase::Open { socket: Framed::new(stream, options.framing), heard: Instant::ZERO };
        link.connected(Instant::ZERO);
        link.write().unwrap();
        let mut seen = Vec::new();
        drain(&mut server, &mut seen);
        assert!(link.is_at_rest());
        assert!(seen == format!("{last}\n").as_bytes(), "{}", String::from_utf8_lossy(&seen));
    }
}
