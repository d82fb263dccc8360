//! `SlidingTransducer::new(n, hooks)`: a transducer over the last `n` events that is told what comes and what goes.
//!
//! Holds up to `n` events.

use alloc::collections::VecDeque;

use super::transduce::Transducer;
use crate::size::Size;
use crate::state::{Saved, SavedEvents, StateVisitor, on_store};

/// What a [`SlidingTransducer`] calls, so that a result over a window is kept up to date and not made anew each time.
pub trait SlidingHooks<In> {
    /// What is sent for each event.
    type Out;
    /// The first event of all. By default it is added as any other.
    fn first(&mut self, event: &In) {
        self.add(event);
    }
    /// An event comes into the window.
    fn add(&mut self, event: &In);
    /// The oldest event leaves the window. Called before [`add`](Self::add) of the one that takes its place.
    fn remove(&mut self, event: In);
    /// The result, after `newest` has been added, or `None` to send nothing. `len` is the number of events in the window.
    fn result(&mut self, newest: &In, len: usize) -> Option<Self::Out>;
    /// Shows what the hooks remember to a walk that saves or restores it, as [`Transducer::on_state`] does. The events of the window are
    /// shown by the transducer, within a [`Saving`](crate::Saving).
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        state.unsaved("transduce");
    }
}

/// A [`Transducer`] over the last `n` events, of fewer at the beginning. Nothing is left over at the end.
///
/// ```
/// use thingflow_core::elementwise::{SlidingHooks, SlidingTransducer};
/// use thingflow_core::prelude::*;
/// /// The difference to the first event of all, and the sum of the window.
/// #[derive(Default)]
/// struct Sum { start: i32, sum: i32 }
/// impl SlidingHooks<i32> for Sum {
///     type Out = (i32, i32);
///     fn first(&mut self, event: &i32) {
///         self.start = *event;
///         self.add(event);
///     }
///     fn add(&mut self, event: &i32) {
///         self.sum += event;
///     }
///     fn remove(&mut self, event: i32) {
///         self.sum -= event;
///     }
///     fn result(&mut self, newest: &i32, _: usize) -> Option<(i32, i32)> {
///         Some((newest - self.start, self.sum))
///     }
/// }
/// let sums = from_iter([5, 6, 9]).transduce(SlidingTransducer::new(2, Sum::default()));
/// assert_eq!(sums.collect_now(), [(0, 5), (1, 11), (4, 15)]);
/// ```
#[derive(Clone, Debug)]
pub struct SlidingTransducer<In, H> {
    n: usize,
    window: VecDeque<In>,
    begun: bool,
    hooks: H,
}

impl<In, H: SlidingHooks<In>> SlidingTransducer<In, H> {
    /// The transducer, to be given to [`transduce`](super::Elementwise::transduce).
    #[track_caller]
    pub fn new(n: impl Into<Size>, hooks: H) -> Self {
        Self { n: n.into().get(), window: VecDeque::new(), begun: false, hooks }
    }
}

impl<In, H: SlidingHooks<In>> Transducer<In> for SlidingTransducer<In, H> {
    type Out = H::Out;
    fn step(&mut self, event: In) -> Option<H::Out> {
        if self.window.len() == self.n
            && let Some(oldest) = self.window.pop_front()
        {
            self.hooks.remove(oldest);
        }
        if core::mem::replace(&mut self.begun, true) {
            self.hooks.add(&event);
        } else {
            self.hooks.first(&event);
        }
        let result = self.hooks.result(&event, self.window.len() + 1);
        self.window.push_back(event);
        result
    }
}

impl<In: Saved, H: SlidingHooks<In>> SavedEvents for SlidingTransducer<In, H> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.begun.on_state("begun", state);
        on_store("events", &mut self.window, self.n, state);
        self.hooks.on_state(state);
    }
}
