//! `aggregate(Window::sliding(n), a)`, `aggregate(Window::every(size, step), a)`: windows of so many events that overlap, or
//! have gaps between them.
//!
//! Holds the values of one window.

use core::fmt;
use core::marker::PhantomData;

use super::bounds::{Stamp, Tally};
use super::gather::{Gather, Slide};
use super::window::CountWindow;
use crate::context::Context;
use crate::error::StreamError;
use crate::state::{Saved, SavedEvents, SavedItems, StateVisitor, shows};
use crate::storage::{Room, Store};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`aggregate`](super::Windows::aggregate) and [`window`](super::Windows::window) with
/// [`Window::sliding`](super::Window::sliding) or [`Window::every`](super::Window::every).
///
/// Windows that overlap are full ones only, unless [`partial`](CountWindow::partial) is asked for. Where they do not overlap,
/// a window that the end cuts short gives a last result, also before an error unless
/// [`drop_on_error`](CountWindow::drop_on_error) is asked for.
pub struct Sliding<T, G: Gather<T>, S: Stamp, R: Room> {
    size: usize,
    step: usize,
    /// How many events to go to the next result.
    wait: usize,
    held: R::Store<(S::Mark, G::Kept)>,
    gather: G,
    rest: Option<G::Rest>,
    /// How many of those that are held are left out.
    missing: usize,
    drop_on_error: bool,
    stamp: PhantomData<fn() -> (T, S)>,
}

impl<T, G: Slide<T>, S: Stamp, R: Room> Sliding<T, G, S, R> {
    pub(super) fn new(window: &CountWindow<R>, gather: G) -> Self {
        let &CountWindow { size, step, partial, drop_on_error, .. } = window;
        let wait = if partial { size.min(step) } else { size };
        Self {
            size,
            step,
            wait,
            held: Default::default(),
            gather,
            rest: None,
            missing: 0,
            drop_on_error,
            stamp: PhantomData,
        }
    }

    #[inline]
    fn value(&self, rest: G::Rest, cx: &Context<'_>) -> Option<G::Sent<S::Out<G::Made>>> {
        let (start, _) = self.held.front()?;
        let made = self.gather.value(self.held.iter().map(|(_, kept)| kept))?;
        let tally = Tally { count: self.held.len(), missing: self.missing };
        Some(G::sent(rest, S::stamp(made, *start, cx.now(), tally, cx)))
    }

    #[inline]
    fn add(&mut self, mark: S::Mark, kept: G::Kept) {
        self.gather.add(&kept);
        self.hold(mark, kept);
    }

    #[inline]
    fn hold(&mut self, mark: S::Mark, kept: G::Kept) {
        self.missing += S::missing(|| self.gather.is_missing(&kept));
        let _ = self.held.push_back((mark, kept)); // a window is no larger than its store
    }

    /// Takes an event into a window that is full: the oldest goes.
    #[inline]
    fn replace(&mut self, mark: S::Mark, kept: G::Kept) {
        if let Some((_, oldest)) = self.held.pop_front() {
            self.gather.replace(&oldest, &kept);
            self.missing -= S::missing(|| self.gather.is_missing(&oldest));
        }
        self.hold(mark, kept);
        self.gather.settle(|| self.held.iter().map(|(_, kept)| kept));
    }

    fn clear(&mut self) {
        self.held = Default::default();
        self.gather = self.gather.fresh();
        (self.rest, self.missing) = (None, 0);
    }

    /// What is left of windows that do not overlap.
    fn last(&mut self, cx: &Context<'_>) -> Option<G::Sent<S::Out<G::Made>>> {
        let rest = self.rest.take().filter(|_| self.step >= self.size)?;
        self.value(rest, cx)
    }
}

impl<T, G: Slide<T>, S: Stamp, R: Room> Filter<T> for Sliding<T, G, S, R> {
    type Out = G::Sent<S::Out<G::Made>>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.wait -= 1;
        if self.wait >= self.size {
            return Ok(Demand::More); // in the gap
        }
        let (kept, rest) = G::part(event);
        let mark = S::mark(0, out.now());
        if self.held.len() == self.size {
            self.replace(mark, kept);
        } else {
            self.add(mark, kept);
        }
        if self.wait > 0 {
            self.rest = Some(rest);
            return Ok(Demand::More);
        }
        self.wait = self.step;
        let made = self.value(rest, out.context());
        if self.step >= self.size {
            self.clear();
        }
        made.map_or(Ok(Demand::More), |made| out.next(made))
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        let last = self.last(out.context());
        out.flush(last)
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        let last = self.last(out.context()).filter(|_| !self.drop_on_error);
        out.flush_error(last, error)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.held.is_empty() && !shows(|probe| G::on_kept(&mut None, probe)) {
            state.unsaved("window");
        }
        self.on_held(G::on_kept, state);
    }
}

impl<T, G: Slide<T>, S: Stamp, R: Room> Sliding<T, G, S, R> {
    /// Shows the events that are held, each by `on_kept`.
    fn on_held(&mut self, on_kept: impl Fn(&mut Option<G::Kept>, &mut dyn StateVisitor), state: &mut dyn StateVisitor) {
        let (mut held, mut rest) = (core::mem::take(&mut self.held), self.rest.take());
        self.clear();
        self.wait.on_state("wait", state);
        self.wait = self.wait.clamp(1, self.size.max(self.step));
        G::on_rest(&mut rest, state);
        let mut items = SavedItems::of("events", held.len(), state);
        while items.another(state) {
            let (mut mark, mut kept) =
                held.pop_front().map_or_else(|| (S::Mark::blank(), None), |(mark, kept)| (mark, Some(kept)));
            mark.on_state("at", state);
            on_kept(&mut kept, state);
            if let Some(kept) = kept.filter(|_| self.held.len() < self.size) {
                self.add(mark, kept);
            }
        }
        self.rest = rest;
    }
}

impl<T, G: Slide<T>, S: Stamp, R: Room> SavedEvents for Sliding<T, G, S, R>
where
    G::Kept: Saved,
{
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.on_held(|kept, state| kept.get_or_insert_with(Saved::blank).on_state("event", state), state);
    }
}

#[cfg(feature = "alloc")]
impl<T, G: Slide<T>, S: Stamp, R: Room> super::per_key::Overlapping<T> for Sliding<T, G, S, R> {
    fn rest(&mut self, is_error: bool, cx: &Context<'_>) -> Option<Self::Out> {
        self.last(cx).filter(|_| !is_error || !self.drop_on_error)
    }
}

impl<T, G: Gather<T>, S: Stamp, R: Room> fmt::Debug for Sliding<T, G, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sliding");
        shown.field("size", &self.size).field("step", &self.step).field("held", &self.held.len());
        shown.finish_non_exhaustive()
    }
}
