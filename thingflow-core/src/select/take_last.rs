//! `take_last(n)`, `take_last_of::<N>()`: send the last `n` events, at completion.
//!
//! Holds up to `n` events.

#[cfg(feature = "alloc")]
use alloc::collections::VecDeque;

use crate::clock::Timestamp;
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, StateVisitor, on_store};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`take_last`](super::Selecting::take_last).
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct TakeLast<T> {
    n: usize,
    held: VecDeque<T>,
}

#[cfg(feature = "alloc")]
impl<T> TakeLast<T> {
    pub(super) fn new(n: usize) -> Self {
        Self { n, held: VecDeque::new() }
    }
}

#[cfg(feature = "alloc")]
impl<T> Filter<T> for TakeLast<T> {
    type Out = T;
    fn on_next(&mut self, event: T, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.held.len() == self.n {
            self.held.pop_front();
        }
        if self.n > 0 {
            self.held.push_back(event);
        }
        Ok(Demand::More)
    }
    /// What is sent at completion may be of any time: until then there is nothing to say.
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.held.is_empty() { out.notice(Notice::Watermark(watermark)) } else { Ok(Demand::More) }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(self.held.drain(..))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.held.is_empty() {
            state.unsaved("take_last");
        }
    }
}

#[cfg(feature = "alloc")]
impl<T: Saved> SavedEvents for TakeLast<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        on_store("events", &mut self.held, self.n, state);
    }
}

/// Made by [`take_last_of`](super::Selecting::take_last_of).
#[derive(Clone, Debug)]
pub struct TakeLastOf<T, const N: usize> {
    pub(super) held: heapless::Deque<T, N>,
}

impl<T, const N: usize> Filter<T> for TakeLastOf<T, N> {
    type Out = T;
    fn on_next(&mut self, event: T, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.held.is_full() {
            self.held.pop_front();
        }
        let _ = self.held.push_back(event); // refused only if `N` is 0, when there is nothing to keep
        Ok(Demand::More)
    }
    /// What is sent at completion may be of any time: until then there is nothing to say.
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.held.is_empty() { out.notice(Notice::Watermark(watermark)) } else { Ok(Demand::More) }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(core::iter::from_fn(|| self.held.pop_front()))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.held.is_empty() {
            state.unsaved("take_last");
        }
    }
}

impl<T: Saved, const N: usize> SavedEvents for TakeLastOf<T, N> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        on_store("events", &mut self.held, N, state);
    }
}
