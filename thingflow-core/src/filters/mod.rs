//! Filters that work on one event at a time, or on what came before it.

mod accumulate;
mod any;
mod count;
mod dedup;
mod default_if_empty;
mod enumerate;
mod filter;
mod filter_fn;
mod filter_map;
mod flat_map;
mod fold;
mod inspect;
mod last;
mod map;
mod named;
mod pairwise;
mod reduce;
mod scan;
mod skip;
mod skip_while;
mod start_with;
mod take;
#[cfg(feature = "alloc")]
mod take_last;
mod take_while;
mod tap;
mod transduce;
mod try_filter;
mod try_map;

pub use accumulate::Accumulate;
pub use any::Any;
pub use count::Count;
pub use dedup::Dedup;
pub use default_if_empty::DefaultIfEmpty;
pub use enumerate::Enumerate;
pub use filter::Where;
pub use filter_fn::{DynEmitter, FilterFn, PassCompleted, PassError, filter_fn};
pub use filter_map::FilterMap;
pub use flat_map::FlatMap;
pub use fold::Fold;
pub use inspect::Inspect;
pub use last::{Last, LastOr};
pub use map::Map;
pub use named::Named;
pub use pairwise::Pairwise;
pub use reduce::Reduce;
pub use scan::Scan;
pub use skip::Skip;
pub use skip_while::SkipWhile;
pub use start_with::StartWith;
pub use take::Take;
#[cfg(feature = "alloc")]
pub use take_last::TakeLast;
pub use take_while::TakeWhile;
pub use tap::Tap;
pub use transduce::{Transduce, Transducer};
pub use try_filter::TryFilter;
pub use try_map::TryMap;

use core::fmt::Display;

use crate::chain::Chain;
use crate::thing::InputThing;

/// The filters as methods of every [`Chain`].
pub trait Filters: Chain {
    /// Sends what `f` makes of each event. For a function that may fail see [`try_map`](Self::try_map).
    #[doc(alias = "select")]
    fn map<U, F: FnMut(Self::Item) -> U + 'static>(self, f: F) -> Self::Piped<Map<F>> {
        self.pipe(Map(f))
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
    #[doc(alias = "flatten")]
    #[doc(alias = "select_many")]
    #[doc(alias = "flat_map_iter")]
    fn flat_map<I, F>(self, f: F) -> Self::Piped<FlatMap<F>>
    where
        I: IntoIterator,
        F: FnMut(Self::Item) -> I + 'static,
    {
        self.pipe(FlatMap(f))
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

    /// Sends the last `n` events, at completion.
    #[cfg(feature = "alloc")]
    #[doc(alias = "tail")]
    fn take_last(self, n: usize) -> Self::Piped<TakeLast<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(TakeLast::new(n))
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

    /// Sends `true` at the first event for which `p` holds, or `false` at completion; then it completes.
    #[doc(alias = "some")]
    fn any<P: FnMut(Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<Any<P>> {
        self.pipe(Any(p))
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
        self.pipe(Tap(Some(branch)))
    }

    /// Lets a [`Transducer`] make the events.
    fn transduce<T: Transducer<Self::Item> + 'static>(self, transducer: T) -> Self::Piped<Transduce<T>> {
        self.pipe(Transduce(transducer))
    }

    /// Numbers the events, from 0.
    fn enumerate(self) -> Self::Piped<Enumerate> {
        self.pipe(Enumerate(0))
    }

    /// Sends `events` first, when the graph starts to run.
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
