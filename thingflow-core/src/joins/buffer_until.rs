//! `buffer_until(trigger, limit)`: gathers the events, and sends them as a list each time another stream has one.
//!
//! Holds up to `limit` events.

use alloc::vec::Vec;

use super::Join;
use super::held::{Held, Queue};
use super::rule::{At, Rule, Takes};
use crate::error::StreamError;
use crate::kit::Marks;
use crate::limit::{Limit, QueueState};
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Made by [`buffer_until`](super::Joins::buffer_until).
///
/// The value of the trigger does not matter. If nothing has come since the last one, nothing is sent, unless
/// [`send_empty`](Join::send_empty) asks for it. It completes when either has ended; what is held goes out first, also
/// before an error. It goes out at a flush, too, see [`Notice::Flush`].
///
/// ```
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let (lines, flush, seen) = (Port::new(), Port::new(), Recorder::new());
/// lines.buffer_until(&flush, Limit::drop_oldest(100)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// lines.emit("a", cx)?;
/// lines.emit("b", cx)?;
/// flush.emit((), cx)?;
/// flush.emit((), cx)?;
/// lines.emit("c", cx)?;
/// lines.complete(cx)?;
/// assert_eq!(seen.text(), r#"["a", "b"] ["c"] |"#);
/// # Ok::<(), FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BufferUntil<T> {
    held: Held<T>,
    marks: Marks,
    send_empty: bool,
    drop_on_error: bool,
}

impl<T> BufferUntil<T> {
    pub(super) fn new(limit: Limit) -> Self {
        Self { held: Held::new(limit), marks: Marks::default(), send_empty: false, drop_on_error: false }
    }

    fn rest(&mut self) -> Option<Vec<T>> {
        if self.held.is_empty() { None } else { Some(self.held.events.drain().collect()) }
    }

    fn send(&mut self, events: Vec<T>, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let demand = out.next(events)?;
        self.marks.follow_all(demand, out)
    }

    /// Takes what is held, of which nothing waits then.
    fn take(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Option<Vec<T>> {
        let events = self.rest();
        if self.held.take_room() {
            out.context().resume();
        }
        events
    }
}

impl<I, T> Join<I, BufferUntil<T>> {
    /// Sends an empty list, too, when the trigger finds nothing. There is none because of the end.
    pub fn send_empty(self) -> Self {
        self.with(|rule| BufferUntil { send_empty: true, ..rule })
    }

    /// Drops what is held when a stream ends with an error.
    pub fn drop_on_error(self) -> Self {
        self.with(|rule| BufferUntil { drop_on_error: true, ..rule })
    }
}

impl<T> Rule for BufferUntil<T> {
    type Out = Vec<T>;
    fn on_completed(&mut self, _: usize, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let demand = self.rest().map_or(Ok(Demand::More), |events| self.send(events, out))?;
        if demand == Demand::Done { Ok(demand) } else { out.finish() }
    }
    fn on_error(
        &mut self,
        _: usize,
        error: StreamError,
        out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>,
    ) -> Receipt {
        let rest = self.rest().filter(|_| !self.drop_on_error);
        out.flush_error(rest, error)?;
        Ok(Demand::Done)
    }
    fn on_notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        if let Notice::Watermark(watermark) = notice {
            return self.marks.come(watermark, self.held.events.len(), out);
        }
        let events = if matches!(notice, Notice::Flush) { self.take(out) } else { None };
        let demand = events.map_or(Ok(Demand::More), |events| self.send(events, out))?;
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(notice)?)) }
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        see(self.held.state());
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        if input == 0 { self.held.has_room() } else { behind }
    }
}

impl<T: Saved> SavedEvents for BufferUntil<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.held.on_events(state);
    }
}

impl<T> Takes<At<0>, T> for BufferUntil<T> {
    #[inline]
    fn on_next(&mut self, _: At<0>, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        self.held.push(event, "buffer_until").or_else(|error| self.on_error(0, error, out))
    }
}

impl<T, U> Takes<At<1>, U> for BufferUntil<T> {
    fn on_next(&mut self, _: At<1>, _: U, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        match self.take(out) {
            None if self.send_empty => out.next(Vec::new()),
            None => Ok(Demand::More),
            Some(events) => self.send(events, out),
        }
    }
}
