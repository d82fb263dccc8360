//! Filters joined into one compiled unit: [`Connected`], [`Then`], [`Pipe`] and the fluent base trait [`Chain`].
//!
//! A chain of any length is one type without a dynamic call inside; the compiler inlines it to one loop body.

use core::fmt;
use core::marker::PhantomData;

use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::error::{RunError, StreamError};
use crate::notice::{Notice, Question};
use crate::receipts::{Link, Watch};
use crate::state::{SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};
use crate::visit::Visitor;
use crate::witness;

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
        self.feed_all(events, &mut cx).map_err(|error| {
            #[cfg(feature = "std")]
            let stage = witness::filter_in(|visitor| _ = self.ask(Question::Describe(visitor)));
            #[cfg(feature = "std")]
            stage.into_iter().for_each(|stage| cx.name_failed(|| stage));
            cx.take_error(error)
        })
    }

    fn feed_all<In>(&mut self, events: impl IntoIterator<Item = In>, cx: &mut Context<'_>) -> Closed
    where
        Self: InputThing<In>,
    {
        let mut demand = self.notice(Notice::Start, cx)?;
        let mut events = events.into_iter();
        while demand != Demand::Done {
            let Some(event) = events.next() else { return self.notice(Notice::Completed, cx).map(drop) };
            demand = self.next(event, cx)?;
        }
        Ok(())
    }
}

impl<In, F: Filter<In>, N: InputThing<F::Out>> InputThing<In> for Connected<F, N> {
    #[inline]
    fn next(&mut self, event: In, cx: &mut Context<'_>) -> Receipt {
        let (filter, mut out) = self.split(cx);
        pass(filter, event, &mut out)
    }
    #[inline]
    fn next_ref(&mut self, event: &In, cx: &mut Context<'_>) -> Receipt
    where
        In: Clone,
    {
        self.next(event.clone(), cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        let mut out = Emitter { next: &mut self.next, cx, watch: self.link.watch::<F>() };
        tell(&mut self.filter, &mut self.gone, notice, &mut out)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        answer(&self.filter, &self.gone, question, &|question| self.next.ask(question))
    }
}

/// Hands an event to a filter.
#[inline(always)] // the ways out for a panic make it look larger than it is
fn pass<In, F: Filter<In>, N: InputThing<F::Out>>(filter: &mut F, event: In, out: &mut Emitter<'_, '_, N>) -> Receipt {
    let witness = witness::filter::<F>();
    let receipt = filter.on_next(event, out);
    witness.sees(&receipt);
    out.watch.passed_on(&receipt, || drains(filter) || out.next.ask(Question::Draining));
    receipt
}

/// Tells a filter and what follows it: each by itself where it must be, else the filter, which passes it on.
fn tell<In, F: Filter<In>, N: InputThing<F::Out>>(
    filter: &mut F,
    gone: &mut Gone,
    notice: Notice<'_>,
    out: &mut Emitter<'_, '_, N>,
) -> Receipt {
    if F::TRANSPARENT {
        let mut notice = notice;
        if cfg!(feature = "alloc")
            && let Notice::State(visitor) = &mut notice
        {
            filter.on_state(*visitor);
        }
        return tell_next(filter, notice, out);
    }
    match notice {
        Notice::Start => {
            let demand = tell_next(filter, Notice::Start, out)?;
            if demand == Demand::Done {
                return Ok(demand);
            }
            Ok(demand.and(told(filter, notice, out)?))
        }
        Notice::Wake => wake(filter, gone, out),
        Notice::State(visitor) => {
            filter.notice(Notice::State(visitor), out)?;
            out.next.notice(Notice::State(visitor), out.cx)
        }
        notice => tell_filter(filter, notice, out),
    }
}

fn tell_filter<In, F: Filter<In>, N: InputThing<F::Out>>(
    filter: &mut F,
    notice: Notice<'_>,
    out: &mut Emitter<'_, '_, N>,
) -> Receipt {
    let witness = witness::filter::<F>();
    let receipt = filter.notice(notice, out);
    witness.sees(&receipt);
    receipt
}

/// Tells what follows a filter, beside the filter.
fn tell_next<In, F: Filter<In>, N: InputThing<F::Out>>(
    filter: &F,
    notice: Notice<'_>,
    out: &mut Emitter<'_, '_, N>,
) -> Receipt {
    witness::beside(
        |visitor| show(filter, visitor),
        || {
            let witness = witness::end::<N>();
            let receipt = out.next.notice(notice, out.cx);
            witness.sees(&receipt);
            receipt
        },
    )
}

/// A filter, or all those that it is made of.
#[cfg_attr(not(feature = "alloc"), allow(unused_variables))]
fn show<In, F: Filter<In>>(filter: &F, visitor: &mut dyn Visitor) {
    #[cfg(feature = "alloc")]
    filter.ask(Question::Describe(visitor), &|_| true);
}

fn told<In, F: Filter<In>, N: InputThing<F::Out>>(
    filter: &mut F,
    notice: Notice<'_>,
    out: &mut Emitter<'_, '_, N>,
) -> Receipt {
    let receipt = tell_filter(filter, notice, out);
    out.watch.passed_on(&receipt, || drains(filter) || out.next.ask(Question::Draining));
    receipt
}

fn wake<In, F: Filter<In>, N: InputThing<F::Out>>(
    filter: &mut F,
    gone: &mut Gone,
    out: &mut Emitter<'_, '_, N>,
) -> Receipt {
    if cfg!(feature = "std") && out.next.ask(Question::Draining) {
        return tell_next(filter, Notice::Wake, out); // the filter has ended
    }
    let was_told = !gone.get() && drains(filter);
    let demand = told(filter, Notice::Wake, out)?;
    if demand != Demand::Done {
        let behind = gone.note(tell_next(filter, Notice::Wake, out)?);
        // A filter that holds events has room of its own, and keeps `Full` from its source.
        let takes = behind == Demand::Full && filter.ask(Question::Room, &|_| false);
        return Ok(if takes { demand } else { demand.and(behind) });
    }
    if !(!gone.get() && drains(filter) || out.next.ask(Question::Draining)) {
        return Ok(demand);
    }
    // What follows goes on. This wake-up has answered its wishes as well, so it has to ask again.
    let behind = gone.note(tell_next(filter, Notice::Wake, out)?);
    Ok(if was_told { behind } else { demand })
}

/// Whether the filter itself, without what follows it, is draining.
pub(crate) fn drains<In, F: Filter<In>>(filter: &F) -> bool {
    filter.ask(Question::Draining, &|_| false)
}

/// What a filter and what follows it answer. A filter that has nobody to send to any more holds nothing.
fn answer<In, F: Filter<In>>(
    filter: &F,
    gone: &Gone,
    question: Question<'_>,
    behind: &dyn Fn(Question<'_>) -> bool,
) -> bool {
    if F::TRANSPARENT && !question.is_describe() {
        return behind(question);
    }
    match question {
        Question::Draining | Question::Holding if gone.get() => behind(question),
        question => filter.ask(question, behind),
    }
}

/// The methods of a filter that is made of others: each is the notice or the question of its name, so that a caller of the
/// method reaches all of them too.
macro_rules! by_notice_and_ask {
    ($out:ty) => {
        fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<$out>>) -> Closed {
            Filter::<In>::notice(self, Notice::Completed, out).map(drop)
        }
        fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<$out>>) -> Closed {
            Filter::<In>::notice(self, Notice::Error(error), out).map(drop)
        }
        fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<$out>>) -> Receipt {
            Filter::<In>::notice(self, Notice::Start, out)
        }
        fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<$out>>) -> Receipt {
            Filter::<In>::notice(self, Notice::Wake, out)
        }
        fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<$out>>) -> Receipt {
            Filter::<In>::notice(self, Notice::Watermark(watermark), out)
        }
        fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<$out>>) -> Receipt {
            Filter::<In>::notice(self, Notice::Flush, out)
        }
        fn has_room(&self, behind: bool) -> bool {
            Filter::<In>::ask(self, Question::Room, &|_| behind)
        }
        fn is_draining(&self) -> bool {
            drains::<In, Self>(self)
        }
        fn is_holding(&self) -> bool {
            Filter::<In>::ask(self, Question::Holding, &|_| false)
        }
    };
}

pub(crate) use by_notice_and_ask;

/// Two filters, one behind the other: a filter.
#[derive(Clone, Debug)]
pub struct Then<A, B> {
    first: A,
    second: B,
    link: Link,
    gone: Gone,
}

/// The second filter and what follows, by reference, as the first one sees it.
struct Following<'a, F, N> {
    filter: &'a mut F,
    next: &'a mut N,
    /// Of what is behind the second filter.
    watch: Watch<'a>,
}

impl<In, F: Filter<In>, N: InputThing<F::Out>> InputThing<In> for Following<'_, F, N> {
    #[inline(always)]
    fn next(&mut self, event: In, cx: &mut Context<'_>) -> Receipt {
        pass(self.filter, event, &mut Emitter { next: self.next, cx, watch: self.watch })
    }
    #[inline]
    fn next_ref(&mut self, event: &In, cx: &mut Context<'_>) -> Receipt
    where
        In: Clone,
    {
        self.next(event.clone(), cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        let mut out = Emitter { next: self.next, cx, watch: self.watch };
        tell_filter(self.filter, notice, &mut out)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.filter.ask(question, &|question| self.next.ask(question))
    }
}

impl<A, B> Then<A, B> {
    pub(crate) fn new(first: A, second: B) -> Self {
        Self { first, second, link: Link::default(), gone: Gone::default() }
    }

    /// Tells the first filter, for which the second one is the rest of the chain.
    fn first<'c, N, R>(
        &mut self,
        out: &mut Emitter<'_, 'c, N>,
        call: impl FnOnce(&mut A, &mut Gone, &mut Emitter<'_, 'c, Following<'_, B, N>>) -> R,
    ) -> R {
        let mut watch = out.watch;
        watch.rename::<B>();
        let mut next = Following { filter: &mut self.second, next: out.next, watch };
        let mut out = Emitter { next: &mut next, cx: out.cx, watch: self.link.watch::<A>() };
        call(&mut self.first, &mut self.gone, &mut out)
    }
}

impl<In, A: Filter<In>, B: Filter<A::Out>> Filter<In> for Then<A, B> {
    type Out = B::Out;
    const TRANSPARENT: bool = A::TRANSPARENT && B::TRANSPARENT;
    #[inline(always)]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<B::Out>>) -> Receipt {
        // Not by `first`: a closure with a way out for a panic is not inlined.
        let mut watch = out.watch;
        watch.rename::<B>();
        let mut next = Following { filter: &mut self.second, next: out.next, watch };
        let mut out = Emitter { next: &mut next, cx: out.cx, watch: self.link.watch::<A>() };
        pass(&mut self.first, event, &mut out)
    }
    fn notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<B::Out>>) -> Receipt {
        self.first(out, |filter, gone, out| tell(filter, gone, notice, out))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.first.on_state(state);
        self.second.on_state(state);
    }
    fn ask(&self, question: Question<'_>, behind: &dyn Fn(Question<'_>) -> bool) -> bool {
        answer(&self.first, &self.gone, question, &|question| self.second.ask(question, behind))
    }
    by_notice_and_ask!(B::Out);
}

impl<A: SavedEvents, B: SavedEvents> SavedEvents for Then<A, B> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.first.on_events(state);
        self.second.on_events(state);
    }
}

/// The filter that changes nothing: the start of every pipe.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl<T> Filter<T> for Identity {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
    fn describe(&self, _: &mut dyn Visitor) {}
}

/// The base of the fluent methods. Operators come as one-line methods of a group trait ([`Selecting`](crate::Selecting) …)
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
    const TRANSPARENT: bool = F::TRANSPARENT;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        out.watch.rename::<F>();
        self.filter.on_next(event, out)
    }
    fn notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        out.watch.rename::<F>();
        self.filter.notice(notice, out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.filter.on_state(state);
    }
    fn ask(&self, question: Question<'_>, behind: &dyn Fn(Question<'_>) -> bool) -> bool {
        self.filter.ask(question, behind)
    }
    by_notice_and_ask!(F::Out);
}

impl<In, F: SavedEvents> SavedEvents for Pipe<In, F> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.filter.on_events(state);
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
