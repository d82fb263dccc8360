//! Events that say when the last of their holders has let go of them: for sources that must know what has been dealt with,
//! to commit a place in a file or a log, to acknowledge a message, to delete it from a queue.
//!
//! A [`Tracker`] follows the events of a source. Each travels as a [`Tracked`], which is done when nobody holds it any more:
//! delivered or filtered out. Ownership does the counting, so every operator is fit
//! for it: `chunks` gives `Vec<Tracked<T>>`, `zip` `(Tracked<A>, Tracked<B>)`, and [`gather`](Tracking::gather) makes one
//! tracked event of either. [`flatten_value`](Tracking::flatten_value) is the way back, from a tracked list to its parts.
//!
//! What has failed is reported as failed, what a full queue drops by its policy as dropped, and what a run leaves behind when it is stopped, ends by a fatal error or panics as
//! abandoned: never as done. So each event is dealt with at least once, and seldom twice.
//!
//! ```
//! use thingflow_core::prelude::*;
//! use thingflow_core::tracking::{Tracker, Tracking};
//! let tracker = Tracker::new(|_, _| Ok(())); // a source with one place to commit needs no more than `committed`
//! let rows = from_iter(1..=10).track_by(&tracker, |_| ()).filter_value(|n| n % 2 == 0).chunks(2).gather();
//! assert_eq!(rows.acknowledge().collect_now(), [vec![2, 4], vec![6, 8], vec![10]]);
//! assert_eq!(tracker.committed(), 10);
//! ```
mod acknowledge;
mod filter_value;
mod flatten_value;
mod gather;
mod ledger;
#[cfg(feature = "std")]
mod link;
mod map_value;
mod sync;
mod track;
mod tracked;
mod tracker;
mod try_map_value;

use crate::chain::Chain;
use crate::error::Cause;
use crate::thing::Closed;

#[cfg(feature = "std")]
pub(crate) use {link::Trackers, sync::abandon, sync::deliver, sync::evict, sync::refuse};

pub use acknowledge::Acknowledge;
pub use filter_value::FilterValue;
pub use flatten_value::FlattenValue;
pub use gather::{Gather, Gathered};
pub use ledger::{Outcome, Settled};
pub use map_value::MapValue;
pub use track::{Track, TrackPlain};
pub use tracked::{Ack, Tracked};
pub use tracker::Tracker;
pub use try_map_value::TryMapValue;

/// The operators for tracked events as methods of every [`Chain`].
pub trait Tracking: Chain {
    /// Follows each event, and tells `settled` what became of it: once, on the thread of the reactor.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use std::{cell::Cell, rc::Rc};
    /// let done = Rc::new(Cell::new(0));
    /// let count = done.clone();
    /// let numbers = from_iter(1..=3).track(move |_| count.set(count.get() + 1)).acknowledge();
    /// assert_eq!((numbers.collect_now(), done.get()), (vec![1, 2, 3], 3));
    /// ```
    #[doc(alias = "RefCounter")]
    fn track<C>(self, mut settled: C) -> Self::Piped<TrackPlain<Self::Item>>
    where
        C: FnMut(Settled) + 'static,
        Self::Item: 'static,
    {
        let tracker = Tracker::new(move |event, _| {
            settled(event);
            Closed::Ok(())
        });
        self.track_by(&tracker, (|_| ()) as fn(&Self::Item))
    }

    /// Follows each event by `tracker`, with what `meta` attaches to it: an offset, an id to acknowledge.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use std::{cell::RefCell, rc::Rc};
    /// let offsets = Rc::new(RefCell::new(Vec::new()));
    /// let commit = offsets.clone();
    /// let tracker = Tracker::new(move |settled, _| {
    ///     commit.borrow_mut().push(settled.meta);
    ///     Ok(())
    /// });
    /// let lines = from_iter([(0, "one"), (4, "two")]).track_by(&tracker, |(offset, _)| *offset);
    /// assert_eq!(lines.map_value(|(_, line)| line).acknowledge().collect_now(), ["one", "two"]);
    /// assert_eq!(*offsets.borrow(), [0, 4]);
    /// ```
    #[doc(alias = "metadata")]
    fn track_by<M, F>(self, tracker: &Tracker<M>, meta: F) -> Self::Piped<Track<M, F>>
    where
        M: 'static,
        F: FnMut(&Self::Item) -> M + 'static,
    {
        self.pipe(Track::new(tracker.clone(), meta))
    }

    /// Sends the result of `f` for the value of each event.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let doubled = from_iter([1, 2]).track(|_| {}).map_value(|n| n * 2).acknowledge();
    /// assert_eq!(doubled.collect_now(), [2, 4]);
    /// ```
    fn map_value<T, U, M, F>(self, f: F) -> Self::Piped<MapValue<F>>
    where
        Self: Chain<Item = Tracked<T, M>>,
        F: FnMut(T) -> U + 'static,
    {
        self.pipe(MapValue(f))
    }

    /// Sends the result of `f` for the value of each event. On an error the event has failed, and the stream goes on.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let numbers = from_iter(["1", "x"]).track(|_| {}).try_map_value(str::parse::<u8>).acknowledge();
    /// assert_eq!(numbers.collect_now(), [1]);
    /// ```
    fn try_map_value<T, U, M, E, F>(self, f: F) -> Self::Piped<TryMapValue<F>>
    where
        Self: Chain<Item = Tracked<T, M>>,
        E: Into<Cause>,
        F: FnMut(T) -> Result<U, E> + 'static,
    {
        self.pipe(TryMapValue(f))
    }

    /// Passes the events for whose value `predicate` holds; the others are done.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let odd = from_iter(1..=4).track(|_| {}).filter_value(|n| n % 2 == 1).acknowledge();
    /// assert_eq!(odd.collect_now(), [1, 3]);
    /// ```
    fn filter_value<T, M, F>(self, predicate: F) -> Self::Piped<FilterValue<F>>
    where
        Self: Chain<Item = Tracked<T, M>>,
        F: FnMut(&T) -> bool + 'static,
    {
        self.pipe(FilterValue(predicate))
    }

    /// Sends each element of the value of each event. The event is done when all that has come of it is.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use std::{cell::Cell, rc::Rc};
    /// let done = Rc::new(Cell::new(0));
    /// let count = done.clone();
    /// let lists = from_iter([vec![1, 2], vec![], vec![3]]).track(move |_| count.set(count.get() + 1));
    /// assert_eq!((lists.flatten_value().acknowledge().collect_now(), done.get()), (vec![1, 2, 3], 3));
    /// ```
    #[doc(alias = "unbatch")]
    fn flatten_value<I, M>(self) -> Self::Piped<FlattenValue>
    where
        Self: Chain<Item = Tracked<I, M>>,
        I: IntoIterator,
    {
        self.pipe(FlattenValue)
    }

    /// Makes one tracked event of a list or a tuple of them: of what `chunks`, `sliding` or `zip` send.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let pairs = from_iter(1..=4).track(|_| {}).chunks(2).gather().acknowledge();
    /// assert_eq!(pairs.collect_now(), [[1, 2], [3, 4]]);
    /// ```
    fn gather(self) -> Self::Piped<Gathered>
    where
        Self::Item: Gather,
    {
        self.pipe(Gathered)
    }

    /// Sends the values, each of which is done when what follows has taken it without a fatal error.
    fn acknowledge<T, M>(self) -> Self::Piped<Acknowledge>
    where
        Self: Chain<Item = Tracked<T, M>>,
    {
        self.pipe(Acknowledge)
    }
}

impl<C: Chain> Tracking for C {}
