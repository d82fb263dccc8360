//! Who has something for the reactor, and how it is woken: one doorbell for all its inboxes.
//!
//! All decisions are made under one lock, which a poster takes once per batch and not per event.

use std::mem;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

use super::super::sync::{AtomicBool, Mutex, lock};
use super::Id;

/// Posters that keep the reactor awake get this long between two looks to gather a batch.
///
/// A batch of a few events costs as much synchronisation as one of a thousand: without this pace the reactor and the
/// posters hinder each other, measured at up to three times the cost per event. An event after a sleep never waits.
const PACE: Duration = Duration::from_micros(8);

/// How to wake the reactor from its sleep.
///
/// A wake-up must be sticky: if the reactor is about to sleep but does not yet, its sleep ends at once. It must also
/// outlive the posters, so the reactor keeps a handle of the doorbell.
pub(crate) trait Wake: Send + Sync {
    /// Ends the reactor's sleep, now or as soon as it begins.
    fn wake(&self);
}

/// The list of inboxes that have something for the reactor, and the means to wake it.
///
/// Each turn the reactor calls [`take_ready`](Self::take_ready) and drains those inboxes. Before it blocks it calls
/// [`prepare_sleep`](Self::prepare_sleep), and after that [`awake`](Self::awake).
pub(crate) struct Doorbell {
    bell: Mutex<Bell>,
    /// A queue is full: don't wait for more. Only a hint, so it needs no order with anything.
    hurry: AtomicBool,
    /// A thread has room again for which sources wait. Set before the ring, which has the reactor look.
    resumes: AtomicBool,
    wake: Box<dyn Wake>,
}

#[derive(Default)]
struct Bell {
    ready: Vec<Id>,
    sleeping: bool,
    /// When the next look is due, if the reactor did not sleep since the last.
    next_look: Option<Instant>,
}

impl Doorbell {
    /// A doorbell for a reactor that is awake.
    pub(crate) fn new(wake: impl Wake + 'static) -> Self {
        Self {
            bell: Mutex::default(),
            hurry: AtomicBool::new(false),
            resumes: AtomicBool::new(false),
            wake: Box::new(wake),
        }
    }

    /// Swaps the list of ready inboxes with `ready`, which is emptied first. Drain each, or remember it for later.
    ///
    /// An inbox that was dropped meanwhile may still be listed. If posts come faster than turns, this spins for up to
    /// [`PACE`] while they gather.
    pub(crate) fn take_ready(&self, ready: &mut Vec<Id>) {
        ready.clear();
        let mut bell = lock(&self.bell);
        if bell.ready.is_empty() {
            return;
        }
        mem::swap(&mut bell.ready, ready);
        let now = Instant::now();
        let look = bell.next_look.map_or(now, |due| due.max(now));
        bell.next_look = Some(look + PACE);
        drop(bell);
        self.pause_until(look);
    }

    /// True if nothing is ready: from now on a post wakes the reactor. False: there is something to take.
    #[must_use]
    pub(crate) fn prepare_sleep(&self) -> bool {
        let mut bell = lock(&self.bell);
        bell.sleeping = bell.ready.is_empty();
        bell.next_look = None;
        bell.sleeping
    }

    /// Whether an inbox has something for the reactor.
    pub(crate) fn has_rung(&self) -> bool {
        !lock(&self.bell).ready.is_empty()
    }

    /// The reactor no longer sleeps, whatever woke it: posts need not wake it.
    pub(crate) fn awake(&self) {
        lock(&self.bell).sleeping = false;
    }

    /// Wakes the reactor for what is in no inbox.
    pub(crate) fn wake_up(&self) {
        self.ring(Id::NOBODY);
    }

    /// Has the reactor let its paused sources go on.
    pub(crate) fn resume(&self) {
        self.resumes.store(true, SeqCst);
        self.wake_up();
    }

    /// Whether paused sources are to go on.
    pub(crate) fn take_resume(&self) -> bool {
        self.resumes.load(Relaxed) && self.resumes.swap(false, SeqCst)
    }

    /// Puts the inbox on the list and wakes the reactor if that sleeps.
    pub(crate) fn ring(&self, id: Id) {
        let mut bell = lock(&self.bell);
        bell.ready.push(id);
        let asleep = mem::take(&mut bell.sleeping);
        drop(bell); // the system call needs no lock
        if asleep {
            self.wake.wake();
        }
    }

    /// A queue is full: a pause would only make its posters wait.
    pub(super) fn hurry(&self) {
        if !self.hurry.load(Relaxed) {
            self.hurry.store(true, Relaxed);
        }
    }

    fn pause_until(&self, look: Instant) {
        if cfg!(loom) {
            return; // the model has no time
        }
        while !self.hurry.load(Relaxed) && Instant::now() < look {
            std::hint::spin_loop();
        }
        self.hurry.store(false, Relaxed);
    }
}
