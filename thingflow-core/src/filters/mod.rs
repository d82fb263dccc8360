//! Filters that work on one event at a time, or on what came before it.

mod accumulate;
mod all;
mod any;
#[cfg(feature = "alloc")]
mod catch;
mod catch_with;
mod contains;
mod count;
#[cfg(feature = "alloc")]
mod counts;
mod deadband;
mod dedup;
mod default_if_empty;
mod dematerialize;
#[cfg(feature = "alloc")]
mod distinct;
pub(crate) mod distinct_recent;
mod element_at;
mod emit_with;
mod enumerate;
mod filter;
mod filter_fn;
mod filter_map;
mod filter_with;
mod flat_map;
mod flatten;
mod fold;
mod hysteresis;
mod ignore_elements;
mod inspect;
mod last;
mod map;
mod map_with;
mod materialize;
mod min_max;
mod named;
mod pairwise;
mod reduce;
mod scan;
mod sequence_equal;
mod skip;
mod skip_while;
mod slice;
#[cfg(feature = "alloc")]
mod sliding_transducer;
mod start_with;
mod step_by;
mod take;
mod take_last;
mod take_while;
mod tap;
mod time_interval;
mod timestamp;
mod top_k;
mod transduce;
mod try_filter;
mod try_map;

pub use accumulate::Accumulate;
pub use all::All;
pub use any::Any;
#[cfg(feature = "alloc")]
pub use catch::Catch;
pub use catch_with::CatchWith;
pub use contains::Contains;
pub use count::Count;
#[cfg(feature = "alloc")]
pub use counts::{Counts, FinalCounts};
pub use deadband::Deadband;
pub use dedup::Dedup;
pub use default_if_empty::DefaultIfEmpty;
pub use dematerialize::Dematerialize;
#[cfg(feature = "alloc")]
pub use distinct::Distinct;
#[cfg(feature = "alloc")]
pub use distinct_recent::DistinctRecent;
pub use distinct_recent::DistinctRecentOf;
pub use element_at::ElementAt;
pub use emit_with::EmitWith;
pub use enumerate::Enumerate;
pub use filter::Where;
pub use filter_fn::{DynEmitter, FilterFn, PassCompleted, PassError, filter_fn};
pub use filter_map::FilterMap;
pub use filter_with::FilterWith;
pub use flat_map::FlatMap;
pub use flatten::Flatten;
pub use fold::Fold;
pub use hysteresis::Hysteresis;
pub use ignore_elements::IgnoreElements;
pub use inspect::Inspect;
pub use last::{Last, LastOr};
pub use map::Map;
pub use map_with::MapWith;
pub use materialize::{Materialize, Notification};
pub use min_max::{ByKey, Extreme, Natural, Rank};
pub use named::Named;
pub use pairwise::Pairwise;
pub use reduce::Reduce;
pub use scan::Scan;
pub use sequence_equal::SequenceEqual;
pub use skip::Skip;
pub use skip_while::SkipWhile;
pub use slice::Slice;
#[cfg(feature = "alloc")]
pub use sliding_transducer::{SlidingHooks, SlidingTransducer};
pub use start_with::StartWith;
pub use step_by::StepBy;
pub use take::Take;
#[cfg(feature = "alloc")]
pub use take_last::TakeLast;
pub use take_last::TakeLastOf;
pub use take_while::TakeWhile;
pub use tap::Tap;
pub use time_interval::TimeInterval;
pub use timestamp::WithTimestamp;
#[cfg(feature = "alloc")]
pub use top_k::TopK;
pub use top_k::TopKOf;
pub use transduce::{Transduce, Transducer};
pub use try_filter::TryFilter;
pub use try_map::TryMap;

use core::fmt::Display;
use core::ops::RangeBounds;

use crate::chain::Chain;
use crate::error::StreamError;
use crate::measure::{Carrier, Number};
use crate::size::Size;
use crate::thing::InputThing;

#[cfg(feature = "alloc")]
use crate::port::{Branch, Port};

/// The filters as methods of every [`Chain`].
pub trait Filters: Chain {
    /// Sends what `f` makes of each event. For a function that may fail see [`try_map`](Self::try_map).
    #[doc(alias = "pluck")]
    #[doc(alias = "starmap")]
    #[doc(alias = "cast")]
    #[doc(alias = "select")]
    fn map<U, F: FnMut(Self::Item) -> U + 'static>(self, f: F) -> Self::Piped<Map<F>> {
        self.pipe(Map(f))
    }

    /// As [`map`](Self::map), with a state of its own, which `f` may change.
    #[doc(alias = "map_element")]
    fn map_with<S, U, F>(self, state: S, f: F) -> Self::Piped<MapWith<S, F>>
    where
        S: 'static,
        F: FnMut(&mut S, Self::Item) -> U + 'static,
    {
        self.pipe(MapWith { state, f })
    }

    /// As [`map`](Self::map), with a function that may fail: its error ends the stream.
    #[doc(alias = "and_then")]
    fn try_map<U, E, F>(self, f: F) -> Self::Piped<TryMap<F>>
    where
        E: Display,
        F: FnMut(Self::Item) -> Result<U, E> + 'static,
    {
        self.pipe(TryMap(f))
    }

    /// Passes the events for which `p` holds.
    #[doc(alias = "where")]
    fn filter<P: FnMut(&Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<Where<P>> {
        self.pipe(Where(p))
    }

    /// As [`filter`](Self::filter), with a state of its own, which `p` may change.
    #[doc(alias = "filter_element")]
    fn filter_with<S, P>(self, state: S, p: P) -> Self::Piped<FilterWith<S, P>>
    where
        S: 'static,
        P: FnMut(&mut S, &Self::Item) -> bool + 'static,
    {
        self.pipe(FilterWith { state, p })
    }

    /// As [`filter`](Self::filter), with a predicate that may fail: its error ends the stream.
    fn try_filter<E, P>(self, p: P) -> Self::Piped<TryFilter<P>>
    where
        E: Display,
        P: FnMut(&Self::Item) -> Result<bool, E> + 'static,
    {
        self.pipe(TryFilter(p))
    }

    /// Sends what `f` makes of each event, and nothing where it makes `None`.
    #[doc(alias = "XformOrDropFilter")]
    fn filter_map<U, F: FnMut(Self::Item) -> Option<U> + 'static>(self, f: F) -> Self::Piped<FilterMap<F>> {
        self.pipe(FilterMap(f))
    }

    /// Sends each element of what `f` makes of each event.
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
    #[doc(alias = "concat")]
    fn flatten(self) -> Self::Piped<Flatten>
    where
        Self::Item: IntoIterator,
    {
        self.pipe(Flatten)
    }

    /// Sends whatever `f` emits for each event, one by one: `|event, emit| { emit(1); emit(2) }`.
    fn emit_with<U, F>(self, f: F) -> Self::Piped<EmitWith<U, F>>
    where
        U: 'static,
        F: FnMut(Self::Item, &mut dyn FnMut(U)) + 'static,
    {
        self.pipe(EmitWith::new(f))
    }

    /// Passes the first `n` events, then completes. `take(0)` completes at the start.
    #[doc(alias = "limit")]
    fn take(self, n: usize) -> Self::Piped<Take> {
        self.pipe(Take { left: n })
    }

    /// Passes the first event, then completes.
    fn first(self) -> Self::Piped<Take> {
        self.take(1)
    }

    /// Sends the event with the number `n`, counted from 0, then completes. If there is none it ends by the error "too few
    /// elements".
    #[doc(alias = "nth")]
    fn element_at(self, n: usize) -> Self::Piped<ElementAt<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(ElementAt { before: n, default: None })
    }

    /// As [`element_at`](Self::element_at), but sends `default` if there is no such event.
    #[doc(alias = "element_at_or_default")]
    fn element_at_or(self, n: usize, default: Self::Item) -> Self::Piped<ElementAt<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(ElementAt { before: n, default: Some(default) })
    }

    /// Passes events as long as `p` holds, then completes. The event that ends it is left out.
    fn take_while<P: FnMut(&Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<TakeWhile<P>> {
        self.pipe(TakeWhile(p))
    }

    /// Leaves out the first `n` events.
    #[doc(alias = "drop")]
    fn skip(self, n: usize) -> Self::Piped<Skip> {
        self.pipe(Skip { left: n })
    }

    /// Leaves out the events at the beginning for which `p` holds.
    #[doc(alias = "drop_while")]
    fn skip_while<P: FnMut(&Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<SkipWhile<P>> {
        self.pipe(SkipWhile { skips: p, passing: false })
    }

    /// Passes the first event, then every `n`th after it.
    #[track_caller]
    fn step_by(self, n: impl Into<Size>) -> Self::Piped<StepBy> {
        self.pipe(StepBy { step: n.into().get(), left: 0 })
    }

    /// Passes the events whose numbers, counted from 0, are in `range`: its first, then every `step`th after it.
    #[track_caller]
    fn slice(self, range: impl RangeBounds<usize>, step: impl Into<Size>) -> Self::Piped<Slice> {
        self.pipe(Slice::new(&range, step.into()))
    }

    /// Passes only the end of the stream.
    fn ignore_elements(self) -> Self::Piped<IgnoreElements> {
        self.pipe(IgnoreElements)
    }

    /// Sends the last `n` events, at completion.
    #[cfg(feature = "alloc")]
    #[doc(alias = "tail")]
    fn take_last(self, n: usize) -> Self::Piped<TakeLast<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(TakeLast::new(n))
    }

    /// As [`take_last`](Self::take_last), for a number that is known when the program is compiled: without an allocator.
    fn take_last_of<const N: usize>(self) -> Self::Piped<TakeLastOf<Self::Item, N>>
    where
        Self::Item: 'static,
    {
        self.pipe(TakeLastOf { held: heapless::Deque::new() })
    }

    /// Sends the last event, at completion. Without any it ends by the error "no elements".
    fn last(self) -> Self::Piped<Last<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Last(None))
    }

    /// Sends the last event, at completion, or `default` without any.
    fn last_or(self, default: Self::Item) -> Self::Piped<LastOr<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(LastOr(Some(default)))
    }

    /// Sends for each event what `f` makes of its own last result (`seed`, at first) and the event.
    fn scan<S, F>(self, seed: S, f: F) -> Self::Piped<Scan<S, F>>
    where
        S: Clone + 'static,
        F: FnMut(S, Self::Item) -> S + 'static,
    {
        self.pipe(Scan { state: Some(seed), f })
    }

    /// As [`scan`](Self::scan), beginning with the first event, which is the first to be sent.
    fn accumulate<F>(self, f: F) -> Self::Piped<Accumulate<Self::Item, F>>
    where
        Self::Item: Clone + 'static,
        F: FnMut(Self::Item, Self::Item) -> Self::Item + 'static,
    {
        self.pipe(Accumulate { state: None, f })
    }

    /// As [`scan`](Self::scan), but sends only the final result, at completion. Without events it is the seed.
    #[doc(alias = "aggregate")]
    fn fold<S, F>(self, seed: S, f: F) -> Self::Piped<Fold<S, F>>
    where
        S: 'static,
        F: FnMut(S, Self::Item) -> S + 'static,
    {
        self.pipe(Fold { state: Some(seed), f })
    }

    /// As [`fold`](Self::fold), beginning with the first event. Without any it ends by the error "no elements".
    #[doc(alias = "aggregate")]
    fn reduce<F>(self, f: F) -> Self::Piped<Reduce<Self::Item, F>>
    where
        Self::Item: 'static,
        F: FnMut(Self::Item, Self::Item) -> Self::Item + 'static,
    {
        self.pipe(Reduce { state: None, f })
    }

    /// Sends the smallest event, at completion. Without any it ends by the error "no elements".
    fn min(self) -> Self::Piped<Extreme<Self::Item, Natural>>
    where
        Self::Item: PartialOrd + 'static,
    {
        self.pipe(Extreme::smallest(Natural))
    }

    /// Sends the largest event, at completion. Without any it ends by the error "no elements".
    fn max(self) -> Self::Piped<Extreme<Self::Item, Natural>>
    where
        Self::Item: PartialOrd + 'static,
    {
        self.pipe(Extreme::largest(Natural))
    }

    /// As [`min`](Self::min), comparing what `key` makes of the events.
    #[doc(alias = "min_by")]
    fn min_by_key<K, F>(self, key: F) -> Self::Piped<Extreme<Self::Item, ByKey<F>>>
    where
        Self::Item: 'static,
        K: PartialOrd,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(Extreme::smallest(ByKey(key)))
    }

    /// As [`max`](Self::max), comparing what `key` makes of the events.
    #[doc(alias = "max_by")]
    fn max_by_key<K, F>(self, key: F) -> Self::Piped<Extreme<Self::Item, ByKey<F>>>
    where
        Self::Item: 'static,
        K: PartialOrd,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(Extreme::largest(ByKey(key)))
    }

    /// Sends the `k` largest events so far, the largest first, whenever they change.
    #[cfg(feature = "alloc")]
    #[doc(alias = "nlargest")]
    #[track_caller]
    fn top_k(self, k: impl Into<Size>) -> Self::Piped<TopK<Self::Item, Natural>>
    where
        Self::Item: PartialOrd + Clone + 'static,
    {
        self.pipe(TopK::new(k.into(), Natural))
    }

    /// As [`top_k`](Self::top_k), comparing what `key` makes of the events.
    #[cfg(feature = "alloc")]
    #[doc(alias = "nlargest")]
    #[track_caller]
    fn top_k_by_key<K, F>(self, k: impl Into<Size>, key: F) -> Self::Piped<TopK<Self::Item, ByKey<F>>>
    where
        Self::Item: Clone + 'static,
        K: PartialOrd,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(TopK::new(k.into(), ByKey(key)))
    }

    /// As [`top_k`](Self::top_k), for a number that is known when the program is compiled: without an allocator.
    fn top_k_of<const K: usize>(self) -> Self::Piped<TopKOf<Self::Item, K>>
    where
        Self::Item: PartialOrd + Clone + 'static,
    {
        const { assert!(K > 0, "top_k_of::<0>(): there is always at least one largest event") };
        self.pipe(TopKOf { held: heapless::Vec::new() })
    }

    /// Sends a map with the number of times that each different event has come, for each event. One different event more
    /// than `max` ends the stream by an error.
    #[cfg(feature = "alloc")]
    #[doc(alias = "frequencies")]
    #[doc(alias = "value_counts")]
    #[track_caller]
    fn counts(self, max: impl Into<Size>) -> Self::Piped<Counts<Self::Item>>
    where
        Self::Item: Ord + Clone + 'static,
    {
        self.pipe(Counts::new(max.into()))
    }

    /// As [`counts`](Self::counts), but sends only the final map, at completion.
    #[cfg(feature = "alloc")]
    #[doc(alias = "value_counts")]
    #[track_caller]
    fn final_counts(self, max: impl Into<Size>) -> Self::Piped<FinalCounts<Self::Item>>
    where
        Self::Item: Ord + 'static,
    {
        self.pipe(FinalCounts::new(max.into()))
    }

    /// Sends `true` at the first event for which `p` holds, or `false` at completion; then it completes.
    #[doc(alias = "some")]
    fn any<P: FnMut(Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<Any<P>> {
        self.pipe(Any(p))
    }

    /// Sends `false` at the first event for which `p` does not hold, or `true` at completion; then it completes.
    #[doc(alias = "every")]
    fn all<P: FnMut(Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<All<P>> {
        self.pipe(All(p))
    }

    /// Sends `true` at the first event that equals `value`, or `false` at completion; then it completes.
    fn contains(self, value: Self::Item) -> Self::Piped<Contains<Self::Item>>
    where
        Self::Item: PartialEq + 'static,
    {
        self.pipe(Contains(value))
    }

    /// Sends `true` at completion if the events were those of `expected`, or `false` as soon as one is not.
    ///
    /// Two streams are compared by [`sequence_equal_to`](crate::Joins::sequence_equal_to).
    fn sequence_equal<I>(self, expected: I) -> Self::Piped<SequenceEqual<I::IntoIter>>
    where
        I: IntoIterator,
        I::IntoIter: 'static,
        Self::Item: PartialEq<I::Item>,
    {
        self.pipe(SequenceEqual(expected.into_iter()))
    }

    /// Sends the number of events, at completion.
    #[doc(alias = "output_count")]
    fn count(self) -> Self::Piped<Count> {
        self.pipe(Count(0))
    }

    /// Shows each event to `f` and passes it on.
    #[doc(alias = "do_action")]
    fn inspect<F: FnMut(&Self::Item) + 'static>(self, f: F) -> Self::Piped<Inspect<F>> {
        self.pipe(Inspect(f))
    }

    /// Sends each event, and the end, to a side branch first, then passes it on.
    #[doc(alias = "passthrough")]
    #[doc(alias = "output")]
    fn tap<B: InputThing<Self::Item> + 'static>(self, branch: B) -> Self::Piped<Tap<B>>
    where
        Self::Item: Clone,
    {
        self.pipe(Tap::new(branch))
    }

    /// Lets a [`Transducer`] make the events.
    fn transduce<T: Transducer<Self::Item> + 'static>(self, transducer: T) -> Self::Piped<Transduce<T>> {
        self.pipe(Transduce(transducer))
    }

    /// Numbers the events, from 0.
    fn enumerate(self) -> Self::Piped<Enumerate> {
        self.pipe(Enumerate(0))
    }

    /// Sends each event together with the wall-clock time, as `(time, event)`.
    fn timestamp(self) -> Self::Piped<WithTimestamp> {
        self.pipe(WithTimestamp)
    }

    /// Sends each event together with the time since the one before, as `(time, event)`; the first with the time since
    /// the start.
    fn time_interval(self) -> Self::Piped<TimeInterval> {
        self.pipe(TimeInterval { last: None })
    }

    /// Sends each event, and the end, as a [`Notification`]; then it completes.
    fn materialize(self) -> Self::Piped<Materialize> {
        self.pipe(Materialize)
    }

    /// Does what each [`Notification`] says.
    fn dematerialize<T>(self) -> Self::Piped<Dematerialize>
    where
        Self: Chain<Item = Notification<T>>,
    {
        self.pipe(Dematerialize)
    }

    /// If the stream ends by an error, sends what `f` makes of that, then completes.
    #[doc(alias = "on_error_return")]
    fn catch_with<I, F>(self, f: F) -> Self::Piped<CatchWith<F>>
    where
        I: IntoIterator<Item = Self::Item>,
        F: FnMut(StreamError) -> I + 'static,
    {
        self.pipe(CatchWith(f))
    }

    /// If the stream ends by an error, goes on with the port that `f` gives. What comes of it is a port.
    #[cfg(feature = "alloc")]
    #[doc(alias = "on_error_resume_next")]
    fn catch<F>(self, f: F) -> Port<Self::Item>
    where
        Self: Branch,
        Self::Item: Clone + 'static,
        F: FnOnce(StreamError) -> Port<Self::Item> + 'static,
    {
        let catch = Catch::new(f);
        let port = catch.port().clone();
        self.attach(catch);
        port
    }

    /// Sends `events` first, when the graph starts to run.
    #[doc(alias = "prepend")]
    #[doc(alias = "begin_with")]
    fn start_with<I: IntoIterator<Item = Self::Item> + 'static>(self, events: I) -> Self::Piped<StartWith<I>> {
        self.pipe(StartWith(Some(events)))
    }

    /// Sends `value` if the stream completes without any event.
    fn default_if_empty(self, value: Self::Item) -> Self::Piped<DefaultIfEmpty<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(DefaultIfEmpty(Some(value)))
    }

    /// Leaves out events that equal the one before.
    #[doc(alias = "distinct_until_changed")]
    #[doc(alias = "unique")]
    fn dedup(self) -> Self::Piped<Dedup<Self::Item>>
    where
        Self::Item: Clone + PartialEq + 'static,
    {
        self.pipe(Dedup(None))
    }

    /// Leaves out values that differ by less than `delta` from the last one sent.
    ///
    /// # Panics
    /// If `delta` is negative.
    #[doc(alias = "send_on_delta")]
    #[doc(alias = "report_by_exception")]
    #[track_caller]
    fn deadband(self, delta: <Self::Item as Carrier>::Value) -> Self::Piped<Deadband<<Self::Item as Carrier>::Value>>
    where
        Self::Item: Carrier<Value: Number + PartialOrd + 'static>,
    {
        self.pipe(Deadband::new(delta))
    }

    /// Sends whether a value is high: from above `high` on, until one is below `low`.
    ///
    /// # Panics
    /// If `low` is larger than `high`.
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

    /// Leaves out events that equal any event before. One different event more than `max` ends the stream by an error.
    #[cfg(feature = "alloc")]
    #[doc(alias = "unique")]
    #[track_caller]
    #[allow(clippy::type_complexity)] // the plain form of the one by key
    fn distinct(self, max: impl Into<Size>) -> Self::Piped<Distinct<Self::Item, fn(&Self::Item) -> Self::Item>>
    where
        Self::Item: Ord + Clone + 'static,
    {
        self.pipe(Distinct::new(max.into(), Clone::clone))
    }

    /// As [`distinct`](Self::distinct), comparing what `key` makes of the events.
    #[cfg(feature = "alloc")]
    #[doc(alias = "unique")]
    #[track_caller]
    fn distinct_by_key<K, F>(self, max: impl Into<Size>, key: F) -> Self::Piped<Distinct<K, F>>
    where
        K: Ord + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(Distinct::new(max.into(), key))
    }

    /// Leaves out events that are among the last `n` different ones. A repeat refreshes its place.
    #[cfg(feature = "alloc")]
    #[doc(alias = "unique")]
    #[track_caller]
    #[allow(clippy::type_complexity)] // the plain form of the one by key
    fn distinct_recent(
        self,
        n: impl Into<Size>,
    ) -> Self::Piped<DistinctRecent<Self::Item, fn(&Self::Item) -> Self::Item>>
    where
        Self::Item: Ord + Clone + 'static,
    {
        self.pipe(DistinctRecent::new(n.into(), Clone::clone))
    }

    /// As [`distinct_recent`](Self::distinct_recent), comparing what `key` makes of the events.
    #[cfg(feature = "alloc")]
    #[doc(alias = "unique")]
    #[track_caller]
    fn distinct_recent_by_key<K, F>(self, n: impl Into<Size>, key: F) -> Self::Piped<DistinctRecent<K, F>>
    where
        K: Ord + Clone + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(DistinctRecent::new(n.into(), key))
    }

    /// As [`distinct_recent`](Self::distinct_recent), for a number that is known when the program is compiled: without an
    /// allocator.
    fn distinct_recent_of<const N: usize>(self) -> Self::Piped<DistinctRecentOf<Self::Item, N>>
    where
        Self::Item: PartialEq + Clone + 'static,
    {
        const { assert!(N > 0, "distinct_recent_of::<0>(): it must remember at least one event") };
        self.pipe(DistinctRecentOf { seen: [const { None }; N] })
    }

    /// Sends each event together with the one before, as `(before, event)`.
    fn pairwise(self) -> Self::Piped<Pairwise<Self::Item>>
    where
        Self::Item: Clone + 'static,
    {
        self.pipe(Pairwise(None))
    }

    /// Gives this place of the chain a name, in drawings and reports.
    fn named(self, name: &'static str) -> Self::Piped<Named> {
        self.pipe(Named(name))
    }
}

impl<C: Chain> Filters for C {}
