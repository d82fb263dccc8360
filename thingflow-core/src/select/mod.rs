//! Operators that pass some of the events and leave out the others.

mod deadband;
mod dedup;
#[cfg(feature = "alloc")]
pub(crate) mod distinct;
pub(crate) mod distinct_recent;
mod element_at;
mod filter;
mod filter_with;
mod ignore_elements;
pub(crate) mod last;
mod skip;
mod skip_last;
mod skip_while;
mod slice;
mod step_by;
mod take;
mod take_last;
mod take_while;
mod try_filter;

pub use deadband::Deadband;
pub use dedup::{Dedup, Equal, EqualKeys, Same, SameBy};
#[cfg(feature = "alloc")]
pub use distinct::Distinct;
#[cfg(feature = "alloc")]
pub use distinct_recent::DistinctRecent;
pub use distinct_recent::DistinctRecentOf;
pub use element_at::ElementAt;
pub use filter::Where;
pub use filter_with::FilterWith;
pub use ignore_elements::IgnoreElements;
pub use last::{Last, LastOr};
pub use skip::Skip;
pub use skip_last::SkipLast;
pub use skip_while::SkipWhile;
pub use slice::Slice;
pub use step_by::StepBy;
pub use take::Take;
#[cfg(feature = "alloc")]
pub use take_last::TakeLast;
pub use take_last::TakeLastOf;
pub use take_while::TakeWhile;
pub use try_filter::TryFilter;

use core::ops::RangeBounds;

use crate::chain::Chain;
use crate::error::Cause;
use crate::measure::{Carrier, Number};
use crate::size::Size;
use crate::storage::InPlace;

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// Operators that pass some of the events, as methods of every [`Chain`].
pub trait Selecting: Chain {
    /// Passes the events for which `p` holds.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(1..=6).filter(|x| x % 3 == 0).collect_now(), [3, 6]);
    /// ```
    #[doc(alias = "where")]
    fn filter<P: FnMut(&Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<Where<P>> {
        self.pipe(Where(p))
    }

    /// As [`filter`](Self::filter), with a state of its own, which `p` may change.
    ///
    /// Holds the state. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// let falling = from_iter([10, 9, 5, 7, 8, 3]).filter_with(i32::MAX, |last, x| *x < std::mem::replace(last, *x));
    /// assert_eq!(falling.collect_now(), [10, 9, 5, 3]);
    /// # }
    /// ```
    #[doc(alias = "filter_element")]
    fn filter_with<S, P>(self, state: S, p: P) -> Self::Piped<FilterWith<S, P>>
    where
        S: 'static,
        P: FnMut(&mut S, &Self::Item) -> bool + 'static,
    {
        self.pipe(FilterWith { state, p })
    }

    /// As [`filter`](Self::filter), with a predicate that may fail: its error ends the stream.
    ///
    /// The error is as that of [`try_map`](crate::Elementwise::try_map).
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// let positive = |x: &f64| if x.is_nan() { Err("not a number") } else { Ok(*x > 0.0) };
    /// let (seen, error) = from_iter([-1.0, 2.0, f64::NAN, 3.0]).try_filter(positive).try_collect_now();
    /// assert_eq!(seen, [2.0]);
    /// assert_eq!(error, Some(StreamError::new("not a number")));
    /// # }
    /// ```
    fn try_filter<E, P>(self, p: P) -> Self::Piped<TryFilter<P>>
    where
        E: Into<Cause>,
        P: FnMut(&Self::Item) -> Result<bool, E> + 'static,
    {
        self.pipe(TryFilter(p))
    }

    /// Passes the first `n` events, then completes. `take(0)` completes at the start.
    ///
    /// Holds one number. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(1..).take(2).collect_now(), [1, 2]);
    /// assert_eq!(from_iter(1..).take(0).collect_now(), []); // completes at the start, before any event
    /// assert_eq!(from_iter([7, 8]).first().collect_now(), [7]);
    /// # }
    /// ```
    #[doc(alias = "limit")]
    fn take(self, n: usize) -> Self::Piped<Take> {
        self.pipe(Take { left: n })
    }

    /// Passes the first event, then completes.
    ///
    /// Holds one number. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([7, 8]).first().collect_now(), [7]);
    /// # }
    /// ```
    fn first(self) -> Self::Piped<Take> {
        self.take(1)
    }

    /// Sends the event with the number `n`, counted from 0, then completes. If there is none it ends with the error "too few
    /// elements".
    ///
    /// Holds one number, and the default. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(["a", "b", "c"]).element_at(1).collect_now(), ["b"]); // and asks for no more
    /// assert_eq!(from_iter(["a"]).element_at_or(1, "none").collect_now(), ["none"]);
    /// let (_, error) = from_iter(["a"]).element_at(1).try_collect_now();
    /// assert_eq!(error, Some(StreamError::new("too few elements")));
    /// # }
    /// ```
    #[doc(alias = "nth")]
    fn element_at(self, n: usize) -> Self::Piped<ElementAt<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(ElementAt { before: n, default: None })
    }

    /// As [`element_at`](Self::element_at), but sends `default` if there is no such event.
    ///
    /// Holds one number, and the default. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(["a"]).element_at_or(1, "none").collect_now(), ["none"]);
    /// let (_, error) = from_iter(["a"]).element_at(1).try_collect_now();
    /// # }
    /// ```
    #[doc(alias = "element_at_or_default")]
    fn element_at_or(self, n: usize, default: Self::Item) -> Self::Piped<ElementAt<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(ElementAt { before: n, default: Some(default) })
    }

    /// Passes events as long as `p` holds, then completes. The event that ends it is left out.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([1, 2, 9, 3]).take_while(|x| *x < 5).collect_now(), [1, 2]);
    /// assert_eq!(from_iter([1, 2, 9, 3]).take_while_inclusive(|x| *x < 5).collect_now(), [1, 2, 9]);
    /// # }
    /// ```
    fn take_while<P: FnMut(&Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<TakeWhile<P>> {
        self.pipe(TakeWhile { takes: p, is_inclusive: false })
    }

    /// As [`take_while`](Self::take_while), and the event that ends it is the last one.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([1, 2, 9, 3]).take_while_inclusive(|x| *x < 5).collect_now(), [1, 2, 9]);
    /// # }
    /// ```
    #[doc(alias = "takeWhile")]
    #[doc(alias = "inclusive")]
    fn take_while_inclusive<P: FnMut(&Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<TakeWhile<P>> {
        self.pipe(TakeWhile { takes: p, is_inclusive: true })
    }

    /// Leaves out the first `n` events.
    ///
    /// Holds one number. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(1..=4).skip(2).collect_now(), [3, 4]);
    /// ```
    #[doc(alias = "drop")]
    fn skip(self, n: usize) -> Self::Piped<Skip> {
        self.pipe(Skip { left: n })
    }

    /// Leaves out the last `n` events: each goes out when `n` more have come.
    ///
    /// Which are the last is known at the end only, so each event goes out when `n` more have come.
    ///
    /// Holds up to `n` events. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(1..=5).skip_last(2).collect_now(), [1, 2, 3]);
    /// assert_eq!(from_iter(1..=5).skip_last_of::<4>().collect_now(), [1]);
    /// # }
    /// ```
    #[cfg(feature = "alloc")]
    fn skip_last(self, n: usize) -> Self::Piped<SkipLast<Self::Item, OnHeap>>
    where
        Self::Item: 'static,
    {
        self.pipe(SkipLast::new(n))
    }

    /// As [`skip_last`](Self::skip_last), for a number that is known when the program is compiled: without an allocator.
    ///
    /// Holds up to `n` events. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(1..=5).skip_last_of::<4>().collect_now(), [1]);
    /// # }
    /// ```
    fn skip_last_of<const N: usize>(self) -> Self::Piped<SkipLast<Self::Item, InPlace<N>>>
    where
        Self::Item: 'static,
    {
        self.pipe(SkipLast::new(N))
    }

    /// Leaves out the events at the beginning for which `p` holds.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([0, 0, 5, 0]).skip_while(|x| *x == 0).collect_now(), [5, 0]);
    /// ```
    #[doc(alias = "drop_while")]
    fn skip_while<P: FnMut(&Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<SkipWhile<P>> {
        self.pipe(SkipWhile { skips: p, passing: false })
    }

    /// Passes the first event, then every `n`th after it.
    ///
    /// Holds one number. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(0..10).step_by(3).collect_now(), [0, 3, 6, 9]);
    /// assert_eq!(from_iter(0..10).skip(2).step_by(3).collect_now(), [2, 5, 8]); // every third, from the third on
    /// # }
    /// ```
    #[track_caller]
    fn step_by(self, n: impl Into<Size>) -> Self::Piped<StepBy> {
        self.pipe(StepBy { step: n.into().get(), left: 0 })
    }

    /// Passes the events whose numbers, counted from 0, are in `range`: its first, then every `step`th after it.
    ///
    /// It completes with the last event that it can send, and asks for no more. A range of nothing completes at the
    /// start.
    ///
    /// Holds one number. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(0..).slice(1..6, 2).collect_now(), [1, 3, 5]); // steps count from the beginning of the range
    /// assert_eq!(from_iter(0..5).slice(3.., 1).collect_now(), [3, 4]);
    /// # }
    /// ```
    #[track_caller]
    fn slice(self, range: impl RangeBounds<usize>, step: impl Into<Size>) -> Self::Piped<Slice> {
        self.pipe(Slice::new(&range, step.into()))
    }

    /// Passes only the end of the stream.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([1, 2]).ignore_elements().default_if_empty(0).collect_now(), [0]);
    /// ```
    fn ignore_elements(self) -> Self::Piped<IgnoreElements> {
        self.pipe(IgnoreElements)
    }

    /// Sends the last `n` events, at completion.
    ///
    /// After an error there is no last event: only the error goes on.
    ///
    /// Holds up to `n` events. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// assert_eq!(from_iter(1..=5).take_last(2).collect_now(), [4, 5]); // the oldest first
    /// assert_eq!(from_iter(1..=5).take_last(9).collect_now(), [1, 2, 3, 4, 5]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "tail")]
    fn take_last(self, n: usize) -> Self::Piped<TakeLast<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(TakeLast::new(n))
    }

    /// As [`take_last`](Self::take_last), for a number that is known when the program is compiled: without an allocator.
    ///
    /// As [`take_last`](Self::take_last), without an allocator.
    ///
    /// Holds up to `n` events. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(1..=5).take_last_of::<2>().collect_now(), [4, 5]);
    /// ```
    fn take_last_of<const N: usize>(self) -> Self::Piped<TakeLastOf<Self::Item, N>>
    where
        Self::Item: 'static,
    {
        self.pipe(TakeLastOf { held: heapless::Deque::new() })
    }

    /// Sends the last event, at completion. Without any it ends with the error "no elements".
    ///
    /// After an error there is no last event: only the error goes on.
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(1..=3).last().collect_now(), [3]);
    /// let (_, error) = from_iter([0; 0]).last().try_collect_now();
    /// assert_eq!(error, Some(StreamError::new("no elements")));
    /// # }
    /// ```
    fn last(self) -> Self::Piped<Last<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Last(None))
    }

    /// Sends the last event, at completion, or `default` without any.
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(1..=3).last_or(7).collect_now(), [3]);
    /// assert_eq!(from_iter([0; 0]).last_or(7).collect_now(), [7]);
    /// # }
    /// ```
    fn last_or(self, default: Self::Item) -> Self::Piped<LastOr<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(LastOr(Some(default)))
    }

    /// Leaves out events that equal the one before.
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([1, 1, 2, 2, 1]).dedup().collect_now(), [1, 2, 1]);
    /// # }
    /// ```
    #[doc(alias = "distinct_until_changed")]
    #[doc(alias = "unique")]
    fn dedup(self) -> Self::Piped<Dedup<Self::Item, Equal>>
    where
        Self::Item: Clone + PartialEq + 'static,
    {
        self.pipe(Dedup::new(Equal))
    }

    /// As [`dedup`](Self::dedup), comparing what `key` makes of the events.
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// let states = [("door", 1), ("door", 2), ("window", 3)];
    /// assert_eq!(from_iter(states).dedup_by_key(|e| e.0).collect_now(), [("door", 1), ("window", 3)]);
    /// # }
    /// ```
    #[doc(alias = "distinct_until_key_changed")]
    fn dedup_by_key<K, F>(self, key: F) -> Self::Piped<Dedup<Self::Item, EqualKeys<F>>>
    where
        Self::Item: Clone + 'static,
        K: PartialEq,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(Dedup::new(EqualKeys(key)))
    }

    /// As [`dedup`](Self::dedup), where `same` tells of an event and the last one sent whether they count as equal.
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([1.0, 1.2, 2.5, 2.4]).dedup_by(|a: &f64, b: &f64| (a - b).abs() < 0.5).collect_now(), [1.0, 2.5]);
    /// # }
    /// ```
    #[doc(alias = "distinct_until_changed")]
    fn dedup_by<F>(self, same: F) -> Self::Piped<Dedup<Self::Item, SameBy<F>>>
    where
        Self::Item: Clone + 'static,
        F: FnMut(&Self::Item, &Self::Item) -> bool + 'static,
    {
        self.pipe(Dedup::new(SameBy(same)))
    }

    /// Leaves out values that differ by less than `delta` from the last one sent.
    ///
    /// The first value passes, and then each that differs by `delta` or more from the last one that passed: so a value
    /// that creeps passes too, in steps. A NaN passes, but not a second one behind it.
    ///
    /// Holds one value. Sends `T::With<T::Value>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([20.0, 20.25, 20.5, 20.75, 20.5, 19.0]).deadband(0.5).collect_now(), [20.0, 20.5, 19.0]);
    /// assert_eq!(from_iter([3_u16, 4, 5, 1]).deadband(2).collect_now(), [3, 5, 1]);
    /// # }
    /// ```
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

    /// Leaves out events that equal any event before. One different event more than `max` ends the stream with an error.
    ///
    /// It must remember what it has seen, so it asks how much that may be: one more different event ends the stream by
    /// an error. Where that number has no bound use [`distinct_recent`](Self::distinct_recent).
    ///
    /// Holds one event, or its key, for each different one, up to `max`. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// assert_eq!(from_iter([1, 2, 1, 3, 2]).distinct(10).collect_now(), [1, 2, 3]);
    /// assert_eq!(from_iter(["to", "be", "not"]).distinct_by_key(10, |word| word.len()).collect_now(), ["to", "not"]);
    /// ```
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
    ///
    /// Holds one event, or its key, for each different one, up to `max`. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// assert_eq!(from_iter(["to", "be", "not"]).distinct_by_key(10, |word| word.len()).collect_now(), ["to", "not"]);
    /// ```
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
    ///
    /// A repeat is left out and refreshes its place: what was not seen for longest is forgotten first.
    ///
    /// Holds up to `n` events, or their keys. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// assert_eq!(from_iter([1, 2, 1, 3, 1, 2]).distinct_recent(2).collect_now(), [1, 2, 3, 2]); // the 3 displaced the 2
    /// assert_eq!(from_iter([10, 11, 20, 21]).distinct_recent_by_key(1, |x| x / 10).collect_now(), [10, 20]);
    /// ```
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
    ///
    /// Holds up to `n` events, or their keys. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// assert_eq!(from_iter([10, 11, 20, 21]).distinct_recent_by_key(1, |x| x / 10).collect_now(), [10, 20]);
    /// ```
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
    ///
    /// As [`distinct_recent`](Self::distinct_recent), for a few events, without an allocator: each event is
    /// compared with all that are held.
    ///
    /// Holds up to `n` events, or their keys. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([0.1, 0.2, 0.1, 0.3]).distinct_recent_of::<2>().collect_now(), [0.1, 0.2, 0.3]);
    /// ```
    fn distinct_recent_of<const N: usize>(self) -> Self::Piped<DistinctRecentOf<Self::Item, N>>
    where
        Self::Item: PartialEq + Clone + 'static,
    {
        const { assert!(N > 0, "distinct_recent_of::<0>(): it must remember at least one event") };
        self.pipe(DistinctRecentOf { seen: [const { None }; N] })
    }
}

impl<C: Chain> Selecting for C {}
