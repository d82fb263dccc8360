//! [`Ranks`]: values in such an order that one at a given rank is at hand: a [`Row`] in place, [`Heaps`] on the heap.

use core::fmt::Debug;

use crate::measure::Number;
use crate::storage::{InPlace, Room, Store};

#[cfg(feature = "alloc")]
use {alloc::collections::VecDeque, alloc::vec::Vec};

/// Values of which those are at hand that stand at a given share of their order. The share is the same in every call.
pub trait Ranks<V>: Default {
    /// How many fit.
    const ROOM: usize;
    /// Takes the newest value in.
    fn insert(&mut self, value: V, share: f64);
    /// Lets the oldest value go, which is this one.
    fn remove(&mut self, value: &V, share: f64);
    /// Lets the oldest value go, which is this one, and takes the newest in.
    fn replace(&mut self, oldest: &V, newest: V, share: f64);
    /// How many there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The last value of which at most `share` of the others lie below, and the next one in their order, if there is one.
    fn around(&self, share: f64) -> Option<(V, Option<V>)>;
    /// All values, in any order but such that taking them in again gives the same results as long as none leaves.
    fn values(&self) -> impl Iterator<Item = V>;
}

/// The place of a share among so many values, counted from 0.
#[allow(clippy::cast_precision_loss)] // a place in a window
pub(super) fn place(share: f64, len: usize) -> f64 {
    share * len.saturating_sub(1) as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative, and within the window
fn whole(place: f64) -> usize {
    place as usize
}

/// What is behind the point.
#[allow(clippy::cast_precision_loss)] // a place in a window
pub(super) fn fraction(place: f64) -> f64 {
    place - whole(place) as f64
}

/// All values in their order, in place: a new one is moved to where it belongs.
#[derive(Debug)]
pub struct Row<V, const N: usize>(<InPlace<N> as Room>::Store<V>);

impl<V: Clone, const N: usize> Clone for Row<V, N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V, const N: usize> Default for Row<V, N> {
    fn default() -> Self {
        Self(Default::default())
    }
}

impl<V: Number, const N: usize> Ranks<V> for Row<V, N> {
    const ROOM: usize = N;
    fn insert(&mut self, value: V, _: f64) {
        if self.0.push_back(value).is_err() {
            return; // there is room: windows are checked against `ROOM` when they are made
        }
        let row = self.0.make_contiguous();
        let at = row[..row.len() - 1].partition_point(|other| other.order(&value).is_le());
        row[at..].rotate_right(1);
    }
    fn remove(&mut self, value: &V, _: f64) {
        let row = self.0.make_contiguous();
        let at = row.partition_point(|other| other.order(value).is_lt());
        if row.get(at).is_some_and(|found| found.order(value).is_eq()) {
            row[at..].rotate_left(1);
            self.0.pop_back();
        }
    }
    fn replace(&mut self, oldest: &V, newest: V, _: f64) {
        let row = self.0.make_contiguous();
        let from = row.partition_point(|other| other.order(oldest).is_lt());
        let to = row.partition_point(|other| other.order(&newest).is_le());
        let Some(place) = row.get_mut(from) else { return }; // it is there, as in `insert`
        *place = newest;
        if to > from { row[from..to].rotate_left(1) } else { row[to..=from].rotate_right(1) }
    }
    fn len(&self) -> usize {
        Store::len(&self.0)
    }
    fn around(&self, share: f64) -> Option<(V, Option<V>)> {
        let row = self.0.as_slices().0;
        let at = whole(place(share, row.len()));
        Some((*row.get(at)?, row.get(at + 1).copied()))
    }
    fn values(&self) -> impl Iterator<Item = V> {
        Store::iter(&self.0).copied()
    }
}

/// The values in two heaps: those up to the place of the share, of which the largest is at hand, and those beyond, of which the smallest
/// is. A value that comes or goes costs time in proportion to the logarithm of their number, and no allocation once there have
/// been as many before.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct Heaps<V> {
    slots: Vec<Slot<V>>,
    /// Slots that are in no heap.
    free: Vec<u32>,
    /// The slots of the values, oldest first.
    order: VecDeque<u32>,
    heaps: [Vec<u32>; 2],
}

#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug)]
struct Slot<V> {
    value: V,
    /// Where it is in which heap.
    at: u32,
    heap: usize,
}

#[cfg(feature = "alloc")]
const LOW: usize = 0;
#[cfg(feature = "alloc")]
const HIGH: usize = 1;

/// Whether the one value is to be nearer to the top of a heap than the other.
#[cfg(feature = "alloc")]
fn is_before<V: Number>(heap: usize, a: &V, b: &V) -> bool {
    let order = a.order(b);
    if heap == LOW { order.is_gt() } else { order.is_lt() }
}

#[cfg(feature = "alloc")]
impl<V> Default for Heaps<V> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), order: VecDeque::new(), heaps: [Vec::new(), Vec::new()] }
    }
}

#[cfg(feature = "alloc")]
#[allow(clippy::cast_possible_truncation)] // a window holds fewer than 2^32 values
impl<V: Number> Heaps<V> {
    fn value(&self, heap: usize, at: usize) -> V {
        self.slots[self.heaps[heap][at] as usize].value
    }

    /// Puts a slot into a place of a heap.
    fn put(&mut self, heap: usize, at: usize, slot: u32) {
        self.heaps[heap][at] = slot;
        let Slot { at: place, heap: place_in, .. } = &mut self.slots[slot as usize];
        (*place, *place_in) = (at as u32, heap);
    }

    /// Moves the slot of a place up to where it belongs, and those above it down.
    fn rise(&mut self, heap: usize, mut at: usize) {
        let (slot, value) = (self.heaps[heap][at], self.value(heap, at));
        while at > 0 && is_before(heap, &value, &self.value(heap, (at - 1) / 2)) {
            self.put(heap, at, self.heaps[heap][(at - 1) / 2]);
            at = (at - 1) / 2;
        }
        self.put(heap, at, slot);
    }

    /// Moves the slot of a place down to where it belongs, and those below it up.
    fn sink(&mut self, heap: usize, mut at: usize) {
        let (slot, value, len) = (self.heaps[heap][at], self.value(heap, at), self.heaps[heap].len());
        loop {
            let (mut child, other) = (2 * at + 1, 2 * at + 2);
            if child >= len {
                break;
            }
            let mut first = self.value(heap, child);
            if other < len {
                let second = self.value(heap, other);
                if is_before(heap, &second, &first) {
                    (child, first) = (other, second);
                }
            }
            if !is_before(heap, &first, &value) {
                break;
            }
            self.put(heap, at, self.heaps[heap][child]);
            at = child;
        }
        self.put(heap, at, slot);
    }

    fn push(&mut self, heap: usize, slot: u32) {
        let at = self.heaps[heap].len();
        self.heaps[heap].push(slot);
        self.rise(heap, at);
    }

    fn take(&mut self, heap: usize, at: usize) -> u32 {
        let slot = self.heaps[heap].swap_remove(at);
        if at < self.heaps[heap].len() {
            self.rise(heap, at);
            self.sink(heap, at);
        }
        slot
    }

    /// Has the largest value of the low heap and the smallest of the high one change places, if they are in the wrong order.
    fn part(&mut self) {
        if self.heaps.iter().any(Vec::is_empty) || self.value(LOW, 0).order(&self.value(HIGH, 0)).is_le() {
            return;
        }
        let [low, high] = &mut self.heaps;
        core::mem::swap(&mut low[0], &mut high[0]);
        self.sink(LOW, 0);
        self.sink(HIGH, 0);
    }

    /// Moves values until as many are in the low heap as belong there.
    fn balance(&mut self, share: f64) {
        let len = self.order.len();
        let low = if len == 0 { 0 } else { whole(place(share, len)) + 1 };
        while self.heaps[LOW].len() > low {
            let slot = self.take(LOW, 0);
            self.push(HIGH, slot);
        }
        while self.heaps[LOW].len() < low {
            let slot = self.take(HIGH, 0);
            self.push(LOW, slot);
        }
    }
}

#[cfg(feature = "alloc")]
impl<V: Number> Ranks<V> for Heaps<V> {
    const ROOM: usize = u32::MAX as usize;
    #[allow(clippy::cast_possible_truncation)] // a window holds fewer than 2^32 values
    fn insert(&mut self, value: V, share: f64) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { value, at: 0, heap: LOW });
            self.slots.len() as u32 - 1
        });
        self.slots[slot as usize].value = value;
        self.order.push_back(slot);
        let is_high = !self.heaps[LOW].is_empty() && value.order(&self.value(LOW, 0)).is_gt();
        self.push(if is_high { HIGH } else { LOW }, slot);
        self.balance(share);
    }
    fn remove(&mut self, _: &V, share: f64) {
        let Some(oldest) = self.order.pop_front() else { return };
        let Slot { at, heap, .. } = self.slots[oldest as usize];
        self.take(heap, at as usize);
        self.free.push(oldest);
        self.balance(share);
    }
    /// In the place of the oldest: most places of a heap are near its bottom, where most values belong.
    fn replace(&mut self, _: &V, newest: V, share: f64) {
        let Some(oldest) = self.order.pop_front() else { return self.insert(newest, share) };
        self.order.push_back(oldest);
        let Slot { value, at, heap } = &mut self.slots[oldest as usize];
        *value = newest;
        let (heap, at) = (*heap, *at as usize);
        self.rise(heap, at);
        self.sink(heap, at);
        self.part();
    }
    fn len(&self) -> usize {
        self.order.len()
    }
    fn around(&self, _: f64) -> Option<(V, Option<V>)> {
        let top = |heap: usize| self.heaps[heap].first().map(|slot| self.slots[*slot as usize].value);
        Some((top(LOW)?, top(HIGH)))
    }
    fn values(&self) -> impl Iterator<Item = V> {
        self.order.iter().map(|slot| self.slots[*slot as usize].value)
    }
}
