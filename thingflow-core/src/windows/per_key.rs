//! `aggregate(Window::cumulative().by_key(keys, key), a)`, and of `sliding` and `last`: windows that overlap, for each key on its own.
//!
//! Holds what a window holds, for up to `keys` keys.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use super::by_key::{Keying, key_on_state};
use crate::context::Context;
use crate::error::StreamError;
use crate::kit::Recent;
use crate::size::Size;
use crate::state::{Saved, SavedEvents, SavedItems, StateVisitor};
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// A filter of windows that overlap: its events get their results as they come.
pub trait Overlapping<T>: Filter<T> {
    /// What is left at the end, or before an error, if anything is to be sent of it.
    fn rest(&mut self, is_error: bool, cx: &Context<'_>) -> Option<Self::Out>;
}

/// Made by [`aggregate`](super::Windows::aggregate) and [`window`](super::Windows::window) with `by_key` of
/// [`cumulative`](super::CumulativeWindow), [`sliding`](super::CountWindow) and [`last`](super::TimeWindow) windows.
///
/// Of more than `keys` keys the one of which there was no event for longest is forgotten: it begins anew. A walk that saves the state
/// of a graph reaches into it with [`by_saved_key`](super::CountWindow::by_saved_key), or in a [`Saving`](crate::Saving) if it holds events.
pub struct PerKey<T, Q: Keying<T>, W> {
    key: Q,
    make: Make<Q::Key, W>,
    windows: Recent<Q::Key, W>,
    event: PhantomData<fn(T)>,
}

/// Makes the window of a key.
type Make<K, W> = Box<dyn FnMut(&K) -> W>;

impl<T, Q: Keying<T>, W: Overlapping<T>> PerKey<T, Q, W> {
    pub(super) fn new(keys: Size, key: Q, make: impl FnMut(&Q::Key) -> W + 'static) -> Self {
        Self { key, make: Box::new(make), windows: Recent::new(keys), event: PhantomData }
    }

    fn rest(&mut self, is_error: bool, cx: &Context<'_>) -> Vec<W::Out> {
        self.windows.values_mut().filter_map(|window| window.rest(is_error, cx)).collect()
    }

    /// Shows the windows, each with its key, the one not used for longest first.
    fn on_windows(
        &mut self,
        on_key: impl Fn(&mut Option<Q::Key>, &mut dyn StateVisitor),
        on_window: impl Fn(&mut W, &mut dyn StateVisitor),
        state: &mut dyn StateVisitor,
    ) {
        let mut held = self.windows.take_all().into_iter();
        let mut items = SavedItems::of("windows by key", held.len(), state);
        while items.another(state) {
            let (mut key, window) = held.next().unzip();
            on_key(&mut key, state);
            let Some(key) = key else { return state.refuse("windows by key") };
            let mut window = window.unwrap_or_else(|| (self.make)(&key));
            on_window(&mut window, state);
            if self.windows.is_full() || self.windows.touch(&key).is_some() {
                state.refuse("windows by key");
            } else {
                self.windows.insert(key, window);
            }
        }
    }
}

impl<T, Q: Keying<T>, W: Overlapping<T>> Filter<T> for PerKey<T, Q, W> {
    type Out = W::Out;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<W::Out>>) -> Receipt {
        let key = self.key.key(&event);
        if let Some(window) = self.windows.touch(&key) {
            return window.on_next(event, out);
        }
        let mut window = (self.make)(&key);
        let receipt = window.on_next(event, out);
        if let Some((_, forgotten)) = self.windows.insert(key, window)
            && !forgotten.has_room(true)
        {
            out.context().resume(); // nobody else would let the source go on that waits for it
        }
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
        if Q::IS_SAVED {
            self.on_windows(Q::on_key, W::on_state, state);
        } else if self.windows.keys().next().is_some() {
            state.unsaved("windows by key");
        }
    }
}

impl<T, Q: Keying<T, Key: Saved>, W: Overlapping<T> + SavedEvents> SavedEvents for PerKey<T, Q, W> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.on_windows(key_on_state, W::on_events, state);
    }
}

impl<T, Q: Keying<T>, W> fmt::Debug for PerKey<T, Q, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerKey").finish_non_exhaustive()
    }
}
