//! `aggregate(Window::tumbling(n), a)`, `aggregate(Window::each(d), a)`: windows that stand side by side, so that an event
//! is in one of them and stays until it ends.
//!
//! Holds what gathers the events, and the id and time of the last one.

use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use super::bounds::{Stamp, Tally, wall_clock_now};
use super::gather::Gather;
use crate::clock::{Instant, nanos};
use crate::context::Context;
use crate::error::StreamError;
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, StateVisitor, shown_or_unsaved};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Where a window of time begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grid {
    /// With its first event.
    FirstEvent,
    /// At a multiple of its length since the graph began to run.
    Start,
    /// At a multiple of its length of the wall clock.
    WallClock,
}

/// When windows begin and end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// How many events end a window.
    pub(super) most: usize,
    pub(super) span: Option<(Duration, Grid)>,
    pub(super) send_empty: bool,
    pub(super) drop_on_error: bool,
}

impl Rule {
    /// The window that is open now: for how many nanoseconds, and until when. A window that only counts has no end.
    fn window(&self, started: Instant, cx: &Context<'_>) -> (u64, Instant) {
        let now = cx.now();
        let Some((length, grid)) = self.span else { return (0, Instant::NEVER) };
        let into = match grid {
            Grid::FirstEvent => 0,
            Grid::Start => now.signed_nanos() - started.min(now).signed_nanos(), // by hand nobody says that it starts
            Grid::WallClock => wall_clock_now(cx),
        };
        let into = u64::try_from(into.rem_euclid(i128::from(nanos(length)))).unwrap_or(0);
        (into, now + length.saturating_sub(Duration::from_nanos(into)))
    }
}

/// A window that is open, or is about to be.
pub(super) struct Open<T, G: Gather<T>> {
    gather: G,
    rest: Option<G::Rest>,
    /// It began so many nanoseconds before this time, which may be before the clock did.
    begun: u64,
    at: Instant,
    /// [`Instant::NEVER`] for a window that only counts, and while none is open.
    pub(super) ends: Instant,
    /// How many events were absorbed.
    tally: Tally,
}

impl<T, G: Gather<T>> Open<T, G> {
    pub(super) fn new(gather: G) -> Self {
        Self { gather, rest: G::NO_REST, begun: 0, at: Instant::ZERO, ends: Instant::NEVER, tally: Tally::default() }
    }

    pub(super) fn begin(&mut self, rule: &Rule, started: Instant, cx: &Context<'_>) {
        self.at = cx.now();
        (self.begun, self.ends) = rule.window(started, cx);
    }

    #[inline]
    pub(super) fn absorb<S: Stamp>(&mut self, event: T) -> Result<Demand, StreamError> {
        let (kept, rest) = G::part(event);
        self.rest = Some(rest);
        self.tally.add(S::missing(|| self.gather.is_missing(&kept)));
        self.gather.absorb(kept)
    }

    /// How many events count.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.gather.count(self.tally.count)
    }

    /// The result of the window, if it has one, and an empty one.
    pub(super) fn finish<S: Stamp>(&mut self, cx: &Context<'_>) -> Option<G::Sent<S::Out<G::Made>>> {
        let tally = core::mem::take(&mut self.tally);
        let ends = if self.ends == Instant::NEVER { cx.now() } else { self.ends };
        let made = self.gather.finish()?;
        let rest = self.rest.clone()?;
        Some(G::sent(rest, S::stamp(made, S::mark(self.begun, self.at), ends, tally, cx)))
    }

    /// Lets the source go on that was told to pause for this window.
    #[inline]
    pub(super) fn resume(&mut self, cx: &Context<'_>) {
        if self.gather.take_room() {
            cx.resume();
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.gather.has_room()
    }

    pub(super) fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.on_bounds(state);
        shown_or_unsaved("window", self.tally.count > 0, |state| self.gather.on_state(state), state);
    }

    /// As [`on_state`](Self::on_state), with the events that are gathered.
    pub(super) fn on_events(&mut self, state: &mut dyn StateVisitor)
    where
        G: SavedEvents,
    {
        self.on_bounds(state);
        self.gather.on_events(state);
    }

    /// All but what is gathered.
    fn on_bounds(&mut self, state: &mut dyn StateVisitor) {
        let Self { rest, begun, at, ends, tally, .. } = self;
        begun.on_state("begun", state);
        at.on_state("at", state);
        ends.on_state("ends", state);
        tally.count.on_state("count", state);
        tally.missing.on_state("missing", state);
        G::on_rest(rest, state);
    }
}

impl<T, G: Gather<T>> fmt::Debug for Open<T, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Open");
        shown.field("at", &self.at).field("ends", &self.ends).field("tally", &self.tally);
        shown.finish_non_exhaustive()
    }
}

/// Made by [`aggregate`](super::Windows::aggregate) and [`window`](super::Windows::window) with
/// [`Window::tumbling`](super::Window::tumbling) or [`Window::each`](super::Window::each).
///
/// A window that the end of the stream cuts short gives a last result, also before an error unless `drop_on_error` is asked
/// for. There is never an empty one because of the end.
pub struct Groups<T, G: Gather<T>, S> {
    rule: Rule,
    /// When the graph began to run, or had begun that left its state.
    started: Instant,
    open: Open<T, G>,
    stamp: PhantomData<fn() -> S>,
}

impl<T, G: Gather<T>, S: Stamp> Groups<T, G, S> {
    pub(super) fn new(rule: Rule, gather: G) -> Self {
        Self { rule, started: Instant::NEVER, open: Open::new(gather), stamp: PhantomData }
    }

    /// Ends the window. If windows without events are sent, the next one begins at once.
    fn close(&mut self, cx: &Context<'_>) -> Option<G::Sent<S::Out<G::Made>>> {
        let is_sent = self.open.tally.count > 0 || self.rule.send_empty;
        let made = if is_sent { self.open.finish::<S>(cx) } else { None };
        self.open.resume(cx);
        match (self.rule.send_empty, self.rule.span) {
            (true, Some((length, Grid::FirstEvent))) if self.open.ends <= cx.now() => self.follow(length, cx.now()),
            (true, Some(_)) => self.open.begin(&self.rule, self.started, cx),
            _ => self.open.ends = Instant::NEVER,
        }
        made
    }

    /// The window behind the last one, or a later one, if those between are over already.
    fn follow(&mut self, length: Duration, now: Instant) {
        let late = nanos(now.since(self.open.ends));
        let over = Duration::from_nanos(late - late % nanos(length));
        (self.open.begun, self.open.at) = (0, self.open.ends + over);
        self.open.ends = self.open.at + length;
    }

    /// Sends the result of the window if it has ended; it may be that only the wake-up is not here yet.
    #[inline]
    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<G::Sent<S::Out<G::Made>>>>) -> Receipt {
        if out.now() < self.open.ends {
            return Ok(Demand::More);
        }
        self.close(out.context()).map_or(Ok(Demand::More), |made| out.next(made))
    }

    fn rest(&mut self, cx: &Context<'_>) -> Option<G::Sent<S::Out<G::Made>>> {
        if self.open.tally.count > 0 { self.open.finish::<S>(cx) } else { None }
    }
}

impl<T, G: Gather<T>, S: Stamp> Filter<T> for Groups<T, G, S> {
    type Out = G::Sent<S::Out<G::Made>>;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let now = out.now();
        self.started = self.started.min(now);
        if let Some((length, _)) = self.rule.span.filter(|_| self.open.ends != Instant::NEVER) {
            self.open.ends = self.open.ends.min(now + length); // restored
            out.wake_at(self.open.ends);
            return Ok(Demand::More);
        }
        if self.rule.send_empty && self.rule.span.is_some_and(|(_, grid)| grid != Grid::FirstEvent) {
            self.open.begin(&self.rule, self.started, out.context());
            out.wake_at(self.open.ends);
        }
        Ok(Demand::More)
    }
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = self.send_due(out)?;
        if demand == Demand::Done {
            return Ok(Demand::Done);
        }
        if self.open.tally.count == 0 && self.open.ends == Instant::NEVER {
            self.open.begin(&self.rule, self.started, out.context());
        }
        let room = match self.open.absorb::<S>(event) {
            Ok(room) => room,
            Err(full) => {
                let rest = self.rest(out.context());
                out.flush_error(rest, full)?;
                return Ok(Demand::Done);
            }
        };
        if self.open.len() < self.rule.most {
            out.wake_at(self.open.ends);
            return Ok(demand.and(room));
        }
        match self.close(out.context()) {
            Some(made) => Ok(demand.and(out.next(made)?)),
            None => Ok(demand),
        }
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = self.send_due(out)?;
        out.wake_at(self.open.ends);
        Ok(demand)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        let rest = self.rest(out.context());
        out.flush(rest)
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        let rest = self.rest(out.context()).filter(|_| !self.rule.drop_on_error);
        out.flush_error(rest, error)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = match self.rest(out.context()) {
            Some(made) => out.next(made)?,
            None => Demand::More,
        };
        self.open.resume(out.context());
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(Notice::Flush)?)) }
    }
    fn has_room(&self, behind: bool) -> bool {
        behind && self.open.has_room()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.started.on_state("started", state);
        self.open.on_state(state);
    }
    fn is_holding(&self) -> bool {
        self.open.ends != Instant::NEVER && self.open.tally.count > 0
    }
}

impl<T, G: Gather<T> + SavedEvents, S> SavedEvents for Groups<T, G, S> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.started.on_state("started", state);
        self.open.on_events(state);
    }
}

impl<T, G: Gather<T>, S> fmt::Debug for Groups<T, G, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").field("rule", &self.rule).field("open", &self.open).finish_non_exhaustive()
    }
}
