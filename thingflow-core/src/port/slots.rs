//! [`Slots`]: the connections of a port, in order.

use alloc::vec::Vec;

use super::Slot;

/// Most ports have one connection, so an only one has its place here, where it is found at once. If there are several,
/// all of them are in the list.
pub(super) struct Slots<T> {
    pub(super) only: Option<Slot<T>>,
    pub(super) several: Vec<Slot<T>>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { only: None, several: Vec::new() }
    }
}

impl<T> Slots<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.only.is_none() && self.several.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.only.is_some()) + self.several.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot<T>> {
        self.only.iter().chain(&self.several)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot<T>> {
        self.only.iter_mut().chain(&mut self.several)
    }

    pub(super) fn push(&mut self, slot: Slot<T>) {
        if self.is_empty() {
            self.only = Some(slot);
        } else {
            self.several.extend(self.only.take());
            self.several.push(slot);
        }
    }

    /// Takes out those that `gone` names.
    pub(super) fn take(&mut self, gone: impl Fn(&Slot<T>) -> bool) -> Vec<Slot<T>> {
        let mut taken: Vec<_> = self.only.take_if(|slot| gone(slot)).into_iter().collect();
        taken.extend(self.several.extract_if(.., |slot| gone(slot)));
        if self.several.len() == 1 {
            self.only = self.several.pop();
        }
        taken
    }

    /// Replaces each by what `change` makes of it.
    pub(super) fn map(&mut self, mut change: impl FnMut(Slot<T>) -> Slot<T>) {
        self.only = self.only.take().map(&mut change);
        self.several = core::mem::take(&mut self.several).into_iter().map(change).collect();
    }
}
