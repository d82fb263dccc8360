//! The traits that everything is made of: an [`InputThing`] receives events, a [`Sink`] is one at the end of a chain, and a
//! [`Filter`] turns events into others.
//!
//! The order of calls is a promise on both sides: [`Notice::Start`] once, any number of events and other notices, then at
//! most one of [`Notice::Completed`] and [`Notice::Error`], then nothing. A Thing that answered [`Demand::Done`] is not
//! called again. The one exception: a Thing that says that it is [draining](Question::Draining) is woken until it has sent
//! what it holds.

use crate::Timestamp;
use crate::context::Context;
use crate::error::{FatalError, StreamError};
use crate::limit::QueueState;
use crate::notice::{Notice, Question};
use crate::receipts::Watch;
use crate::state::StateVisitor;
use crate::visit::{Visitor, short_name};
use crate::witness;

/// The receipt for an event: what the receiver wants from its source next. It travels back to the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)] // A whole register: on ARM, who gets a byte back has to cut it out first.
pub enum Demand {
    /// More events, please.
    More,
    /// Taken, but pause: a queue downstream is full. The source goes on once it has drained.
    Full,
    /// No more events; the Thing is disconnected and dropped. It has told those behind it, if they had to know.
    Done,
}

impl Demand {
    /// The receipt of two connections that stand one behind the other: `Done` ends both, `Full` pauses both.
    #[must_use]
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
/// This is what ports, filters and the engine see of a Thing. Nothing has a default, so a Thing that wraps another one
/// hands on every notice and question, those that are yet to come included, or does not compile. To write the end of a
/// chain, implement [`Sink`]: an `InputThing` comes with it. To write a stage of a chain, implement [`Filter`].
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::{Notice, Question};
/// /// Counts the events for another Thing.
/// struct Counted<N> { events: u64, thing: N }
/// impl<T, N: InputThing<T>> InputThing<T> for Counted<N> {
///     fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
///         self.events += 1;
///         self.thing.next(event, cx)
///     }
///     fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
///     where
///         T: Clone,
///     {
///         self.events += 1;
///         self.thing.next_ref(event, cx)
///     }
///     fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
///         self.thing.notice(notice, cx)
///     }
///     fn ask(&self, question: Question<'_>) -> bool {
///         self.thing.ask(question)
///     }
/// }
/// let mut counted = Counted { events: 0, thing: call(drop) };
/// let cx = &mut Context::detached(Instant::ZERO);
/// counted.next("an event", cx)?;
/// counted.notice(Notice::Completed, cx)?;
/// assert_eq!(counted.events, 1);
/// # Ok::<(), FatalError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take events of type `{T}`",
    label = "does not take `{T}`",
    note = "`.map(..)` turns events into the type that is expected here, for example `.map(|event| event.val)` for the value of a sensor event",
    note = "wrap a closure in `call(..)`, or in `try_call(..)` if it may fail; implement `Sink` for a custom Thing"
)]
pub trait InputThing<T> {
    /// Takes the next event.
    ///
    /// # Errors
    /// The only error is a fatal one, which ends the run; see [`Context::fatal`].
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt;

    /// Takes the next event by reference: what a port calls when others want the same event. A Thing that needs the event
    /// itself clones it: `self.next(event.clone(), cx)`. The compiler leaves out what of the clone is not used.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone;

    /// Takes a notice. The receipt of an end has no meaning.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt;

    /// Answers a question.
    fn ask(&self, question: Question<'_>) -> bool;
}

/// What the author of the end of a chain writes: three short methods. Every sink is an [`InputThing`].
///
/// The only error that the methods return is a fatal one, which ends the run; see [`Context::fatal`]. For a closure there is
/// [`call`](crate::call).
///
/// ```
/// use thingflow_core::prelude::*;
/// /// Keeps the largest value.
/// struct Peak(f64);
/// impl Sink for Peak {
///     type Event = f64;
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
    message = "`{Self}` does not implement `Sink`",
    note = "a closure becomes a sink by `call(..)`, or by `try_call(..)` if it may fail"
)]
pub trait Sink {
    /// The events that it takes.
    type Event;

    /// Takes the next event.
    ///
    /// # Errors
    /// A fatal one, made by [`Context::fatal`].
    fn on_next(&mut self, event: Self::Event, cx: &mut Context<'_>) -> Receipt;

    /// The stream has ended as it should.
    ///
    /// # Errors
    /// A fatal one, made by [`Context::fatal`].
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed;

    /// The stream has ended by an error.
    ///
    /// # Errors
    /// A fatal one, made by [`Context::fatal`].
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed;

    /// Takes the next event by reference, see [`InputThing::next_ref`]. By default it is cloned.
    ///
    /// # Errors
    /// A fatal one, made by [`Context::fatal`].
    #[inline]
    fn on_next_ref(&mut self, event: &Self::Event, cx: &mut Context<'_>) -> Receipt
    where
        Self::Event: Clone,
    {
        self.on_next(event.clone(), cx)
    }

    /// Called once, before anything else, see [`Notice::Start`].
    ///
    /// # Errors
    /// A fatal one, made by [`Context::fatal`].
    fn on_start(&mut self, _cx: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }

    /// Called at a time asked for by [`Context::wake_at`], or earlier for somebody else on the same connection: a sink that
    /// still waits asks again.
    ///
    /// # Errors
    /// A fatal one, made by [`Context::fatal`].
    fn on_wake(&mut self, _cx: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }

    /// No event with a time before `watermark` follows, see [`Notice::Watermark`].
    ///
    /// # Errors
    /// A fatal one, made by [`Context::fatal`].
    fn on_watermark(&mut self, _watermark: Timestamp, _cx: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }

    /// What is being collected is to be written now, see [`Notice::Flush`].
    ///
    /// # Errors
    /// A fatal one, made by [`Context::fatal`].
    fn on_flush(&mut self, _cx: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }

    /// Shows what it remembers to a walk that saves or restores it.
    fn on_state(&mut self, _state: &mut dyn StateVisitor) {}

    /// False when it wants no more events, see [`Question::Open`].
    fn is_open(&self) -> bool {
        true
    }

    /// False while the receipt of another event would be [`Demand::Full`], see [`Question::Room`].
    fn has_room(&self) -> bool {
        true
    }

    /// Whether it still works on events although the stream has ended, see [`Question::Draining`].
    fn is_draining(&self) -> bool {
        false
    }

    /// Whether it holds an event that is to go on at a time that it has asked for, see [`Question::Holding`].
    fn is_holding(&self) -> bool {
        self.is_draining()
    }

    /// Shows itself to a walk over the graph. By default the type's name.
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink_type(short_name::<Self>());
    }

    /// Takes a notice: calls the method for it. Only a sink that holds another one overrides it, to hand the notice on.
    ///
    /// # Errors
    /// A fatal one, made by [`Context::fatal`].
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        notice_sink(self, notice, cx)
    }

    /// Answers a question: calls the method for it. Only a sink that holds another one overrides it, to ask that.
    fn answer(&self, question: Question<'_>) -> bool {
        match question {
            Question::Open => self.is_open(),
            Question::Room => self.has_room(),
            Question::Draining => self.is_draining(),
            Question::Holding => self.is_holding(),
            #[cfg(feature = "alloc")]
            Question::Describe(visitor) => {
                self.describe(visitor);
                true
            }
            #[cfg(not(feature = "alloc"))]
            Question::Never(never, _) => match never {},
        }
    }
}

/// Calls the method of a sink for a notice.
pub(crate) fn notice_sink<S: Sink + ?Sized>(sink: &mut S, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
    match notice {
        Notice::Start => sink.on_start(cx),
        Notice::Wake => sink.on_wake(cx),
        Notice::Watermark(watermark) => sink.on_watermark(watermark, cx),
        Notice::Flush => sink.on_flush(cx),
        Notice::Completed => sink.on_completed(cx).map(|()| Demand::Done),
        Notice::Error(error) => sink.on_error(error, cx).map(|()| Demand::Done),
        Notice::State(visitor) => {
            sink.on_state(visitor);
            Ok(Demand::More)
        }
    }
}

impl<S: Sink + ?Sized> InputThing<S::Event> for S {
    #[inline]
    fn next(&mut self, event: S::Event, cx: &mut Context<'_>) -> Receipt {
        self.on_next(event, cx)
    }
    #[inline]
    fn next_ref(&mut self, event: &S::Event, cx: &mut Context<'_>) -> Receipt
    where
        S::Event: Clone,
    {
        self.on_next_ref(event, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.on_notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.answer(question)
    }
}

/// Writes the methods of a sink that hands everything on to the sink that it derefs to.
macro_rules! forwards_to_sink {
    () => {
        type Event = S::Event;
        #[inline]
        fn on_next(&mut self, event: S::Event, cx: &mut Context<'_>) -> Receipt {
            (**self).on_next(event, cx)
        }
        #[inline]
        fn on_next_ref(&mut self, event: &S::Event, cx: &mut Context<'_>) -> Receipt
        where
            S::Event: Clone,
        {
            (**self).on_next_ref(event, cx)
        }
        fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
            (**self).on_completed(cx)
        }
        fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
            (**self).on_error(error, cx)
        }
        fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
            (**self).on_notice(notice, cx)
        }
        fn answer(&self, question: Question<'_>) -> bool {
            (**self).answer(question)
        }
    };
}

/// A sink lent for a while, for a run over data that is at hand.
impl<S: Sink + ?Sized> Sink for &mut S {
    forwards_to_sink!();
}

/// A boxed sink.
#[cfg(feature = "alloc")]
impl<S: Sink + ?Sized> Sink for alloc::boxed::Box<S> {
    forwards_to_sink!();
}

/// Writes the methods of a Thing that hands everything on to the Thing that it derefs to.
macro_rules! forwards {
    () => {
        #[inline]
        fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
            (**self).next(event, cx)
        }
        #[inline]
        fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
        where
            T: Clone,
        {
            (**self).next_ref(event, cx)
        }
        fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
            (**self).notice(notice, cx)
        }
        fn ask(&self, question: Question<'_>) -> bool {
            (**self).ask(question)
        }
    };
}

/// Any Thing, where its type should not show.
#[cfg(feature = "alloc")]
impl<T> InputThing<T> for alloc::boxed::Box<dyn InputThing<T> + '_> {
    forwards!();
}

/// Any Thing, lent, where its type should not show.
impl<T> InputThing<T> for &mut (dyn InputThing<T> + '_) {
    forwards!();
}

/// What the author of an operator writes: one input, one output, one required method.
///
/// The rest of the chain is `out`. `In` is an event from upstream; any number of `out.next(..)` may follow from it. The
/// receipt of `out.next` is the receipt to return: a filter that gets [`Demand::Done`] passes it on and stops.
///
/// Everything that a filter does not override passes it: the methods that begin with `on_` hand on, or do nothing where each
/// stage is told by itself; the questions are answered by what follows. [`notice`](Self::notice) and [`ask`](Self::ask) are
/// what a chain calls. A filter that holds another filter overrides just these two; to put filters one behind the other use
/// a [`pipe`](crate::pipe()).
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
    message = "`{Self}` does not implement `Filter<{In}>`",
    label = "not a filter of `{In}`",
    note = "pass a closure to `.map(..)`, `.filter(..)` or `.filter_map(..)`, and a Thing that ends the chain to `.connect(..)`"
)]
pub trait Filter<In> {
    /// What the filter sends on.
    type Out;

    /// Whether the filter leaves every method as it is but [`on_next`](Self::on_next), [`on_state`](Self::on_state) and
    /// [`describe`](Self::describe). A chain then leads all other notices and questions past it, and without an allocator `on_state` too, which makes a program for a microcontroller smaller, and nothing else.
    const TRANSPARENT: bool = false;

    /// Takes the next event.
    ///
    /// # Errors
    /// A fatal one: that of `out`, or one made by [`Context::fatal`].
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt;

    /// The stream has ended as it should. Passes it on; override to send first what is held back.
    ///
    /// # Errors
    /// As [`on_next`](Self::on_next).
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.completed()
    }

    /// The stream has ended by an error. Passes it on; override to send first what is held back.
    ///
    /// # Errors
    /// As [`on_next`](Self::on_next).
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.error(error)
    }

    /// Called once when the graph starts to run, after everything behind the filter has been started.
    ///
    /// # Errors
    /// As [`on_next`](Self::on_next).
    fn on_start(&mut self, _out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        Ok(Demand::More)
    }

    /// Called at a time asked for by [`Emitter::wake_at`], or earlier for another filter of the chain. Act only if
    /// `out.now()` has reached the time you wait for; if it has not, ask again.
    ///
    /// # Errors
    /// As [`on_next`](Self::on_next).
    fn on_wake(&mut self, _out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        Ok(Demand::More)
    }

    /// No event with a time before `watermark` follows. Passes it on; override to send first what is complete by it.
    ///
    /// # Errors
    /// As [`on_next`](Self::on_next).
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        out.notice(Notice::Watermark(watermark))
    }

    /// What is being collected should go on now. Passes it on; override to send first what has been collected.
    ///
    /// # Errors
    /// As [`on_next`](Self::on_next).
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        out.notice(Notice::Flush)
    }

    /// Shows what the filter remembers to a walk that saves or restores it: see [`StateVisitor`] for an example, and
    /// [`Saved`](crate::Saved) for what can be shown. After a walk that restores comes an [`on_wake`](Self::on_wake), in which a
    /// filter that waits for a time asks again, as after every wake-up that is too early.
    fn on_state(&mut self, _state: &mut dyn StateVisitor) {}

    /// Whether there is room for another event, see [`Question::Room`]; `behind` says so of what follows. By default that
    /// is the answer; a filter that holds events back answers for itself.
    fn has_room(&self, behind: bool) -> bool {
        behind
    }

    /// Whether the filter still holds events that wait for their time, although it has been told that the stream has
    /// completed. Where [`Context::drains`] says so it may keep them: it is woken until this is false, and passes the end
    /// on when it has sent them. See [`Question::Draining`].
    fn is_draining(&self) -> bool {
        false
    }

    /// Whether the filter holds an event that is to go on at a time that it has asked for. The run goes on for it, see
    /// [`Question::Holding`]. A filter that only watches the time holds none.
    fn is_holding(&self) -> bool {
        self.is_draining()
    }

    /// Shows itself to a walk over the graph. By default the type's name in snake case.
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter_type(short_name::<Self>());
    }

    /// The queue of a filter that holds events within a [`Limit`](crate::Limit), to be shown with it.
    fn queue(&self) -> Option<QueueState> {
        None
    }

    /// Takes a notice: calls the method for it. What follows is told of [`Notice::Start`], [`Notice::Wake`] and
    /// [`Notice::State`] by the chain; everything else the filter passes on.
    ///
    /// # Errors
    /// As [`on_next`](Self::on_next).
    fn notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        notice_filter(self, notice, out)
    }

    /// Answers a question; `behind` asks what follows.
    fn ask(&self, question: Question<'_>, behind: &dyn Fn(Question<'_>) -> bool) -> bool {
        match question {
            Question::Room => self.has_room(behind(Question::Room)),
            Question::Draining => self.is_draining() || behind(Question::Draining),
            Question::Holding => self.is_holding() || behind(Question::Holding),
            #[cfg(feature = "alloc")]
            Question::Describe(visitor) => {
                self.describe(visitor);
                if let Some(queue) = self.queue() {
                    visitor.queue(queue);
                }
                behind(Question::Describe(visitor))
            }
            question => behind(question),
        }
    }
}

/// Calls the method of a filter for a notice.
pub(crate) fn notice_filter<In, F: Filter<In> + ?Sized>(
    filter: &mut F,
    notice: Notice<'_>,
    out: &mut Emitter<'_, '_, impl InputThing<F::Out>>,
) -> Receipt {
    if F::TRANSPARENT {
        if cfg!(feature = "alloc")
            && let Notice::State(visitor) = notice
        {
            filter.on_state(visitor);
            return Ok(Demand::More);
        }
        return if notice.is_told_by_chain() { Ok(Demand::More) } else { out.notice(notice) };
    }
    match notice {
        Notice::Start => filter.on_start(out),
        Notice::Wake => filter.on_wake(out),
        Notice::Watermark(watermark) => filter.on_watermark(watermark, out),
        Notice::Flush => filter.on_flush(out),
        Notice::Completed => filter.on_completed(out).map(|()| Demand::Done),
        Notice::Error(error) => filter.on_error(error, out).map(|()| Demand::Done),
        Notice::State(visitor) => {
            filter.on_state(visitor);
            Ok(Demand::More)
        }
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
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn next<T>(&mut self, event: T) -> Receipt
    where
        N: InputThing<T>,
    {
        self.watch.sends();
        let witness = witness::end::<N>();
        let receipt = self.next.next(event, self.cx);
        witness.sees(&receipt);
        self.watch.answered(&receipt);
        receipt
    }

    /// Ends the stream. Nothing may follow; from `on_next` answer [`Demand::Done`], or use [`finish`](Self::finish).
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn completed<T>(&mut self) -> Closed
    where
        N: InputThing<T>,
    {
        self.watch.ends();
        self.tell(Notice::Completed).map(drop)
    }

    /// Ends the stream by an error. Nothing may follow; from `on_next` use [`fail`](Self::fail).
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn error<T>(&mut self, error: StreamError) -> Closed
    where
        N: InputThing<T>,
    {
        self.watch.ends();
        self.tell(Notice::Error(error)).map(drop)
    }

    /// Completes the stream from within the filter: from `on_next`, `on_start` or `on_wake`.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn finish<T>(&mut self) -> Receipt
    where
        N: InputThing<T>,
    {
        self.completed()?;
        Ok(Demand::Done)
    }

    /// Fails the stream from within the filter: from `on_next`, `on_start` or `on_wake`.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[cold]
    pub fn fail<T>(&mut self, error: StreamError) -> Receipt
    where
        N: InputThing<T>,
    {
        self.error(error)?;
        Ok(Demand::Done)
    }

    /// Sends the last events, then ends the stream, unless the receiver wanted no more before.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn flush<T>(&mut self, last: impl IntoIterator<Item = T>) -> Closed
    where
        N: InputThing<T>,
    {
        if self.send_all(last)? == Demand::Done { Ok(()) } else { self.completed() }
    }

    /// Sends the last events, then the error, unless the receiver wanted no more before.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn flush_error<T>(&mut self, last: impl IntoIterator<Item = T>, error: StreamError) -> Closed
    where
        N: InputThing<T>,
    {
        if self.send_all(last)? == Demand::Done { Ok(()) } else { self.error(error) }
    }

    /// Sends several events, until the receiver wants no more. The receipt is that of all of them.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
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

    /// Passes a notice on to what follows.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn notice<T>(&mut self, notice: Notice<'_>) -> Receipt
    where
        N: InputThing<T>,
    {
        if notice.is_end() {
            self.watch.ends();
        }
        let receipt = self.tell(notice);
        self.watch.answered(&receipt);
        receipt
    }

    fn tell<T>(&mut self, notice: Notice<'_>) -> Receipt
    where
        N: InputThing<T>,
    {
        let witness = witness::end::<N>();
        let receipt = self.next.notice(notice, self.cx);
        witness.sees(&receipt);
        receipt
    }

    /// Whether everything downstream has room for another event, see [`Question::Room`].
    pub fn has_room<T>(&self) -> bool
    where
        N: InputThing<T>,
    {
        self.next.ask(Question::Room)
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
