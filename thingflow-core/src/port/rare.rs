//! [`Rare`]: what few ports ever need.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::draining::Draining;
use super::{Inner, Slot};
use crate::arrivals::Arrivals;
use crate::notice::Arrival;

/// Made when it is needed for the first time: a program with a hundred thousand sensors has as many ports.
pub(super) struct Rare<T> {
    /// The name that it was given.
    pub(super) name: Cell<Option<Box<str>>>,
    /// What came in the middle of a dispatch.
    pub(super) waiting: Arrivals<Arrival<T>>,
    /// Events for a later turn, see [`Port::emit_later`](super::Port::emit_later).
    pub(super) later: Arrivals<Arrival<T>>,
    /// When `Full` was the receipt of something that no source has heard: the count of resumes.
    pub(super) full_at: Cell<Option<u64>>,
    /// Who joined in the middle of a dispatch.
    pub(super) joined: RefCell<Vec<Slot<T>>>,
    /// Who left in the middle of a dispatch.
    pub(super) left: RefCell<Vec<usize>>,
    /// Who gets no more events and still sends some.
    pub(super) draining: Draining<T>,
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self {
            name: Cell::default(),
            waiting: Arrivals::default(),
            later: Arrivals::default(),
            full_at: Cell::default(),
            joined: RefCell::default(),
            left: RefCell::default(),
            draining: Draining::default(),
        }
    }
}

impl<T> Inner<T> {
    pub(super) fn rare(&self) -> &Rare<T> {
        self.rare.get_or_init(Box::default)
    }

    /// Whether something holds of what is there; if nothing is, it does not.
    pub(super) fn rarely(&self, holds: impl FnOnce(&Rare<T>) -> bool) -> bool {
        self.rare.get().is_some_and(|rare| holds(rare))
    }
}
