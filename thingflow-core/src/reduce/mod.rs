//! Operators that make one result of all events: at completion, or as soon as it is known.

mod all;
mod any;
mod contains;
mod count;
#[cfg(feature = "alloc")]
mod counts;
mod fold;
mod min_max;
#[allow(clippy::module_inception)] // named after the operator
mod reduce;
mod sequence_equal;
mod top_k;

pub use all::All;
pub use any::Any;
pub use contains::Contains;
pub use count::Count;
#[cfg(feature = "alloc")]
pub use counts::{Counts, FinalCounts};
pub use fold::Fold;
pub use min_max::{ByKey, Extreme, Natural, Rank};
pub use reduce::Reduce;
pub use sequence_equal::SequenceEqual;
#[cfg(feature = "alloc")]
pub use top_k::TopK;
pub use top_k::TopKOf;

use crate::chain::Chain;

#[cfg(feature = "alloc")]
use crate::size::Size;

/// Operators that make one result of all events, as methods of every [`Chain`].
pub trait Reducing: Chain {
    /// As [`scan`](crate::Elementwise::scan), but sends only the final result, at completion. Without events it is the seed.
    ///
    /// After an error there is no final result: only the error goes on.
    ///
    /// Holds the result so far. Sends `S`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(1..=3).fold(0, |sum, x| sum + x).collect_now(), [6]);
    /// assert_eq!(from_iter([0; 0]).fold(5, |sum, x| sum + x).collect_now(), [5]);
    /// # }
    /// ```
    #[doc(alias = "aggregate")]
    fn fold<S, F>(self, seed: S, f: F) -> Self::Piped<Fold<S, F>>
    where
        S: 'static,
        F: FnMut(S, Self::Item) -> S + 'static,
    {
        self.pipe(Fold { state: Some(seed), f })
    }

    /// As [`fold`](Self::fold), beginning with the first event. Without any it ends with the error "no elements".
    ///
    /// After an error there is no final result: only the error goes on.
    ///
    /// Holds one event: the result so far. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([3, 9, 4]).reduce(i32::max).collect_now(), [9]);
    /// let (_, error) = from_iter([0; 0]).reduce(i32::max).try_collect_now();
    /// assert_eq!(error, Some(StreamError::new("no elements")));
    /// # }
    /// ```
    #[doc(alias = "aggregate")]
    fn reduce<F>(self, f: F) -> Self::Piped<Reduce<Self::Item, F>>
    where
        Self::Item: 'static,
        F: FnMut(Self::Item, Self::Item) -> Self::Item + 'static,
    {
        self.pipe(Reduce { state: None, f })
    }

    /// Sends the smallest event, at completion. Without any it ends with the error "no elements".
    ///
    /// Of equal events `min` sends the first and `max` the last, as iterators do. What cannot be compared, a NaN, is
    /// passed over. Without any event it ends with the error "no elements"; after an error only the error goes on.
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([20.5, f64::NAN, 23.0, 19.5]).max().collect_now(), [23.0]);
    /// assert_eq!(from_iter([3, -7, 5]).min_by_key(|x: &i32| x.abs()).collect_now(), [3]);
    /// assert_eq!(from_iter([4, 2]).accumulate(i32::min).collect_now(), [4, 2]); // the smallest so far, for each event
    /// # }
    /// ```
    fn min(self) -> Self::Piped<Extreme<Self::Item, Natural>>
    where
        Self::Item: PartialOrd + 'static,
    {
        self.pipe(Extreme::smallest(Natural))
    }

    /// Sends the largest event, at completion. Without any it ends with the error "no elements".
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([20.5, f64::NAN, 23.0, 19.5]).max().collect_now(), [23.0]);
    /// # }
    /// ```
    fn max(self) -> Self::Piped<Extreme<Self::Item, Natural>>
    where
        Self::Item: PartialOrd + 'static,
    {
        self.pipe(Extreme::largest(Natural))
    }

    /// As [`min`](Self::min), comparing what `key` makes of the events.
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([3, -7, 5]).min_by_key(|x: &i32| x.abs()).collect_now(), [3]);
    /// # }
    /// ```
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
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([3, -7, 5]).max_by_key(|x: &i32| x.abs()).collect_now(), [-7]);
    /// ```
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
    ///
    /// The list begins with the largest and has fewer than `k` events at the beginning. Of equal events the earlier one
    /// stands first, and stays if there is no room. What cannot be compared, a NaN, is passed over.
    ///
    /// Holds up to `k` events. Sends `heapless::Vec<T, K>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// assert_eq!(from_iter([5, 9, 1, 7]).top_k(2).collect_now(), [vec![5], vec![9, 5], vec![9, 7]]);
    /// assert_eq!(from_iter([5, 9, 1, 7]).top_k(2).last().collect_now(), [[9, 7]]); // only the final one
    /// ```
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
    ///
    /// Holds up to `k` events. Sends `Vec<T>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let far = from_iter([5, -9, 1, 7]).top_k_by_key(2, |x: &i32| x.abs());
    /// assert_eq!(far.last().collect_now(), [[-9, 7]]);
    /// ```
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
    ///
    /// As [`top_k`](Self::top_k), without an allocator.
    ///
    /// Holds up to `k` events. Sends `heapless::Vec<T, K>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([0.5, 0.9, 0.1, 0.7]).top_k_of::<2>().last().collect_now(), [[0.9, 0.7]]);
    /// ```
    fn top_k_of<const K: usize>(self) -> Self::Piped<TopKOf<Self::Item, K>>
    where
        Self::Item: PartialOrd + Clone + 'static,
    {
        const { assert!(K > 0, "top_k_of::<0>(): there is always at least one largest event") };
        self.pipe(TopKOf { held: heapless::Vec::new() })
    }

    /// Sends a map with the number of times that each different event has come, for each event. One different event more
    /// than `max` ends the stream with an error.
    ///
    /// The map is shared and not copied, unless someone keeps it until the next event. One different event more than
    /// `max` ends the stream with an error.
    ///
    /// Holds one event and a number for each different one, up to `max`. Sends `Rc<BTreeMap<T, u64>>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use std::collections::BTreeMap;
    /// let seen = from_iter("aba".chars()).counts(26).map(|counts| (*counts).clone()).collect_now();
    /// assert_eq!(seen[1], BTreeMap::from([('a', 1), ('b', 1)]));
    /// assert_eq!(seen[2], BTreeMap::from([('a', 2), ('b', 1)]));
    /// ```
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
    ///
    /// After an error there is no final result: only the error goes on. One different event more than `max` is an
    /// error.
    ///
    /// Holds one event and a number for each different one, up to `max`. Sends `BTreeMap<T, u64>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use std::collections::BTreeMap;
    /// let words = "the cat and the dog".split(' ');
    /// assert_eq!(from_iter(words).final_counts(100).collect_now()[0]["the"], 2);
    /// ```
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
    ///
    /// An error goes on: nothing is known then.
    ///
    /// Holds nothing. Sends `bool`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(1..).any(|x| x > 10).collect_now(), [true]); // at the 11th event; then it asks for no more
    /// assert_eq!(from_iter(1..9).any(|x| x > 10).collect_now(), [false]); // at completion
    /// # }
    /// ```
    #[doc(alias = "some")]
    fn any<P: FnMut(Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<Any<P>> {
        self.pipe(Any(p))
    }

    /// Sends `false` at the first event for which `p` does not hold, or `true` at completion; then it completes.
    ///
    /// It holds for a stream without events. An error goes on: nothing is known then.
    ///
    /// Holds nothing. Sends `bool`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(1..).all(|x| x < 10).collect_now(), [false]); // at the 10th event; then it asks for no more
    /// assert_eq!(from_iter(1..9).all(|x| x < 10).collect_now(), [true]); // at completion
    /// # }
    /// ```
    #[doc(alias = "every")]
    fn all<P: FnMut(Self::Item) -> bool + 'static>(self, p: P) -> Self::Piped<All<P>> {
        self.pipe(All(p))
    }

    /// Sends `true` at the first event that equals `value`, or `false` at completion; then it completes.
    ///
    /// An error goes on: nothing is known then.
    ///
    /// Holds one event: the value looked for. Sends `bool`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter(1..).contains(3).collect_now(), [true]); // at the third event; then it asks for no more
    /// assert_eq!(from_iter(1..3).contains(3).collect_now(), [false]); // at completion
    /// # }
    /// ```
    fn contains(self, value: Self::Item) -> Self::Piped<Contains<Self::Item>>
    where
        Self::Item: PartialEq + 'static,
    {
        self.pipe(Contains(value))
    }

    /// Sends `true` at completion if the events were those of `expected`, or `false` as soon as one is not.
    ///
    /// Two streams are compared by [`sequence_equal_to`](crate::Joins::sequence_equal_to).
    ///
    /// An error goes on: nothing is known then.
    ///
    /// Holds the iterator. Sends `bool`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// assert_eq!(from_iter([1, 2, 3]).sequence_equal(1..=3).collect_now(), [true]); // at completion
    /// assert_eq!(from_iter([1, 2]).sequence_equal(1..=3).collect_now(), [false]); // one is missing
    /// assert_eq!(from_iter(1..).sequence_equal(1..=3).collect_now(), [false]); // at the fourth; it asks for no more
    /// # }
    /// ```
    fn sequence_equal<I>(self, expected: I) -> Self::Piped<SequenceEqual<I::IntoIter>>
    where
        I: IntoIterator,
        I::IntoIter: 'static,
        Self::Item: PartialEq<I::Item>,
    {
        self.pipe(SequenceEqual::new(expected.into_iter()))
    }

    /// Sends the number of events, at completion.
    ///
    /// After an error there is no final number: only the error goes on.
    ///
    /// Holds one number. Sends `u64`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter("a line".chars()).filter(|c| c.is_alphabetic()).count().collect_now(), [5]);
    /// ```
    #[doc(alias = "output_count")]
    fn count(self) -> Self::Piped<Count> {
        self.pipe(Count(0))
    }
}

impl<C: Chain> Reducing for C {}
