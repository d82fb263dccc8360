//! `aggregate(Window::cumulative(), a)`: one window that never ends, with a result for each event.
//!
//! Holds the aggregate.

use core::marker::PhantomData;

use super::bounds::{Stamp, Tally};
use super::gather::Slide;
use crate::clock::Instant;
use crate::state::{Saved, StateVisitor, shown_or_unsaved};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`aggregate`](super::Windows::aggregate) with [`Window::cumulative`](super::Window::cumulative).
///
/// An event for which the aggregate has no value sends nothing.
#[derive(Clone, Debug)]
pub struct Cumulative<G, S> {
    gather: G,
    started: Instant,
    tally: Tally,
    stamp: PhantomData<fn() -> S>,
}

impl<G, S> Cumulative<G, S> {
    pub(super) fn new(gather: G) -> Self {
        Self { gather, started: Instant::ZERO, tally: Tally::default(), stamp: PhantomData }
    }
}

impl<T, G: Slide<T>, S: Stamp> Filter<T> for Cumulative<G, S> {
    type Out = G::Sent<S::Out<G::Made>>;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        if self.tally.count == 0 {
            self.started = out.now();
        }
        let (kept, rest) = G::part(event);
        self.tally.add(S::missing(|| self.gather.is_missing(&kept)));
        if let Err(full) = self.gather.absorb(kept) {
            return out.fail(full);
        }
        match self.gather.value(core::iter::empty()) {
            Some(made) => {
                let now = out.now();
                out.next(G::sent(rest, S::stamp(made, S::mark(0, self.started), now, self.tally, out.cx)))
            }
            None => Ok(Demand::More),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.started.on_state("started", state);
        self.tally.count.on_state("count", state);
        self.tally.missing.on_state("missing", state);
        shown_or_unsaved("window", self.tally.count > 0, |state| self.gather.on_state(state), state);
    }
}

#[cfg(feature = "alloc")]
impl<T, G: Slide<T>, S: Stamp> super::per_key::Overlapping<T> for Cumulative<G, S> {
    fn rest(&mut self, _: bool, _: &crate::Context<'_>) -> Option<Self::Out> {
        None
    }
}
