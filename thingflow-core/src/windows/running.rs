//! `aggregate(Window::running(), a)`: one window that never ends, with a result for each event.
//!
//! Holds the aggregate.

use core::marker::PhantomData;

use super::bounds::Stamp;
use super::gather::Slide;
use crate::clock::Instant;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`aggregate`](super::Windows::aggregate) with [`Window::running`](super::Window::running).
///
/// An event for which the aggregate has no value sends nothing.
#[derive(Clone, Debug)]
pub struct Running<G, S> {
    gather: G,
    started: Instant,
    count: usize,
    stamp: PhantomData<fn() -> S>,
}

impl<G, S> Running<G, S> {
    pub(super) fn new(gather: G) -> Self {
        Self { gather, started: Instant::ZERO, count: 0, stamp: PhantomData }
    }
}

impl<T, G: Slide<T>, S: Stamp> Filter<T> for Running<G, S> {
    type Out = G::Sent<S::Out<G::Made>>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        if self.count == 0 {
            self.started = out.now();
        }
        self.count += 1;
        let (kept, rest) = G::part(event);
        if let Err(full) = self.gather.absorb(kept) {
            return out.fail(full);
        }
        match self.gather.value(core::iter::empty()) {
            Some(made) => {
                let now = out.now();
                out.next(G::sent(rest, S::stamp(made, S::mark(0, self.started), now, self.count, out.cx)))
            }
            None => Ok(Demand::More),
        }
    }
}
