//! Connections that get no more events and still send what they hold.
//!
//! They are kept by the port, which is kept by the scheduler until they have drained. One that is being woken, and all while
//! they are asked, are out of the list, so that nothing is borrowed while user code runs.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::any::{ConnectionInfo, Held, culprit};
use super::dispatch::Witness;
use super::{Inner, Slot};
use crate::context::{Context, Culprit};
use crate::identity::NodeId;
use crate::notice::{Notice, Question};
use crate::thing::{Closed, Demand, InputThing, Receipt};

pub(super) struct Draining<T> {
    /// In the order in which they have ended.
    list: RefCell<Vec<Drain<T>>>,
    /// Who is being woken, 0 if nobody is, or if it has been disconnected meanwhile.
    woken: Cell<usize>,
    /// Who is out of the list because they are being asked, and has not been disconnected meanwhile.
    asked: RefCell<Vec<usize>>,
}

/// Those who are being asked. They go back into their list, before those who have come meanwhile.
struct Asked<'d, T> {
    of: &'d Draining<T>,
    drains: Vec<Drain<T>>,
}

impl<T> Drop for Asked<'_, T> {
    fn drop(&mut self) {
        let mut asked = self.of.asked.borrow_mut();
        let (mut back, gone): (Vec<_>, Vec<_>) = self.drains.drain(..).partition(|drain| asked.contains(&drain.id));
        asked.retain(|asked| back.iter().all(|drain| drain.id != *asked));
        drop(asked);
        back.append(&mut self.of.list.borrow_mut());
        self.of.list.replace(back);
        drop(gone); // only now: its `Drop` may be user code that uses the port
    }
}

/// One that is being woken. If it panics it goes back, for a `Drop` that panics too would end the process: it is dropped when the
/// run is closed.
struct Woken<'d, T> {
    of: &'d Draining<T>,
    drain: Option<Drain<T>>,
}

impl<T> Woken<'_, T> {
    fn wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        let Some(drain) = &mut self.drain else { return Ok(Demand::Done) };
        let witness = Witness { culprit: drain, cx };
        let receipt = witness.culprit.thing.notice(Notice::Wake, witness.cx);
        core::mem::forget(witness);
        receipt
    }
}

impl<T> Drop for Woken<'_, T> {
    fn drop(&mut self) {
        if let Some(drain) = self.drain.take() {
            self.of.woken.set(0);
            self.of.list.borrow_mut().push(drain);
        }
    }
}

impl<T> Culprit for Drain<T> {
    fn name(&self) -> String {
        culprit(&*self.thing)
    }
}

/// A connection that drains.
pub(super) struct Drain<T> {
    thing: Box<dyn InputThing<T>>,
    id: usize,
    generation: u32,
    delivered: u64,
}

impl<T> Default for Draining<T> {
    fn default() -> Self {
        Self { list: RefCell::default(), woken: Cell::new(0), asked: RefCell::default() }
    }
}

impl<T> Draining<T> {
    /// Whether any still has somebody to send to.
    pub(super) fn is_any(&self) -> bool {
        self.woken.get() != 0
            || !self.asked.borrow().is_empty()
            || self.ask().drains.iter().any(|drain| drain.thing.ask(Question::Open))
    }

    pub(super) fn has(&self, id: usize) -> bool {
        let listed = || self.list.borrow().iter().any(|drain| drain.id == id);
        self.woken.get() == id || self.asked.borrow().contains(&id) || listed()
    }

    /// Takes all of them out of the list, to be asked. From inside of a question there are none.
    fn ask(&self) -> Asked<'_, T> {
        let drains = self.list.take();
        self.asked.borrow_mut().extend(drains.iter().map(|drain| drain.id));
        Asked { of: self, drains }
    }

    /// Takes a connection out. The caller drops it: its `Drop` may be user code that uses the port.
    pub(super) fn leave(&self, id: usize) -> Option<Drain<T>> {
        if self.woken.get() == id {
            self.woken.set(0);
        }
        self.asked.borrow_mut().retain(|asked| *asked != id);
        self.take(id)
    }

    fn take(&self, id: usize) -> Option<Drain<T>> {
        let mut list = self.list.borrow_mut();
        let at = list.iter().position(|drain| drain.id == id)?;
        Some(list.remove(at))
    }

    pub(super) fn show(&self, see: &mut dyn FnMut(ConnectionInfo<'_>)) {
        for drain in &self.ask().drains {
            let id = NodeId::of(drain.id, drain.generation);
            see(ConnectionInfo { id, delivered: drain.delivered, ask: &|question| drain.thing.ask(question) });
        }
    }
}

impl<T: 'static> Draining<T> {
    pub(super) fn close(&self, held: &mut Vec<(usize, Box<dyn Held>)>) {
        for drain in self.list.take() {
            held.push((drain.id, Box::new(drain.thing)));
        }
    }
}

impl<T: Clone + 'static> Inner<T> {
    /// Keeps those of the connections taken off the port that still drain, and drops the others. A source that one of them
    /// had asked to pause goes on.
    pub(super) fn linger(&self, gone: Vec<Slot<T>>, cx: &Context<'_>) {
        if !gone.is_empty() && !self.pending.is_closed() {
            cx.resume();
        }
        let events = self.events.get();
        for Slot { thing, id, generation, joined_at, .. } in gone {
            if thing.ask(Question::Draining)
                && let Some(me) = self.me.upgrade()
            {
                self.rare().draining.list.borrow_mut().push(Drain {
                    thing,
                    id,
                    generation,
                    delivered: events - joined_at,
                });
                cx.host().linger(me);
            }
        }
    }

    /// Wakes those who drain, and drops those who have drained.
    pub(super) fn wake_draining(&self, cx: &mut Context<'_>) -> Closed {
        let Some(rare) = self.rare.get() else { return Ok(()) };
        let ids: Vec<usize> = rare.draining.list.borrow().iter().map(|drain| drain.id).collect();
        for id in ids {
            let Some(drain) = rare.draining.take(id) else { continue }; // disconnected by one before it
            rare.draining.woken.set(id);
            let mut woken = Woken { of: &rare.draining, drain: Some(drain) };
            let receipt = woken.wake(cx);
            let Some(drain) = woken.drain.take() else { break };
            let stays = rare.draining.woken.replace(0) == id;
            let fatal = receipt.is_err();
            if fatal {
                cx.name_failed(|| culprit(&*drain.thing));
            }
            if stays && (fatal || drain.thing.ask(Question::Draining)) {
                rare.draining.list.borrow_mut().push(drain); // after a fatal error it is closed with all the others
            }
            receipt.map(|_: Demand| ())?;
        }
        Ok(())
    }
}
