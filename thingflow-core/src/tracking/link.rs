//! The trackers of a run, as its scheduler sees them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, ThreadId};

use slab::Slab;

use crate::context::Context;
use crate::thing::Closed;

/// A tracker without its type.
pub(crate) trait Settle {
    /// Tells the callback what is settled.
    fn settle(&self, cx: &mut Context<'_>) -> Closed;
    /// Ends the run for what is on its way.
    fn end_run(&self);
    fn in_flight(&self) -> usize;
}

/// The trackers of a scheduler. It keeps them until all of their events are settled, though their chains may be gone.
#[derive(Default)]
pub(crate) struct Trackers {
    list: RefCell<Slab<Rc<dyn Settle>>>,
    /// At this length the list is looked through for what has gone.
    crowded: Cell<usize>,
    /// Kept from turn to turn, so that a turn allocates nothing.
    ready: RefCell<Vec<usize>>,
    nudge: Arc<Nudge>,
}

impl Trackers {
    /// How events that are let go of on another thread wake the scheduler.
    pub(crate) fn set_bell(&self, ring: impl Fn() + Send + Sync + 'static) {
        let _ = self.nudge.bell.set((thread::current().id(), Box::new(ring)));
    }

    /// Takes a tracker on: by the nudge and the key it asks to be settled.
    pub(super) fn register(&self, tracker: Rc<dyn Settle>) -> (Arc<Nudge>, usize) {
        if self.list.borrow().len() >= self.crowded.get() {
            let keys: Vec<usize> = self.list.borrow().iter().map(|(key, _)| key).collect();
            keys.into_iter().for_each(|key| self.forget_idle(key));
            self.crowded.set(self.list.borrow().len() * 2 + 8);
        }
        (self.nudge.clone(), self.list.borrow_mut().insert(tracker))
    }

    /// Whether there is something to tell.
    pub(crate) fn is_nudged(&self) -> bool {
        self.nudge.wanted.load(Ordering::Acquire)
    }

    /// Tells the callbacks what is settled.
    pub(crate) fn settle(&self, cx: &mut Context<'_>) -> Closed {
        let mut ready = self.ready.take();
        self.nudge.take(&mut ready);
        let mut result = Ok(());
        for key in ready.drain(..) {
            let Some(tracker) = self.list.borrow().get(key).cloned() else { continue };
            result = result.and(tracker.settle(cx)); // of every one, though one of them may be fatal
            drop(tracker);
            self.forget_idle(key);
        }
        self.ready.replace(ready);
        result
    }

    /// The run is closed: what is not done by now is abandoned.
    pub(crate) fn end_run(&self) {
        for (key, tracker) in &*self.list.borrow() {
            tracker.end_run();
            self.nudge.nudge(key);
        }
    }

    fn forget_idle(&self, key: usize) {
        let mut list = self.list.borrow_mut();
        if list.get(key).is_some_and(|tracker| Rc::strong_count(tracker) == 1 && tracker.in_flight() == 0) {
            let gone = list.remove(key);
            drop(list);
            drop(gone); // with its callback, which is user code
        }
    }
}

/// Tells the scheduler, from any thread, which trackers to look at when the turn ends.
#[derive(Default)]
pub(crate) struct Nudge {
    wanted: AtomicBool,
    ready: Mutex<Vec<usize>>,
    bell: OnceLock<Bell>,
}

/// The thread of the scheduler, and how to wake it from others.
type Bell = (ThreadId, Box<dyn Fn() + Send + Sync>);

impl Nudge {
    pub(super) fn nudge(&self, tracker: usize) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.push(tracker);
        let first = ready.len() == 1;
        self.wanted.store(true, Ordering::Release);
        drop(ready);
        if first
            && let Some((home, ring)) = self.bell.get()
            && thread::current().id() != *home
        {
            ring();
        }
    }

    /// Swaps the list of trackers with `ready`, which is empty.
    fn take(&self, ready: &mut Vec<usize>) {
        if self.wanted.load(Ordering::Acquire) {
            let mut list = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut *list, ready);
            self.wanted.store(false, Ordering::Release);
        }
    }
}
