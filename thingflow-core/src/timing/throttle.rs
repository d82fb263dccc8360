//! `throttle(d)`: send at most one event each time; the last of a burst is never lost.
//!
//! Holds one event.

use core::fmt;
use core::time::Duration;

use crate::clock::{Instant, Timestamp};
use crate::error::StreamError;
use crate::kit::Marks;
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Which events of a burst a throttle lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edges {
    First,
    Last,
    Both,
}

/// Made by [`throttle`](super::Timing::throttle), or by [`both`](Self::both), [`leading`](Self::leading) and
/// [`trailing`](Self::trailing) if something else is wanted.
#[derive(Clone)]
pub struct Throttle<T, D = fn(T)> {
    window: Duration,
    edges: Edges,
    gate: Gate<T>,
    marks: Marks,
    dropped: D,
    drop_on_error: bool,
}

impl<T> Throttle<T> {
    /// Sends the first event at once, and the last of those that follow within `window` at the end of it.
    pub fn both(window: Duration) -> Self {
        Self {
            window,
            edges: Edges::Both,
            gate: Gate::new(),
            marks: Marks::default(),
            dropped: |_| {},
            drop_on_error: false,
        }
    }

    /// Sends the first event and drops those that follow within `window`.
    pub fn leading(window: Duration) -> Self {
        Self { edges: Edges::First, ..Self::both(window) }
    }

    /// Sends the last event that comes within `window`, beginning with the first one, at the end of it.
    pub fn trailing(window: Duration) -> Self {
        Self { edges: Edges::Last, ..Self::both(window) }
    }
}

impl<T, D> Throttle<T, D> {
    /// Shows to `see` each event that is dropped because of another one.
    #[must_use]
    pub fn on_dropped<E: FnMut(T)>(self, see: E) -> Throttle<T, E> {
        let Self { window, edges, gate, marks, drop_on_error, .. } = self;
        Throttle { window, edges, gate, marks, dropped: see, drop_on_error }
    }

    /// Drops what waits when the stream ends with an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    /// Takes an event that comes after the end of a window.
    #[inline(never)]
    fn begin(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt
    where
        D: FnMut(T),
    {
        let demand = self.send_due(out)?; // the wake-up may be on its way
        if demand == Demand::Done {
            return Ok(demand);
        }
        let taken = self.gate.take(event, out.now(), self.edges, self.window);
        if self.gate.held.is_some() {
            out.wake_at(self.gate.until);
        }
        match taken {
            Taken::Passes(event) => return Ok(demand.and(out.next(event)?)),
            Taken::Drops(event) => (self.dropped)(event),
            Taken::Waits => {}
        }
        Ok(demand)
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let mut demand = Demand::More;
        while demand != Demand::Done && out.now() >= self.gate.until {
            let Some(event) = self.gate.close(self.edges, self.window) else { break };
            demand = demand.and(out.next(event)?);
            demand = self.marks.follow_all(demand, out)?;
        }
        Ok(demand)
    }

    /// Sends what waits, whether or not its time has come.
    fn send_held(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.gate.held.take().map_or(Ok(Demand::More), |event| out.next(event))?;
        self.marks.follow_all(demand, out)
    }
}

impl<T, D: FnMut(T)> Filter<T> for Throttle<T, D> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if out.now() >= self.gate.until {
            return self.begin(event, out);
        }
        match self.gate.hold(event, self.edges) {
            Some(dropped) => (self.dropped)(dropped),
            None => out.wake_at(self.gate.until),
        }
        Ok(Demand::More)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?;
        if self.gate.held.is_some() {
            out.wake_at(self.gate.until);
        }
        Ok(demand)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.marks.come(watermark, usize::from(self.gate.held.is_some()), out)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_held(out)?;
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(Notice::Flush)?)) }
    }
    fn is_holding(&self) -> bool {
        self.gate.held.is_some()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if self.send_held(out)? == Demand::Done { Ok(()) } else { out.completed() }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if !self.drop_on_error && self.send_held(out)? == Demand::Done {
            return Ok(());
        }
        out.error(error)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.gate.until.on_state("until", state);
        if self.gate.held.is_some() {
            state.unsaved("throttle");
        }
    }
}

impl<T: Saved, D> SavedEvents for Throttle<T, D> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.gate.until.on_state("until", state);
        self.gate.held.on_state("event", state);
    }
}

impl<T: fmt::Debug, D> fmt::Debug for Throttle<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Throttle");
        shown
            .field("window", &self.window)
            .field("edges", &self.edges)
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

/// What lets events through for one key: closed `until` a time, with the event that waits for it.
#[derive(Clone, Debug)]
pub(super) struct Gate<T> {
    pub(super) held: Option<T>,
    pub(super) until: Instant,
}

/// What becomes of an event at a gate.
pub(super) enum Taken<T> {
    Passes(T),
    Waits,
    /// This event, or the one that waited before it.
    Drops(T),
}

impl<T> Gate<T> {
    pub(super) const fn new() -> Self {
        Self { held: None, until: Instant::ZERO }
    }

    /// Takes an event at `now`, which is not before the end of a time that has been closed.
    pub(super) fn take(&mut self, event: T, now: Instant, edges: Edges, window: Duration) -> Taken<T> {
        if now >= self.until {
            self.until = now + window;
            if edges != Edges::Last {
                return Taken::Passes(event);
            }
        }
        self.hold(event, edges).map_or(Taken::Waits, Taken::Drops)
    }

    /// Takes an event that comes within the time: gives back the one that is dropped for it, if there is one.
    #[inline]
    fn hold(&mut self, event: T, edges: Edges) -> Option<T> {
        if edges == Edges::First { Some(event) } else { self.held.replace(event) }
    }

    /// Ends the time: gives the event to be sent, if one waits. With both edges it begins the next time.
    pub(super) fn close(&mut self, edges: Edges, window: Duration) -> Option<T> {
        let event = self.held.take()?;
        if edges == Edges::Both {
            self.until = self.until + window;
        }
        Some(event)
    }
}
