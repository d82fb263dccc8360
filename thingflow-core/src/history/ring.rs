//! [`Ring`]: the events of a session in order, their bounds, and finding a place among them. It knows no locks and no time.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::span::{Kept, Key, Number, Span, Uncovered, is_after, is_before};
use super::{Bounds, OutOfOrder, Why};
use crate::clock::{Instant, Timestamp};
use crate::limit::Admission;

/// An event that is kept.
#[derive(Debug)]
pub(super) struct Entry<T, K> {
    pub(super) key: K,
    pub(super) number: u64,
    at: Instant,
    time: Timestamp,
    bytes: usize,
    event: T,
}

impl<T: Clone, K> Entry<T, K> {
    pub(super) fn copy(&self) -> Kept<T> {
        Kept { number: self.number, time: self.time, event: self.event.clone() }
    }
}

/// Where an event stands among the others: by its key, those of one key as they came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place<K> {
    pub(super) key: K,
    pub(super) number: u64,
}

/// An event on its way into the ring.
#[derive(Debug)]
pub(super) struct Arrived<T, K> {
    pub(super) event: T,
    pub(super) key: K,
    pub(super) bytes: usize,
    pub(super) at: Instant,
    pub(super) time: Timestamp,
}

/// What became of an event.
pub(super) enum Fate<T> {
    Kept { number: u64, full: bool },
    Dropped(T),
    Refused(T, Why),
}

#[derive(Debug)]
pub(super) struct Ring<T, K> {
    entries: VecDeque<Entry<T, K>>,
    /// How many have gone from the front: the rank of the oldest.
    gone: u64,
    /// Which number is given next.
    next: u64,
    bytes: usize,
    /// The keys order the events as they came.
    by_number: bool,
    /// The times rise, too: they do not when the wall clock was set back.
    by_time: bool,
    pub(super) out_of_order: u64,
    /// Up to which rank each reader has come.
    pub(super) readers: BTreeMap<u64, u64>,
}

impl<T, K: Ord + Clone> Ring<T, K> {
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            gone: 0,
            next: 1,
            bytes: 0,
            by_number: true,
            by_time: true,
            out_of_order: 0,
            readers: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn gone(&self) -> u64 {
        self.gone
    }

    pub(super) fn accepted(&self) -> u64 {
        self.next - 1
    }

    // ---- into it ----

    /// Takes an event in as the bounds say. What leaves the ring goes into `out`, to be dropped where no lock is held.
    pub(super) fn push(
        &mut self,
        arrived: Arrived<T, K>,
        bounds: &Bounds<T>,
        order: OutOfOrder,
        distinct: bool,
        out: &mut Vec<T>,
    ) -> Fate<T> {
        self.expire(arrived.at, bounds.age, out);
        let late = self.entries.back().is_some_and(|newest| arrived.key < newest.key);
        let again = distinct && self.has_key(&arrived.key);
        if again || late && order != OutOfOrder::Sort {
            self.out_of_order += 1;
            let refuses = order == OutOfOrder::Refuse;
            return if refuses { Fate::Refused(arrived.event, Why::OutOfOrder) } else { Fate::Dropped(arrived.event) };
        }
        if arrived.bytes > bounds.bytes {
            return Fate::Refused(arrived.event, Why::TooLarge);
        }
        match self.make_room(arrived.bytes, bounds, out) {
            Admission::DropsNewest => Fate::Dropped(arrived.event),
            Admission::Refuses => Fate::Refused(arrived.event, Why::Full),
            Admission::Takes | Admission::DropsOldest => {
                let number = self.insert(arrived);
                Fate::Kept { number, full: !self.has_room(bounds) }
            }
        }
    }

    fn has_key(&self, key: &K) -> bool {
        self.entries.binary_search_by(|entry| entry.key.cmp(key)).is_ok()
    }

    /// What is to be done with one more event, once those that may go have gone.
    fn make_room(&mut self, bytes: usize, bounds: &Bounds<T>, out: &mut Vec<T>) -> Admission {
        loop {
            let held = if self.has_bytes_for(bytes, bounds) { self.len() } else { usize::MAX };
            let verdict = bounds.limit.admit(held);
            let goes = match verdict {
                Admission::DropsOldest => true,
                Admission::Takes => held >= bounds.limit.capacity() && self.is_read(),
                Admission::DropsNewest | Admission::Refuses => false,
            };
            if !goes || !self.drop_oldest(out) {
                return verdict;
            }
        }
    }

    fn has_bytes_for(&self, bytes: usize, bounds: &Bounds<T>) -> bool {
        self.bytes.saturating_add(bytes) <= bounds.bytes
    }

    pub(super) fn has_room(&self, bounds: &Bounds<T>) -> bool {
        bounds.limit.has_room(if self.bytes < bounds.bytes { self.len() } else { usize::MAX }) || self.is_read()
    }

    /// Whether there are readers, and all have passed the oldest event.
    fn is_read(&self) -> bool {
        !self.entries.is_empty() && self.readers.values().min().is_some_and(|least| *least > self.gone)
    }

    fn insert(&mut self, arrived: Arrived<T, K>) -> u64 {
        let Arrived { event, key, bytes, at, time } = arrived;
        let number = self.next;
        self.next += 1;
        self.bytes += bytes;
        let place = self.entries.partition_point(|entry| entry.key <= key);
        if self.entries.is_empty() {
            (self.by_number, self.by_time) = (true, true);
        }
        self.by_number &= place == self.len();
        self.by_time &= self.by_number && self.entries.back().is_none_or(|newest| newest.time <= time);
        self.entries.insert(place, Entry { key, number, at, time, bytes, event });
        number
    }

    /// Lets the events go that came more than `age` ago; where keys have put the events in another order, those in front of
    /// them too.
    pub(super) fn expire(&mut self, now: Instant, age: Duration, out: &mut Vec<T>) {
        let is_over = |entry: &Entry<T, K>| now.since(entry.at) > age;
        let over = match self.by_number {
            true => self.entries.iter().take_while(|entry| is_over(entry)).count(),
            false => self.entries.iter().rposition(is_over).map_or(0, |last| last + 1),
        };
        for _ in 0..over {
            self.drop_oldest(out);
        }
    }

    /// When the oldest event is older than that.
    pub(super) fn expires(&self, age: Duration) -> Option<Instant> {
        self.entries.front().map(|oldest| oldest.at + age + Duration::from_nanos(1))
    }

    /// False if there is none.
    pub(super) fn drop_oldest(&mut self, out: &mut Vec<T>) -> bool {
        let Some(oldest) = self.entries.pop_front() else { return false };
        self.gone += 1;
        self.bytes -= oldest.bytes;
        out.push(oldest.event);
        true
    }

    // ---- out of it ----

    /// The index of the first entry after a place; of the oldest, where there is no place.
    pub(super) fn after(&self, place: Option<&Place<K>>) -> usize {
        let Some(place) = place else { return 0 };
        self.entries.partition_point(|entry| (&entry.key, entry.number) <= (&place.key, place.number))
    }

    pub(super) fn entry(&self, index: usize) -> Option<&Entry<T, K>> {
        self.entries.get(index)
    }

    pub(super) fn place(&self, index: usize) -> Option<Place<K>> {
        self.entries.get(index).map(|entry| Place { key: entry.key.clone(), number: entry.number })
    }

    /// How many events have ever stood before an index.
    pub(super) fn rank(&self, index: usize) -> u64 {
        self.gone + index as u64
    }

    /// The span with its ends at events that are kept, if it is to cover.
    pub(super) fn widen<P: Axis<T, K>>(&self, span: &Span<P>) -> Result<Span<P>, Uncovered> {
        let before = span.start_to_cover().and_then(|start| {
            let places = self.entries.iter().map(P::of);
            if P::orders(self) {
                let end = self.entries.partition_point(|entry| P::of(entry) <= *start);
                return end.checked_sub(1).and_then(|index| self.entries.get(index)).map(P::of);
            }
            places.filter(|place| place <= start).max()
        });
        let after = span.end_to_cover().and_then(|end| {
            if P::orders(self) {
                let first = self.entries.partition_point(|entry| P::of(entry) < *end);
                return self.entries.get(first).map(P::of);
            }
            self.entries.iter().map(P::of).filter(|place| place >= end).min()
        });
        span.widened(before, after)
    }

    /// The index of the first event at or after a place.
    pub(super) fn first_at<P: Axis<T, K>>(&self, place: &P) -> usize {
        if P::orders(self) {
            return self.entries.partition_point(|entry| P::of(entry) < *place);
        }
        self.entries.iter().position(|entry| P::of(entry) >= *place).unwrap_or(self.len())
    }

    /// Between which indices the events of a span are; not all there need be of it.
    pub(super) fn extent<P: Axis<T, K>>(&self, span: &Span<P>) -> (usize, usize) {
        if !P::orders(self) {
            return (0, self.len());
        }
        let start = self.entries.partition_point(|entry| is_before(&span.start, &P::of(entry)));
        let end = self.entries.partition_point(|entry| !is_after(&span.end, &P::of(entry)));
        (start, end)
    }
}

/// What events of a history can be found by: [`Number`], [`Timestamp`], [`Key`].
pub trait Axis<T, K>: Ord + Clone + sealed::Sealed<T, K> {
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn of(entry: &Entry<T, K>) -> Self;
    /// Whether the events stand in this order.
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn orders(ring: &Ring<T, K>) -> bool;
}

mod sealed {
    /// Keeps the list of axes closed.
    pub trait Sealed<T, K> {}
    impl<T, K> Sealed<T, K> for super::Number {}
    impl<T, K> Sealed<T, K> for super::Timestamp {}
    impl<T, K> Sealed<T, K> for super::Key<K> {}
}

#[allow(private_interfaces)]
impl<T, K> Axis<T, K> for Number {
    fn of(entry: &Entry<T, K>) -> Self {
        Self(entry.number)
    }
    fn orders(ring: &Ring<T, K>) -> bool {
        ring.by_number
    }
}

#[allow(private_interfaces)]
impl<T, K> Axis<T, K> for Timestamp {
    fn of(entry: &Entry<T, K>) -> Self {
        entry.time
    }
    fn orders(ring: &Ring<T, K>) -> bool {
        ring.by_time
    }
}

#[allow(private_interfaces)]
impl<T, K: Ord + Clone> Axis<T, K> for Key<K> {
    fn of(entry: &Entry<T, K>) -> Self {
        Self(entry.key.clone())
    }
    fn orders(_: &Ring<T, K>) -> bool {
        true
    }
}
