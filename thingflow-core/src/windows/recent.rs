//! `aggregate(Window::last(d, limit), a)`, `aggregate(Window::last_of::<N>(d), a)`: the window of the last `d`, for each event.
//!
//! Holds the values of one window, up to a limit.

use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use super::bounds::{Stamp, Tally};
use super::gather::{Gather, Slide};
use super::window::TimeWindow;
use crate::clock::{Instant, nanos};
use crate::context::Context;
use crate::error::StreamError;
use crate::limit::{Admission, Limit, Overflow, evict, no_room};
use crate::state::{Saved, SavedEvents, SavedItems, StateVisitor, shows};
use crate::storage::{Room, Store};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`aggregate`](super::Windows::aggregate) and [`window`](super::Windows::window) with
/// [`Window::last`](super::Window::last).
///
/// The window is (now - d, now]. Nothing is sent when events leave it, only when one comes. An event that the
/// [`Limit`] drops sends nothing.
pub struct Recent<T, G: Gather<T>, S, R: Room> {
    span: Duration,
    limit: Limit,
    held: R::Store<(Instant, G::Kept)>,
    gather: G,
    /// How many of those that are held are left out.
    missing: usize,
    paused: bool,
    stamp: PhantomData<fn() -> (T, S)>,
}

impl<T, G: Slide<T>, S: Stamp, R: Room> Recent<T, G, S, R> {
    pub(super) fn new(window: TimeWindow<R>, gather: G) -> Self {
        let TimeWindow { span, limit, .. } = window;
        Self { span, limit, held: Default::default(), gather, missing: 0, paused: false, stamp: PhantomData }
    }

    fn expire(&mut self, now: Instant) {
        let before = self.held.len();
        while self.held.front().is_some_and(|(at, _)| *at + self.span <= now) {
            self.remove_oldest();
        }
        if self.held.len() < before {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.gather.settle(|| self.held.iter().map(|(_, kept)| kept));
    }

    fn remove_oldest(&mut self) {
        if let Some((_, oldest)) = self.held.pop_front() {
            self.gather.remove(&oldest);
            self.missing -= S::missing(|| self.gather.is_missing(&oldest));
        }
    }

    #[inline]
    fn add(&mut self, at: Instant, kept: G::Kept) {
        self.gather.add(&kept);
        self.missing += S::missing(|| self.gather.is_missing(&kept));
        let _ = self.held.push_back((at, kept)); // a limit is no larger than the store
    }

    /// Takes an event in, if the limit lets it in: what it has besides its value.
    fn take(&mut self, event: T, now: Instant) -> Result<Option<G::Rest>, StreamError> {
        let mut dropped = 0;
        match self.limit.admit(self.held.len()) {
            Admission::Takes => {}
            Admission::DropsOldest => {
                self.remove_oldest();
                self.settle();
                dropped = 1;
            }
            Admission::DropsNewest => {
                self.limit.note(1, 1, self.held.len());
                evict(|| drop(event));
                return Ok(None);
            }
            Admission::Refuses => return Err(no_room("window", &self.limit)),
        }
        let (kept, rest) = G::part(event);
        self.add(now, kept);
        self.limit.note(1, dropped, self.held.len());
        Ok(Some(rest))
    }

    /// Asks for a wake-up if the source was told to pause and may not go on yet.
    fn resume_or_wait<N>(&mut self, out: &mut Emitter<'_, '_, N>) {
        if !self.paused {
            return;
        }
        match self.held.front() {
            Some((oldest, _)) if self.held.len() > self.limit.capacity() / 2 => out.wake_at(*oldest + self.span),
            _ => {
                self.paused = false;
                out.context().resume();
            }
        }
    }

    fn value(&self, rest: G::Rest, cx: &Context<'_>) -> Option<G::Sent<S::Out<G::Made>>> {
        let made = self.gather.value(self.held.iter().map(|(_, kept)| kept))?;
        let now = cx.now();
        let tally = Tally { count: self.held.len(), missing: self.missing };
        Some(G::sent(rest, S::stamp(made, S::mark(nanos(self.span), now), now, tally, cx)))
    }
}

impl<T, G: Slide<T>, S: Stamp, R: Room> Filter<T> for Recent<T, G, S, R> {
    type Out = G::Sent<S::Out<G::Made>>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let now = out.now();
        self.expire(now);
        let rest = match self.take(event, now) {
            Ok(Some(rest)) => rest,
            Ok(None) => return Ok(Demand::More),
            Err(full) => return out.fail(full),
        };
        let full = !self.limit.has_room(self.held.len());
        self.paused |= full;
        self.resume_or_wait(out);
        let demand = match self.value(rest, out.context()) {
            Some(made) => out.next(made)?,
            None => Demand::More,
        };
        Ok(if full { demand.and(Demand::Full) } else { demand })
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.expire(out.now());
        self.resume_or_wait(out);
        Ok(Demand::More)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.held.is_empty() && !shows(|probe| G::on_kept(&mut None, probe)) {
            state.unsaved("window");
        }
        self.on_held(G::on_kept, state);
    }
    fn has_room(&self, behind: bool) -> bool {
        behind && (self.limit.overflow() != Overflow::Block || !self.paused)
    }
}

impl<T, G: Slide<T>, S: Stamp, R: Room> Recent<T, G, S, R> {
    /// Shows the events that are held, each by `on_kept`.
    fn on_held(&mut self, on_kept: impl Fn(&mut Option<G::Kept>, &mut dyn StateVisitor), state: &mut dyn StateVisitor) {
        let most = self.limit.restores(usize::MAX).max(self.held.len());
        let mut held = core::mem::take(&mut self.held);
        self.gather = self.gather.fresh();
        self.missing = 0;
        let mut items = SavedItems::of("events", held.len(), state);
        while items.another(state) {
            let (mut at, mut kept) =
                held.pop_front().map_or_else(|| (Instant::blank(), None), |(at, kept)| (at, Some(kept)));
            at.on_state("at", state);
            on_kept(&mut kept, state);
            if let Some(kept) = kept.filter(|_| self.held.len() < most) {
                self.add(at, kept);
            }
        }
    }
}

impl<T, G: Slide<T>, S: Stamp, R: Room> SavedEvents for Recent<T, G, S, R>
where
    G::Kept: Saved,
{
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.on_held(|kept, state| kept.get_or_insert_with(Saved::blank).on_state("event", state), state);
    }
}

#[cfg(feature = "alloc")]
impl<T, G: Slide<T>, S: Stamp, R: Room> super::per_key::Overlapping<T> for Recent<T, G, S, R> {
    fn rest(&mut self, _: bool, _: &Context<'_>) -> Option<Self::Out> {
        None
    }
}

impl<T, G: Gather<T>, S, R: Room> fmt::Debug for Recent<T, G, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Recent");
        shown.field("span", &self.span).field("limit", &self.limit).field("held", &self.held.len());
        shown.finish_non_exhaustive()
    }
}
