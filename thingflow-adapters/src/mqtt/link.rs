//! [`Link`]: the Thing that owns the socket: it connects, moves bytes, hands on what has come, and connects again.

use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::{Attempts, DeadLetter, Failure, Instant, Notice, Question, Registry, StreamError};

use super::carrier::Carrier;
use super::desk::Desk;
use super::hold::Hold;
use super::inbox::Inbox;
use super::message::Message;
use super::options::{OFFLINE, Options};
use super::outbound::Outgoing;
use super::session::{Lost, News, Session};
use super::status::Status;
use super::subscriptions::{Feed, Subscription};
#[cfg(feature = "tls")]
use crate::net::TlsFault;
use crate::net::{ClockWatch, Dialer, Stream};

/// The key of its descriptors: there is one at a time.
const KEY: usize = 0;
/// So many bytes are read in one turn, so that others have theirs.
const MOST_READ: usize = 64 * 1024;
/// How often a stop looks whether all is acknowledged: nobody tells it of descriptors.
const LOOK: Duration = Duration::from_millis(5);

pub(super) struct Link {
    options: Options,
    desk: Rc<Desk>,
    dialer: Dialer,
    session: Session,
    phase: Phase,
    retry: Attempts,
    setup: Attempts,
    failures: u64,
    inbox: Inbox,
    /// The broker was not read in this turn.
    unread: bool,
    buffer: Vec<u8>,
    stopping: bool,
    /// A certificate was not valid yet.
    clock: ClockWatch,
}

enum Phase {
    /// Until the next try.
    Waiting(Instant),
    Dialing {
        since: Instant,
    },
    Open(Carrier),
    /// Until somebody says so.
    Stopped,
    /// The run has ended.
    Closed,
}

impl Link {
    pub(super) fn new(options: Options, desk: Rc<Desk>) -> Self {
        let mut session = Session::new(&options);
        if let Some((topic, _)) = &options.birth {
            session.subscriptions.add(Subscription::new(topic.clone(), Default::default(), Feed::Birth));
        }
        Self {
            dialer: options.dialer(),
            session,
            phase: Phase::Waiting(Instant::ZERO),
            retry: options.retry.attempts(),
            setup: options.setup.attempts(),
            failures: 0,
            inbox: Inbox::new(desk.clone()),
            unread: false,
            buffer: Vec::new(),
            stopping: false,
            clock: ClockWatch::default(),
            desk,
            options,
        }
    }

    /// The input.
    pub(super) fn publish(&mut self, message: Message, hold: Hold, cx: &mut Context<'_>) -> Receipt {
        self.desk.count(|stats| stats.posted += 1);
        let outgoing = Outgoing { message, hold, counts: true };
        if matches!(self.phase, Phase::Closed) {
            self.desk.count(|stats| stats.lost += 1);
            return Ok(Demand::Done);
        }
        if let Some(fault) = outgoing.message.fault() {
            self.bury(outgoing, fault, cx)?;
            return Ok(Demand::More);
        }
        let (demand, dropped) = self.session.enqueue(outgoing).map_err(|error| cx.fatal(error))?;
        if dropped {
            self.desk.count(|stats| stats.dropped += 1);
        }
        self.note_room();
        if self.stopping {
            self.turn(cx)?; // nobody calls any more
        } else {
            self.desk.ring();
        }
        Ok(demand)
    }

    pub(super) fn has_room(&self) -> bool {
        self.session.has_room()
    }

    /// The end of the run: says goodbye as far as that goes without waiting. What is not delivered is left to the next run.
    pub(super) fn close(&mut self) {
        if let Phase::Open(mut stream) = std::mem::replace(&mut self.phase, Phase::Closed) {
            let offline = self.options.availability.as_ref();
            let offline =
                offline.map(|there| Message::new(&there.topic, OFFLINE).qos(super::Qos::AtMostOnce).retained());
            self.session.say_goodbye(offline.as_ref());
            let _ = self.write(&mut stream, Instant::ZERO);
            stream.end();
        }
        let left = self.session.take_all();
        let lost = left.iter().filter(|outgoing| outgoing.counts).count();
        if lost > 0 {
            log::warn!("{}: the run has ended before {lost} messages were acknowledged", self.broker());
            self.desk.count(|stats| stats.lost += lost as u64);
        }
        self.note_room();
    }

    /// One turn: everything that can be done without waiting.
    fn turn(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.attend(cx)?;
        if let Err(lost) = self.advance(cx) {
            self.lose(lost, cx)?;
        }
        self.see_to_news(cx)?;
        self.inbox.deliver(&mut self.session, &self.options, cx)?;
        self.inbox.hear_of_settled(&mut self.session);
        if let Err(lost) = self.exchange(cx) {
            self.lose(lost, cx)?;
        }
        self.see_to_news(cx)?;
        if self.session.take_room() {
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
        let is_full = self.session.is_full();
        self.desk.count(|stats| stats.is_full = is_full);
    }

    fn make_wishes(&mut self, cx: &mut Context<'_>) {
        self.clock.make_wish(cx);
        if self.inbox.is_blocked() {
            cx.wake_on_resume();
        }
        if std::mem::take(&mut self.unread) && self.hears() {
            cx.call_again();
        }
        if self.stopping {
            cx.wake_at(cx.now() + LOOK);
        }
        cx.wake_at(match self.phase {
            Phase::Waiting(until) => until,
            Phase::Dialing { since } => since + self.options.timeout,
            Phase::Open(_) => self.session.due(self.hears()),
            Phase::Stopped | Phase::Closed => Instant::NEVER,
        });
    }

    /// Takes what the handles have left.
    fn attend(&mut self, cx: &mut Context<'_>) -> Closed {
        for subscription in self.desk.subscriptions.take() {
            self.session.subscriptions.add(subscription);
        }
        for subscription in self.session.subscriptions.iter_mut().filter(|new| !new.started) {
            subscription.started = true;
            if let Some(port) = subscription.feed.port() {
                let _ = port.notice(Notice::Start, cx)?;
            }
        }
        self.desk.status.start(cx)?;
        self.desk.refused.start(cx)?;
        if self.desk.reconnects.take() {
            match self.phase {
                Phase::Stopped => self.phase = Phase::Waiting(cx.now()),
                Phase::Open(_) => self.lose(Lost::peer("it is to be made anew"), cx)?,
                _ => {}
            }
        }
        self.inbox.hear_of_settled(&mut self.session);
        Ok(())
    }

    /// Connects, or reads.
    fn advance(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        self.watch_clock(cx);
        let Some(registry) = self.desk.registry().cloned() else { return Ok(()) };
        if let Phase::Waiting(until) = self.phase
            && cx.now() >= until
            && !self.stopping
        {
            self.phase = Phase::Dialing { since: cx.now() };
            self.dialer.begin(&registry, KEY).map_err(no_connection)?;
        }
        if let Phase::Dialing { since } = self.phase {
            match self.dialer.poll(&registry, KEY).map_err(no_connection)? {
                Some(stream) => self.greet(stream, cx)?,
                None if cx.now() >= since + self.options.timeout => {
                    return Err(Lost::peer(format!("no connection to the broker within {:?}", self.options.timeout)));
                }
                None => {}
            }
        }
        self.read(cx)
    }

    /// Tries again at once when the clock has been set.
    fn watch_clock(&mut self, cx: &Context<'_>) {
        if !matches!(self.phase, Phase::Waiting(_)) {
            self.clock.stop();
        } else if self.clock.is_set(cx) {
            self.phase = Phase::Waiting(cx.now());
        }
    }

    fn greet(&mut self, stream: Stream, cx: &mut Context<'_>) -> Result<(), Lost> {
        self.phase = Phase::Open(self.options.carrier(stream).map_err(no_connection)?);
        let password = self.options.password.as_ref().map(crate::net::Secret::read).transpose();
        let password = password.map_err(|error| Lost::Setup(StreamError::caused("no password", error)))?;
        self.session.greet(&self.options, password, cx.now())
    }

    /// Whether there is room for what the broker says.
    fn hears(&self) -> bool {
        !self.session.is_up() || self.inbox.has_room(&self.session, &self.options)
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        self.unread = !self.hears();
        let Phase::Open(stream) = &mut self.phase else { return Ok(()) };
        if self.unread {
            return Ok(());
        }
        self.inbox.prepare();
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(MOST_READ, 0);
        let read = stream.read(&mut buffer);
        let heard = match read {
            Ok(0) if self.session.is_up() => {
                Err(Lost::peer("the broker hangs up without a word, as some do when another client has the same id"))
            }
            Ok(0) => Err(Lost::peer("the broker hangs up")),
            Ok(n) => {
                cx.call_again(); // there may be more
                self.session.hear(&buffer[..n], &self.options, cx.now())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                cx.call_again();
                Ok(())
            }
            Err(error) if waits(&error) => Ok(()),
            Err(error) => Err(broken(error)),
        };
        self.buffer = buffer;
        heard
    }

    /// Says what is to be said, and looks at the time.
    fn exchange(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        let now = cx.now();
        let Phase::Open(_) = self.phase else { return Ok(()) };
        self.session.check(self.hears(), now)?;
        let Phase::Open(mut stream) = std::mem::replace(&mut self.phase, Phase::Stopped) else { return Ok(()) };
        let written = self.write_all(&mut stream, now);
        self.phase = Phase::Open(stream);
        Ok(written?)
    }

    /// Writes until there is nothing more to say, or no room.
    fn write_all(&mut self, stream: &mut Carrier, now: Instant) -> io::Result<()> {
        loop {
            self.session.say(now);
            if self.session.out.is_empty() {
                return flush(stream);
            }
            if !self.write(stream, now)? {
                return Ok(());
            }
        }
    }

    /// Writes what has been said. False if not all of it could be written.
    fn write(&mut self, stream: &mut Carrier, now: Instant) -> io::Result<bool> {
        while !self.session.out.is_empty() {
            match stream.write(&self.session.out) {
                Ok(n) => self.session.sent(n, now),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if waits(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        flush(stream)?;
        Ok(true)
    }

    fn see_to_news(&mut self, cx: &mut Context<'_>) -> Closed {
        while let Some(news) = self.session.news.pop_front() {
            match news {
                News::Connected { session_present } => self.connected(session_present, cx)?,
                News::Message(publish, number) => self.inbox.push(publish, number, cx),
                News::Delivered(outgoing) => {
                    if outgoing.counts {
                        self.desk.count(|stats| stats.delivered += 1);
                    }
                    outgoing.hold.done();
                }
                News::Refused(outgoing, why) => self.bury(outgoing, &why, cx)?,
                News::SubscriptionRefused { filter, why } => {
                    let text = format!("the broker refuses the subscription to `{filter}`: {why}");
                    cx.report(&self.broker(), &StreamError::msg(text));
                }
            }
        }
        Ok(())
    }

    fn connected(&mut self, session_present: bool, cx: &mut Context<'_>) -> Closed {
        self.retry.connected(cx.now());
        self.setup = self.options.setup.attempts();
        if self.failures > 0 {
            log::info!("{}: connected again after {} failures", self.broker(), self.failures);
            self.failures = 0;
        }
        self.tell(Status::Connected { version: self.session.version(), session_present }, cx)
    }

    fn tell(&self, status: Status, cx: &mut Context<'_>) -> Closed {
        self.desk.status.emit(status, cx)
    }

    /// A message that will never be taken.
    fn bury(&mut self, outgoing: Outgoing, why: &str, cx: &mut Context<'_>) -> Closed {
        let text =
            format!("the message to `{}` is refused: {why}", crate::printable::printable(&outgoing.message.topic));
        let error = StreamError::msg(text);
        if outgoing.counts {
            self.desk.count(|stats| stats.dead += 1);
        }
        outgoing.hold.fail(&error);
        if self.desk.refused.is_open() {
            return self.desk.refused.emit(DeadLetter { event: outgoing.message, error }, cx);
        }
        cx.report(&self.broker(), &error);
        Ok(())
    }

    /// Who reports: clients are told apart by their brokers.
    fn broker(&self) -> String {
        self.options.address.to_string()
    }

    /// The connection is lost, or could not be made.
    fn lose(&mut self, lost: Lost, cx: &mut Context<'_>) -> Closed {
        let was_up = self.session.is_up();
        self.phase = Phase::Stopped;
        self.dialer.give_up();
        self.session.close();
        let (error, wait) = match lost {
            Lost::Version => {
                log::info!("{}: the broker knows no MQTT 5; it is asked again by MQTT 3.1.1", self.broker());
                self.session.fall_back();
                self.phase = Phase::Waiting(cx.now());
                return Ok(());
            }
            Lost::TakenOver(error) => {
                cx.report(&self.broker(), &error);
                return self.tell(Status::Stopped { error }, cx);
            }
            Lost::TooEarly(error) => {
                self.clock.begin(cx);
                (error, self.retry.failed(cx.now()))
            }
            Lost::Peer(error) => (error, self.retry.failed(cx.now())),
            Lost::Setup(error) => {
                log::error!("{}: the set-up is at fault: {error}", self.broker());
                (error, self.setup.failed(cx.now()))
            }
        };
        self.phase = Phase::Waiting(cx.now() + wait);
        self.failures += 1;
        if was_up || self.failures.is_power_of_two() {
            cx.report(&self.broker(), &error);
        }
        self.tell(Status::Disconnected { error, retry_in: wait }, cx)
    }

    /// Whether nothing is left to do: nobody publishes, nobody listens, and all is said.
    fn is_over(&self) -> bool {
        !self.desk.has_publishers()
            && !self.is_listened_to()
            && self.session.is_at_rest()
            && self.inbox.is_empty()
            && self.session.inbound.len() == 0
            && matches!(self.phase, Phase::Open(_) | Phase::Waiting(_) | Phase::Stopped)
            && !matches!(self.phase, Phase::Open(_) if !self.session.is_up())
    }

    fn is_listened_to(&self) -> bool {
        let mut open = false;
        self.each_feed(&mut |port| open |= port.ask(Question::Open));
        open
    }

    fn each_feed(&self, see: &mut dyn FnMut(PortRef)) {
        self.session.subscriptions.iter().filter_map(|it| it.feed.port()).for_each(see);
    }
}

/// What follows from an error before there is a connection.
fn no_connection(error: io::Error) -> Lost {
    because("no connection to the broker", error)
}

/// What follows from an error of the connection.
fn broken(error: io::Error) -> Lost {
    because("the connection is lost", error)
}

fn because(what: &'static str, error: io::Error) -> Lost {
    #[cfg(feature = "tls")]
    if let Some(fault) = crate::net::fault(&error) {
        let error = StreamError::caused(fault.meaning(), error);
        return match fault {
            TlsFault::Setup => Lost::Setup(error),
            TlsFault::NotYetValid => Lost::TooEarly(error),
        };
    }
    Lost::Peer(StreamError::caused(what, error))
}

/// Its name in the graph.
pub(super) const NAME: &str = "mqtt";

fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn flush(stream: &mut Carrier) -> io::Result<()> {
    match stream.flush() {
        Err(error) if !waits(&error) => Err(error),
        _ => Ok(()),
    }
}

impl Ports for Link {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        self.each_feed(see);
        for new in &*self.desk.subscriptions.borrow() {
            new.feed.port().into_iter().for_each(&mut *see);
        }
        self.desk.status.reference().into_iter().chain(self.desk.refused.reference()).for_each(see);
    }
}

impl PortSource for Link {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        Ok(self.turn(cx)?)
    }

    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Wake => self.turn(cx),
            Notice::Start => {
                self.session.subscriptions.iter_mut().for_each(|it| it.started = true);
                self.desk.subscriptions.borrow_mut().iter_mut().for_each(|it| it.started = true);
                self.desk.status.is_started();
                self.desk.refused.is_started();
                self.tell_ports(Notice::Start, cx)
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
            Question::Holding | Question::Draining if self.session.is_up() && !self.session.is_at_rest() => {
                self.stopping || self.ask_ports(question)
            }
            question => self.ask_ports(question),
        }
    }

    fn name(&self) -> &str {
        NAME
    }
}

impl EventThing for Link {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.desk.open(registry); // the socket follows
        Ok(())
    }
}

/// Whoever waits hears that it is over.
impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}
