//! `filter_fn(f)`: a filter made of functions that are given the rest of the chain.
//!
//! Holds what its functions hold.

use core::fmt;
use core::marker::PhantomData;

use crate::error::StreamError;
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// The rest of a chain, as a function sees it: its type is hidden.
pub type DynEmitter<'e, 'c, 'n, T> = Emitter<'e, 'c, &'n mut dyn InputThing<T>>;

/// A custom filter without a type of its own: `f` takes each event and sends what it likes.
///
/// The end passes through, unless [`on_completed`](FilterFn::on_completed) or [`on_error`](FilterFn::on_error) says
/// otherwise. The calls are dynamic; a type that implements [`Filter`] is the fast way.
///
/// ```
/// use thingflow_core::prelude::*;
/// let echo = filter_fn(|x: i32, out: &mut DynEmitter<'_, '_, '_, i32>| {
///     out.next(x)?;
///     out.next(x)
/// });
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([1, 2]).pipe(echo.on_completed(|out| out.flush([0]))).collect_now(), [1, 1, 2, 2, 0]);
/// ```
pub fn filter_fn<In, Out, F>(f: F) -> FilterFn<Out, F, PassCompleted<Out>, PassError<Out>>
where
    F: FnMut(In, &mut DynEmitter<'_, '_, '_, Out>) -> Receipt,
{
    FilterFn {
        next: f,
        completed: |out| out.completed::<Out>(),
        error: |error, out| out.error::<Out>(error),
        out: PhantomData,
    }
}

/// What a [`FilterFn`] does at completion unless told otherwise.
pub type PassCompleted<Out> = fn(&mut DynEmitter<'_, '_, '_, Out>) -> Closed;
/// What a [`FilterFn`] does at an error unless told otherwise.
pub type PassError<Out> = fn(StreamError, &mut DynEmitter<'_, '_, '_, Out>) -> Closed;

/// Made by [`filter_fn`].
#[derive(Clone)]
pub struct FilterFn<Out, F, C, E> {
    next: F,
    completed: C,
    error: E,
    out: PhantomData<fn(Out)>,
}

impl<Out, F, E> FilterFn<Out, F, PassCompleted<Out>, E> {
    /// What to do at completion: send what is held back, then complete, for example by `out.flush(rest)`.
    pub fn on_completed<C>(self, f: C) -> FilterFn<Out, F, C, E>
    where
        C: FnMut(&mut DynEmitter<'_, '_, '_, Out>) -> Closed,
    {
        FilterFn { next: self.next, completed: f, error: self.error, out: PhantomData }
    }
}

impl<Out, F, C> FilterFn<Out, F, C, PassError<Out>> {
    /// What to do at an error: send what is held back, then the error, for example by `out.flush_error(rest, error)`.
    pub fn on_error<E>(self, f: E) -> FilterFn<Out, F, C, E>
    where
        E: FnMut(StreamError, &mut DynEmitter<'_, '_, '_, Out>) -> Closed,
    {
        FilterFn { next: self.next, completed: self.completed, error: f, out: PhantomData }
    }
}

impl<In, Out, F, C, E> Filter<In> for FilterFn<Out, F, C, E>
where
    F: FnMut(In, &mut DynEmitter<'_, '_, '_, Out>) -> Receipt,
    C: FnMut(&mut DynEmitter<'_, '_, '_, Out>) -> Closed,
    E: FnMut(StreamError, &mut DynEmitter<'_, '_, '_, Out>) -> Closed,
{
    type Out = Out;
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Out>>) -> Receipt {
        (self.next)(
            event,
            &mut Emitter { next: &mut (out.next as &mut dyn InputThing<Out>), cx: out.cx, watch: out.watch },
        )
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Out>>) -> Closed {
        (self.completed)(&mut Emitter {
            next: &mut (out.next as &mut dyn InputThing<Out>),
            cx: out.cx,
            watch: out.watch,
        })
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Out>>) -> Closed {
        (self.error)(
            error,
            &mut Emitter { next: &mut (out.next as &mut dyn InputThing<Out>), cx: out.cx, watch: out.watch },
        )
    }
}

impl<Out, F, C, E> fmt::Debug for FilterFn<Out, F, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FilterFn")
    }
}
