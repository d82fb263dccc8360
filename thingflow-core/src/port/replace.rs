//! Replacing the Thing behind a connection, in its place and order.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use super::outlet::{One, Outlet};
use super::slots::state;
use super::{Connection, Inner, Port, Slot, Slots, pending};
use crate::thing::InputThing;

impl<T: Clone + 'static> Port<T> {
    /// Replaces the Thing behind a connection by another one, which takes its place in the order of connections; the
    /// connection goes on. The old one gets no notice and is dropped, as by [`disconnect`](Connection::disconnect): what
    /// it holds is lost, unless it has said [`Demand::Done`](crate::Demand::Done) and is still
    /// [draining](crate::Question::Draining). The new one is started, and gets the next event. From inside a call, even
    /// its own, it is replaced when the event in progress has reached all.
    ///
    /// A whole chain is a Thing as well: `port.replace(&connection, pipe().running_avg(9).to(sink))`. The nodes behind the
    /// connection have new [ids](crate::NodeId).
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_core::testing::Recorder;
    /// let (port, seen) = (Port::new(), Recorder::new());
    /// let first = port.map(|x: i32| x * 10).connect(seen.clone());
    /// port.connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// port.emit(1, cx)?;
    /// assert!(port.replace(&first, pipe().map(|x| x * 100).to(seen.clone())).is_ok());
    /// port.emit(2, cx)?;
    /// assert_eq!(seen.events(), [10, 1, 200, 2]);
    /// # Ok::<(), FatalError>(())
    /// ```
    ///
    /// # Errors
    /// Hands the Thing back if the connection is not one of this port, any more or at all.
    pub fn replace<N: InputThing<T> + 'static>(&self, connection: &Connection, thing: N) -> Result<(), N> {
        if !connection.leads_from(&self.inner.me) || !self.inner.has_place(connection.id()) {
            return Err(thing);
        }
        self.inner.replace(connection.id(), Box::new(One(thing)));
        Ok(())
    }
}

impl<T: Clone + 'static> Inner<T> {
    /// Whether a connection takes events, or will as soon as the dispatch in progress is over.
    fn has_place(&self, id: usize) -> bool {
        if self.pending.is_closed() || self.rarely(|rare| rare.draining.has(id) || rare.left.borrow().contains(&id)) {
            return false;
        }
        self.look(|body| body.slots.all().iter().any(|slot| slot.id == id)).unwrap_or(true)
    }

    fn replace(&self, id: usize, thing: Box<dyn Outlet<T>>) {
        let slot = Slot { thing, id, state: state::REPLACES, generation: 0, joined_at: 0 };
        if let Some(mut body) = self.take_body() {
            let events = self.events.get();
            let old = body.slots.replace(slot, events);
            self.note(pending::START);
            self.put_back(body);
            self.start_in_run();
            drop(old); // only now: its `Drop` may be user code that uses this port
            self.note_left();
            return;
        }
        let mut joined = self.rare().joined.borrow_mut();
        let old = match joined.iter_mut().find(|waiting| waiting.id == id) {
            Some(waiting) => Some(mem::replace(&mut waiting.thing, slot.thing)), // it has not been started
            None => {
                joined.push(slot);
                None
            }
        };
        drop(joined);
        self.note(pending::JOINED);
        self.start_in_run(); // perhaps it is only being asked, and no event comes
        drop(old);
    }

    /// Lets those in who came in the middle of a dispatch, each in its place. Those that were replaced come back.
    pub(super) fn admit(&self) -> Vec<Slot<T>> {
        let mut replaced = Vec::new();
        if let Some(mut body) = self.take_body() {
            let events = self.events.get();
            for slot in self.rare().joined.take() {
                if slot.state & state::REPLACES == 0 {
                    body.slots.push(Slot { joined_at: events, ..slot });
                } else {
                    replaced.push(body.slots.replace(slot, events));
                }
            }
            self.put_back(body);
        }
        replaced
    }
}

impl<T> Slots<T> {
    /// Puts a connection in the place of the one with its id, which comes back; the new one, if there is none.
    fn replace(&mut self, new: Slot<T>, events: u64) -> Slot<T> {
        match self.all().iter_mut().find(|slot| slot.id == new.id) {
            Some(old) => {
                let generation = old.generation.wrapping_add(1);
                mem::replace(old, Slot { state: 0, generation, joined_at: events, ..new })
            }
            None => new,
        }
    }
}
