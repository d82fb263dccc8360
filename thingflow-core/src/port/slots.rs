//! [`Slots`]: the connections of a port, in order.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Slot;
use crate::context::Context;
use crate::notice::{Notice, Question};
use crate::thing::{Demand, InputThing, Receipt};

/// Most ports have one connection, so an only one has its place here, where it is found at once. If there are several,
/// all of them are in the list.
pub(super) struct Slots<T> {
    /// [Vacant](Slot::vacant) unless there is one connection only: a place that is always filled need not be asked.
    pub(super) only: Slot<T>,
    pub(super) several: Vec<Slot<T>>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { only: Slot::vacant(), several: Vec::new() }
    }
}

impl<T> Slots<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.only.is_vacant() && self.several.is_empty()
    }

    /// Whether there is one connection only.
    #[inline]
    pub(super) fn is_single(&self) -> bool {
        !self.only.is_vacant()
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.is_single()) + self.several.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot<T>> {
        self.is_single().then_some(&self.only).into_iter().chain(&self.several)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot<T>> {
        let is_single = self.is_single();
        is_single.then_some(&mut self.only).into_iter().chain(&mut self.several)
    }

    pub(super) fn push(&mut self, slot: Slot<T>) {
        if self.is_empty() {
            self.only = slot;
        } else {
            let only = self.take_only();
            self.several.extend(only.into_iter().chain([slot]));
        }
    }

    /// Takes out those that `gone` names.
    pub(super) fn take(&mut self, gone: impl Fn(&Slot<T>) -> bool) -> Vec<Slot<T>> {
        let only = if self.is_single() && gone(&self.only) { self.take_only() } else { None };
        let mut taken: Vec<_> = only.into_iter().collect();
        taken.extend(self.several.extract_if(.., |slot| gone(slot)));
        if self.several.len() == 1 {
            self.only = self.several.pop().unwrap_or_else(Slot::vacant);
        }
        taken
    }

    fn take_only(&mut self) -> Option<Slot<T>> {
        let only = core::mem::replace(&mut self.only, Slot::vacant());
        (!only.is_vacant()).then_some(only)
    }

    /// Replaces each by what `change` makes of it.
    pub(super) fn map(&mut self, mut change: impl FnMut(Slot<T>) -> Slot<T>) {
        if let Some(only) = self.take_only() {
            self.only = change(only);
        }
        self.several = core::mem::take(&mut self.several).into_iter().map(change).collect();
    }
}

impl<T> Slot<T> {
    /// No connection.
    fn vacant() -> Self {
        Self { thing: Box::new(Nobody), id: 0, state: 0, generation: 0, joined_at: 0 }
    }

    #[inline]
    fn is_vacant(&self) -> bool {
        self.id == 0
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
    fn ask(&self, _: Question<'_>) -> bool {
        false
    }
}
