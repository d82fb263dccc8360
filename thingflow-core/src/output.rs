//! What the scheduler drives: the [`OutputThing`], made of a [`Source`] and either a port ([`Output`]) or a fused chain
//! ([`Flow`]).

use core::fmt;

use crate::chain::{Chain, Connected, Identity, Then};
use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, StreamError};
use crate::thing::{Closed, Demand, Filter, InputThing, Receipt};
use crate::visit::{Visitor, short_name};

#[cfg(feature = "alloc")]
use crate::port::{Connection, Port, PortChain, PortRef};
#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// Where events come from, one at a time: what the author of a reader writes.
///
/// ```
/// use thingflow_core::prelude::*;
/// /// Counts down to one.
/// struct Countdown(u32);
/// impl Source for Countdown {
///     type Item = u32;
///     fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<u32>, Failure> {
///         self.0 = self.0.saturating_sub(1);
///         Ok(Some(self.0).filter(|n| *n > 0))
///     }
/// }
/// # #[cfg(feature = "alloc")]
/// assert_eq!(Flow::new(Countdown(4)).collect_now(), [3, 2, 1]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no source",
    label = "this is no `Source`",
    note = "a sensor becomes one by `SensorOutput::new(..)`, an iterator by `from_iter(..)`, a function by `from_fn(..)`"
)]
pub trait Source {
    /// The type of the events.
    type Item;

    /// The next event, or `None` at the end.
    ///
    /// # Errors
    /// [`Failure::Sample`] when there is no event this time: the schedule's policy decides. [`Failure::NotYet`] when there
    /// cannot be one yet. [`Failure::Fatal`] ends the run.
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<Self::Item>, Failure>;

    /// When the next event is due, for a source with a timetable of its own, such as [`interval`](crate::interval): it is
    /// not pulled before. By default `None`: there is an event whenever the source is pulled.
    ///
    /// First asked when the graph starts to run, and then again and again: the answer may change.
    #[inline]
    fn due(&mut self, _cx: &mut Context<'_>) -> Option<Instant> {
        None
    }

    /// The name in drawings and reports. By default that of the type.
    fn name(&self) -> &str {
        short_name::<Self>()
    }
}

/// A Thing with outputs only, driven by a scheduler: each call of `produce` sends what is there now.
///
/// You rarely write one: a [`Source`] with an [`Output`] or a [`Flow`] is one. Write it yourself for several output
/// ports of different types, see `examples/multi-port`, or for an event source. `produce` and
/// [`ports`](Self::ports) are enough: the rest follows from the ports.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::prelude::*;
/// use thingflow_core::{PortRef, diagram::Graph};
/// /// Sends evens and odds to ports of their own.
/// struct Sorted { next: u32, even: Port<u32>, odd: Port<u32> }
/// impl OutputThing for Sorted {
///     fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
///         self.next += 1;
///         let port = if self.next % 2 == 0 { &self.even } else { &self.odd };
///         let _ = port.emit(self.next, cx)?; // one that nobody listens to is no reason to end
///         Ok(Demand::More)
///     }
///     fn ports(&self, see: &mut dyn FnMut(PortRef)) {
///         see(self.even.as_ref());
///         see(self.odd.as_ref());
///     }
/// }
/// let sorted = Sorted { next: 0, even: Port::new().named("even"), odd: Port::new().named("odd") };
/// sorted.odd.connect(call(drop));
/// assert!(sorted.is_listened());
/// assert_eq!(Graph::of(&sorted).to_string(), "Sorted -> even\nSorted -> odd -> Call\n");
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be scheduled",
    label = "this is no `OutputThing`",
    note = "an output is scheduled by value: connect to it before, or keep a clone of its `port()`",
    note = "a chain is scheduled once it ends in a Thing: `.connect(..)`",
    note = "a sensor is wrapped first: `SensorOutput::new(..)`, a source too: `Flow::new(..).output()`"
)]
pub trait OutputThing {
    /// Sends the next event or events.
    ///
    /// # Errors
    /// See [`Source::pull`].
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure>;

    /// Shows the output ports, each by `see(port.as_ref())`. A Thing without ports writes the other methods instead.
    #[cfg(feature = "alloc")]
    fn ports(&self, _see: &mut dyn FnMut(PortRef)) {}

    /// Called once, when the run begins or the Thing is scheduled in a running graph: starts what is connected.
    fn start(&mut self, cx: &mut Context<'_>) -> Receipt {
        #[cfg(feature = "alloc")]
        return start_all(|see| self.ports(see), cx);
        #[cfg(not(feature = "alloc"))]
        {
            let _ = cx;
            Ok(Demand::More)
        }
    }

    /// Ends all outputs by an error.
    ///
    /// # Errors
    /// The fatal error of a connected Thing.
    fn fail(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        #[cfg(feature = "alloc")]
        return fail_all(|see| self.ports(see), &error, cx);
        #[cfg(not(feature = "alloc"))]
        {
            let _ = (error, cx);
            Ok(())
        }
    }

    /// Ends all outputs as they should end: what runs once has no more events.
    ///
    /// # Errors
    /// The fatal error of a connected Thing.
    fn complete(&mut self, cx: &mut Context<'_>) -> Closed {
        #[cfg(feature = "alloc")]
        return complete_all(|see| self.ports(see), cx);
        #[cfg(not(feature = "alloc"))]
        {
            let _ = cx;
            Ok(())
        }
    }

    /// Whether anything that still wants events is connected. If not, the scheduler lets go of the Thing.
    fn is_listened(&self) -> bool {
        #[cfg(feature = "alloc")]
        {
            let mut listened = false;
            self.ports(&mut |port| listened = listened || port.is_listened());
            listened
        }
        #[cfg(not(feature = "alloc"))]
        true
    }

    /// Whether those who listen have room for another event, see [`InputThing::has_room`].
    fn has_room(&self) -> bool {
        #[cfg(feature = "alloc")]
        {
            let mut room = true;
            self.ports(&mut |port| room = room && port.port().has_room());
            room
        }
        #[cfg(not(feature = "alloc"))]
        true
    }

    /// Wakes what is connected without a port in between, see [`InputThing::on_wake`].
    fn wake(&mut self, _cx: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }

    /// Whether what is connected without a port in between still sends what it holds, see [`InputThing::is_draining`]. The
    /// Thing is not asked for events any more then, only woken.
    fn is_draining(&self) -> bool {
        false
    }

    /// When the Thing acts next by a timetable of its own, see [`Source::due`]: a recurring schedule sleeps until then.
    fn due(&mut self, _cx: &mut Context<'_>) -> Option<Instant> {
        None
    }

    /// Shows the outputs to a walk over the graph.
    fn describe(&self, visitor: &mut dyn Visitor) {
        #[cfg(feature = "alloc")]
        self.ports(&mut |port| visitor.port(port, false));
        #[cfg(not(feature = "alloc"))]
        let _ = visitor;
    }

    /// The name in drawings and reports.
    fn name(&self) -> &str {
        short_name::<Self>()
    }
}

/// The ports of a Thing, one after the other.
#[cfg(feature = "alloc")]
type Each<'a> = &'a mut dyn FnMut(PortRef);

#[cfg(feature = "alloc")]
fn start_all(ports: impl FnOnce(Each<'_>), cx: &mut Context<'_>) -> Receipt {
    let (mut any, mut open, mut full, mut fatal) = (false, false, false, None);
    ports(&mut |port| {
        any = true;
        if fatal.is_none() {
            match port.port().start(cx) {
                Ok(demand) => {
                    open |= demand != Demand::Done;
                    full |= demand == Demand::Full;
                }
                Err(error) => fatal = Some(error),
            }
        }
    });
    match fatal {
        Some(error) => Err(error),
        None if any && !open => Ok(Demand::Done),
        None => Ok(if full { Demand::Full } else { Demand::More }),
    }
}

#[cfg(feature = "alloc")]
fn fail_all(ports: impl FnOnce(Each<'_>), error: &StreamError, cx: &mut Context<'_>) -> Closed {
    let mut result = Ok(());
    ports(&mut |port| {
        if result.is_ok() {
            result = port.port().fail(error.clone(), cx);
        }
    });
    result
}

#[cfg(feature = "alloc")]
fn complete_all(ports: impl FnOnce(Each<'_>), cx: &mut Context<'_>) -> Closed {
    let mut result = Ok(());
    ports(&mut |port| {
        if result.is_ok() {
            result = port.port().complete(cx);
        }
    });
    result
}

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
        (sink.events, sink.error.or(fatal.map(|error| StreamError::message(alloc::format!("{error}")))))
    }
}

#[cfg(feature = "alloc")]
struct Collected<T> {
    events: Vec<T>,
    error: Option<StreamError>,
}

#[cfg(feature = "alloc")]
impl<T> InputThing<T> for Collected<T> {
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
        let mut demand = self.start(cx)?;
        while demand != Demand::Done {
            if !is_due(&mut self.source, cx) {
                return self.fail(StreamError::new(NEEDS_TIME), cx);
            }
            demand = match self.produce(cx) {
                Ok(demand) => demand,
                Err(Failure::Sample(error)) => return self.fail(error, cx),
                Err(Failure::NotYet) => return self.fail(StreamError::new(NEEDS_TIME), cx),
                Err(Failure::Fatal(error)) => return Err(error),
            };
        }
        Ok(())
    }
}

const NEEDS_TIME: &str = "the source waits for its time: it needs a scheduler";

/// Whether a source may be pulled.
#[inline]
fn is_due<S: Source>(source: &mut S, cx: &mut Context<'_>) -> bool {
    source.due(cx).is_none_or(|due| due <= cx.now())
}

impl<S: Source, C: InputThing<S::Item>> OutputThing for ConnectedFlow<S, C> {
    #[inline]
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        if !is_due(&mut self.source, cx) {
            return Ok(Demand::More);
        }
        if let Some(event) = self.source.pull(cx)? {
            Ok(self.chain.on_next(event, cx)?)
        } else {
            self.chain.on_completed(cx)?;
            Ok(Demand::Done)
        }
    }
    fn start(&mut self, cx: &mut Context<'_>) -> Receipt {
        let _ = self.source.due(cx); // its time begins here
        self.chain.on_start(cx)
    }
    fn fail(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.chain.on_error(error, cx)
    }
    fn complete(&mut self, cx: &mut Context<'_>) -> Closed {
        self.chain.on_completed(cx)
    }
    fn is_listened(&self) -> bool {
        self.chain.is_open()
    }
    fn has_room(&self) -> bool {
        self.chain.has_room()
    }
    fn wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.chain.on_wake(cx)
    }
    fn is_draining(&self) -> bool {
        self.chain.is_draining()
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.source.due(cx)
    }
    /// Only where drawings are made: on a microcontroller the descriptions would be a third of the program.
    #[cfg(feature = "alloc")]
    fn describe(&self, visitor: &mut dyn Visitor) {
        self.chain.describe(visitor);
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

/// A source with an output port: any number of chains can begin at `&output`, before and while it is scheduled.
///
/// [`SensorOutput`](crate::SensorOutput) is the one for sensors.
#[cfg(feature = "alloc")]
#[must_use = "an output does nothing until it is scheduled"]
pub struct Output<S: Source> {
    source: S,
    port: Port<S::Item>,
}

#[cfg(feature = "alloc")]
impl<S: Source> Output<S>
where
    S::Item: Clone + 'static,
{
    pub(crate) fn of(source: S) -> Self {
        Self { source, port: Port::new() }
    }

    /// The output port. Keep a clone to connect more after the output has been scheduled.
    pub fn port(&self) -> &Port<S::Item> {
        &self.port
    }

    /// Connects a Thing to the port.
    pub fn connect<N: InputThing<S::Item> + 'static>(&self, thing: N) -> Connection {
        self.port.connect(thing)
    }

    /// Names the output in drawings and reports.
    pub fn named(self, name: impl Into<alloc::string::String>) -> Self {
        let _same = self.port.clone().named(name);
        self
    }

    /// Goes on sampling although nobody listens, see [`Port::keep_running`].
    pub fn keep_running(self) -> Self {
        let _same = self.port.clone().keep_running();
        self
    }

    /// The source itself.
    pub fn source(&self) -> &S {
        &self.source
    }
}

#[cfg(feature = "alloc")]
impl<S: Source> Chain for &Output<S>
where
    S::Item: Clone + 'static,
{
    type Item = S::Item;
    type Piped<F: Filter<S::Item> + 'static> = PortChain<S::Item, F>;
    type Ended<N: InputThing<S::Item> + 'static> = Connection;

    fn pipe<F: Filter<S::Item> + 'static>(self, filter: F) -> PortChain<S::Item, F> {
        (&self.port).pipe(filter)
    }
    fn connect<N: InputThing<S::Item> + 'static>(self, thing: N) -> Connection {
        self.port.connect(thing)
    }
}

#[cfg(feature = "alloc")]
impl<S: Source> OutputThing for Output<S>
where
    S::Item: Clone + 'static,
{
    #[inline]
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        if !is_due(&mut self.source, cx) {
            return Ok(Demand::More);
        }
        if let Some(event) = self.source.pull(cx)? {
            Ok(self.port.emit(event, cx)?)
        } else {
            self.port.complete(cx)?;
            Ok(Demand::Done)
        }
    }
    fn start(&mut self, cx: &mut Context<'_>) -> Receipt {
        let _ = self.source.due(cx); // its time begins here
        self.port.on_start(cx)
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.source.due(cx)
    }
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
    fn name(&self) -> &str {
        self.source.name()
    }
}

/// Says so if it had readers and never ran: most likely it should have been scheduled.
#[cfg(feature = "alloc")]
impl<S: Source> Drop for Output<S> {
    fn drop(&mut self) {
        if self.port.waits_in_vain() {
            let name = self.port.given_name().unwrap_or_else(|| self.source.name().into());
            log::warn!("the output `{name}` has readers and never ran: schedule it");
        }
    }
}

#[cfg(feature = "alloc")]
impl<S: Source> fmt::Debug for Output<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({}, {:?})", self.source.name(), self.port)
    }
}
