//! Packet ids and order, against a naive model.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use proptest::prelude::*;
use thingflow_core::tracking::{Outcome, Tracker};
use thingflow_core::{Context, Instant};

use super::*;

const NOW: Instant = Instant::ZERO;

fn outgoing(n: usize, qos: Qos) -> Outgoing {
    Outgoing { message: Message::new("t", n.to_string()).qos(qos), hold: Hold::default(), counts: true }
}

fn number(outgoing: &Outgoing) -> usize {
    String::from_utf8_lossy(&outgoing.message.payload).parse().expect("it is a number")
}

/// What is sent next: the message, its id, whether it is marked as a duplicate.
fn next(outbound: &mut Outbound, most: usize) -> Option<(usize, u16, bool)> {
    match outbound.send_next(most, NOW)? {
        Send::Publish { message, id, dup, .. } => {
            Some((String::from_utf8_lossy(&message.payload).parse().expect("it is a number"), id, dup))
        }
        Send::Release(id) => Some((usize::MAX, id, false)),
    }
}

/// What a broker and a network may do.
#[derive(Clone, Debug)]
enum Step {
    Push(u8),
    /// Acknowledges the message that was sent so many before.
    Acknowledge(usize),
    /// The acknowledgement of the oldest one is lost for good, as long as this connection lasts.
    Lose,
    Reconnect {
        session_present: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1..40_u8).prop_map(Step::Push),
        10 => (0..6_usize).prop_map(Step::Acknowledge),
        1 => Just(Step::Lose),
        1 => any::<bool>().prop_map(|session_present| Step::Reconnect { session_present }),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// The ids begin shortly before they go round, so that they do so in each case.
    #[test]
    fn a16_each_acknowledgement_hits_its_own_message(steps in steps(), qos2 in any::<bool>()) {
        let qos = if qos2 { Qos::ExactlyOnce } else { Qos::AtLeastOnce };
        let mut outbound = Outbound { last_id: u16::MAX - 20, ..Outbound::default() };
        let mut pushed = 0;
        let mut open: VecDeque<usize> = VecDeque::new(); // the model: what is not acknowledged, in order
        let mut sent: Vec<(usize, u16)> = Vec::new(); // on this connection
        let mut ids = std::collections::HashMap::new();
        for step in steps {
            match step {
                Step::Push(n) => for _ in 0..n {
                    prop_assert!(outbound.push(outgoing(pushed, qos)).is_ok());
                    open.push_back(pushed);
                    pushed += 1;
                },
                Step::Acknowledge(back) => {
                    if let Some(at) = sent.len().checked_sub(1 + back) {
                        let (message, id) = sent.remove(at);
                        let done = if qos2 {
                            prop_assert!(outbound.received(id, NOW));
                            outbound.completed(id)
                        } else {
                            outbound.acknowledged(id)
                        };
                        prop_assert_eq!(done.as_ref().map(number), Some(message));
                        prop_assert!(outbound.acknowledged(id).is_none(), "once");
                        prop_assert!(outbound.completed(id).is_none(), "once");
                        open.retain(|other| *other != message);
                        ids.remove(&message);
                    }
                }
                Step::Lose => { let _ = sent.drain(..1.min(sent.len())); }
                Step::Reconnect { session_present } => {
                    outbound.restart(session_present);
                    sent.clear();
                    if !session_present { ids.values_mut().for_each(|(_, seen)| *seen = false); }
                    // All that is open comes again, in order, and before anything else.
                    let again: Vec<usize> = std::iter::from_fn(|| {
                        let (message, id, dup) = next(&mut outbound, usize::MAX)?;
                        sent.push((message, id));
                        let (before, seen) = *ids.entry(message).or_insert((id, false));
                        assert_eq!(dup, seen, "a duplicate is marked, and nothing else");
                        assert_eq!(before, id, "a message keeps its id");
                        ids.insert(message, (id, true));
                        Some(message)
                    }).collect();
                    prop_assert_eq!(&again, &open.iter().copied().collect::<Vec<_>>());
                }
            }
            while let Some((message, id, dup)) = next(&mut outbound, usize::MAX) {
                prop_assert!(!dup && sent.iter().all(|(_, other)| *other != id), "an id is free when it is used");
                sent.push((message, id));
                ids.insert(message, (id, true));
            }
            prop_assert_eq!(outbound.len(), open.len());
        }
    }
}

#[test]
fn a16_the_ids_go_round_three_times_with_acknowledgements_that_are_lost() {
    let mut outbound = Outbound::default();
    let (mut pushed, mut done, mut lost) = (0, 0, Vec::new());
    for round in 0..200_000 {
        assert!(outbound.push(outgoing(pushed, Qos::AtLeastOnce)).is_ok());
        pushed += 1;
        let (message, id, dup) = next(&mut outbound, usize::MAX).expect("there is one to send");
        assert_eq!((message, dup), (round, false));
        if round % 1000 == 7 {
            lost.push((message, id)); // never acknowledged: its id must not come again
        } else {
            assert!(lost.iter().all(|(_, other)| *other != id));
            assert_eq!(outbound.acknowledged(id).as_ref().map(number), Some(message));
            done += 1;
        }
    }
    assert_eq!((done, outbound.len()), (199_800, 200));
    outbound.restart(true);
    let again: Vec<(usize, u16)> =
        std::iter::from_fn(|| next(&mut outbound, usize::MAX).map(|(n, id, _)| (n, id))).collect();
    assert_eq!(again, lost);
}

#[test]
fn no_more_than_allowed_is_unanswered_also_when_it_is_sent_again() {
    let mut outbound = Outbound::default();
    (0..5).for_each(|n| assert!(outbound.push(outgoing(n, Qos::AtLeastOnce)).is_ok()));
    let sent =
        |outbound: &mut Outbound| -> Vec<usize> { std::iter::from_fn(|| next(outbound, 2).map(|(n, ..)| n)).collect() };
    assert_eq!(sent(&mut outbound), [0, 1]);
    assert!(sent(&mut outbound).is_empty());
    assert!(outbound.acknowledged(2).is_some());
    assert_eq!(sent(&mut outbound), [2]);
    outbound.restart(true);
    assert_eq!(sent(&mut outbound), [0, 2]);
    assert!(!outbound.is_sent());
}

/// The broker has a message by that id which it will publish once it is released, and takes the next one of that id for it.
#[test]
fn the_first_use_of_an_id_in_a_session_of_an_earlier_process_clears_it() {
    let mut outbound = Outbound::default();
    outbound.inherit();
    for (qos, clears) in [(Qos::ExactlyOnce, true), (Qos::AtLeastOnce, false)] {
        assert!(outbound.push(outgoing(0, qos)).is_ok());
        let send = outbound.send_next(9, NOW);
        assert!(matches!(send, Some(Send::Publish { clears: is, .. }) if is == clears), "{qos:?}");
    }
    // What answers the clearing is not for the message.
    assert!(outbound.completed(1).is_none());
    assert!(outbound.received(1, NOW) && outbound.completed(1).is_some());
    for _ in 0..u16::MAX {
        assert!(outbound.push(outgoing(0, Qos::AtLeastOnce)).is_ok());
        let id = next(&mut outbound, usize::MAX).map(|(_, id, _)| id);
        assert!(id.is_some_and(|id| outbound.acknowledged(id).is_some()));
    }
    assert!(outbound.push(outgoing(0, Qos::ExactlyOnce)).is_ok());
    assert!(matches!(outbound.send_next(9, NOW), Some(Send::Publish { clears: false, .. })));
}

#[test]
fn a_message_that_is_dropped_is_abandoned_and_not_done() {
    let outcome = Rc::new(Cell::new(None));
    let told = outcome.clone();
    let tracker = Tracker::new(move |settled, _: &mut Context<'_>| {
        told.set(Some(settled.outcome == Outcome::Abandoned));
        Ok(())
    });
    let cx = &mut Context::detached(NOW);
    let (message, ack) = tracker.track(Message::new("t", "x"), (), cx).split();
    let mut outbound = Outbound::default();
    assert!(outbound.push(Outgoing { message, hold: Hold::of(ack), counts: true }).is_ok());
    drop(outbound.take_all());
    assert!(tracker.settle(cx).is_ok());
    assert_eq!(outcome.get(), Some(true));
}
