//! What gathers: what a window keeps of its events, and what it makes of them. [`Values`] looks at the values by an
//! [`Aggregate`]; [`List`] and [`DistinctList`] keep the events themselves.

use super::aggregates::Aggregate;
use super::merge::Merge;
use crate::error::StreamError;
use crate::measure::Carrier;
#[cfg(feature = "alloc")]
use crate::state::{Saved, SavedItems};
use crate::state::{SavedEvents, StateVisitor};
use crate::thing::Demand;

#[cfg(feature = "alloc")]
use {
    crate::limit::{Admission, Bounded, Limit, Overflow, evict, no_room},
    alloc::collections::{BTreeMap, VecDeque},
    alloc::vec::Vec,
    core::fmt,
    core::marker::PhantomData,
};

/// What gathers the events of a window, of type `T`.
///
/// A window tells it of each event as it comes, and asks for the result when the window ends. Who assigns the events to
/// windows is an [`Assigner`](super::Assigner)'s business: any of the one goes with any of the other.
pub trait Gather<T> {
    /// What it keeps of an event.
    type Kept;
    /// What an event has besides, of which the last one's goes out with the result: the id and the time.
    type Rest: Clone;
    /// What it makes of the events.
    type Made;
    /// What is sent: the result with the rest.
    type Sent<U>;
    /// How many events a window may have that holds them, see [`Aggregate::ROOM`].
    const ROOM: usize = usize::MAX;
    /// The rest where there has been no event: `None` if an event cannot do without.
    const NO_REST: Option<Self::Rest>;

    /// Takes an event apart.
    fn part(event: T) -> (Self::Kept, Self::Rest);
    /// What is sent for a result.
    fn sent<U>(rest: Self::Rest, made: U) -> Self::Sent<U>;
    /// One that is empty, as this was at the beginning.
    #[must_use]
    fn fresh(&self) -> Self
    where
        Self: Sized;
    /// Takes in an event of a window whose events stay until it ends. `Full` asks the source to pause.
    ///
    /// # Errors
    /// That there is no room for it.
    fn absorb(&mut self, kept: Self::Kept) -> Result<Demand, StreamError>;
    /// The result of the window, and an empty one.
    fn finish(&mut self) -> Option<Self::Made>;
    /// How many events count, of those that were absorbed.
    #[inline]
    fn count(&self, absorbed: usize) -> usize {
        absorbed
    }
    /// Whether what was kept of an event says that a reading is missing, see [`Aggregate::is_missing`].
    #[inline]
    fn is_missing(&self, _kept: &Self::Kept) -> bool {
        false
    }
    /// Shows what was absorbed to a walk that saves or restores it.
    fn on_state(&mut self, _state: &mut dyn StateVisitor) {}
    /// Shows what a window holds of an event, see [`Aggregate::on_value`].
    fn on_kept(_kept: &mut Option<Self::Kept>, _state: &mut dyn StateVisitor) {}
    /// Shows the rest of an event.
    fn on_rest(_rest: &mut Option<Self::Rest>, _state: &mut dyn StateVisitor) {}
    /// Whether another event would not be one too many for the source.
    fn has_room(&self) -> bool {
        true
    }
    /// Whether a source was asked to pause and may go on: says so once.
    fn take_room(&mut self) -> bool {
        false
    }
}

/// What gathers the events of windows that overlap: events leave it one by one, in the order in which they came.
pub trait Slide<T>: Gather<T> {
    /// Takes in what the window holds of the newest event.
    fn add(&mut self, kept: &Self::Kept);
    /// Lets the oldest one go.
    fn remove(&mut self, kept: &Self::Kept);
    /// Lets the oldest one go and takes the newest in.
    #[inline]
    fn replace(&mut self, oldest: &Self::Kept, newest: &Self::Kept) {
        self.remove(oldest);
        self.add(newest);
    }
    /// Adds up anew what the window has `held`, if what has gone has cost too many digits: called when something has.
    #[inline]
    fn settle<'a, I: Iterator<Item = &'a Self::Kept>>(&mut self, _held: impl FnOnce() -> I)
    where
        Self::Kept: 'a,
    {
    }
    /// What it makes of the events of the window, `held`.
    fn value<'a>(&self, held: impl Iterator<Item = &'a Self::Kept>) -> Option<Self::Made>
    where
        Self::Kept: 'a;
}

/// What gathers the events of windows whose results may be sent before they end, and again when late events have changed them: of windows
/// by event time.
pub trait Peek<T>: Gather<T> {
    /// What it makes of what it has absorbed so far, all of which it keeps.
    fn so_far(&self) -> Option<Self::Made>;
}

/// What cannot grow without bound in a window of time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` could grow without bound in a window of time",
    label = "how many events come in the time is not known",
    note = "give it a limit, `List::within(limit)`, or the window: `Window::each(d).at_most(n)`"
)]
pub trait Limited {
    /// Whether it has the source wait when it is full, until the window ends.
    fn waits(&self) -> bool {
        false
    }
}

/// The values of the events, of which an [`Aggregate`] makes the result.
#[derive(Clone, Debug)]
pub struct Values<A> {
    aggregate: A,
    fresh: A,
}

impl<A: Clone> Values<A> {
    pub(super) fn new(aggregate: A) -> Self {
        Self { fresh: aggregate.clone(), aggregate }
    }
}

impl<A> Values<A> {
    #[cold]
    fn renew<'a, V: 'a>(&mut self, held: impl Iterator<Item = &'a V>)
    where
        A: Aggregate<V> + Clone,
    {
        self.aggregate.clone_from(&self.fresh);
        held.for_each(|value| self.aggregate.add(value));
    }
}

impl<A> Limited for Values<A> {}

impl<T: Carrier, A: Aggregate<T::Value> + Clone> Gather<T> for Values<A> {
    type Kept = T::Value;
    type Rest = T::Rest;
    type Made = A::Out;
    type Sent<U> = T::With<U>;
    const ROOM: usize = A::ROOM;
    const NO_REST: Option<T::Rest> = T::NO_REST;
    #[inline]
    fn part(event: T) -> (T::Value, T::Rest) {
        event.part()
    }
    #[inline]
    fn sent<U>(rest: T::Rest, made: U) -> T::With<U> {
        T::carry(rest, made)
    }
    fn fresh(&self) -> Self {
        Self::new(self.fresh.clone())
    }
    #[inline]
    fn absorb(&mut self, value: T::Value) -> Result<Demand, StreamError> {
        self.aggregate.absorb(&value);
        Ok(Demand::More)
    }
    #[inline]
    fn finish(&mut self) -> Option<A::Out> {
        let made = self.aggregate.value();
        self.aggregate.clone_from(&self.fresh);
        made
    }
    #[inline]
    fn is_missing(&self, value: &T::Value) -> bool {
        self.aggregate.is_missing(value)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.aggregate.on_state(state);
    }
    fn on_kept(value: &mut Option<T::Value>, state: &mut dyn StateVisitor) {
        A::on_value(value, state);
    }
    fn on_rest(rest: &mut Option<T::Rest>, state: &mut dyn StateVisitor) {
        T::on_rest(rest, state);
    }
}

impl<T: Carrier, A: Aggregate<T::Value> + Clone> Peek<T> for Values<A> {
    #[inline]
    fn so_far(&self) -> Option<A::Out> {
        self.aggregate.value()
    }
}

impl<A: SavedEvents> SavedEvents for Values<A> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.aggregate.on_events(state);
    }
}

impl<A: Merge> Merge for Values<A> {
    fn merge(&mut self, later: Self) {
        self.aggregate.merge(later.aggregate);
    }
}

impl<T: Carrier, A: Aggregate<T::Value> + Clone> Slide<T> for Values<A> {
    #[inline]
    fn add(&mut self, value: &T::Value) {
        self.aggregate.add(value);
    }
    #[inline]
    fn remove(&mut self, value: &T::Value) {
        self.aggregate.remove(value);
    }
    #[inline]
    fn replace(&mut self, oldest: &T::Value, newest: &T::Value) {
        self.aggregate.replace(oldest, newest);
    }
    #[inline]
    fn settle<'a, I: Iterator<Item = &'a T::Value>>(&mut self, held: impl FnOnce() -> I)
    where
        T::Value: 'a,
    {
        if self.aggregate.is_stale() {
            self.renew(held());
        }
    }
    #[inline]
    fn value<'a>(&self, _: impl Iterator<Item = &'a T::Value>) -> Option<A::Out>
    where
        T::Value: 'a,
    {
        self.aggregate.value()
    }
}

/// A list without a limit of its own: for windows that have one, `Window::tumbling(n)`.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited(());

/// The events themselves, as a list.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::windows::List;
/// let broken = try_from_iter([Ok(1), Ok(2), Ok(3), Err("no more")]);
/// let whole = broken.window(Window::tumbling(2).drop_on_error(), List::new());
/// assert_eq!(whole.try_collect_now().0, [[1, 2]]);
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct List<T, L = Unlimited> {
    events: Bounded<T, VecDeque<T>>,
    kind: PhantomData<L>,
}

#[cfg(feature = "alloc")]
impl<T> List<T> {
    /// As many events as the window lets in.
    pub fn new() -> Self {
        Self { events: Bounded::new(Limit::fail(usize::MAX)), kind: PhantomData }
    }
}

#[cfg(feature = "alloc")]
impl<T> List<T, Limit> {
    /// At most as many events as the limit allows.
    pub fn within(limit: Limit) -> Self {
        Self { events: Bounded::new(limit), kind: PhantomData }
    }
}

#[cfg(feature = "alloc")]
impl<T> Default for List<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "alloc")]
impl<T> Limited for List<T, Limit> {
    fn waits(&self) -> bool {
        self.events.limit().overflow() == Overflow::Block
    }
}

#[cfg(feature = "alloc")]
impl<T, L> Gather<T> for List<T, L> {
    type Kept = T;
    type Rest = ();
    type Made = Vec<T>;
    type Sent<U> = U;
    const NO_REST: Option<()> = Some(());
    #[inline]
    fn part(event: T) -> (T, ()) {
        (event, ())
    }
    #[inline]
    fn sent<U>((): (), made: U) -> U {
        made
    }
    fn fresh(&self) -> Self {
        Self { events: Bounded::new(self.events.limit().clone()), kind: PhantomData }
    }
    #[inline]
    fn absorb(&mut self, event: T) -> Result<Demand, StreamError> {
        self.events.push(event, "window")
    }
    #[inline]
    fn finish(&mut self) -> Option<Vec<T>> {
        Some(self.events.take_all().into())
    }
    fn has_room(&self) -> bool {
        self.events.has_room()
    }
    fn take_room(&mut self) -> bool {
        self.events.take_room()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.events.is_empty() {
            state.unsaved("list");
        }
    }
}

#[cfg(feature = "alloc")]
impl<T: Saved, L> SavedEvents for List<T, L> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.events.on_events("events", state);
    }
}

#[cfg(feature = "alloc")]
impl<T: Clone, L> Peek<T> for List<T, L> {
    fn so_far(&self) -> Option<Vec<T>> {
        Some(self.events.iter().cloned().collect())
    }
}

/// What does not fit is dropped as the limit says; under one that fails the newest is.
#[cfg(feature = "alloc")]
impl<T, L> Merge for List<T, L> {
    fn merge(&mut self, mut later: Self) {
        for event in later.events.drain() {
            let _ = self.events.push(event, "window");
        }
    }
}

#[cfg(feature = "alloc")]
impl<T: Clone, L> Slide<T> for List<T, L> {
    #[inline]
    fn add(&mut self, _: &T) {}
    #[inline]
    fn remove(&mut self, _: &T) {}
    #[inline]
    fn value<'a>(&self, held: impl Iterator<Item = &'a T>) -> Option<Vec<T>>
    where
        T: 'a,
    {
        Some(held.cloned().collect())
    }
}

/// One event of each key, as a list: the first, or the last by [`keep_last`](Self::keep_last). The events of a list stand in
/// the order in which they came, and only they count.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::windows::DistinctList;
/// let readings = from_iter([("door", 1), ("door", 2), ("window", 3), ("door", 4)]);
/// let last = readings.window(Window::tumbling(2), DistinctList::by(|(sensor, _)| *sensor).keep_last());
/// assert_eq!(last.collect_now(), [vec![("door", 2), ("window", 3)], vec![("door", 4)]]);
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone)]
pub struct DistinctList<T, K, F, L = Unlimited> {
    key: F,
    /// Each with its number in the window.
    events: BTreeMap<K, (u64, T)>,
    numbers: u64,
    keep_last: bool,
    limit: Limit,
    paused: bool,
    kind: PhantomData<L>,
}

#[cfg(feature = "alloc")]
impl<T, K: Ord, F: FnMut(&T) -> K> DistinctList<T, K, F> {
    /// As many keys as the window lets in; `key` gives the key of an event.
    pub fn by(key: F) -> Self {
        Self::with(key, Limit::fail(usize::MAX))
    }
}

#[cfg(feature = "alloc")]
impl<T, K: Ord, F: FnMut(&T) -> K> DistinctList<T, K, F, Limit> {
    /// At most as many keys as the limit allows; to find the oldest, where that is dropped, it looks at all of them.
    pub fn within(limit: Limit, key: F) -> Self {
        Self::with(key, limit)
    }
}

#[cfg(feature = "alloc")]
impl<T, K: Ord, F: FnMut(&T) -> K, L> DistinctList<T, K, F, L> {
    fn with(key: F, limit: Limit) -> Self {
        Self { key, events: BTreeMap::new(), numbers: 0, keep_last: false, limit, paused: false, kind: PhantomData }
    }

    /// Keeps the last event of each key and not the first.
    #[must_use]
    pub fn keep_last(self) -> Self {
        Self { keep_last: true, ..self }
    }

    fn drop_oldest(&mut self) {
        let oldest = self.events.values().map(|(number, _)| *number).min();
        evict(|| self.events.retain(|_, (number, _)| Some(*number) != oldest));
    }
}

#[cfg(feature = "alloc")]
impl<T, K: Ord, F> Limited for DistinctList<T, K, F, Limit> {
    fn waits(&self) -> bool {
        self.limit.overflow() == Overflow::Block
    }
}

#[cfg(feature = "alloc")]
impl<T: Clone, K: Ord, F: FnMut(&T) -> K + Clone, L> Peek<T> for DistinctList<T, K, F, L> {
    fn so_far(&self) -> Option<Vec<T>> {
        let mut events: Vec<_> = self.events.values().collect();
        events.sort_unstable_by_key(|(number, _)| *number);
        Some(events.into_iter().map(|(_, event)| event.clone()).collect())
    }
}

#[cfg(feature = "alloc")]
impl<T, K: Ord, F: FnMut(&T) -> K + Clone, L> Gather<T> for DistinctList<T, K, F, L> {
    type Kept = T;
    type Rest = ();
    type Made = Vec<T>;
    type Sent<U> = U;
    const NO_REST: Option<()> = Some(());
    fn part(event: T) -> (T, ()) {
        (event, ())
    }
    fn sent<U>((): (), made: U) -> U {
        made
    }
    fn fresh(&self) -> Self {
        Self { keep_last: self.keep_last, ..Self::with(self.key.clone(), self.limit.clone()) }
    }
    fn absorb(&mut self, event: T) -> Result<Demand, StreamError> {
        let key = (self.key)(&event);
        self.numbers += 1;
        if let Some(held) = self.events.get_mut(&key) {
            if self.keep_last {
                *held = (self.numbers, event);
            }
            return Ok(Demand::More);
        }
        let mut dropped = 0;
        match self.limit.admit(self.events.len()) {
            Admission::Takes => {}
            Admission::DropsOldest => {
                self.drop_oldest();
                dropped = 1;
            }
            Admission::DropsNewest => {
                self.limit.note(1, 1, self.events.len());
                evict(|| drop(event));
                return Ok(Demand::More);
            }
            Admission::Refuses => return Err(no_room("window", &self.limit)),
        }
        self.events.insert(key, (self.numbers, event));
        self.limit.note(1, dropped, self.events.len());
        if self.has_room() {
            return Ok(Demand::More);
        }
        self.paused = true;
        Ok(Demand::Full)
    }
    fn finish(&mut self) -> Option<Vec<T>> {
        self.numbers = 0;
        let mut events: Vec<_> = core::mem::take(&mut self.events).into_values().collect();
        events.sort_unstable_by_key(|(number, _)| *number);
        Some(events.into_iter().map(|(_, event)| event).collect())
    }
    fn count(&self, _: usize) -> usize {
        self.events.len()
    }
    fn has_room(&self) -> bool {
        self.limit.has_room(self.events.len())
    }
    fn take_room(&mut self) -> bool {
        core::mem::take(&mut self.paused)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.events.is_empty() {
            state.unsaved("list");
        }
    }
}

#[cfg(feature = "alloc")]
impl<T: Saved, K: Ord, F: FnMut(&T) -> K, L> SavedEvents for DistinctList<T, K, F, L> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        let most = self.limit.restores(usize::MAX).max(self.events.len());
        let mut held: Vec<_> = core::mem::take(&mut self.events).into_values().collect();
        held.sort_unstable_by_key(|(number, _)| *number);
        let mut held = held.into_iter();
        self.numbers = 0;
        let mut items = SavedItems::of("events", held.len(), state);
        while items.another(state) {
            let mut event = held.next().map_or_else(T::blank, |(_, event)| event);
            event.on_state("event", state);
            self.numbers += 1;
            if self.events.len() < most {
                self.events.insert((self.key)(&event), (self.numbers, event));
            } else {
                state.refuse("list");
            }
        }
    }
}

#[cfg(feature = "alloc")]
impl<T, K, F, L> fmt::Debug for DistinctList<T, K, F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DistinctList").field("keys", &self.events.len()).finish_non_exhaustive()
    }
}
