//! Joins: operators with several inputs. What follows a join is one compiled unit with it.
//!
//! The functions take a tuple of two to four chains, each with its own type of events, or a list (an array or a `Vec`) of
//! chains of one type; the methods of [`Joins`] are the same for two. A chain that can be an input is a [`Branch`].
//! What the operators share: the first error ends the join, after what is held where that is of use; a join that ends
//! lets all its inputs go at once; an input that is gone without an end, because its source was cancelled or its connection
//! disconnected, counts as one that has completed, once nobody has its port any more; an event that comes to an input while the join is sending (its output leads back to it)
//! is taken right after.
//!
//! Windows of several inputs, aligned by their number, are a [`zip`](zip()) of windows, each of its own size and step:
//! `joins::zip((a.windows(3, 3), b.windows(5, 2)), limit)`.

mod body;
#[cfg(feature = "alloc")]
mod buffer_until;
mod combine_latest;
#[cfg(feature = "alloc")]
mod concat;
#[cfg(feature = "alloc")]
mod dynamic;
#[cfg(feature = "alloc")]
mod exhaust;
mod held;
#[cfg(feature = "alloc")]
mod inputs;
#[cfg(feature = "alloc")]
mod interval_join;
#[cfg(feature = "alloc")]
mod join;
#[cfg(feature = "alloc")]
mod join_within;
#[cfg(feature = "alloc")]
mod joined;
mod junction;
mod merge;
#[cfg(feature = "alloc")]
mod merge_all;
#[cfg(feature = "alloc")]
mod merge_by_time;
mod merge_tagged;
#[cfg(feature = "alloc")]
mod nested;
mod race;
mod row;
mod rule;
mod sample;
mod saved;
mod sequence_equal_to;
mod skip_until;
#[cfg(feature = "alloc")]
mod switch;
mod take_until;
#[cfg(feature = "alloc")]
mod timed_unzip;
mod timed_zip;
#[cfg(feature = "alloc")]
mod timeline;
#[cfg(feature = "alloc")]
mod with_latest_at;
#[cfg(feature = "alloc")]
mod with_latest_from;
mod zip;
#[cfg(feature = "alloc")]
mod zip_latest;
#[cfg(feature = "alloc")]
mod zip_with;

pub use combine_latest::CombineLatest;
#[cfg(feature = "alloc")]
pub use dynamic::{Dynamic, DynamicInputs, Members};
pub use held::{HeldIn, Queue};
pub use junction::{Junction, JunctionInput};
pub use merge::Merge;
pub use merge_tagged::MergeTagged;
pub use race::Race;
pub use row::{Get, Latest, Queues};
pub use rule::{At, Index, Rule, Takes};
pub use sample::Sample;
pub use sequence_equal_to::SequenceEqualTo;
pub use skip_until::SkipUntil;
pub use take_until::TakeUntil;
pub use timed_zip::{TimedQueues, TimedZip};
pub use zip::Zip;
#[cfg(feature = "alloc")]
pub use {
    buffer_until::BufferUntil,
    combine_latest::combine_latest,
    concat::{Concat, concat},
    exhaust::Exhaust,
    held::Held,
    inputs::{Inputs, Wire},
    interval_join::{IntervalJoin, Reach},
    join::{Join, join},
    join_within::{JoinWithin, Pair},
    joined::Joined,
    merge::merge,
    merge_all::MergeAll,
    merge_by_time::{MergeByTime, merge_by_time},
    merge_tagged::merge_tagged,
    nested::{Nested, Nests, PortsOf},
    race::race,
    switch::Switch,
    timed_unzip::{Slots, TimedUnzip},
    timed_zip::timed_zip,
    with_latest_at::WithLatestAt,
    with_latest_from::with_latest_from,
    zip::zip,
    zip_latest::{ZipLatest, zip_latest},
    zip_with::ZipWith,
};

use crate::chain::Chain;
#[cfg(feature = "alloc")]
use crate::{Branch, Limit, Port, Timestamp};

/// The queues of two inputs.
#[cfg(feature = "alloc")]
type Queues2<A, B> = (Held<<A as Chain>::Item>, Held<<B as Chain>::Item>);
/// The latest events of two inputs.
#[cfg(feature = "alloc")]
type Latest2<A, B> = (Option<<A as Chain>::Item>, Option<<B as Chain>::Item>);
/// What [`zip_with`](Joins::zip_with) makes.
#[cfg(feature = "alloc")]
type ZippedWith<A, B, F> = Join<(A, B), Zip<Queues2<A, B>>, crate::Then<crate::Identity, ZipWith<F>>>;

/// What [`zip_latest`](Joins::zip_latest) makes.
#[cfg(feature = "alloc")]
type ZippedLatest<A, B> = Join<(A, B), ZipLatest<<A as Chain>::Item, Latest2<A, B>>>;
/// What [`join_within`](Joins::join_within) makes.
#[cfg(feature = "alloc")]
type JoinedWithin<A, B, K, V, W, D> = Join<(A, B), JoinWithin<K, V, W, D>>;

/// The joins as methods of every chain that begins at a port, and of other joins. They need the feature `alloc`.
pub trait Joins: Chain {
    /// Sends the events of both as they come.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.merge(&b).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// b.emit(2, cx)?;
    /// a.emit(3, cx)?;
    /// assert_eq!(seen.events(), [1, 2, 3]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "union")]
    #[doc(alias = "weave")]
    #[doc(alias = "blend")]
    fn merge<B>(self, other: B) -> Join<(Self, B), Merge<Self::Item>>
    where
        Self: Branch,
        B: Branch<Item = Self::Item>,
    {
        merge((self, other))
    }

    /// As [`merge`](Self::merge), each event with the number of its input: `(0, event)` for this one.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.merge_tagged(&b).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit('x', cx)?;
    /// b.emit('y', cx)?;
    /// assert_eq!(seen.events(), [(0, 'x'), (1, 'y')]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "mix")]
    #[doc(alias = "merge_asynch")]
    fn merge_tagged<B>(self, other: B) -> Join<(Self, B), MergeTagged<Self::Item>>
    where
        Self: Branch,
        B: Branch<Item = Self::Item>,
    {
        merge_tagged((self, other))
    }

    /// Sends the events of both in the order of the times that `time` reads from them.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.merge_by_time(&b, |time: &u32| *time, Limit::block(9)).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// a.emit(5, cx)?;
    /// b.emit(3, cx)?;
    /// b.emit(6, cx)?;
    /// assert_eq!(seen.events(), [1, 3, 5]); // 6 waits until `a` is as far
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "timed_mix")]
    fn merge_by_time<B, K, F>(self, other: B, time: F, limit: Limit) -> Join<(Self, B), MergeByTime<Self::Item, K, F>>
    where
        Self: Branch,
        B: Branch<Item = Self::Item>,
        K: Ord + Clone + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        merge_by_time((self, other), time, limit)
    }

    /// Sends the events of all ports of a stream of ports.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (rooms, hall, attic, seen) = (Port::new(), Port::new(), Port::new(), Recorder::new());
    /// rooms.merge_all().connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// rooms.emit(hall.clone(), cx)?;
    /// rooms.emit(attic.clone(), cx)?;
    /// attic.emit(14, cx)?;
    /// hall.emit(19, cx)?;
    /// assert_eq!(seen.events(), [14, 19]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "flat_map")]
    fn merge_all<T: Clone + 'static>(self) -> Join<PortsOf<Self>, MergeAll<T>>
    where
        Self: Branch<Item = Port<T>>,
    {
        Join::of(PortsOf(self), MergeAll::new())
    }

    /// Of a stream of ports, follows the latest one.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (choice, radio, record, seen) = (Port::new(), Port::new(), Port::new(), Recorder::new());
    /// choice.switch().connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// choice.emit(radio.clone(), cx)?;
    /// radio.emit("news", cx)?;
    /// choice.emit(record.clone(), cx)?;
    /// radio.emit("weather", cx)?;
    /// record.emit("song", cx)?;
    /// assert_eq!(seen.events(), ["news", "song"]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "switch_latest")]
    #[doc(alias = "switch_map")]
    fn switch<T: Clone + 'static>(self) -> Join<PortsOf<Self>, Switch<T>>
    where
        Self: Branch<Item = Port<T>>,
    {
        Join::of(PortsOf(self), Switch::new())
    }

    /// Of a stream of ports, follows one to its end, and leaves out those that come meanwhile.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (calls, first, second, seen) = (Port::new(), Port::new(), Port::new(), Recorder::new());
    /// calls.exhaust().connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// calls.emit(first.clone(), cx)?;
    /// calls.emit(second.clone(), cx)?; // the line is busy
    /// first.emit("hello", cx)?;
    /// second.emit("is anybody there?", cx)?;
    /// assert_eq!(seen.events(), ["hello"]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "exhaust_all")]
    #[doc(alias = "exhaust_map")]
    fn exhaust<T: Clone + 'static>(self) -> Join<PortsOf<Self>, Exhaust<T>>
    where
        Self: Branch<Item = Port<T>>,
    {
        Join::of(PortsOf(self), Exhaust::new())
    }

    /// Follows the one of both that is the first to send something, and lets the other go.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.race(&b).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// b.emit(1, cx)?;
    /// a.emit(2, cx)?;
    /// b.emit(3, cx)?;
    /// assert_eq!(seen.events(), [1, 3]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "amb")]
    fn race<B>(self, other: B) -> Join<(Self, B), Race<Self::Item>>
    where
        Self: Branch,
        B: Branch<Item = Self::Item>,
    {
        race((self, other))
    }

    /// Sends the events of this one, and when it has ended those of the other.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.concat(&b, Limit::block(9)).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// b.emit(3, cx)?;
    /// a.emit(1, cx)?;
    /// a.complete(cx)?;
    /// b.emit(4, cx)?;
    /// assert_eq!(seen.events(), [1, 3, 4]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "chain")]
    fn concat<B>(self, other: B, limit: Limit) -> Join<(Self, B), Concat<Self::Item>>
    where
        Self: Branch,
        B: Branch<Item = Self::Item>,
    {
        concat((self, other), limit)
    }

    /// Sends one event of each together, the first with the first, the second with the second.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.zip(&b, Limit::block(9)).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// a.emit(2, cx)?;
    /// b.emit('x', cx)?;
    /// b.emit('y', cx)?;
    /// assert_eq!(seen.events(), [(1, 'x'), (2, 'y')]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "zip_stream")]
    #[doc(alias = "merge_window")]
    fn zip<B: Branch>(self, other: B, limit: Limit) -> Join<(Self, B), Zip<Queues2<Self, B>>>
    where
        Self: Branch,
    {
        zip((self, other), limit)
    }

    /// As [`zip`](Self::zip), but sends what `f` makes of the two events.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.zip_with(&b, Limit::block(9), |a, b| a * b).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(2, cx)?;
    /// b.emit(3, cx)?;
    /// assert_eq!(seen.events(), [6]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "zip_map")]
    fn zip_with<B, U, F>(self, other: B, limit: Limit, f: F) -> ZippedWith<Self, B, F>
    where
        Self: Branch,
        B: Branch,
        F: FnMut(Self::Item, B::Item) -> U + 'static,
    {
        self.zip(other, limit).pipe(ZipWith(f))
    }

    /// Sends every event of this one together with the latest of the other; before that has one, it waits.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.zip_latest(&b, Limit::block(9)).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// a.emit(2, cx)?;
    /// b.emit('x', cx)?;
    /// a.emit(3, cx)?;
    /// assert_eq!(seen.events(), [(1, 'x'), (2, 'x'), (3, 'x')]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    fn zip_latest<B>(self, other: B, limit: Limit) -> ZippedLatest<Self, B>
    where
        Self: Branch,
        B: Branch,
    {
        zip_latest((self, other), limit)
    }

    /// Sends the latest events of both whenever one comes.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.combine_latest(&b).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// b.emit('x', cx)?;
    /// a.emit(2, cx)?;
    /// assert_eq!(seen.events(), [(1, 'x'), (2, 'x')]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    fn combine_latest<B>(self, other: B) -> Join<(Self, B), CombineLatest<Latest2<Self, B>>>
    where
        Self: Branch<Item: Clone>,
        B: Branch<Item: Clone>,
    {
        combine_latest((self, other))
    }

    /// Sends each event of this one together with the latest of the other. Before that has one, it is dropped.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.with_latest_from(&b).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// b.emit('x', cx)?;
    /// a.emit(2, cx)?;
    /// b.emit('y', cx)?;
    /// assert_eq!(seen.events(), [(2, 'x')]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    fn with_latest_from<B>(self, other: B) -> Join<(Self, B), CombineLatest<Latest2<Self, B>>>
    where
        Self: Branch<Item: Clone>,
        B: Branch<Item: Clone>,
    {
        with_latest_from((self, other))
    }

    /// Sends the latest event each time `trigger` has one.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.sample(&b).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// a.emit(2, cx)?;
    /// b.emit((), cx)?;
    /// b.emit((), cx)?;
    /// assert_eq!(seen.events(), [2]); // each event once
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    fn sample<B: Branch>(self, trigger: B) -> Join<(Self, B), Sample<Self::Item>>
    where
        Self: Branch,
    {
        Join::of((self, trigger), Sample::default())
    }

    /// Passes events until `trigger` has one, then completes: the source is let go.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.take_until(&b).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// b.emit((), cx)?;
    /// assert_eq!((seen.text(), a.is_listened()), ("1 |".into(), false));
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "takeUntil")]
    fn take_until<B: Branch>(self, trigger: B) -> Join<(Self, B), TakeUntil<Self::Item>>
    where
        Self: Branch,
    {
        Join::of((self, trigger), TakeUntil::default())
    }

    /// Leaves out the events until `trigger` has one.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.skip_until(&b).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// b.emit((), cx)?;
    /// a.emit(2, cx)?;
    /// assert_eq!(seen.events(), [2]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "skipUntil")]
    fn skip_until<B: Branch>(self, trigger: B) -> Join<(Self, B), SkipUntil<Self::Item>>
    where
        Self: Branch,
    {
        Join::of((self, trigger), SkipUntil::default())
    }

    /// Gathers the events, and sends them as a list each time `trigger` has one.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.buffer_until(&b, Limit::block(9)).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// a.emit(2, cx)?;
    /// b.emit((), cx)?;
    /// assert_eq!(seen.events(), [[1, 2]]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "collect")]
    #[doc(alias = "flush")]
    #[doc(alias = "chunks_until")]
    fn buffer_until<B: Branch>(self, trigger: B, limit: Limit) -> Join<(Self, B), BufferUntil<Self::Item>>
    where
        Self: Branch,
    {
        Join::of((self, trigger), BufferUntil::new(limit))
    }

    /// Aligns two streams of `(time, value)` by their times: sends `(time, (slot, slot))`.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.timed_zip(&b, Limit::block(9)).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit((1, 'x'), cx)?;
    /// b.emit((2, 'y'), cx)?;
    /// a.emit((2, 'z'), cx)?;
    /// assert_eq!(seen.events(), [(1, (Some('x'), None)), (2, (Some('z'), Some('y')))]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "align_by_time")]
    fn timed_zip<B: Branch>(self, other: B, limit: Limit) -> Join<(Self, B), TimedZip<Queues2<Self, B>>>
    where
        Self: Branch,
    {
        timed_zip((self, other), limit)
    }

    /// Sends each slot of events `(time, slots)` to a port of its own: the inverse of [`timed_zip`](Self::timed_zip).
    #[cfg(feature = "alloc")]
    #[doc(alias = "split_aligned")]
    fn timed_unzip<K: 'static, S>(self) -> S::Ports
    where
        Self: Branch<Item = (K, S)>,
        S: Slots<K> + 'static,
        TimedUnzip<S::Ports>: crate::InputThing<(K, S)> + 'static,
    {
        let ports = S::ports();
        self.attach(TimedUnzip { ports: ports.clone() });
        ports
    }

    /// Pairs the events `(time, value)` of both whose times differ at most by `tolerance`.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.join_within(&b, 1, Limit::block(9)).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit((10, 'x'), cx)?;
    /// b.emit((11, 'y'), cx)?;
    /// b.emit((15, 'z'), cx)?;
    /// assert_eq!(seen.events().len(), 1); // 10 and 11 are near enough
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "join")]
    fn join_within<B, K, V, W, D>(self, other: B, tolerance: D, limit: Limit) -> JoinedWithin<Self, B, K, V, W, D>
    where
        Self: Branch<Item = (K, V)>,
        B: Branch<Item = (K, W)>,
        (K, V, W): 'static,
    {
        Join::of((self, other), JoinWithin::new(tolerance, &limit))
    }

    /// Pairs the events of both whose event times are close, as [`Reach`] says: `times` read the time of each.
    ///
    /// # Panics
    /// If the limit is one that blocks: what makes room is the watermark, which comes with the events.
    #[cfg(feature = "alloc")]
    #[doc(alias = "join_by_time")]
    #[track_caller]
    fn interval_join<B, F, G>(
        self,
        other: B,
        reach: Reach,
        times: (F, G),
        limit: Limit,
    ) -> Join<(Self, B), IntervalJoin<Self::Item, B::Item>>
    where
        Self: Branch<Item: Clone>,
        B: Branch<Item: Clone>,
        F: FnMut(&Self::Item) -> Timestamp + 'static,
        G: FnMut(&B::Item) -> Timestamp + 'static,
    {
        Join::of((self, other), IntervalJoin::new(reach, times, &limit))
    }

    /// Sends each event of this one with the latest of the other at its event time, which is no older than `oldest`: `times` read the
    /// time of each.
    ///
    /// # Panics
    /// If the limit is one that blocks: what makes room is the watermark, which comes with the events.
    #[cfg(feature = "alloc")]
    #[doc(alias = "temporal_join")]
    #[doc(alias = "merge_asof")]
    #[doc(alias = "as_of")]
    #[track_caller]
    fn with_latest_at<B, F, G>(
        self,
        other: B,
        oldest: core::time::Duration,
        times: (F, G),
        limit: Limit,
    ) -> Join<(Self, B), WithLatestAt<Self::Item, B::Item>>
    where
        Self: Branch,
        B: Branch<Item: Clone>,
        F: FnMut(&Self::Item) -> Timestamp + 'static,
        G: FnMut(&B::Item) -> Timestamp + 'static,
    {
        Join::of((self, other), WithLatestAt::new(oldest, times, &limit))
    }

    /// Sends whether both have the same events.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    /// a.sequence_equal_to(&b, Limit::block(9)).connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// a.emit(1, cx)?;
    /// b.emit(1, cx)?;
    /// a.complete(cx)?;
    /// b.complete(cx)?;
    /// assert_eq!(seen.events(), [true]);
    /// # Ok::<(), FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "sequence_equal")]
    fn sequence_equal_to<B>(self, other: B, limit: Limit) -> Join<(Self, B), SequenceEqualTo<Held<Self::Item>>>
    where
        Self: Branch<Item: PartialEq>,
        B: Branch<Item = Self::Item>,
    {
        Join::of((self, other), SequenceEqualTo::new(&limit))
    }
}

impl<C: Chain> Joins for C {}
