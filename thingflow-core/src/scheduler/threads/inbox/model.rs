//! All ways in which two posters and a reactor can follow each other, by loom: `cargo xtask model`.
//!
//! A wake-up that is lost shows as a deadlock, which loom reports with the order of steps that led to it.

use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::*;

/// The reactor's sleep: a wake-up that comes early is kept, as by the eventfd of the real one.
#[derive(Default)]
pub(in super::super) struct Bed {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Arc<Bed> {
    fn wake(&self) {
        *lock(&self.woken) = true;
        self.changed.notify_one();
    }
}

impl Bed {
    pub(in super::super) fn sleep(&self) {
        let mut woken = lock(&self.woken);
        while !*woken {
            woken = self.changed.wait(woken).unwrap_or_else(PoisonError::into_inner);
        }
        *woken = false;
    }
}

/// Runs a reactor as the engine does, until the inbox has ended: what has come.
fn react(bed: &Bed, bell: &Doorbell, inbox: &mut Inbox<u32>) -> Vec<u32> {
    let (mut seen, mut ready) = (Vec::new(), Vec::new());
    loop {
        bell.take_ready(&mut ready);
        if ready.is_empty() {
            if bell.prepare_sleep() {
                bed.sleep();
            }
            bell.awake();
            continue;
        }
        let left = inbox.drain(usize::MAX, |arrival| {
            if let Arrival::Next(event) = arrival {
                seen.push(event);
            }
            ControlFlow::Continue(())
        });
        if left == Left::Ended {
            return seen;
        }
    }
}

/// Two posters, each with its events; what arrives of each, in every order that there is.
fn check(limit: fn() -> Limit, preemptions: usize, posts: [&'static [u32]; 2], judge: fn(&[u32])) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(move || {
        let bed = Arc::new(Bed::default());
        let bell = Arc::new(Doorbell::new(bed.clone()));
        let (sender, mut inbox) = channel(&limit(), bell.clone(), Id::of(0));
        let posters: Vec<_> = posts
            .into_iter()
            .map(|events| {
                let sender = sender.clone();
                thread::spawn(move || events.iter().for_each(|event| _ = sender.post(*event)))
            })
            .collect();
        drop(sender);
        let seen = react(&bed, &bell, &mut inbox);
        judge(&seen);
        let stats = inbox.shared.stats();
        assert_eq!(stats.posted, stats.dropped + seen.len() as u64);
        for poster in posters {
            poster.join().expect("no panic");
        }
    });
}

/// All of both, each in its order.
fn all_in_order(seen: &[u32]) {
    for tens in [10, 20] {
        let of_one: Vec<u32> = seen.iter().copied().filter(|event| event / 10 * 10 == tens).collect();
        assert_eq!(of_one, [tens, tens + 1], "{seen:?}");
    }
}

#[test]
fn no_wake_up_and_no_event_is_lost() {
    check(|| Limit::block(8), 3, [&[10, 11], &[20, 21]], all_in_order);
}

#[test]
fn who_waits_for_room_is_let_in() {
    check(|| Limit::block(1), 2, [&[10, 11], &[20, 21]], all_in_order);
}

#[test]
fn who_was_let_in_lets_the_next_one_in() {
    check(|| Limit::block(2), 2, [&[10, 11], &[20, 21]], all_in_order);
}

#[test]
fn the_last_event_arrives_where_older_ones_are_dropped() {
    check(Limit::keep_latest, 3, [&[10, 11], &[20]], |seen| {
        assert!(matches!(seen.last(), Some(11 | 20)), "{seen:?}");
    });
}

#[test]
fn a_source_that_was_told_to_pause_hears_that_there_is_room() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (here, there) = (Arc::new(Bed::default()), Arc::new(Bed::default()));
        let bell = Arc::new(Doorbell::new(there.clone()));
        let (sender, mut inbox) = channel(&Limit::block(1), bell.clone(), Id::of(0));
        // The reactor of another scheduler: after each `Full` it sleeps until it is told to resume.
        let other = thread::spawn(move || {
            let posting = Arc::new(Doorbell::new(here.clone()));
            let mut ready = Vec::new();
            for event in [1, 2] {
                let mut demand = sender.offer(event, &posting).expect("it is open");
                while demand == Demand::Full {
                    if posting.prepare_sleep() {
                        here.sleep();
                    }
                    posting.awake();
                    posting.take_ready(&mut ready);
                    if posting.take_resume() {
                        demand = Demand::More;
                    }
                }
            }
        });
        assert_eq!(react(&there, &bell, &mut inbox), [1, 2]);
        other.join().expect("no panic");
    });
}
