//! [`Inbox`]: what has come and waits for its ports, or for the graph to be done with it.
//!
//! Invariant: it is bounded. While it is full nothing is read, so that the broker waits. What the client itself has published
//! is acknowledged by the same connection; while the graph may be waiting for that, it is read all the same, and messages of
//! QoS 0 for which there is no room are left out.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use thingflow_core::prelude::*;
use thingflow_core::tracking::{Outcome, Settled};
use thingflow_core::{Question, StreamError};

use super::desk::Desk;
use super::inbound::End;
use super::link::NAME;
use super::message::Received;
use super::options::{Options, Version};
use super::session::Session;
use super::subscriptions::Feed;
use super::wire::Publish;
use crate::printable::printable;

/// So many messages wait for their ports; then no more is read.
const MOST_PENDING: usize = 256;
/// So many are not dealt with, of a broker that is read for its acknowledgements.
const MOST_HELD: usize = 4096;

/// The messages that have come.
pub(super) struct Inbox {
    desk: Rc<Desk>,
    /// What waits for its ports, with the session's numbers.
    pending: VecDeque<(Publish, Option<u64>)>,
    /// A port was full.
    blocked: bool,
    /// The broker is read for its acknowledgements only.
    is_over: bool,
    /// So many messages of QoS 0 found no room.
    left_out: u64,
    tracker: Tracker,
    /// What the tracker has numbered and the graph is not done with.
    known: Rc<RefCell<HashMap<u64, Known>>>,
    tracked: u64,
}

/// A message that a tracked subscription has handed on.
struct Known {
    /// The session's; none if the broker does not wait for it.
    number: Option<u64>,
    topic: String,
}

impl Inbox {
    pub(super) fn new(desk: Rc<Desk>) -> Self {
        let (there, known) = (desk.clone(), Rc::<RefCell<HashMap<u64, Known>>>::default());
        let handed_on = known.clone();
        let tracker = Tracker::new(move |Settled { index, outcome, .. }: Settled, cx: &mut Context<'_>| {
            let Some(Known { number, topic }) = handed_on.borrow_mut().remove(&index) else { return Ok(()) };
            let end = match outcome {
                // The broker would bring what is dropped only to the next connection, and until then send fewer.
                Outcome::Done | Outcome::Dropped => End::Done,
                Outcome::Failed(error) => {
                    let text = format!("a message of `{}` could not be dealt with: {error}", printable(&topic));
                    cx.report(NAME, &StreamError::msg(text));
                    End::Failed
                }
                _ => End::Abandoned,
            };
            if let Some(number) = number {
                there.settled.borrow_mut().push((number, end));
                there.ring();
            }
            Ok(())
        });
        Self { desk, pending: VecDeque::new(), blocked: false, is_over: false, left_out: 0, tracker, known, tracked: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether it waits for a port.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether what the broker says is to be read.
    pub(super) fn has_room(&self, session: &Session, options: &Options) -> bool {
        let (held, most) = (session.inbound.len(), usize::from(options.receive_maximum));
        // By MQTT 5 the broker brings no more than `most` by itself.
        let is_full = if session.version() == Version::V5 { held > most } else { held >= most };
        let waits = session.outbound.unanswered() > 0 || !session.out.is_empty();
        let waits_for_itself = waits && (is_full || !session.has_room());
        !is_full && self.pending.len() < MOST_PENDING || waits_for_itself && held < MOST_HELD
    }

    /// The broker is read next.
    pub(super) fn prepare(&mut self) {
        self.is_over = self.pending.len() >= MOST_PENDING;
    }

    /// Takes in a message, by the number by which the session is told what became of it.
    pub(super) fn push(&mut self, publish: Publish, number: Option<u64>, cx: &mut Context<'_>) {
        if !self.is_over || number.is_some() {
            return self.pending.push_back((publish, number));
        }
        self.left_out += 1;
        if self.left_out == 1 {
            let text = "messages of QoS 0 are left out: more come than the graph takes, which waits for what this client publishes";
            cx.report(NAME, &StreamError::new(text));
        }
    }

    /// Tells the session what the graph has dealt with.
    pub(super) fn hear_of_settled(&mut self, session: &mut Session) {
        for (number, end) in self.desk.settled.take() {
            session.inbound.dealt_with(number, end);
        }
    }

    /// Hands on what has come, as long as there is room.
    pub(super) fn deliver(&mut self, session: &mut Session, options: &Options, cx: &mut Context<'_>) -> Closed {
        while let Some((publish, number)) = self.pending.front() {
            let number = *number;
            let targets: Vec<usize> = session.subscriptions.of(publish).collect();
            if session.is_overfull() || self.blocked && !have_room(session, &targets) {
                return Ok(());
            }
            self.blocked = false;
            let Some((publish, _)) = self.pending.pop_front() else { return Ok(()) };
            self.deliver_to(&targets, publish, number, (session, options), cx)?;
            if self.blocked {
                return Ok(());
            }
        }
        if self.left_out > 0 {
            log::warn!("{NAME}: {} messages of QoS 0 were left out", std::mem::take(&mut self.left_out));
        }
        Ok(())
    }

    fn deliver_to(
        &mut self,
        targets: &[usize],
        publish: Publish,
        number: Option<u64>,
        (session, options): (&mut Session, &Options),
        cx: &mut Context<'_>,
    ) -> Closed {
        let Publish { topic, payload, qos, retain, dup, .. } = publish;
        let time = cx.timestamp();
        let received = Received { topic, payload, qos, retained: retain, duplicate: dup, time };
        let mut tracked: Option<Tracked<Received>> = None;
        for target in targets {
            let Some(subscription) = session.subscriptions.get(*target) else { continue };
            let demand = match &subscription.feed {
                Feed::Plain(port) => port.emit(received.clone(), cx)?,
                Feed::Tracked(port) => {
                    let event = match tracked.take() {
                        Some(event) => event,
                        None => self.track(received.clone(), number, cx),
                    };
                    tracked = Some(event.clone());
                    port.emit(event, cx)?
                }
                Feed::Birth => {
                    if options.birth.as_ref().is_some_and(|(_, payload)| *payload == received.payload) {
                        session.greet_again(options);
                    }
                    Demand::More
                }
            };
            match demand {
                Demand::More => {}
                Demand::Full => self.blocked = true,
                Demand::Done => session.subscriptions.leave(*target),
            }
        }
        match (tracked, number) {
            (None, Some(number)) => session.inbound.dealt_with(number, End::Done),
            (Some(event), _) => drop(event.done()),
            (None, None) => {}
        }
        Ok(())
    }

    fn track(&mut self, received: Received, number: Option<u64>, cx: &mut Context<'_>) -> Tracked<Received> {
        self.known.borrow_mut().insert(self.tracked, Known { number, topic: received.topic.clone() });
        self.tracked += 1;
        self.tracker.track(received, (), cx)
    }
}

fn have_room(session: &Session, targets: &[usize]) -> bool {
    let mut ports = targets.iter().filter_map(|target| session.subscriptions.get(*target)?.feed.port());
    ports.all(|port| port.ask(Question::Room))
}
