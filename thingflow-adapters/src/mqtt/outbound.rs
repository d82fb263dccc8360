//! [`Outbound`]: what has been published and is not acknowledged, in order, and which packet id stands for what.
//!
//! Invariants:
//! - A message keeps its place in the order and its id until it is acknowledged, over any number of connections.
//! - An id stands for one thing at a time; an acknowledgement of an id that stands for nothing is ignored.
//! - On each connection what is still open is sent in order, and what is new after it.

use std::collections::{BTreeMap, HashMap};

use thingflow_core::Instant;

use super::hold::Hold;
use super::message::{Message, Qos};

/// What is in flight.
#[derive(Default)]
pub(super) struct Outbound {
    open: BTreeMap<u64, Open>,
    ids: HashMap<u16, Use>,
    last_id: u16,
    next: u64,
    /// Everything before this has been sent on this connection.
    sent_to: u64,
    /// As many of them are open.
    unanswered: usize,
    /// The session is older than this process: the broker may remember something by each of the next ids, so many.
    inherited: u16,
}

/// What an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Publish(u64),
    Subscribe(u32),
    Unsubscribe,
}

struct Open {
    id: u16,
    outgoing: Outgoing,
    step: Step,
    /// When it was last sent.
    since: Instant,
    /// The broker may have seen it.
    again: bool,
    /// The broker may remember another message by its id.
    clears: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// To be sent, or sent and not acknowledged.
    Publish,
    /// QoS 2: the broker has it; it is to be released.
    Release,
}

/// A message, and who waits for it.
pub(super) struct Outgoing {
    pub(super) message: Message,
    pub(super) hold: Hold,
    /// Somebody has published it, and not the client itself.
    pub(super) counts: bool,
}

/// What to send.
#[derive(Debug, PartialEq)]
pub(super) enum Send<'a> {
    Publish {
        message: &'a Message,
        id: u16,
        dup: bool,
        /// The broker may remember a message of that id: it is to be released first.
        clears: bool,
    },
    Release(u16),
}

/// Every id is in use.
#[derive(Debug)]
pub(super) struct NoId;

impl Outbound {
    /// Whether some id stands for nothing.
    pub(super) fn has_id(&self) -> bool {
        self.ids.len() < usize::from(u16::MAX)
    }

    /// The next id that stands for nothing. They go round, so that a late acknowledgement hits nobody else soon.
    pub(super) fn take_id(&mut self, stands_for: Use) -> Result<u16, NoId> {
        if !self.has_id() {
            return Err(NoId);
        }
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            self.inherited = self.inherited.saturating_sub(1);
            if let std::collections::hash_map::Entry::Vacant(entry) = self.ids.entry(self.last_id) {
                entry.insert(stands_for);
                return Ok(self.last_id);
            }
        }
    }

    /// What an acknowledgement is for. The id is free again if it is not that of a message.
    pub(super) fn answered(&mut self, id: u16) -> Option<Use> {
        let stands_for = *self.ids.get(&id)?;
        if !matches!(stands_for, Use::Publish(_)) {
            self.ids.remove(&id);
        }
        Some(stands_for)
    }

    /// Takes in a message of QoS 1 or 2 as the newest.
    pub(super) fn push(&mut self, outgoing: Outgoing) -> Result<(), NoId> {
        let clears = self.inherited > 0 && outgoing.message.qos == Qos::ExactlyOnce;
        let id = self.take_id(Use::Publish(self.next))?;
        let open = Open { id, outgoing, step: Step::Publish, since: Instant::NEVER, again: false, clears };
        self.open.insert(self.next, open);
        self.next += 1;
        Ok(())
    }

    /// The next thing to send on this connection, if fewer than `most` are unanswered.
    pub(super) fn send_next(&mut self, most: usize, now: Instant) -> Option<Send<'_>> {
        if self.unanswered >= most {
            return None;
        }
        let (&number, open) = self.open.range_mut(self.sent_to..).next()?;
        self.sent_to = number + 1;
        self.unanswered += 1;
        open.since = now;
        let id = open.id;
        Some(match open.step {
            Step::Release => Send::Release(id),
            Step::Publish => {
                let dup = std::mem::replace(&mut open.again, true);
                let message = &open.outgoing.message;
                Send::Publish { message, id, dup, clears: std::mem::take(&mut open.clears) }
            }
        })
    }

    /// Takes out a message that cannot be sent.
    pub(super) fn withdraw(&mut self, id: u16) -> Option<Outgoing> {
        self.finish(id, |_| true)
    }

    /// How many messages have been sent on this connection and are not acknowledged.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Whether all that is open has been sent on this connection.
    pub(super) fn is_sent(&self) -> bool {
        self.open.range(self.sent_to..).next().is_none()
    }

    /// The broker has a message of QoS 1, or will never have it. None if nobody waits for that.
    pub(super) fn acknowledged(&mut self, id: u16) -> Option<Outgoing> {
        self.finish(id, |open| open.outgoing.message.qos == Qos::AtLeastOnce)
    }

    /// The broker has a message of QoS 2, which is to be released next. False if it was not waited for; then it is released too,
    /// since the broker waits for that.
    pub(super) fn received(&mut self, id: u16, now: Instant) -> bool {
        let Some(open) = self.sent(id) else { return false };
        if open.outgoing.message.qos != Qos::ExactlyOnce {
            return false;
        }
        open.step = Step::Release;
        open.since = now;
        true
    }

    /// The broker refuses a message of QoS 2.
    pub(super) fn refused(&mut self, id: u16) -> Option<Outgoing> {
        self.finish(id, |open| open.outgoing.message.qos == Qos::ExactlyOnce)
    }

    /// The broker has dealt with the release of a message of QoS 2.
    pub(super) fn completed(&mut self, id: u16) -> Option<Outgoing> {
        self.finish(id, |open| open.step == Step::Release)
    }

    /// What has been sent on this connection by that id.
    fn sent(&mut self, id: u16) -> Option<&mut Open> {
        let Some(Use::Publish(number)) = self.ids.get(&id) else { return None };
        if *number >= self.sent_to {
            return None;
        }
        self.open.get_mut(number)
    }

    fn finish(&mut self, id: u16, may: impl FnOnce(&Open) -> bool) -> Option<Outgoing> {
        if !may(self.sent(id)?) {
            return None;
        }
        let Some(Use::Publish(number)) = self.ids.remove(&id) else { return None };
        self.unanswered -= 1;
        self.open.remove(&number).map(|open| open.outgoing)
    }

    /// A new connection: all that is open is sent again. Without the session the broker knows nothing of it.
    pub(super) fn restart(&mut self, session_present: bool) {
        self.sent_to = 0;
        self.unanswered = 0;
        self.ids.retain(|_, stands_for| matches!(stands_for, Use::Publish(_)));
        if !session_present {
            self.inherited = 0;
            for open in self.open.values_mut() {
                open.step = Step::Publish;
                open.again = false;
                open.clears = false;
            }
        }
    }

    /// The session was there before this process.
    pub(super) fn inherit(&mut self) {
        self.inherited = u16::MAX;
    }

    /// Since when the oldest message that has been sent is not acknowledged.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.open.range(..self.sent_to).next().map(|(_, open)| open.since)
    }

    /// The topic of that message.
    pub(super) fn oldest_topic(&self) -> Option<&str> {
        self.open.range(..self.sent_to).next().map(|(_, open)| &*open.outgoing.message.topic)
    }

    /// How many messages are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Takes all out: the end.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Outgoing> {
        std::mem::take(self).open.into_values().map(|open| open.outgoing)
    }
}

#[cfg(test)]
mod tests;
