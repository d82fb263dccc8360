//! [`Flow`]: a source and a chain without a port.

use core::fmt;

use super::OutputThing;
use super::source::{Source, is_due, pull_into};
use crate::chain::{Chain, Connected, Identity, Then};
use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, StreamError};
use crate::notice::{Notice, Question};
use crate::thing::{Closed, Demand, Filter, InputThing, Receipt};
use crate::visit::short_name;
#[cfg(feature = "alloc")]
use crate::visit::show_type;

#[cfg(feature = "alloc")]
use {super::Output, crate::thing::Sink, alloc::vec::Vec};

/// A source and a chain in one compiled unit, without a port.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::prelude::*;
/// assert_eq!(from_iter(1..=4).filter(|x| x % 2 == 0).map(|x| x * x).collect_now(), [4, 16]);
/// # }
/// ```
#[must_use = "a flow does nothing until it is connected and scheduled"]
pub struct Flow<S, F = Identity> {
    source: S,
    filter: F,
}

impl<S: Source> Flow<S> {
    /// The flow of a source.
    pub fn new(source: S) -> Self {
        Self { source, filter: Identity }
    }

    /// The flow of a source that is made of this one.
    pub(crate) fn over<R: Source>(self, stage: impl FnOnce(S) -> R) -> Flow<R> {
        Flow::new(stage(self.source))
    }

    pub(crate) fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// The same source with a port, so that any number of branches can begin there.
    #[cfg(feature = "alloc")]
    pub fn output(self) -> Output<S>
    where
        S::Item: Clone + 'static,
    {
        Output::of(self.source)
    }
}

impl<S: Source, F: Filter<S::Item>> Flow<S, F> {
    /// As [`connect`](Chain::connect), with a Thing that may borrow what belongs to the caller.
    pub fn to<N: InputThing<F::Out>>(self, thing: N) -> ConnectedFlow<S, Connected<F, N>> {
        ConnectedFlow { source: self.source, chain: Connected::new(self.filter, thing) }
    }

    /// Runs the flow to its end, now, without a scheduler, and collects what comes out. No time passes meanwhile.
    ///
    /// # Panics
    /// If the flow ends by an error: meant for tests and for data at hand. See [`try_collect_now`](Self::try_collect_now).
    #[cfg(feature = "alloc")]
    #[track_caller]
    pub fn collect_now(self) -> Vec<F::Out> {
        match self.try_collect_now() {
            (events, None) => events,
            (_, Some(error)) => panic!("the flow ended by an error: {error}"),
        }
    }

    /// Runs the flow to its end, now, without a scheduler: what came out, and the error that ended it, if any.
    #[cfg(feature = "alloc")]
    pub fn try_collect_now(self) -> (Vec<F::Out>, Option<StreamError>) {
        let mut sink = Collected { events: Vec::new(), error: None };
        let mut flow = ConnectedFlow { source: self.source, chain: Connected::new(self.filter, &mut sink) };
        let mut cx = Context::detached(Instant::ZERO);
        let fatal = flow.run(&mut cx).err().map(|error| cx.take_error(error));
        (sink.events, sink.error.or(fatal.map(StreamError::from_cause)))
    }
}

#[cfg(feature = "alloc")]
struct Collected<T> {
    events: Vec<T>,
    error: Option<StreamError>,
}

#[cfg(feature = "alloc")]
impl<T> Sink for Collected<T> {
    type Event = T;
    fn on_next(&mut self, event: T, _: &mut Context<'_>) -> Receipt {
        self.events.push(event);
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, _: &mut Context<'_>) -> Closed {
        self.error = Some(error);
        Ok(())
    }
}

impl<S: Source, F: Filter<S::Item>> Chain for Flow<S, F> {
    type Item = F::Out;
    type Piped<G: Filter<F::Out> + 'static> = Flow<S, Then<F, G>>;
    type Ended<N: InputThing<F::Out> + 'static> = ConnectedFlow<S, Connected<F, N>>;

    fn pipe<G: Filter<F::Out> + 'static>(self, filter: G) -> Self::Piped<G> {
        Flow { source: self.source, filter: Then::new(self.filter, filter) }
    }
    fn connect<N: InputThing<F::Out> + 'static>(self, thing: N) -> Self::Ended<N> {
        ConnectedFlow { source: self.source, chain: Connected::new(self.filter, thing) }
    }
}

/// A flow without filters is as good as its source: so that what makes sources can be given `from_iter(..)`.
impl<S: Source> Source for Flow<S> {
    type Item = S::Item;
    #[inline]
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        self.source.pull(cx)
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.source.due(cx)
    }
    fn name(&self) -> &str {
        self.source.name()
    }
}

/// A [`Flow`] with its end connected: ready to be scheduled, or to be run on the spot.
#[must_use = "a flow does nothing until it is scheduled or run"]
pub struct ConnectedFlow<S, C> {
    source: S,
    chain: C,
}

impl<S: Source, C: InputThing<S::Item>> ConnectedFlow<S, C> {
    /// Runs the flow to its end, now, without a scheduler.
    ///
    /// # Errors
    /// The fatal error of a Thing. A sample error ends the stream by an error, as a schedule does by default.
    pub fn run(&mut self, cx: &mut Context<'_>) -> Closed {
        cx.without_draining(|cx| self.run_all(cx))
    }

    fn run_all(&mut self, cx: &mut Context<'_>) -> Closed {
        let mut demand = self.notice(Notice::Start, cx)?;
        while demand != Demand::Done {
            if !is_due(&mut self.source, cx) {
                return self.fail_with(StreamError::new(NEEDS_TIME), cx);
            }
            demand = match self.produce(cx) {
                Ok(demand) => demand,
                Err(Failure::Sample(error)) => return self.fail_with(error, cx),
                Err(Failure::NotYet) => return self.fail_with(StreamError::new(NEEDS_TIME), cx),
                Err(Failure::Fatal(error)) => return Err(error),
            };
        }
        Ok(())
    }

    fn fail_with(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.chain.notice(Notice::Error(error), cx).map(drop)
    }
}

const NEEDS_TIME: &str = "the source waits for its time: it needs a scheduler";

impl<S: Source, C: InputThing<S::Item>> OutputThing for ConnectedFlow<S, C> {
    #[inline]
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        pull_into(&mut self.source, &mut self.chain, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if matches!(notice, Notice::Start) {
            let _ = self.source.due(cx); // its time begins here
        }
        self.chain.notice(notice, cx)
    }
    #[cfg_attr(not(feature = "alloc"), allow(unused_mut))] // nothing is drawn there
    fn ask(&self, mut question: Question<'_>) -> bool {
        #[cfg(feature = "alloc")]
        if let Question::Describe(visitor) = &mut question {
            show_type::<S>(self.source.name(), *visitor);
        }
        self.chain.ask(question)
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.source.due(cx)
    }
    fn name(&self) -> &str {
        self.source.name()
    }
}

impl<S, F> fmt::Debug for Flow<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flow({})", short_name::<S>())
    }
}

impl<S, C> fmt::Debug for ConnectedFlow<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectedFlow({})", short_name::<S>())
    }
}
