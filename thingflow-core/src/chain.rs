//! Filters joined into one compiled unit: [`Connected`], [`Then`], [`Pipe`] and the fluent base trait [`Chain`].
//!
//! A chain of any length is one type without a dynamic call inside; the compiler inlines it to one loop body.

use core::fmt;
use core::marker::PhantomData;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{RunError, StreamError};
use crate::receipts::{Link, Watch};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};
use crate::visit::Visitor;

/// A filter and what follows it: an [`InputThing`].
#[derive(Debug)]
pub struct Connected<F, N> {
    filter: F,
    next: N,
    link: Link,
    gone: Gone,
}

/// Whether those behind a filter have ended of their own accord, when they were woken: then a filter that still holds events
/// has nobody to send them to.
#[derive(Clone, Debug, Default)]
struct Gone(#[cfg(feature = "std")] bool);

impl Gone {
    fn note(&mut self, demand: Demand) -> Demand {
        #[cfg(feature = "std")]
        if demand == Demand::Done {
            self.0 = true;
        }
        demand
    }

    fn get(&self) -> bool {
        #[cfg(feature = "std")]
        return self.0;
        #[cfg(not(feature = "std"))]
        false
    }
}

impl<F, N> Connected<F, N> {
    pub(crate) fn new(filter: F, next: N) -> Self {
        Self { filter, next, link: Link::default(), gone: Gone::default() }
    }

    /// The rest of the chain, as the filter sees it, and the filter.
    #[inline]
    fn split<'e, 'c>(&'e mut self, cx: &'e mut Context<'c>) -> (&'e mut F, Emitter<'e, 'c, N>) {
        (&mut self.filter, Emitter { next: &mut self.next, cx, watch: self.link.watch::<F>() })
    }

    /// Runs the chain over data that is at hand: starts it, feeds it, completes it. No time passes meanwhile.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// let mut sum = 0;
    /// pipe::<i32>().map(|x| x * 2).to(call(|x| sum += x)).feed(1..=3)?;
    /// assert_eq!(sum, 12);
    /// # Ok::<(), RunError>(())
    /// ```
    ///
    /// # Errors
    /// The fatal error of a Thing in the chain.
    pub fn feed<In>(&mut self, events: impl IntoIterator<Item = In>) -> Result<(), RunError>
    where
        Self: InputThing<In>,
    {
        let mut cx = Context::detached(Instant::ZERO);
        self.feed_all(events, &mut cx).map_err(|error| cx.take_error(error))
    }

    fn feed_all<In>(&mut self, events: impl IntoIterator<Item = In>, cx: &mut Context<'_>) -> Closed
    where
        Self: InputThing<In>,
    {
        let mut demand = self.on_start(cx)?;
        let mut events = events.into_iter();
        while demand != Demand::Done {
            let Some(event) = events.next() else { return self.on_completed(cx) };
            demand = self.on_next(event, cx)?;
        }
        Ok(())
    }
}

impl<In, F: Filter<In>, N: InputThing<F::Out>> InputThing<In> for Connected<F, N> {
    #[inline]
    fn on_next(&mut self, event: In, cx: &mut Context<'_>) -> Receipt {
        let (filter, mut out) = self.split(cx);
        let receipt = filter.on_next(event, &mut out);
        out.watch.passed_on(&receipt, || filter.is_draining() || out.next.is_draining());
        receipt
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        let (filter, mut out) = self.split(cx);
        filter.on_completed(&mut out)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        let (filter, mut out) = self.split(cx);
        filter.on_error(error, &mut out)
    }
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        let demand = self.next.on_start(cx)?;
        if demand == Demand::Done {
            return Ok(Demand::Done);
        }
        let (filter, mut out) = self.split(cx);
        let receipt = filter.on_start(&mut out);
        out.watch.passed_on(&receipt, || filter.is_draining() || out.next.is_draining());
        Ok(demand.and(receipt?))
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        if cfg!(feature = "std") && self.next.is_draining() {
            return self.next.on_wake(cx); // the filter has ended
        }
        let was_told = self.is_draining();
        let (filter, mut out) = self.split(cx);
        let receipt = filter.on_wake(&mut out);
        out.watch.passed_on(&receipt, || filter.is_draining() || out.next.is_draining());
        let demand = receipt?;
        if demand != Demand::Done {
            return Ok(demand.and(self.gone.note(self.next.on_wake(cx)?)));
        }
        if !self.is_draining() {
            return Ok(demand);
        }
        // What follows goes on. This wake-up has answered its wishes as well, so it has to ask again.
        let behind = self.gone.note(self.next.on_wake(cx)?);
        Ok(if was_told { behind } else { demand })
    }
    fn is_open(&self) -> bool {
        self.next.is_open()
    }
    fn has_room(&self) -> bool {
        self.filter.has_room(self.next.has_room())
    }
    fn is_draining(&self) -> bool {
        !self.gone.get() && self.filter.is_draining() || self.next.is_draining()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        self.filter.describe(visitor);
        self.next.describe(visitor);
    }
}

/// Two filters, one behind the other: a filter.
#[derive(Clone, Debug)]
pub struct Then<A, B>(A, B, Link, Gone);

/// The second filter and what follows, by reference, as the first one sees it.
struct Following<'a, F, N> {
    filter: &'a mut F,
    next: &'a mut N,
    /// Of what is behind the second filter.
    watch: Watch<'a>,
}

impl<In, F: Filter<In>, N: InputThing<F::Out>> InputThing<In> for Following<'_, F, N> {
    #[inline]
    fn on_next(&mut self, event: In, cx: &mut Context<'_>) -> Receipt {
        let mut out = Emitter { next: self.next, cx, watch: self.watch };
        let receipt = self.filter.on_next(event, &mut out);
        out.watch.passed_on(&receipt, || self.filter.is_draining() || out.next.is_draining());
        receipt
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.filter.on_completed(&mut Emitter { next: self.next, cx, watch: self.watch })
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.filter.on_error(error, &mut Emitter { next: self.next, cx, watch: self.watch })
    }
    fn has_room(&self) -> bool {
        self.filter.has_room(self.next.has_room())
    }
    fn is_draining(&self) -> bool {
        self.filter.is_draining() || self.next.is_draining()
    }
}

impl<A, B> Then<A, B> {
    pub(crate) fn new(first: A, second: B) -> Self {
        Self(first, second, Link::default(), Gone::default())
    }

    /// Calls the first filter, for which the second one is the rest of the chain.
    #[inline]
    fn first<'c, N, R>(
        &mut self,
        out: &mut Emitter<'_, 'c, N>,
        call: impl FnOnce(&mut A, &mut Emitter<'_, 'c, Following<'_, B, N>>) -> R,
    ) -> R {
        let mut watch = out.watch;
        watch.rename::<B>();
        let mut next = Following { filter: &mut self.1, next: out.next, watch };
        call(&mut self.0, &mut Emitter { next: &mut next, cx: out.cx, watch: self.2.watch::<A>() })
    }
}

impl<In, A: Filter<In>, B: Filter<A::Out>> Filter<In> for Then<A, B> {
    type Out = B::Out;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<B::Out>>) -> Receipt {
        self.first(out, |filter, out| {
            let receipt = filter.on_next(event, out);
            out.watch.passed_on(&receipt, || filter.is_draining() || out.next.is_draining());
            receipt
        })
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<B::Out>>) -> Closed {
        self.first(out, |filter, out| filter.on_completed(out))
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<B::Out>>) -> Closed {
        self.first(out, |filter, out| filter.on_error(error, out))
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<B::Out>>) -> Receipt {
        out.watch.rename::<B>();
        let demand = self.1.on_start(out)?;
        if demand == Demand::Done {
            return Ok(demand);
        }
        let receipt = self.first(out, |filter, out| {
            let receipt = filter.on_start(out);
            out.watch.passed_on(&receipt, || filter.is_draining() || out.next.is_draining());
            receipt
        });
        Ok(demand.and(receipt?))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<B::Out>>) -> Receipt {
        out.watch.rename::<B>();
        if cfg!(feature = "std") && self.1.is_draining() {
            return self.1.on_wake(out); // the first filter has ended
        }
        let was_told = self.is_draining();
        let receipt = self.first(out, |filter, out| {
            let receipt = filter.on_wake(out);
            out.watch.passed_on(&receipt, || filter.is_draining() || out.next.is_draining());
            receipt
        });
        let demand = receipt?;
        if demand != Demand::Done {
            return Ok(demand.and(self.3.note(self.1.on_wake(out)?)));
        }
        if !self.is_draining() {
            return Ok(demand);
        }
        let behind = self.3.note(self.1.on_wake(out)?); // as in `Connected`
        Ok(if was_told { behind } else { demand })
    }
    fn has_room(&self, behind: bool) -> bool {
        self.0.has_room(self.1.has_room(behind))
    }
    fn is_draining(&self) -> bool {
        !self.3.get() && self.0.is_draining() || self.1.is_draining()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        self.0.describe(visitor);
        self.1.describe(visitor);
    }
}

/// The filter that changes nothing: the start of every pipe.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl<T> Filter<T> for Identity {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
    fn describe(&self, _: &mut dyn Visitor) {}
}

/// The base of the fluent methods. Operators come as one-line methods of a group trait ([`Filters`](crate::Filters) …)
/// that is implemented for every `Chain`; your own come the same way.
///
/// Implemented by [`Pipe`] and [`Flow`](crate::Flow), and, with `alloc`, by `&Port`, `&Output` (so by a reference to a
/// sensor) and the chains that begin at them.
pub trait Chain: Sized {
    /// The type of the events at the end of the chain.
    type Item;
    /// The chain with one more filter.
    type Piped<F: Filter<Self::Item> + 'static>: Chain<Item = F::Out>;
    /// What comes of connecting the end to a Thing.
    type Ended<N: InputThing<Self::Item> + 'static>;

    /// Appends a filter, or a whole [`Pipe`].
    #[doc(alias = "compose")]
    fn pipe<F: Filter<Self::Item> + 'static>(self, filter: F) -> Self::Piped<F>;

    /// Ends the chain in a Thing.
    fn connect<N: InputThing<Self::Item> + 'static>(self, thing: N) -> Self::Ended<N>;
}

/// A chain without a source: it can be named, passed around, tested, appended to another chain, or connected later.
///
/// ```
/// use thingflow_core::prelude::*;
/// fn alarm(limit: f64) -> Pipe<f64, impl Filter<f64, Out = bool>> {
///     pipe().map(move |v| v > limit)
/// }
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([20.0, 30.0]).pipe(alarm(25.0)).collect_now(), [false, true]);
/// ```
#[must_use = "a pipe does nothing until it is appended to a chain or connected"]
pub struct Pipe<In, F> {
    filter: F,
    input: PhantomData<fn(In)>,
}

/// Begins a chain without a source.
pub fn pipe<In>() -> Pipe<In, Identity> {
    Pipe { filter: Identity, input: PhantomData }
}

impl<In, F: Filter<In>> Pipe<In, F> {
    /// Ends the pipe in a Thing, which may be borrowed. Without an allocator this is the way to connect.
    pub fn to<N: InputThing<F::Out>>(self, thing: N) -> Connected<F, N> {
        Connected::new(self.filter, thing)
    }
}

impl<In, F: Filter<In>> Chain for Pipe<In, F> {
    type Item = F::Out;
    type Piped<G: Filter<F::Out> + 'static> = Pipe<In, Then<F, G>>;
    type Ended<N: InputThing<F::Out> + 'static> = Connected<F, N>;

    fn pipe<G: Filter<F::Out> + 'static>(self, filter: G) -> Self::Piped<G> {
        Pipe { filter: Then::new(self.filter, filter), input: PhantomData }
    }
    fn connect<N: InputThing<F::Out> + 'static>(self, thing: N) -> Connected<F, N> {
        self.to(thing)
    }
}

/// A pipe is a filter, so that it can be appended to any chain.
impl<In, F: Filter<In>> Filter<In> for Pipe<In, F> {
    type Out = F::Out;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        out.watch.rename::<F>();
        self.filter.on_next(event, out)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Closed {
        out.watch.rename::<F>();
        self.filter.on_completed(out)
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Closed {
        out.watch.rename::<F>();
        self.filter.on_error(error, out)
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        out.watch.rename::<F>();
        self.filter.on_start(out)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        out.watch.rename::<F>();
        self.filter.on_wake(out)
    }
    fn has_room(&self, behind: bool) -> bool {
        self.filter.has_room(behind)
    }
    fn is_draining(&self) -> bool {
        self.filter.is_draining()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        self.filter.describe(visitor);
    }
}

impl<In, F: Clone> Clone for Pipe<In, F> {
    fn clone(&self) -> Self {
        Self { filter: self.filter.clone(), input: PhantomData }
    }
}

impl<In, F: fmt::Debug> fmt::Debug for Pipe<In, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pipe").field(&self.filter).finish()
    }
}
