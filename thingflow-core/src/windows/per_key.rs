//! `aggregate(Window::running().by_key(keys, key), a)`, and of `sliding` and `last`: windows that overlap, for each key on its own.
//!
//! Holds what a window holds, for up to `keys` keys.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use crate::context::Context;
use crate::error::StreamError;
use crate::kit::Recent;
use crate::size::Size;
use crate::state::StateVisitor;
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// A filter of windows that overlap: its events get their results as they come.
pub trait Overlapping<T>: Filter<T> {
    /// What is left at the end, or before an error, if anything is to be sent of it.
    fn rest(&mut self, is_error: bool, cx: &Context<'_>) -> Option<Self::Out>;
}

/// Made by [`aggregate`](super::Windows::aggregate) and [`window`](super::Windows::window) with `by_key` of
/// [`running`](super::RunningWindow), [`sliding`](super::CountWindow) and [`last`](super::TimeWindow) windows.
///
/// Of more than `keys` keys the one of which there was no event for longest is forgotten: it begins anew. A walk that saves the state
/// of a graph does not reach into it, since a key may be of any type.
pub struct PerKey<T, K, F, W> {
    key: F,
    make: Box<dyn FnMut(&K) -> W>,
    windows: Recent<K, W>,
    event: PhantomData<fn(T)>,
}

impl<T, K: Ord + Clone, F: FnMut(&T) -> K, W: Overlapping<T>> PerKey<T, K, F, W> {
    pub(super) fn new(keys: Size, key: F, make: impl FnMut(&K) -> W + 'static) -> Self {
        Self { key, make: Box::new(make), windows: Recent::new(keys), event: PhantomData }
    }

    fn rest(&mut self, is_error: bool, cx: &Context<'_>) -> Vec<W::Out> {
        self.windows.values_mut().filter_map(|window| window.rest(is_error, cx)).collect()
    }
}

impl<T, K: Ord + Clone, F: FnMut(&T) -> K, W: Overlapping<T>> Filter<T> for PerKey<T, K, F, W> {
    type Out = W::Out;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<W::Out>>) -> Receipt {
        let key = (self.key)(&event);
        if let Some(window) = self.windows.touch(&key) {
            return window.on_next(event, out);
        }
        let mut window = (self.make)(&key);
        let receipt = window.on_next(event, out);
        self.windows.insert(key, window);
        receipt
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<W::Out>>) -> Receipt {
        let mut demand = crate::Demand::More;
        for window in self.windows.values_mut() {
            demand = demand.and(window.on_wake(out)?);
        }
        Ok(demand)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<W::Out>>) -> Closed {
        let rest = self.rest(false, out.context());
        out.flush(rest)
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<W::Out>>) -> Closed {
        let rest = self.rest(true, out.context());
        out.flush_error(rest, error)
    }
    fn has_room(&self, behind: bool) -> bool {
        behind && self.windows.values().all(|window| window.has_room(true))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.windows.keys().next().is_some() {
            state.unsaved("windows by key");
        }
    }
}

impl<T, K, F, W> fmt::Debug for PerKey<T, K, F, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerKey").finish_non_exhaustive()
    }
}
