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

use super::conduct::Conduct;
use super::desk::{Desk, Status};
use super::protocol::{Conversation, Heard, Protocol, Pulse, Silence, explained, is_too_early};
use crate::framing::Buffer;
use crate::net::{ClockWatch, Dialer, Stream};

/// The key of its descriptors: there is one at a time.
const KEY: usize = 0;
/// So many frames are read in one turn, so that others have theirs.
const BATCH: usize = 64;
/// So many bytes of frames are made ready to be sent.
const READY: usize = 16 * 1024;
/// How often a stop looks whether all is sent: nobody tells it of descriptors.
const LOOK: Duration = Duration::from_millis(5);

/// Whom to call, and how.
pub(crate) struct Calling {
    pub(crate) name: String,
    pub(crate) dialer: Dialer,
    pub(crate) conduct: Conduct,
    pub(crate) pulse: Pulse,
}

pub(crate) struct Link<P: Protocol> {
    protocol: P,
    desk: Rc<Desk>,
    name: String,
    dialer: Dialer,
    timeout: Duration,
    pulse: Pulse,
    retry: Attempts,
    /// A certificate was not valid yet.
    clock: ClockWatch,
    failures: u64,
    phase: Phase<P::Talk>,
    received: Port<P::Frame>,
    queue: Backlog<P::Frame>,
    /// Frames whose bytes are in `unsent`, with how many of them are left; `None`: words that are no frame.
    writing: VecDeque<(Option<P::Frame>, usize)>,
    unsent: Buffer,
    /// So many bytes of `writing` have left `unsent`, and are with TLS still.
    held: usize,
    /// The port was full.
    blocked: bool,
    stopping: bool,
}

enum Phase<T> {
    /// Until the next try.
    Waiting(Instant),
    Dialing {
        since: Instant,
    },
    /// What comes before the first frame.
    Greeting {
        talk: T,
        since: Instant,
    },
    Open {
        talk: T,
        silence: Silence,
    },
    Closed,
}

impl<P: Protocol> Link<P> {
    pub(super) fn new(protocol: P, calling: Calling, desk: Rc<Desk>, received: Port<P::Frame>) -> Self {
        let Calling { name, dialer, conduct: Conduct { queue, retry, timeout, .. }, pulse } = calling;
        Self {
            protocol,
            desk,
            name,
            dialer,
            timeout,
            pulse,
            retry: retry.attempts(),
            clock: ClockWatch::default(),
            failures: 0,
            phase: Phase::Waiting(Instant::ZERO),
            received,
            queue: Backlog::new(queue),
            writing: VecDeque::new(),
            unsent: Buffer::default(),
            held: 0,
            blocked: false,
            stopping: false,
        }
    }

    /// The input.
    pub(super) fn post(&mut self, frame: P::Frame, cx: &mut Context<'_>) -> Receipt {
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
        self.note_room();
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
        if !matches!(self.phase, Phase::Waiting(_)) {
            self.clock.stop();
        } else if self.clock.is_set(cx) {
            self.phase = Phase::Waiting(cx.now());
        }
        match self.connect(cx) {
            Ok(true) => self.tell(Status::Connected, cx)?,
            Ok(false) => {}
            Err(error) => self.lose(error, cx)?,
        }
        self.read(cx)?;
        self.see_to_silence(cx)?;
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
        self.note_room();
        self.make_wishes(cx);
        Ok(Demand::More)
    }

    fn note_room(&self) {
        let queue = self.queue.state();
        let is_full = queue.capacity.is_some_and(|most| queue.waiting >= most);
        self.desk.count(|stats| stats.is_full = is_full);
    }

    fn tell(&self, status: Status, cx: &mut Context<'_>) -> Closed {
        let _ = self.desk.status.emit(status, cx)?; // that nobody listens is no reason to end
        Ok(())
    }

    fn make_wishes(&self, cx: &mut Context<'_>) {
        self.clock.make_wish(cx);
        if self.blocked {
            cx.wake_on_resume();
        }
        if self.stopping && !self.is_at_rest() {
            cx.wake_at(cx.now() + LOOK);
        }
        cx.wake_at(match &self.phase {
            Phase::Waiting(until) => *until,
            Phase::Dialing { since } | Phase::Greeting { since, .. } => *since + self.timeout,
            Phase::Open { silence, .. } => silence.due(self.pulse),
            Phase::Closed => Instant::NEVER,
        });
    }

    /// Goes on connecting. True when the connection has been made by it.
    fn connect(&mut self, cx: &Context<'_>) -> Result<bool, StreamError> {
        let Some(registry) = self.desk.registry.get().cloned() else { return Ok(false) };
        if let Phase::Waiting(until) = self.phase
            && cx.now() >= until
            && !self.stopping
        {
            self.phase = Phase::Dialing { since: cx.now() };
            self.dialer.begin(&registry, KEY).map_err(explained)?;
        }
        if let Phase::Dialing { since } = self.phase
            && let Some(stream) = self.dialer.poll(&registry, KEY).map_err(explained)?
        {
            let talk = self.protocol.begin(stream).map_err(explained)?;
            self.phase = Phase::Greeting { talk, since };
        }
        self.greet(cx)
    }

    /// Goes on with what comes before the first frame.
    fn greet(&mut self, cx: &Context<'_>) -> Result<bool, StreamError> {
        let now = cx.now();
        if let Phase::Greeting { talk, .. } = &mut self.phase
            && talk.greet(now)?
            && let Phase::Greeting { talk, .. } = std::mem::replace(&mut self.phase, Phase::Closed)
        {
            self.phase = Phase::Open { talk, silence: Silence::new(now) };
            self.connected(now);
            return Ok(true);
        }
        match self.phase {
            Phase::Dialing { since } | Phase::Greeting { since, .. } if now >= since + self.timeout => {
                Err(StreamError::msg("no connection in time, see `timeout`"))
            }
            _ => Ok(false),
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
        self.writing.retain(|(frame, _)| frame.is_some()); // other words belong to a connection
        for (frame, left) in &mut self.writing {
            bytes.clear();
            frame.iter().for_each(|frame| self.protocol.encode(frame, &mut bytes));
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
            let Phase::Open { talk, silence } = &mut self.phase else { return Ok(()) };
            let heard = talk.next();
            if matches!(heard, Heard::Frame(_) | Heard::Sign) {
                silence.hear(cx.now());
            }
            match heard {
                Heard::Frame(frame) => {
                    self.desk.count(|stats| stats.received += 1);
                    if self.received.emit(frame, cx)? == Demand::Full {
                        self.blocked = true;
                        return Ok(());
                    }
                }
                Heard::Sign | Heard::Again => {}
                Heard::Nothing => return Ok(()),
                Heard::LeftOut(error) => {
                    self.desk.count(|stats| stats.invalid += 1);
                    cx.report(&self.name, &StreamError::caused("a frame was left out", error));
                }
                Heard::Nonsense(error) => {
                    self.desk.count(|stats| stats.invalid += 1);
                    return self.lose(StreamError::caused("what the server sends cannot be read", error), cx);
                }
                Heard::End(why) => {
                    return self.lose(why.unwrap_or_else(|| StreamError::msg("the server has hung up")), cx);
                }
            }
        }
        cx.call_again();
        Ok(())
    }

    /// Asks a server that says nothing for a sign of life, and gives it up if there is none. One that is not read is not silent.
    fn see_to_silence(&mut self, cx: &mut Context<'_>) -> Closed {
        let (now, pulse) = (cx.now(), self.pulse);
        let Phase::Open { talk, silence } = &mut self.phase else { return Ok(()) };
        if self.blocked {
            silence.hear(now);
        } else if silence.is_over(pulse, now) {
            return self.lose(StreamError::msg("nothing has come for too long"), cx);
        } else if silence.is_to_be_asked(pulse, now) {
            talk.ask();
        }
        Ok(())
    }

    /// Sends what the system takes now.
    fn write(&mut self) -> io::Result<()> {
        if !matches!(self.phase, Phase::Open { .. }) {
            return Ok(()); // what waits for a connection waits in the queue, within its limit
        }
        let mut bytes = Vec::new();
        loop {
            if let Phase::Open { talk, .. } = &mut self.phase
                && self.unsent.len() < READY
            {
                let words = talk.take_words(&mut self.unsent);
                self.writing.extend((words > 0).then_some((None, words)));
            }
            while self.unsent.len() < READY
                && let Some(frame) = self.queue.pop()
            {
                bytes.clear();
                self.protocol.encode(&frame, &mut bytes);
                self.unsent.extend(&bytes);
                self.writing.push_back((Some(frame), bytes.len()));
            }
            let Phase::Open { talk, .. } = &mut self.phase else { return Ok(()) };
            let stream = talk.stream();
            if self.unsent.is_empty() && !stream.has_unsent() {
                return Ok(());
            }
            match hand_over(stream, &mut self.unsent, &mut self.held) {
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
            let is_frame = self.writing.pop_front().is_some_and(|(frame, _)| frame.is_some());
            self.desk.count(|stats| stats.sent += u64::from(is_frame));
        }
    }

    fn lose(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        let was_open = matches!(self.phase, Phase::Open { .. });
        self.dialer.give_up();
        let retry_in = self.retry.failed(cx.now());
        let is_clear = self.writing.is_empty();
        match std::mem::replace(&mut self.phase, Phase::Waiting(cx.now() + retry_in)) {
            Phase::Greeting { mut talk, .. } | Phase::Open { mut talk, .. } => {
                talk.stream().abandon();
                talk.end(is_clear);
            }
            Phase::Waiting(_) | Phase::Dialing { .. } | Phase::Closed => {}
        }
        if is_too_early(&error) {
            self.clock.begin(cx);
        }
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
        if let Phase::Greeting { talk, .. } | Phase::Open { talk, .. } =
            std::mem::replace(&mut self.phase, Phase::Closed)
        {
            talk.end(self.writing.is_empty());
        }
        let begun = self.writing.iter().filter(|(frame, _)| frame.is_some()).count();
        let left = (self.queue.len() + begun) as u64;
        if left > 0 {
            log::warn!("{}: the run has ended before {left} frames were sent", self.name);
            self.desk.count(|stats| stats.dropped += left);
        }
        self.queue.clear();
        self.writing.clear();
        self.note_room();
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

impl<P: Protocol> Ports for Link<P> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.received.as_ref());
        see(self.desk.status.as_ref());
    }
}

impl<P: Protocol> PortSource for Link<P> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        Ok(self.turn(cx)?)
    }

    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Wake => self.turn(cx),
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

impl<P: Protocol> EventThing for Link<P> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let _ = self.desk.registry.set(registry.clone()); // the socket follows
        Ok(())
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::*;
    use crate::framing::{Framed, Lines};
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

    fn link(desk: &Rc<Desk>, stream: Stream) -> Link<Lines> {
        let calling = Calling {
            name: "test".to_owned(),
            dialer: Dialer::new("tls://localhost:7".parse().expect("an address"), 0),
            conduct: Conduct { timeout: Duration::MAX, ..Conduct::default() },
            pulse: Pulse::NONE,
        };
        let mut link = Link::new(Lines::default(), calling, desk.clone(), Port::new());
        link.phase = open(stream);
        link
    }

    fn open(stream: Stream) -> Phase<Framed<Stream, Lines>> {
        Phase::Open { talk: Framed::new(stream, Lines::default()), silence: Silence::new(Instant::ZERO) }
    }

    fn has_unsent(link: &Link<Lines>) -> bool {
        matches!(&link.phase, Phase::Open { talk, .. } if talk.stream.has_unsent())
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
        let desk = Rc::<Desk>::default();
        let mut link = link(&desk, stream);
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
        let mut link = link(&Rc::default(), stream);
        let mut last = String::new();
        for n in 0.. {
            link.desk.count(|stats| stats.posted += 1);
            last = format!("{n} {}", "x".repeat(1000));
            link.queue.push(last.clone(), "test").unwrap();
            link.write().unwrap();
            if has_unsent(&link) {
                break;
            }
        }
        drop(server);
        let (stream, mut server) = pair();
        link.phase = open(stream);
        link.connected(Instant::ZERO);
        link.write().unwrap();
        let mut seen = Vec::new();
        drain(&mut server, &mut seen);
        assert!(link.is_at_rest());
        assert!(seen == format!("{last}\n").as_bytes(), "{}", String::from_utf8_lossy(&seen));
    }
}
