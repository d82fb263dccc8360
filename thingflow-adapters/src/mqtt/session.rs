//! [`Session`]: what both sides have agreed on, and what is to be said next. It knows no socket: bytes come in, bytes go out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use thingflow_core::storage::Backlog;
use thingflow_core::{Demand, Instant, StreamError};

use super::inbound::{Ack, Arrival, Inbound};
use super::message::{Message, Qos};
use super::options::{Options, Version};
use super::outbound::{Outbound, Outgoing, Send, Use};
use super::subscriptions::Subscriptions;
use super::wire::{Connack, Connect, ConnectRefusal, Incoming, Publish, Reader, Writer};
use crate::printable::printable;

/// What is to be written is gathered up to here, so that what waits stays in the queue, where its limit counts.
const MOST_UNSENT: usize = 64 * 1024;

/// The queue may be small, and still take what one read brings.
const MOST_OVER: usize = 256;
/// So many bytes of answers wait to be written: one for every packet id.
const MOST_OWED: usize = 4 << 16;

/// The state of a client that is not the connection's: it outlives it.
pub(super) struct Session {
    writer: Writer,
    reader: Reader,
    max_packet: u32,
    /// Not written yet.
    pub(super) out: Vec<u8>,
    /// So many bytes of it, at most, answer what the broker has said.
    owed: usize,
    pub(super) outbound: Outbound,
    pub(super) inbound: Inbound,
    pub(super) subscriptions: Subscriptions,
    /// Before all that waits.
    urgent: VecDeque<Message>,
    /// Of each topic that is announced the last message that has been sent: those that wait follow it in their order.
    states: BTreeMap<String, Option<Message>>,
    queue: Backlog<Outgoing>,
    /// More wait only if somebody has not heard of the limit.
    most_waiting: usize,
    queued: usize,
    stage: Stage,
    /// The broker keeps a session that this process has begun or taken over.
    is_known: bool,
    timeout: Duration,
    last_sent: Instant,
    last_heard: Instant,
    pinged: Option<Instant>,
    pub(super) news: VecDeque<News>,
}

enum Stage {
    Closed,
    /// The broker is to answer.
    Greeted {
        since: Instant,
    },
    Up(Limits),
}

/// What the broker allows.
struct Limits {
    keep_alive: Duration,
    most_in_flight: usize,
    max_packet: u32,
    best_qos: Qos,
    retains: bool,
    names_subscriptions: bool,
}

/// What the client has to see to.
pub(super) enum News {
    Connected {
        session_present: bool,
    },
    /// A message, with the number by which the session is told what became of it.
    Message(Publish, Option<u64>),
    Delivered(Outgoing),
    Refused(Outgoing, String),
    SubscriptionRefused {
        filter: String,
        why: String,
    },
}

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum Lost {
    /// The other side is away, slow or wrong.
    Peer(StreamError),
    /// Somebody must change something.
    Setup(StreamError),
    /// A certificate is not valid yet.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    TooEarly(StreamError),
    /// Another client has taken the session.
    TakenOver(StreamError),
    /// The broker speaks an older version.
    Version,
}

impl Lost {
    pub(super) fn peer(text: impl Into<String>) -> Self {
        Self::Peer(StreamError::msg(text))
    }
}

impl From<std::io::Error> for Lost {
    fn from(error: std::io::Error) -> Self {
        Self::Peer(StreamError::caused("the connection is lost", error))
    }
}

impl Session {
    pub(super) fn new(options: &Options) -> Self {
        let version = options.version;
        let mut states = BTreeMap::new();
        options.states.iter().for_each(|topic| drop(states.insert(topic.clone(), None))); // `collect` would sort
        let queue = Backlog::new(options.queue.clone());
        let capacity = queue.state().capacity.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        let most_waiting = capacity.map_or(usize::MAX, |most| most.max(MOST_OVER).saturating_mul(2));
        Self {
            writer: Writer { version },
            reader: Reader::new(version, options.max_packet),
            max_packet: options.max_packet,
            out: Vec::new(),
            owed: 0,
            outbound: Outbound::default(),
            inbound: Inbound::default(),
            subscriptions: Subscriptions::default(),
            urgent: VecDeque::new(),
            states,
            queue,
            most_waiting,
            queued: 0,
            stage: Stage::Closed,
            is_known: false,
            timeout: options.timeout,
            last_sent: Instant::ZERO,
            last_heard: Instant::ZERO,
            pinged: None,
            news: VecDeque::new(),
        }
    }

    pub(super) fn version(&self) -> Version {
        self.writer.version
    }

    /// Speaks MQTT 3.1.1 from the next connection on.
    pub(super) fn fall_back(&mut self) {
        self.writer.version = Version::V3_1_1;
    }

    /// A connection has been made: greets the broker.
    pub(super) fn greet(&mut self, options: &Options, password: Option<Vec<u8>>, now: Instant) -> Result<(), Lost> {
        self.out.clear();
        self.owed = 0;
        self.reader = Reader::new(self.writer.version, self.max_packet);
        self.pinged = None;
        (self.last_sent, self.last_heard) = (now, now);
        let connect = Connect {
            client_id: &options.client_id,
            clean: options.expiry == 0,
            expiry: options.expiry,
            keep_alive: u16::try_from(options.keep_alive.as_secs()).unwrap_or(u16::MAX),
            will: options.will.as_ref(),
            user: options.address.user(),
            password,
            most_in_flight: options.receive_maximum,
            max_packet: options.max_packet,
        };
        let written = self.writer.connect(&mut self.out, connect);
        written.map_err(|error| {
            Lost::Setup(StreamError::caused("the client id, the user or the will is invalid", error))
        })?;
        self.stage = Stage::Greeted { since: now };
        Ok(())
    }

    /// The connection is gone.
    pub(super) fn close(&mut self) {
        self.stage = Stage::Closed;
        self.out.clear();
        self.owed = 0;
        self.urgent.clear();
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up(_))
    }

    /// Takes in what has come.
    pub(super) fn hear(&mut self, bytes: &[u8], options: &Options, now: Instant) -> Result<(), Lost> {
        self.last_heard = now;
        self.pinged = None;
        let mut at = 0;
        loop {
            let packet = self.reader.next(bytes, &mut at);
            let packet =
                packet.map_err(|error| Lost::Peer(StreamError::caused("the broker sends what is not MQTT", error)))?;
            let Some(packet) = packet else { return Ok(()) };
            let before = self.out.len();
            self.take(packet, options, now)?;
            self.owed += self.out.len() - before;
            if self.owed > MOST_OWED {
                return Err(Lost::peer("the broker does not read the answers that it asks for"));
            }
        }
    }

    fn take(&mut self, packet: Incoming, options: &Options, now: Instant) -> Result<(), Lost> {
        if let (Incoming::Connack(answer), Stage::Greeted { .. }) = (&packet, &self.stage) {
            return self.greeted(answer, options);
        }
        if !self.is_up() {
            return Err(Lost::peer("the broker speaks before it has answered the greeting"));
        }
        match packet {
            Incoming::Publish(publish) => self.take_message(publish),
            Incoming::Puback(id, said) => {
                let outgoing = self.outbound.acknowledged(id);
                self.settle(outgoing, said);
            }
            Incoming::Pubrec(id, Err(why)) => {
                let outgoing = self.outbound.refused(id);
                self.settle(outgoing, Err(why));
            }
            Incoming::Pubrec(id, Ok(())) => {
                self.outbound.received(id, now);
                let _ = self.writer.pubrel(&mut self.out, id);
            }
            Incoming::Pubcomp(id) => {
                let outgoing = self.outbound.completed(id);
                self.settle(outgoing, Ok(()));
            }
            Incoming::Pubrel(id) => {
                self.inbound.released(id);
                let _ = self.writer.pubcomp(&mut self.out, id);
            }
            Incoming::Suback(id, said) => self.subscribed(id, said),
            Incoming::Unsuback(id) => drop(self.outbound.answered(id)),
            Incoming::Pingresp => {}
            Incoming::Disconnect { taken_over: true, .. } => return Err(taken_over()),
            Incoming::Disconnect { why, .. } => return Err(Lost::peer(format!("the broker hangs up: {why}"))),
            Incoming::Connack(_) => return Err(Lost::peer("the broker answers the greeting twice")),
        }
        Ok(())
    }

    fn greeted(&mut self, answer: &Connack, options: &Options) -> Result<(), Lost> {
        match &answer.refused {
            None => {}
            Some(ConnectRefusal::Version) if self.version() == Version::V5 => return Err(Lost::Version),
            Some(ConnectRefusal::Version) => {
                return Err(Lost::Setup(StreamError::new("the broker speaks neither MQTT 5 nor MQTT 3.1.1")));
            }
            Some(ConnectRefusal::Peer(why)) => {
                return Err(Lost::peer(format!("the broker accepts no connections: {why}")));
            }
            Some(ConnectRefusal::Setup(why)) => {
                let text = format!("the broker refuses the client: {why}; check its user, its password and its id");
                return Err(Lost::Setup(StreamError::msg(text)));
            }
        }
        let session_present = answer.session_present && options.expiry > 0;
        self.outbound.restart(session_present);
        self.inbound.restart(session_present);
        self.subscriptions.restart(session_present && self.is_known);
        if session_present && !self.is_known {
            self.outbound.inherit();
        }
        self.is_known = options.expiry > 0;
        self.urgent.clear();
        self.greet_again(options);
        self.stage = Stage::Up(Limits {
            keep_alive: answer.keep_alive.map_or(options.keep_alive, |s| Duration::from_secs(s.into())),
            most_in_flight: answer.most_in_flight.min(options.in_flight).into(),
            max_packet: answer.max_packet,
            best_qos: answer.best_qos,
            retains: answer.retains,
            names_subscriptions: answer.names_subscriptions,
        });
        self.news.push_back(News::Connected { session_present });
        Ok(())
    }

    /// Says again what is said after each connection.
    pub(super) fn greet_again(&mut self, options: &Options) {
        self.urgent.extend(options.greeting().chain(self.states.values().flatten().cloned()));
    }

    fn take_message(&mut self, publish: Publish) {
        let Some(id) = publish.id else { return self.news.push_back(News::Message(publish, None)) };
        match self.inbound.arrived(id, publish.qos, publish.dup) {
            Arrival::New(number) => self.news.push_back(News::Message(publish, Some(number))),
            Arrival::Known { acknowledge: false } => {}
            Arrival::Known { acknowledge: true } => drop(self.writer.pubrec(&mut self.out, id)),
        }
    }

    fn settle(&mut self, outgoing: Option<Outgoing>, said: Result<(), String>) {
        if let Some(outgoing) = outgoing {
            self.news.push_back(match said {
                Ok(()) => News::Delivered(outgoing),
                Err(why) => News::Refused(outgoing, why),
            });
        }
    }

    fn subscribed(&mut self, id: u16, said: Vec<Result<(), String>>) {
        let Some(Use::Subscribe(number)) = self.outbound.answered(id) else { return };
        let why = said.into_iter().find_map(Result::err);
        if let Some(filter) = self.subscriptions.answered(number, id, why.is_none()) {
            let (filter, why) = (filter.to_owned(), why.unwrap_or_default());
            self.news.push_back(News::SubscriptionRefused { filter, why });
        }
    }

    /// Takes in a message to publish. Whether another one was dropped for it, as the policy of the queue says.
    ///
    /// # Errors
    /// That the queue is full and its policy is to fail.
    pub(super) fn enqueue(&mut self, outgoing: Outgoing) -> Result<(Demand, bool), StreamError> {
        let demand = self.queue.push(outgoing, "mqtt")?;
        let (before, after) = (self.queued, self.queue.iter().size_hint().0);
        self.queued = after;
        Ok((demand, after == before))
    }

    pub(super) fn has_room(&self) -> bool {
        self.queue.has_room()
    }

    /// Whether as many messages wait as may.
    pub(super) fn is_full(&self) -> bool {
        let queue = self.queue.state();
        queue.capacity.is_some_and(|most| queue.waiting >= most)
    }

    /// Whether more messages wait than sources have sent that heard of the limit. It publishes what it receives: nobody who is
    /// being called says that he is full.
    pub(super) fn is_overfull(&self) -> bool {
        self.queue.len() >= self.most_waiting
    }

    /// Whether sources that were told to pause may go on. Says so once.
    pub(super) fn take_room(&mut self) -> bool {
        self.queue.take_room()
    }

    /// How many messages have been taken in and are not delivered.
    pub(super) fn waiting(&self) -> usize {
        self.queued + self.outbound.len()
    }

    /// Whether all has been said.
    pub(super) fn is_at_rest(&self) -> bool {
        self.out.is_empty() && self.urgent.is_empty() && self.waiting() == 0 && self.news.is_empty()
    }

    /// Writes what is to be said now.
    pub(super) fn say(&mut self, now: Instant) {
        let Stage::Up(limits) = &self.stage else { return };
        while let Some(ack) = self.inbound.next_ack() {
            let _ = match ack {
                Ack::Puback { id, failed } => self.writer.puback(&mut self.out, id, failed),
                Ack::Pubrec { id } => self.writer.pubrec(&mut self.out, id),
            };
        }
        let names = limits.names_subscriptions;
        self.subscriptions.send(&mut self.out, &self.writer, &mut self.outbound, names, now);
        while self.out.len() < MOST_UNSENT && self.say_next(now) {}
    }

    /// Writes the next message: what is to be sent again first. False if there is none, or no room in flight.
    fn say_next(&mut self, now: Instant) -> bool {
        let Stage::Up(limits) = &self.stage else { return false };
        if let Some(send) = self.outbound.send_next(limits.most_in_flight, now) {
            let (id, largest) = (id_of(&send), limits.max_packet);
            if !write(&mut self.out, &self.writer, &send, largest) {
                let outgoing = self.outbound.withdraw(id);
                self.settle(outgoing, Err("it is larger than the broker allows".to_owned()));
            }
            return true;
        }
        let may_send = self.outbound.is_sent() && self.outbound.unanswered() < limits.most_in_flight;
        if !may_send || !self.outbound.has_id() {
            return false;
        }
        let next = self.urgent.pop_front().map(|message| Outgoing {
            message,
            hold: super::hold::Hold::default(),
            counts: false,
        });
        let Some(mut outgoing) = next.or_else(|| self.dequeue()) else { return false };
        let Stage::Up(limits) = &self.stage else { return false };
        if outgoing.message.retain && !limits.retains {
            self.settle(Some(outgoing), Err("the broker keeps no retained messages".to_owned()));
            return true;
        }
        outgoing.message.qos = outgoing.message.qos.at_most(limits.best_qos);
        if outgoing.message.qos != Qos::AtMostOnce {
            let _ = self.outbound.push(outgoing); // there is an id
            return true;
        }
        let send = Send::Publish { message: &outgoing.message, id: 0, dup: false, clears: false };
        let written = write(&mut self.out, &self.writer, &send, limits.max_packet);
        let said = if written { Ok(()) } else { Err("it is larger than the broker allows".to_owned()) };
        self.settle(Some(outgoing), said);
        true
    }

    fn dequeue(&mut self) -> Option<Outgoing> {
        let outgoing = self.queue.pop()?;
        self.queued -= 1;
        if let Some(last) = self.states.get_mut(&outgoing.message.topic) {
            *last = Some(outgoing.message.clone());
        }
        Some(outgoing)
    }

    /// Bytes have been written.
    pub(super) fn sent(&mut self, bytes: usize, now: Instant) {
        self.out.drain(..bytes);
        self.owed = self.owed.min(self.out.len());
        self.last_sent = now;
    }

    /// When to look at the time next; `hears` says whether what the broker says is read at present.
    pub(super) fn due(&self, hears: bool) -> Instant {
        match &self.stage {
            Stage::Closed => Instant::NEVER,
            Stage::Greeted { since } => *since + self.timeout,
            Stage::Up(limits) => {
                let ping = match self.pinged {
                    None if limits.keep_alive.is_zero() => Instant::NEVER,
                    None => self.last_sent.min(self.last_heard) + limits.keep_alive,
                    Some(since) if hears => since + self.timeout,
                    Some(_) => self.last_sent + limits.keep_alive,
                };
                let owed = [self.outbound.oldest(), self.subscriptions.oldest()].into_iter().flatten().min();
                let owed = owed.filter(|_| hears).map_or(Instant::NEVER, |since| since + self.timeout);
                ping.min(owed)
            }
        }
    }

    /// What the broker is to acknowledge first.
    fn owed(&self) -> String {
        match self.outbound.oldest_topic() {
            Some(topic) => format!("the message to `{}`", printable(topic)),
            None => "a subscription".to_owned(),
        }
    }

    /// Looks at the time: says that we are here, or finds that the broker is not.
    pub(super) fn check(&mut self, hears: bool, now: Instant) -> Result<(), Lost> {
        if now < self.due(hears) {
            return Ok(());
        }
        let Stage::Up(limits) = &self.stage else {
            // One that knows MQTT 3.1.1 only should say so; some say nothing.
            let older = match self.version() {
                Version::V5 => "; if it knows MQTT 3.1.1 only, set that by `version`",
                Version::V3_1_1 => "",
            };
            let timeout = self.timeout;
            return Err(Lost::peer(format!("the broker has not answered the greeting within {timeout:?}{older}")));
        };
        let is_late = |since: Option<Instant>| hears && since.is_some_and(|since| now >= since + self.timeout);
        if is_late(self.pinged) {
            return Err(Lost::peer(format!("the broker has not answered within {:?}", self.timeout)));
        }
        if is_late(self.outbound.oldest()) || is_late(self.subscriptions.oldest()) {
            return Err(Lost::peer(format!(
                "the broker has not acknowledged {} within {:?}",
                self.owed(),
                self.timeout
            )));
        }
        if !limits.keep_alive.is_zero() && now >= self.last_sent.min(self.last_heard) + limits.keep_alive {
            let _ = self.writer.pingreq(&mut self.out);
            self.pinged = Some(now);
            self.last_sent = now;
        }
        Ok(())
    }

    /// The last words.
    pub(super) fn say_goodbye(&mut self, farewell: Option<&Message>) {
        if !self.is_up() {
            return;
        }
        if let Some(message) = farewell {
            let _ = self.writer.publish(&mut self.out, message, None, false);
        }
        let _ = self.writer.disconnect(&mut self.out);
    }

    /// Takes out all that is not delivered.
    pub(super) fn take_all(&mut self) -> Vec<Outgoing> {
        self.queued = 0;
        self.outbound.take_all().chain(self.queue.drain()).collect()
    }
}

pub(super) fn taken_over() -> Lost {
    let text = "another client with the same id has taken the session: give each a client id of its own";
    Lost::TakenOver(StreamError::new(text))
}

fn id_of(send: &Send<'_>) -> u16 {
    match send {
        Send::Publish { id, .. } | Send::Release(id) => *id,
    }
}

/// False if it cannot be written.
fn write(out: &mut Vec<u8>, writer: &Writer, send: &Send<'_>, largest: u32) -> bool {
    let before = out.len();
    match *send {
        Send::Release(id) => writer.pubrel(out, id).is_ok(),
        Send::Publish { message, id, dup, clears } => {
            if clears {
                let _ = writer.pubrel(out, id);
            }
            let begins = out.len();
            let id = (message.qos != Qos::AtMostOnce).then_some(id);
            let fits = writer.publish(out, message, id, dup).is_ok() && out.len() - begins <= largest as usize;
            if !fits {
                out.truncate(before);
            }
            fits
        }
    }
}

#[cfg(test)]
mod tests;
