//! The two traits everything is made of: [`InputThing`] receives events, [`Filter`] turns them into others.
//!
//! The order of calls is a promise on both sides: `on_start` once, any number of `on_next` and `on_wake`, then at most
//! one of `on_completed` and `on_error`, then nothing. A Thing that answered [`Demand::Done`] is not called again. The one
//! exception: who still holds events that wait for their time is woken until they are sent, see
//! [`InputThing::is_draining`].

use crate::context::Context;
use crate::error::{FatalError, StreamError};
use crate::receipts::Watch;
use crate::visit::{Visitor, short_name};

/// The receipt for an event: what the receiver wants from its source next. It travels back to the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// More events, please.
    More,
    /// Taken, but pause: a queue further down is full. The source goes on once it has drained.
    Full,
    /// No more events; the Thing is disconnected and dropped. It has told those behind it, if they had to know.
    Done,
}

impl Demand {
    /// The receipt of two connections that stand one behind the other: `Done` ends both, `Full` pauses both.
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Done, _) | (_, Self::Done) => Self::Done,
            (Self::Full, _) | (_, Self::Full) => Self::Full,
            _ => Self::More,
        }
    }
}

/// What taking an event may result in.
pub type Receipt = Result<Demand, FatalError>;
/// What taking a notice of the end may result in.
pub type Closed = Result<(), FatalError>;

/// What can be connected to a port of `T`: a sink, an adapter's writer, or a whole chain that ends in one.
///
/// Three methods are required. The only error they return is a fatal one, which ends the run; see [`Context::fatal`].
///
/// ```
/// use thingflow_core::prelude::*;
/// /// Keeps the largest value.
/// struct Peak(f64);
/// impl InputThing<f64> for Peak {
///     fn on_next(&mut self, event: f64, _: &mut Context<'_>) -> Receipt {
///         self.0 = self.0.max(event);
///         Ok(Demand::More)
///     }
///     fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
///         Ok(())
///     }
///     fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
///         Ok(())
///     }
/// }
/// let mut peak = Peak(0.0);
/// pipe::<i32>().map(f64::from).to(&mut peak).feed([3, 9, 4])?;
/// assert_eq!(peak.0, 9.0);
/// # Ok::<(), RunError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes no events of `{T}`",
    label = "this takes no `{T}`",
    note = "`.map(..)` makes of an event what is taken here; of a sensor event it takes the value: `.map(|event| event.val)`",
    note = "a closure goes into `call(..)`, or into `try_call(..)` if it may fail"
)]
pub trait InputThing<T> {
    /// Takes the next event.
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt;
    /// Takes the next event by reference: what a port calls when others want the same event. By default a clone goes to
    /// [`on_next`](Self::on_next); the compiler leaves out what of it is not used.
    #[inline]
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        self.on_next(event.clone(), cx)
    }

    /// The stream has ended as it should.
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed;
    /// The stream has ended by an error.
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed;

    /// Called once, before anything else, when the graph starts to run or when the Thing joins a running graph.
    fn on_start(&mut self, _cx: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }

    /// Called at a time asked for by [`Context::wake_at`], or earlier for somebody else on the same connection: a Thing
    /// that still waits asks again.
    fn on_wake(&mut self, _cx: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }

    /// False when nothing behind this Thing listens any more, so that its source may stop.
    fn is_open(&self) -> bool {
        true
    }

    /// False while the receipt of another event would be [`Demand::Full`]. Asked before a source, or a stage that holds
    /// events back, goes on after a [`resume`](Context::resume), which may have been meant for others. Who says false
    /// calls `resume` when that changes.
    fn has_room(&self) -> bool {
        true
    }

    /// Whether events are still to be sent although the stream has ended, or the last receipt was [`Demand::Done`]: then
    /// the Thing is kept, and woken until this is false. It gets no more events. A Thing that calls another one passes the
    /// question on to it, or calls it by [`Context::without_draining`].
    fn is_draining(&self) -> bool {
        false
    }

    /// Shows itself and what stands behind it to a walk over the graph.
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink(short_name::<Self>());
    }
}

/// A Thing lent for a while, for a run over data that is at hand.
impl<T, N: InputThing<T> + ?Sized> InputThing<T> for &mut N {
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        (**self).on_next(event, cx)
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        (**self).on_next_ref(event, cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        (**self).on_completed(cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        (**self).on_error(error, cx)
    }
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        (**self).on_start(cx)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        (**self).on_wake(cx)
    }
    fn is_open(&self) -> bool {
        (**self).is_open()
    }
    fn has_room(&self) -> bool {
        (**self).has_room()
    }
    fn is_draining(&self) -> bool {
        (**self).is_draining()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        (**self).describe(visitor);
    }
}

/// A boxed Thing, where its type should not show.
#[cfg(feature = "alloc")]
impl<T, N: InputThing<T> + ?Sized> InputThing<T> for alloc::boxed::Box<N> {
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        (**self).on_next(event, cx)
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        (**self).on_next_ref(event, cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        (**self).on_completed(cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        (**self).on_error(error, cx)
    }
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        (**self).on_start(cx)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        (**self).on_wake(cx)
    }
    fn is_open(&self) -> bool {
        (**self).is_open()
    }
    fn has_room(&self) -> bool {
        (**self).has_room()
    }
    fn is_draining(&self) -> bool {
        (**self).is_draining()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        (**self).describe(visitor);
    }
}

/// What the author of an operator writes: one input, one output, one required method.
///
/// The rest of the chain is `out`. `In` is an event from upstream; any number of `out.next(..)` may follow from it. The
/// receipt of `out.next` is the receipt to return: a filter that gets [`Demand::Done`] passes it on and stops.
///
/// ```
/// use thingflow_core::prelude::*;
/// /// Passes an event only if it differs from the last one by at least `band`.
/// struct ChangedBy { band: f64, last: Option<f64> }
/// impl Filter<f64> for ChangedBy {
///     type Out = f64;
///     fn on_next(&mut self, v: f64, out: &mut Emitter<'_, '_, impl InputThing<f64>>) -> Receipt {
///         if self.last.is_some_and(|last| (v - last).abs() < self.band) {
///             return Ok(Demand::More);
///         }
///         self.last = Some(v);
///         out.next(v)
///     }
/// }
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([1.0, 1.2, 2.5, 2.4]).pipe(ChangedBy { band: 1.0, last: None }).collect_now(), [1.0, 2.5]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no filter of `{In}`",
    label = "this is no `Filter<{In}>`",
    note = "a closure goes into `.map(..)`, `.filter(..)` or `.filter_map(..)`; a Thing that ends the chain into `.connect(..)`"
)]
pub trait Filter<In> {
    /// What the filter sends on.
    type Out;

    /// Takes the next event.
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt;

    /// The stream has ended as it should. Passes it on; override to send first what is held back.
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.completed()
    }

    /// The stream has ended by an error. Passes it on; override to send first what is held back.
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.error(error)
    }

    /// Called once when the graph starts to run, after everything behind the filter has been started.
    fn on_start(&mut self, _out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        Ok(Demand::More)
    }

    /// Called at a time asked for by [`Emitter::wake_at`], or earlier for another filter of the chain. Act only if
    /// `out.now()` has reached the time you wait for; if it has not, ask again.
    fn on_wake(&mut self, _out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        Ok(Demand::More)
    }

    /// Whether there is room for another event, see [`InputThing::has_room`]; `behind` says so of what follows. By default
    /// that is the answer; a filter that holds events back answers for itself.
    fn has_room(&self, behind: bool) -> bool {
        behind
    }

    /// Whether the filter still holds events that wait for their time, although it has been told that the stream has
    /// completed. Where [`Context::drains`] says so it may keep them: it is woken until this is false, and passes the end
    /// on when it has sent them. See [`InputThing::is_draining`].
    fn is_draining(&self) -> bool {
        false
    }

    /// Shows itself to a walk over the graph. By default the type's name in snake case.
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter(short_name::<Self>());
    }
}

/// The rest of the chain, as a filter sees it, together with the context.
#[derive(Debug)]
pub struct Emitter<'e, 'c, N> {
    pub(crate) next: &'e mut N,
    pub(crate) cx: &'e mut Context<'c>,
    pub(crate) watch: Watch<'e>,
}

impl<'e, 'c, N> Emitter<'e, 'c, N> {
    /// An emitter that sends to `next`: for a Thing that holds the rest of its chain itself.
    #[inline]
    pub fn new(next: &'e mut N, cx: &'e mut Context<'c>) -> Self {
        Self { next, cx, watch: Watch::default() }
    }

    /// Sends an event. Return the receipt, or pass on [`Demand::Done`] at least.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn next<T>(&mut self, event: T) -> Receipt
    where
        N: InputThing<T>,
    {
        self.watch.sends();
        let receipt = self.next.on_next(event, self.cx);
        self.watch.answered(&receipt);
        receipt
    }

    /// Ends the stream. Nothing may follow; from `on_next` answer [`Demand::Done`], or use [`finish`](Self::finish).
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn completed<T>(&mut self) -> Closed
    where
        N: InputThing<T>,
    {
        self.watch.ends();
        self.next.on_completed(self.cx)
    }

    /// Ends the stream by an error. Nothing may follow; from `on_next` use [`fail`](Self::fail).
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn error<T>(&mut self, error: StreamError) -> Closed
    where
        N: InputThing<T>,
    {
        self.watch.ends();
        self.next.on_error(error, self.cx)
    }

    /// Ends the stream of one's own accord, from `on_next`, `on_start` or `on_wake`.
    pub fn finish<T>(&mut self) -> Receipt
    where
        N: InputThing<T>,
    {
        self.completed()?;
        Ok(Demand::Done)
    }

    /// Ends the stream by an error of one's own, from `on_next`, `on_start` or `on_wake`.
    #[cold]
    pub fn fail<T>(&mut self, error: StreamError) -> Receipt
    where
        N: InputThing<T>,
    {
        self.error(error)?;
        Ok(Demand::Done)
    }

    /// Sends the last events, then ends the stream, unless the receiver wanted no more before.
    pub fn flush<T>(&mut self, last: impl IntoIterator<Item = T>) -> Closed
    where
        N: InputThing<T>,
    {
        if self.send_all(last)? == Demand::Done { Ok(()) } else { self.completed() }
    }

    /// Sends the last events, then the error, unless the receiver wanted no more before.
    pub fn flush_error<T>(&mut self, last: impl IntoIterator<Item = T>, error: StreamError) -> Closed
    where
        N: InputThing<T>,
    {
        if self.send_all(last)? == Demand::Done { Ok(()) } else { self.error(error) }
    }

    /// Sends several events, until the receiver wants no more. The receipt is that of all of them.
    pub fn send_all<T>(&mut self, events: impl IntoIterator<Item = T>) -> Receipt
    where
        N: InputThing<T>,
    {
        let mut demand = Demand::More;
        for event in events {
            demand = demand.and(self.next(event)?);
            if demand == Demand::Done {
                break;
            }
        }
        Ok(demand)
    }

    /// Whether those further down have room for another event, see [`InputThing::has_room`].
    pub fn has_room<T>(&self) -> bool
    where
        N: InputThing<T>,
    {
        self.next.has_room()
    }

    /// The time of this call on the scheduler's clock, see [`Context::now`].
    #[inline]
    pub fn now(&self) -> crate::Instant {
        self.cx.now()
    }

    /// Asks for `on_wake` at `due`, see [`Context::wake_at`].
    #[inline]
    pub fn wake_at(&mut self, due: crate::Instant) {
        self.cx.wake_at(due);
    }

    /// The context, for what else a Thing may ask of the scheduler.
    #[inline]
    pub fn context(&mut self) -> &mut Context<'c> {
        self.cx
    }
}
