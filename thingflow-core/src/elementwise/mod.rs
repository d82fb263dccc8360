//! Operators on one event at a time, or on what came before it: each event gives another one, none, or several.

mod accumulate;
mod also_to;
#[cfg(feature = "std")]
mod begin_each;
#[cfg(feature = "alloc")]
mod each_batch;
mod emit_with;
mod enumerate;
mod filter_fn;
mod filter_map;
mod flat_map;
mod flatten;
mod hysteresis;
mod inspect;
mod map;
mod map_with;
mod named;
#[cfg(feature = "alloc")]
mod once_a_batch;
mod pairwise;
#[cfg(feature = "alloc")]
mod probe;
mod rate;
mod round;
mod scan;
#[cfg(feature = "alloc")]
mod sliding_transducer;
mod time_interval;
mod timestamp;
mod transduce;
mod try_map;

pub use accumulate::Accumulate;
pub use also_to::AlsoTo;
#[cfg(feature = "std")]
pub use begin_each::BeginEach;
#[cfg(feature = "alloc")]
pub use each_batch::EachBatch;
pub use emit_with::EmitWith;
pub use enumerate::Enumerate;
pub use filter_fn::{DynEmitter, FilterFn, PassCompleted, PassError, filter_fn};
pub use filter_map::FilterMap;
pub use flat_map::FlatMap;
pub use flatten::Flatten;
pub use hysteresis::Hysteresis;
pub use inspect::Inspect;
pub use map::Map;
pub use map_with::MapWith;
pub use named::Named;
#[cfg(feature = "alloc")]
pub use once_a_batch::OnceABatch;
pub use pairwise::Pairwise;
#[cfg(feature = "alloc")]
pub use probe::{Probe, ProbeRef, ProbeState};
pub use rate::Rate;
pub use round::Round;
pub use scan::Scan;
#[cfg(feature = "alloc")]
pub use sliding_transducer::{SlidingHooks, SlidingTransducer};
pub use time_interval::TimeInterval;
pub use timestamp::WithTimestamp;
pub use transduce::{Transduce, Transducer};
pub use try_map::TryMap;

#[cfg(feature = "alloc")]
use core::fmt::Debug;

use crate::chain::Chain;
use crate::error::Cause;
use crate::measure::{Carrier, Measured, Number};
#[cfg(feature = "alloc")]
use crate::thing::Filter;
use crate::thing::InputThing;

/// Operators on one event at a time, as methods of every [`Chain`].
pub trait Elementwise: Chain {
    /// Sends what `f` makes of each event. For a function that may fail see [`try_map`](Self::try_map).
    ///
    /// Holds nothing. Sends `U`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(1..=3).map(|x| x * 10).collect_now(), [10, 20, 30]);
    /// ```
    #[doc(alias = "pluck")]
    #[doc(alias = "starmap")]
    #[doc(alias = "cast")]
    #[doc(alias = "select")]
    fn map<U, F: FnMut(Self::Item) -> U + 'static>(self, f: F) -> Self::Piped<Map<F>> {
        self.pipe(Map(f))
    }

    /// As [`map`](Self::map), with a state of its own, which `f` may change.
    ///
    /// [`scan`](Self::scan) is the one whose state is its result.
    ///
    /// Holds the state. Sends `U`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let numbered = pipe().map_with(0, |n: &mut u32, x: char| {
    ///     *n += 1;
    ///     (*n, x)
    /// });
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter("ab".chars()).pipe(numbered).collect_now(), [(1, 'a'), (2, 'b')]);
    /// ```
    #[doc(alias = "map_element")]
    fn map_with<S, U, F>(self, state: S, f: F) -> Self::Piped<MapWith<S, F>>
    where
        S: 'static,
        F: FnMut(&mut S, Self::Item) -> U + 'static,
    {
        self.pipe(MapWith { state, f })
    }

    /// As [`map`](Self::map), with a function that may fail: its error ends the stream.
    ///
    /// The error is any that `Box<dyn Error + Send + Sync>` is made of, so `?` works in `f`, or a text. It keeps its causes, see
    /// [`StreamError::from_cause`](crate::StreamError::from_cause).
    ///
    /// Holds nothing. Sends `U`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// let (seen, error) = from_iter(["1", "2", "x", "4"]).try_map(str::parse::<u8>).try_collect_now();
    /// assert_eq!(seen, [1, 2]);
    /// assert_eq!(error.map(|e| e.to_string()).as_deref(), Some("invalid digit found in string"));
    /// # }
    /// ```
    #[doc(alias = "and_then")]
    fn try_map<U, E, F>(self, f: F) -> Self::Piped<TryMap<F>>
    where
        E: Into<Cause>,
        F: FnMut(Self::Item) -> Result<U, E> + 'static,
    {
        self.pipe(TryMap(f))
    }

    /// Sends what `f` makes of each event, and nothing where it makes `None`.
    ///
    /// Holds nothing. Sends `U`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(["20", "?", "21"]).filter_map(|s| s.parse::<i32>().ok()).collect_now(), [20, 21]);
    /// ```
    #[doc(alias = "XformOrDropFilter")]
    fn filter_map<U, F: FnMut(Self::Item) -> Option<U> + 'static>(self, f: F) -> Self::Piped<FilterMap<F>> {
        self.pipe(FilterMap(f))
    }

    /// Sends each element of what `f` makes of each event.
    ///
    /// Holds nothing. Sends `I::Item`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(["a b", "c"]).flat_map(str::split_whitespace).collect_now(), ["a", "b", "c"]);
    /// ```
    #[doc(alias = "select_many")]
    #[doc(alias = "flat_map_iter")]
    fn flat_map<I, F>(self, f: F) -> Self::Piped<FlatMap<F>>
    where
        I: IntoIterator,
        F: FnMut(Self::Item) -> I + 'static,
    {
        self.pipe(FlatMap(f))
    }

    /// Sends each element of each event.
    ///
    /// An event without elements gives nothing.
    ///
    /// Holds nothing. Sends `I::Item`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([vec![1, 2], vec![], vec![3]]).flatten().collect_now(), [1, 2, 3]);
    /// assert_eq!(from_iter([Some(1), None, Some(2)]).flatten().collect_now(), [1, 2]);
    /// # }
    /// ```
    #[doc(alias = "concat")]
    fn flatten(self) -> Self::Piped<Flatten>
    where
        Self::Item: IntoIterator,
    {
        self.pipe(Flatten)
    }

    /// Sends what a filter makes of the events of each batch, as a batch: events are lists, and `filter` is a chain of operators for what is
    /// in them.
    ///
    /// What the filter remembers goes on from batch to batch. An empty batch gives an empty one; what the filter sends at another time, or
    /// at the end, is a batch of its own.
    ///
    /// Holds what the filter holds, and the results of one batch. Sends `Vec<U>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// use thingflow_core::windows::Sum;
    /// let batches = from_iter([vec![1, 2, 3], vec![], vec![4, 5]]);
    /// let even_sums = batches.each_batch(pipe().aggregate(Window::cumulative(), Sum::new()).filter(|sum| sum % 2 == 0));
    /// assert_eq!(even_sums.collect_now(), [vec![6], vec![], vec![10]]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "map_batch")]
    #[doc(alias = "map_list")]
    fn each_batch<F>(self, filter: F) -> Self::Piped<EachBatch<F>>
    where
        Self::Item: IntoIterator,
        F: Filter<<Self::Item as IntoIterator>::Item> + 'static,
    {
        self.pipe(EachBatch(filter))
    }

    /// As [`each_batch`](Self::each_batch), with one result for each batch: the last that the filter has made. A batch of which it makes
    /// nothing, an empty one too, gives the last result again; before there is any it gives nothing.
    ///
    /// Holds what the filter holds, its results for one batch, and the last one. Sends `U`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// use thingflow_core::windows::Mean;
    /// let batches = from_iter([vec![], vec![1.0, 2.0], vec![], vec![3.0, 4.0, 5.0]]);
    /// let of_three = pipe().aggregate(Window::sliding(3).partial(), Mean::new()); // of the last three values
    /// assert_eq!(batches.once_a_batch(of_three).collect_now(), [1.5, 1.5, 4.0]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "batch")]
    #[doc(alias = "chunk")]
    fn once_a_batch<F>(self, filter: F) -> Self::Piped<OnceABatch<F, F::Out>>
    where
        Self::Item: IntoIterator,
        F: Filter<<Self::Item as IntoIterator>::Item, Out: Clone> + 'static,
        F::Out: 'static,
    {
        self.pipe(OnceABatch::new(filter))
    }

    /// Sends whatever `f` emits for each event, one by one: `|event, emit| { emit(1); emit(2) }`.
    ///
    /// Each result has passed the rest of the chain when `emit` returns. What is emitted after the receiver wanted no
    /// more is dropped.
    ///
    /// Holds nothing. Sends `U`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// let large = from_iter([(10, 10), (2, 20), (1, 3)]).emit_with(|(a, b), emit| {
    ///     if a > 5 { emit(a) }
    ///     if b > 5 { emit(b) }
    /// });
    /// assert_eq!(large.collect_now(), [10, 10, 20]);
    /// # }
    /// ```
    fn emit_with<U, F>(self, f: F) -> Self::Piped<EmitWith<U, F>>
    where
        U: 'static,
        F: FnMut(Self::Item, &mut dyn FnMut(U)) + 'static,
    {
        self.pipe(EmitWith::new(f))
    }

    /// Sends for each event what `f` makes of its own last result (`seed`, at first) and the event.
    ///
    /// Holds the result so far. Sends `S`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(1..=3).scan(10, |sum, x| sum + x).collect_now(), [11, 13, 16]);
    /// ```
    fn scan<S, F>(self, seed: S, f: F) -> Self::Piped<Scan<S, F>>
    where
        S: Clone + 'static,
        F: FnMut(S, Self::Item) -> S + 'static,
    {
        self.pipe(Scan { state: Some(seed), f })
    }

    /// As [`scan`](Self::scan), beginning with the first event, which is the first to be sent.
    ///
    /// Holds one event: the result so far. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([3, 1, 4, 1, 5]).accumulate(i32::max).collect_now(), [3, 3, 4, 4, 5]);
    /// ```
    fn accumulate<F>(self, f: F) -> Self::Piped<Accumulate<Self::Item, F>>
    where
        Self::Item: Clone + 'static,
        F: FnMut(Self::Item, Self::Item) -> Self::Item + 'static,
    {
        self.pipe(Accumulate { state: None, f })
    }

    /// Shows each event to `f` and passes it on.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// let seen = std::rc::Rc::new(std::cell::Cell::new(0));
    /// let counter = seen.clone();
    /// from_iter(1..=3).inspect(move |_| counter.set(counter.get() + 1)).collect_now();
    /// assert_eq!(seen.get(), 3);
    /// # }
    /// ```
    #[doc(alias = "do_action")]
    fn inspect<F: FnMut(&Self::Item) + 'static>(self, f: F) -> Self::Piped<Inspect<F>> {
        self.pipe(Inspect(f))
    }

    /// Sends each event, and the end, to a side branch first, then passes it on.
    ///
    /// The branch sees each event, and the end, before the rest of the chain. A branch that wants no more is dropped,
    /// the rest goes on. If the rest wants no more, the branch completes.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// use thingflow_core::testing::Recorder;
    /// let side = Recorder::new();
    /// let rest = from_iter(1..=3).also_to(pipe().map(|x| x * 10).to(side.clone())).filter(|x| x % 2 == 1).collect_now();
    /// assert_eq!(side.text(), "10 20 30 |");
    /// assert_eq!(rest, [1, 3]);
    /// # }
    /// ```
    #[doc(alias = "alsoTo")]
    #[doc(alias = "passthrough")]
    #[doc(alias = "output")]
    fn also_to<B: InputThing<Self::Item> + 'static>(self, branch: B) -> Self::Piped<AlsoTo<B>>
    where
        Self::Item: Clone,
    {
        self.pipe(AlsoTo::new(branch))
    }

    /// Lets a [`Transducer`] make the events.
    ///
    /// Holds what the transducer holds. Sends `T::Out`.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// /// Adds up pairs.
    /// struct Pairs(Option<i32>);
    /// impl Transducer<i32> for Pairs {
    ///     type Out = i32;
    ///     fn step(&mut self, event: i32) -> Option<i32> {
    ///         match self.0.take() {
    ///             Some(first) => Some(first + event),
    ///             None => { self.0 = Some(event); None }
    ///         }
    ///     }
    ///     fn complete(&mut self) -> Option<i32> {
    ///         self.0.take()
    ///     }
    /// }
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(1..=5).transduce(Pairs(None)).collect_now(), [3, 7, 5]);
    /// ```
    fn transduce<T: Transducer<Self::Item> + 'static>(self, transducer: T) -> Self::Piped<Transduce<T>> {
        self.pipe(Transduce(transducer))
    }

    /// Numbers the events, from 0.
    ///
    /// Holds one number. Sends `(usize, T)`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(["a", "b"]).enumerate().collect_now(), [(0, "a"), (1, "b")]);
    /// ```
    fn enumerate(self) -> Self::Piped<Enumerate> {
        self.pipe(Enumerate(0))
    }

    /// Sends each event together with the wall-clock time, as `(time, event)`.
    ///
    /// The time is the scheduler's, so a virtual clock shows its own.
    ///
    /// Holds nothing. Sends `(Timestamp, T)`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([7]).timestamp().collect_now(), [(Timestamp::UNIX_EPOCH, 7)]); // no scheduler: time stands still
    /// ```
    fn timestamp(self) -> Self::Piped<WithTimestamp> {
        self.pipe(WithTimestamp)
    }

    /// Sends each event together with the time since the one before, as `(time, event)`; the first with the time since
    /// the start.
    ///
    /// The first event comes with the time since the start.
    ///
    /// Holds one instant. Sends `(Duration, T)`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().time_interval().map(|(since, e)| (since.as_nanos(), e)).to(seen.clone());
    /// chain.notice(Notice::Start, &mut Context::detached(Instant::ZERO))?;
    /// for (at, event) in [(5, 'a'), (7, 'b'), (17, 'c')] {
    ///     chain.next(event, &mut Context::detached(Instant::from_nanos(at)))?;
    /// }
    /// assert_eq!(seen.events(), [(5, 'a'), (2, 'b'), (10, 'c')]);
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    fn time_interval(self) -> Self::Piped<TimeInterval> {
        self.pipe(TimeInterval { last: None })
    }

    /// Sends how much values change in a second, from one to the next; may be negative.
    ///
    /// The time is that at which events arrive, which is never set back. The first event gives nothing; so does a NaN
    /// or an infinity, and the next event is then compared with the number before it. Of events that arrive at one
    /// instant the last counts.
    ///
    /// Holds one value and one instant. Sends `T::With<f64>`, of `f32` `f32`.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::{Recorder, timed};
    /// let (mut scheduler, slope, per_second) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    /// let ticks = timed([(0.0, 100_u32), (10.0, 120), (20.0, 5)]).output(); // the meter was changed, and began at 0
    /// ticks.derivative().connect(slope.clone());
    /// ticks.rate().connect(per_second.clone());
    /// scheduler.schedule_recurring(ticks)?;
    /// scheduler.run_forever()?;
    /// assert_eq!(slope.timed_text(), "2.0@10 -11.5@20 |@20");
    /// assert_eq!(per_second.timed_text(), "2.0@10 0.5@20 |@20");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "slope")]
    #[doc(alias = "delta")]
    fn derivative(self) -> Self::Piped<Rate<<Self::Item as Carrier>::Value>>
    where
        Self::Item: Carrier<Value: Number + 'static>,
    {
        self.pipe(Rate::new(false))
    }

    /// Sends how much a counter grows in a second. One that goes back has been reset to 0, and goes on from there.
    ///
    /// Holds one value and one instant. Sends `T::With<f64>`, of `f32` `f32`.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::{Recorder, timed};
    /// let (mut scheduler, slope, per_second) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    /// let ticks = timed([(0.0, 100_u32), (10.0, 120), (20.0, 5)]).output(); // the meter was changed, and began at 0
    /// ticks.derivative().connect(slope.clone());
    /// ticks.rate().connect(per_second.clone());
    /// scheduler.schedule_recurring(ticks)?;
    /// scheduler.run_forever()?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "counter")]
    #[doc(alias = "non_negative_derivative")]
    fn rate(self) -> Self::Piped<Rate<<Self::Item as Carrier>::Value>>
    where
        Self::Item: Carrier<Value: Number + 'static>,
    {
        self.pipe(Rate::new(true))
    }

    /// Sends floats with so many decimal places.
    ///
    /// A half goes away from 0. What has fewer digits than that, an infinity and a NaN stay as they are.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([20.4375, -0.25, 7.0]).round(1).dedup().collect_now(), [20.4, -0.3, 7.0]);
    /// ```
    ///
    /// # Panics
    /// If there are more than 15 places.
    #[track_caller]
    fn round(self, decimals: u32) -> Self::Piped<Round>
    where
        Self::Item: Measured,
    {
        self.pipe(Round::new(decimals))
    }

    /// Sends whether a value is high: from above `high` on, until one is below `low`.
    ///
    /// A value above `high` switches to true, one below `low` to false; from `low` to `high`, the limits included, it
    /// stays as it is. At first that is false. There is a result for each event; [`dedup`](crate::Selecting::dedup)
    /// leaves the changes. A sensor event keeps its id and time. A NaN switches nothing.
    ///
    /// Holds one flag. Sends `T::With<bool>`. Options, of [`Hysteresis`]: `initially`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::elementwise::Hysteresis;
    /// # #[cfg(feature = "alloc")] {
    /// let degrees = || from_iter([18.0, 21.5, 20.0, 18.9, 20.0]);
    /// assert_eq!(degrees().hysteresis(19.0, 21.0).collect_now(), [false, true, true, false, false]);
    /// let fan = Hysteresis::new(19.0, 25.0).initially(true);
    /// assert_eq!(degrees().pipe(fan).dedup().collect_now(), [false]);
    /// # }
    /// ```
    ///
    /// # Panics
    /// If `low` is larger than `high`, or one of them is a NaN.
    #[doc(alias = "schmitt_trigger")]
    #[doc(alias = "threshold")]
    #[doc(alias = "thermostat")]
    #[track_caller]
    fn hysteresis(
        self,
        low: <Self::Item as Carrier>::Value,
        high: <Self::Item as Carrier>::Value,
    ) -> Self::Piped<Hysteresis<<Self::Item as Carrier>::Value>>
    where
        Self::Item: Carrier<Value: Number + PartialOrd + 'static>,
    {
        self.pipe(Hysteresis::new(low, high))
    }

    /// Sends the port of a source that `f` makes for each event. The source is scheduled there and then: it begins with the first
    /// that listens to the port, goes by its own timetable, and is let go when nobody listens any more.
    ///
    /// With [`switch`](crate::Joins::switch) behind it this is what other libraries call `switchMap`, with
    /// [`merge_all`](crate::Joins::merge_all) `mergeMap`, with [`exhaust`](crate::Joins::exhaust) `exhaustMap`, and with
    /// `merge_all().at_most(1, limit)` `concatMap`. Needs a [`Scheduler`](crate::Scheduler): without one the run fails.
    ///
    /// Holds nothing. Sends `Port<U>`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::{Recorder, timed};
    /// # let second = Duration::from_secs(1);
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// let rooms = timed([(1.0, "hall"), (3.5, "attic")]).output();
    /// rooms.begin_each(move |room| interval(second).map(move |n| (room, n))).switch().take(4).connect(seen.clone());
    /// scheduler.schedule_recurring(rooms)?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.events(), [("hall", 0), ("hall", 1), ("attic", 0), ("attic", 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    #[doc(alias = "switchMap")]
    #[doc(alias = "mergeMap")]
    #[doc(alias = "flatMap")]
    fn begin_each<S, G, F>(self, f: F) -> Self::Piped<BeginEach<F>>
    where
        S: crate::Source + 'static,
        G: crate::Filter<S::Item, Out: Clone + 'static> + 'static,
        F: FnMut(Self::Item) -> crate::Flow<S, G> + 'static,
    {
        self.pipe(BeginEach(f))
    }

    /// Sends each event together with the one before, as `(before, event)`.
    ///
    /// The first event has none before it and gives no pair.
    ///
    /// Holds one event. Sends `(T, T)`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([1, 4, 9]).pairwise().map(|(a, b)| b - a).collect_now(), [3, 5]);
    /// ```
    fn pairwise(self) -> Self::Piped<Pairwise<Self::Item>>
    where
        Self::Item: Clone + 'static,
    {
        self.pipe(Pairwise(None))
    }

    /// Gives this place of the chain a name, in drawings and reports.
    ///
    /// Events pass unchanged.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([20.0]).map(|c| c * 1.8 + 32.0).named("to Fahrenheit").collect_now(), [68.0]);
    /// ```
    fn named(self, name: &'static str) -> Self::Piped<Named> {
        self.pipe(Named(name))
    }

    /// Gives this place of the chain a name by which it can be watched while the program runs: how many events pass, how long
    /// what follows takes with them, what they are. See [`Inspector`](crate::Inspector).
    ///
    /// Events pass unchanged. While nobody watches it costs an event a look at a pointer. A chain without a probe is compiled
    /// as if there were none.
    ///
    /// Holds the text of one event while it is watched. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([20.0]).map(|c| c * 1.8 + 32.0).probe("Fahrenheit").collect_now(), [68.0]);
    /// ```
    #[cfg(feature = "alloc")]
    fn probe(self, name: &'static str) -> Self::Piped<Probe>
    where
        Self::Item: Debug,
    {
        self.pipe(Probe::new(name))
    }
}

impl<C: Chain> Elementwise for C {}
