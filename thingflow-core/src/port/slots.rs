//! [`Slots`]: the connections of a port, in order.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::{mem, slice};

use super::outlet::{Fan, Outlet};
use crate::context::Context;
use crate::notice::{Notice, Question};
use crate::thing::{Demand, InputThing, Receipt};

/// Bits of [`Slot::state`].
pub(super) mod state {
    pub(in super::super) const STARTED: u8 = 1;
    pub(in super::super) const DONE: u8 = 2;
    /// It waits to take the place of the connection with its id.
    pub(in super::super) const REPLACES: u8 = 4;
}

/// A connection.
pub(super) struct Slot<T> {
    pub(super) thing: Box<dyn Outlet<T>>,
    /// Unique in the process and ascending: the order of creation.
    pub(super) id: usize,
    /// Bits of [`state`].
    pub(super) state: u8,
    /// How often its Thing was replaced.
    pub(super) generation: u32,
    /// The port's count of events when this connection was made.
    pub(super) joined_at: u64,
}

/// The connections of a port. Most ports have one; if there are several, they are one: a [`Fan`].
pub(super) struct Slots<T> {
    /// [Vacant](Slot::vacant) if there is none: a place that is always filled need not be asked.
    pub(super) only: Slot<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { only: Slot::vacant() }
    }
}

impl<T> Slots<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.only.id == VACANT
    }

    pub(super) fn all(&mut self) -> &mut [Slot<T>] {
        match self.only.id {
            VACANT => &mut [],
            FAN => self.only.thing.fan().map_or(&mut [], Vec::as_mut_slice),
            _ => slice::from_mut(&mut self.only),
        }
    }

    fn take_all(&mut self) -> Vec<Slot<T>> {
        let mut only = mem::replace(&mut self.only, Slot::vacant());
        match only.id {
            VACANT => Vec::new(),
            FAN => only.thing.fan().map(mem::take).unwrap_or_default(),
            _ => Vec::from([only]),
        }
    }
}

impl<T: Clone + 'static> Slots<T> {
    pub(super) fn push(&mut self, slot: Slot<T>) {
        if let Some(several) = self.only.thing.fan() {
            several.push(slot);
        } else {
            let all = self.take_all().into_iter().chain([slot]).collect();
            self.fill(all);
        }
    }

    /// Takes out those that `gone` names.
    pub(super) fn take(&mut self, gone: impl Fn(&Slot<T>) -> bool) -> Vec<Slot<T>> {
        let (gone, stay) = self.take_all().into_iter().partition(gone);
        self.fill(stay);
        gone
    }

    /// Replaces each by what `change` makes of it.
    pub(super) fn map(&mut self, change: impl FnMut(Slot<T>) -> Slot<T>) {
        let all = self.take_all().into_iter().map(change).collect();
        self.fill(all);
    }

    fn fill(&mut self, mut all: Vec<Slot<T>>) {
        self.only = if all.len() > 1 {
            Slot { thing: Box::new(Fan(all)), id: FAN, state: 0, generation: 0, joined_at: 0 }
        } else {
            all.pop().unwrap_or_else(Slot::vacant)
        };
    }
}

/// The ids that no connection has: what counts them begins at 1, and does not get that far.
const VACANT: usize = 0;
const FAN: usize = usize::MAX;

impl<T> Slot<T> {
    /// No connection.
    fn vacant() -> Self {
        Self { thing: Box::new(Nobody), id: VACANT, state: 0, generation: 0, joined_at: 0 }
    }
}

/// What a vacant place has for a Thing. It has no size, so that nothing is allocated for it.
struct Nobody;

impl<T> InputThing<T> for Nobody {
    fn next(&mut self, _: T, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::Done)
    }
    fn next_ref(&mut self, _: &T, _: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        Ok(Demand::Done)
    }
    fn notice(&mut self, _: Notice<'_>, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::Done)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        question.asks_all()
    }
}

impl<T> Outlet<T> for Nobody {}
