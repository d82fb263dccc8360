//! [`Inbound`]: what has been received and is not dealt with, and what is to be acknowledged, in the order in which it came.

use std::collections::{HashSet, VecDeque};

use super::message::Qos;

/// What the broker waits for.
#[derive(Default)]
pub(super) struct Inbound {
    /// In the order of arrival.
    working: VecDeque<Working>,
    next: u64,
    /// How many of them are left to the next run.
    abandoned: usize,
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
            self.abandoned -= usize::from(abandoned);
        }
        let number = self.next;
        self.next += 1;
        self.working.push_back(Working { number, id, qos, end: None });
        Arrival::New(number)
    }

    /// A message has been dealt with. Of an earlier session it is of no concern.
    pub(super) fn dealt_with(&mut self, number: u64, end: End) {
        if let Ok(at) = self.working.binary_search_by_key(&number, |working| working.number) {
            let before = self.working[at].end.replace(end);
            self.abandoned += usize::from(end == End::Abandoned);
            self.abandoned -= usize::from(before == Some(End::Abandoned));
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
            self.abandoned = 0;
            self.received.clear();
        }
    }

    /// How many messages are being dealt with.
    pub(super) fn len(&self) -> usize {
        self.working.len() - self.abandoned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(arrival: Arrival) -> u64 {
        match arrival {
            Arrival::New(number) => number,
            Arrival::Known { .. } => panic!("it is known"),
        }
    }

    #[test]
    fn acknowledgements_come_in_the_order_of_the_messages() {
        let mut inbound = Inbound::default();
        let numbers = [7, 8, 9].map(|id| new(inbound.arrived(id, Qos::AtLeastOnce, false)));
        inbound.dealt_with(numbers[2], End::Done);
        inbound.dealt_with(numbers[1], End::Failed);
        assert_eq!(inbound.next_ack(), None);
        inbound.dealt_with(numbers[0], End::Done);
        let acks: Vec<Ack> = std::iter::from_fn(|| inbound.next_ack()).collect();
        let ack = |id, failed| Ack::Puback { id, failed };
        assert_eq!(acks, [ack(7, false), ack(8, true), ack(9, false)]);
    }

    #[test]
    fn a_message_of_qos_2_is_known_until_it_is_released() {
        let mut inbound = Inbound::default();
        let number = new(inbound.arrived(5, Qos::ExactlyOnce, false));
        assert_eq!(inbound.arrived(5, Qos::ExactlyOnce, true), Arrival::Known { acknowledge: false });
        inbound.dealt_with(number, End::Done);
        assert_eq!(inbound.next_ack(), Some(Ack::Pubrec { id: 5 }));
        assert_eq!(inbound.arrived(5, Qos::ExactlyOnce, true), Arrival::Known { acknowledge: true });
        inbound.released(5);
        assert_ne!(new(inbound.arrived(5, Qos::ExactlyOnce, false)), number);
    }

    #[test]
    fn what_is_abandoned_holds_nobody_up_and_comes_again() {
        let mut inbound = Inbound::default();
        let numbers = [1, 2].map(|id| new(inbound.arrived(id, Qos::AtLeastOnce, false)));
        inbound.dealt_with(numbers[0], End::Abandoned);
        inbound.dealt_with(numbers[1], End::Done);
        assert_eq!(inbound.next_ack(), Some(Ack::Puback { id: 2, failed: false }));
        assert_eq!((inbound.next_ack(), inbound.len()), (None, 0));
        assert_ne!(new(inbound.arrived(1, Qos::AtLeastOnce, true)), numbers[0]);
    }

    #[test]
    fn of_a_lost_session_nothing_is_acknowledged() {
        let mut inbound = Inbound::default();
        let number = new(inbound.arrived(1, Qos::AtLeastOnce, false));
        inbound.restart(true);
        assert_eq!(inbound.arrived(1, Qos::AtLeastOnce, true), Arrival::Known { acknowledge: false });
        inbound.restart(false);
        inbound.dealt_with(number, End::Done);
        assert_eq!(inbound.next_ack(), None);
    }
}
