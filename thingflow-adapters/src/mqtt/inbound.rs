//! [`Inbound`]: what has been received and is not dealt with, and what is to be acknowledged, in the order in which it came.

use std::collections::{HashSet, VecDeque};

use super::message::Qos;

/// What the broker waits for.
#[derive(Default)]
pub(super) struct Inbound {
    /// In the order of arrival.
    working: VecDeque<Working>,
    next: u64,
    /// QoS 2: acknowledged, and not released by the broker yet.
    received: HashSet<u16>,
}

struct Working {
    number: u64,
    id: u16,
    qos: Qos,
    end: Option<End>,
}

/// How a message was dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Failed,
    /// It is left to the next run: the broker is told nothing, and brings it again.
    Abandoned,
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Hand it on, and tell what became of it by this number.
    New(u64),
    /// It is being dealt with already, or is acknowledged by this once more.
    Known { acknowledge: bool },
}

/// What to acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ack {
    Puback { id: u16, failed: bool },
    Pubrec { id: u16 },
}

impl Inbound {
    /// A message of QoS 1 or 2 has come.
    pub(super) fn arrived(&mut self, id: u16, qos: Qos, dup: bool) -> Arrival {
        if qos == Qos::ExactlyOnce && self.received.contains(&id) {
            return Arrival::Known { acknowledge: true };
        }
        if let Some(at) = self.working.iter().position(|working| working.id == id) {
            let abandoned = self.working[at].end == Some(End::Abandoned);
            if dup && !abandoned {
                return Arrival::Known { acknowledge: false };
            }
            self.working.remove(at); // the broker has used the id again
        }
        let number = self.next;
        self.next += 1;
        self.working.push_back(Working { number, id, qos, end: None });
        Arrival::New(number)
    }

    /// A message has been dealt with. Of an earlier session it is of no concern.
    pub(super) fn dealt_with(&mut self, number: u64, end: End) {
        if let Ok(at) = self.working.binary_search_by_key(&number, |working| working.number) {
            self.working[at].end = Some(end);
        }
    }

    /// The next acknowledgement: in the order in which the messages came.
    pub(super) fn next_ack(&mut self) -> Option<Ack> {
        let at = self.working.iter().position(|working| working.end != Some(End::Abandoned))?;
        let failed = self.working[at].end? == End::Failed;
        let Working { id, qos, .. } = self.working.remove(at)?;
        Some(match qos {
            Qos::ExactlyOnce => {
                self.received.insert(id);
                Ack::Pubrec { id }
            }
            _ => Ack::Puback { id, failed },
        })
    }

    /// The broker will not send that message of QoS 2 again.
    pub(super) fn released(&mut self, id: u16) {
        self.received.remove(&id);
    }

    /// A new connection. Without the session the broker waits for nothing.
    pub(super) fn restart(&mut self, session_present: bool) {
        if !session_present {
            self.working.clear();
            self.received.clear();
        }
    }

    /// How many messages are being dealt with.
    pub(super) fn len(&self) -> usize {
        self.working.len()
    }
}
