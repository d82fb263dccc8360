//! `combine_latest(inputs)`: sends the latest events of all inputs whenever one comes.
//!
//! Holds one event an input.

use super::row::{Get, Latest};
use super::rule::{Index, Rule, Takes};
use crate::state::{SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use super::{Inputs, Join};

/// Sends the latest events of all inputs together: when each has had one, and then whenever a new one comes. Tuples for a
/// tuple of inputs, `Vec`s for a list.
///
/// It completes when all inputs have ended, or as soon as one has ended without any event.
/// With [`emit_on`](Join::emit_on) only events of the chosen inputs make it send, and it completes when those have ended.
///
/// ```
/// use thingflow_core::{joins, prelude::*, testing::Recorder};
/// let (a, b) = (Port::new(), Port::new());
/// let (all, on_b) = (Recorder::new(), Recorder::new());
/// joins::combine_latest((&a, &b)).connect(all.clone());
/// joins::combine_latest((&a, &b)).emit_on([1]).connect(on_b.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// a.emit(1, cx)?;
/// b.emit('x', cx)?;
/// a.emit(2, cx)?;
/// assert_eq!(all.events(), [(1, 'x'), (2, 'x')]);
/// assert_eq!(on_b.events(), [(1, 'x')]);
/// # Ok::<(), FatalError>(())
/// ```
#[cfg(feature = "alloc")]
pub fn combine_latest<I: Inputs<Latest: Latest>>(inputs: I) -> Join<I, CombineLatest<I::Latest>> {
    let latest = inputs.latest();
    Join::of(inputs, CombineLatest::new(latest))
}

#[cfg(feature = "alloc")]
impl<I: Inputs, L: Latest> Join<I, CombineLatest<L>> {
    /// Sends only when an event comes at one of `inputs`, by their numbers from 0 on.
    ///
    /// # Panics
    /// If there is no such input, if it is not among the first 64, or if none is given.
    #[track_caller]
    pub fn emit_on(self, inputs: impl IntoIterator<Item = usize>) -> Self {
        let count = self.inputs.count().min(64);
        let mut chosen = 0;
        for input in inputs {
            assert!(input < count, "emit_on({input}): one of {count} inputs can be chosen, the first is 0");
            chosen |= 1 << input;
        }
        assert!(chosen != 0, "emit_on([]): nothing would ever be sent");
        self.with(|rule| rule.emitting_on(chosen))
    }
}

/// Made by [`combine_latest`](super::Joins::combine_latest), or by `default` without an allocator, for instance as
/// `CombineLatest::<(Option<f32>, Option<bool>)>::default()`.
#[derive(Clone, Debug)]
pub struct CombineLatest<L> {
    latest: L,
    /// The inputs that make it send, as bits; those after the first 64 always do.
    chosen: u64,
    /// How many of these have not ended.
    open: usize,
}

impl<L: Latest> CombineLatest<L> {
    fn new(latest: L) -> Self {
        Self { open: latest.count(), chosen: u64::MAX, latest }
    }

    #[cfg(feature = "alloc")]
    pub(super) fn with_latest<M>(self, change: impl FnOnce(L) -> M) -> CombineLatest<M> {
        CombineLatest { latest: change(self.latest), chosen: self.chosen, open: self.open }
    }

    /// Sends only when an event comes at one of the inputs whose bits are set.
    #[must_use]
    pub fn emitting_on(self, chosen: u64) -> Self {
        let open = (0..self.latest.count()).filter(|input| is_chosen(chosen, *input)).count();
        Self { chosen, open, ..self }
    }
}

impl<L: Latest + Default> Default for CombineLatest<L> {
    fn default() -> Self {
        Self::new(L::default())
    }
}

#[inline]
fn is_chosen(chosen: u64, input: usize) -> bool {
    input >= 64 || chosen >> input & 1 == 1
}

impl<L: Latest> Rule for CombineLatest<L> {
    type Out = L::Row;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<L::Row>>) -> Receipt {
        self.open -= usize::from(is_chosen(self.chosen, input));
        if self.open == 0 || !self.latest.has(input) { out.finish() } else { Ok(Demand::More) }
    }
    #[cfg(feature = "alloc")]
    fn on_added(&mut self, input: usize) {
        self.latest.add(input);
        self.open += usize::from(is_chosen(self.chosen, input));
    }
    #[cfg(feature = "alloc")]
    fn on_removed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<L::Row>>) -> Receipt {
        self.latest.remove(input);
        self.open -= usize::from(is_chosen(self.chosen, input));
        if self.open == 0 { out.finish() } else { Ok(Demand::More) }
    }
    /// A list of what is unsaved needs an allocator, and a board without one its flash.
    #[cfg(feature = "alloc")]
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.latest.has_any() {
            state.unsaved("combine_latest");
        }
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind || !is_chosen(self.chosen, input)
    }
}

impl<L: Latest + SavedEvents> SavedEvents for CombineLatest<L> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.latest.on_events(state);
    }
}

impl<I: Index, L: Latest + Get<I, Of = Option<T>>, T> Takes<I, T> for CombineLatest<L> {
    #[inline]
    fn on_next(&mut self, input: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<L::Row>>) -> Receipt {
        *self.latest.at(input) = Some(event);
        if !is_chosen(self.chosen, input.number()) {
            return Ok(Demand::More);
        }
        self.latest.row().map_or(Ok(Demand::More), |row| out.next(row))
    }
}
