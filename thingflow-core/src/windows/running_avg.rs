//! `running_avg(n)`, `running_avg_of::<N>()`: the mean of the last `n` events, for each event.
//!
//! Holds up to `n` values. It is what `aggregate(Window::sliding(n).partial(), Mean::new())` is, in half the instructions: the
//! window and the mean share one ring.

use core::marker::PhantomData;

use crate::measure::{Float, Measured};
use crate::state::{Saved, StateVisitor};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`running_avg`](super::Windows::running_avg) and [`running_avg_of`](super::Windows::running_avg_of).
///
/// Nothing is ever subtracted, so that rounding errors do not grow, and a huge value leaves no trace when it leaves the window.
/// Time goes by blocks of `n` events: a place of the ring holds first the sum of all that came after it in the block before,
/// and then the value of this block. An event adds two numbers; a new block adds up the ring once.
///
/// A NaN stands in the ring as itself and is in no sum. A place that was one in the block before needs no sum of its own: it has
/// that of the place before it. So beside a NaN no sum may be one: that of infinities of both signs stands there as an infinity.
#[derive(Clone, Debug)]
pub struct RunningAvg<T: Measured, B> {
    ring: B,
    /// Where the next value goes. As a complement, which is beyond the ring, while a NaN is in the window; so is that of 0
    /// while the ring is filled for the first time and when a new block begins.
    at: usize,
    /// How many events have filled the ring for the first time.
    filled: usize,
    /// How many numbers are in the window, also as a float to divide by.
    numbers: usize,
    count: T::Value,
    /// The sum of the values of this block.
    block: T::Value,
    /// The sum of what is still in the window of the block before, kept while a NaN is in the window.
    before: T::Value,
    item: PhantomData<fn(T)>,
}

/// The places of a ring.
pub trait Places<V> {
    /// Adds a place, if there may be one more.
    fn push(&mut self, at: usize, value: V) -> bool;
    /// All places that there may be, if they are all there, else those that there are.
    fn all(&mut self) -> &mut [V];
    /// How many places there may be.
    fn room(&self) -> usize;
    /// How many values a full ring holds, which `count` says too: some know it beforehand.
    fn full<C: Float>(&self, count: C) -> C {
        count
    }
    /// Shows the places of which so many are filled to a walk over the state, which may fill others.
    fn on_state(&mut self, filled: &mut usize, state: &mut dyn StateVisitor)
    where
        V: Saved + Default,
    {
        let mut shown = *filled;
        shown.on_state("filled", state);
        while *filled < shown && self.push(*filled, V::default()) {
            *filled += 1;
        }
        *filled = shown.min(*filled);
        self.all().iter_mut().take(*filled).for_each(|place| place.on_state("value", state));
    }
}

impl<V, const N: usize> Places<V> for [V; N] {
    #[inline]
    fn push(&mut self, at: usize, value: V) -> bool {
        self.get_mut(at).map(|place| *place = value).is_some()
    }
    #[inline]
    fn all(&mut self) -> &mut [V] {
        self
    }
    fn room(&self) -> usize {
        N
    }
    #[cfg(feature = "alloc")] // where flash counts for more, what is read serves both ways
    #[inline]
    fn full<C: Float>(&self, _: C) -> C {
        C::from_count(N)
    }
}

/// Places on the heap, as many as are taken.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct Grown<V> {
    places: alloc::vec::Vec<V>,
    size: usize,
}

#[cfg(feature = "alloc")]
impl<V> Grown<V> {
    pub(super) fn new(size: crate::Size) -> Self {
        Self { places: alloc::vec::Vec::new(), size: size.get() }
    }
}

#[cfg(feature = "alloc")]
impl<V> Places<V> for Grown<V> {
    fn push(&mut self, _: usize, value: V) -> bool {
        let is_one_more = self.places.len() < self.size;
        if is_one_more {
            self.places.push(value);
        }
        is_one_more
    }
    #[inline]
    fn all(&mut self) -> &mut [V] {
        &mut self.places
    }
    fn room(&self) -> usize {
        self.size
    }
}

impl<T: Measured, B: Places<T::Value>> RunningAvg<T, B> {
    pub(super) fn new(ring: B) -> Self {
        let zero = T::Value::default();
        Self { ring, at: !0, filled: 0, numbers: 0, count: zero, block: zero, before: zero, item: PhantomData }
    }

    /// Takes a number while there are only numbers in the window, which is full: the sum of the window.
    #[inline]
    pub(super) fn take(&mut self, value: T::Value) -> Option<T::Value> {
        let ring = self.ring.all();
        if is_nan(value) {
            return None;
        }
        if let Some(place) = ring.get_mut(self.at) {
            self.at += 1;
            self.block = self.block + value;
            return Some(self.block + core::mem::replace(place, value));
        }
        once_a_block();
        // Without an allocator, flash counts for more than instructions: the rare way does it too.
        if !cfg!(feature = "alloc") || self.at != ring.len() {
            return None;
        }
        self.before = begin(ring, value);
        (self.block, self.at) = (value, 1);
        Some(value + self.before)
    }

    /// Takes a value that fills the ring for the first time, is a NaN, or comes while one is in the window: the sum of the
    /// window.
    #[cold]
    #[inline(never)]
    pub(super) fn take_rare(&mut self, value: T::Value) -> T::Value {
        if self.ring.push(self.filled, value) {
            self.filled += 1;
        } else {
            self.replace(value);
        }
        if !is_nan(value) {
            self.numbers += 1;
            self.block = self.block + value;
        }
        self.count = T::Value::from_count(self.numbers);
        self.block + self.before
    }

    /// As the usual way does, by [`take_rare`](Self::take_rare). The usual way does not come back from here, so it needs no stack;
    /// the order of the arguments leaves its own in their registers.
    #[cold]
    #[inline(never)]
    fn send_rare(out: &mut Emitter<'_, '_, impl InputThing<T>>, avg: &mut Self, event: T) -> Receipt {
        let sum = avg.take_rare(event.value());
        out.next(event.with_value(sum / avg.count))
    }

    /// Puts a value in the place of the oldest one.
    fn replace(&mut self, value: T::Value) {
        let ring = self.ring.all();
        let is_first = self.at <= ring.len();
        let mut at = if is_first { self.at } else { !self.at };
        if is_first && cfg!(feature = "alloc") {
            // Until now there were only numbers, and `begin` has left a NaN among the sums.
            ring.iter_mut().skip(at).for_each(|sum| *sum = no_nan(*sum));
        }
        if at == 0 || at == ring.len() {
            (self.before, self.numbers) = sum_up(ring);
            (self.block, at) = (T::Value::default(), 0);
        }
        // A place beyond the ring cannot be: without the way out for a panic, the usual way of an event needs no stack.
        let old = ring.get_mut(at).map_or(value, |place| core::mem::replace(place, value));
        if !is_nan(old) {
            self.numbers = self.numbers.saturating_sub(1);
            self.before = old;
        }
        let is_whole = self.numbers + usize::from(!is_nan(value)) == ring.len();
        self.at = if is_whole { at + 1 } else { !(at + 1) };
    }
}

/// Begins a new block: puts into each place the sum of what came after it. The sum of all, and how many numbers there are.
fn sum_up<F: Float>(ring: &mut [F]) -> (F, usize) {
    let (mut later, mut numbers) = (F::default(), 0);
    for place in ring.iter_mut().rev().filter(|place| !is_nan(**place)) {
        let sum = later + core::mem::replace(place, later);
        if !is_nan(sum) {
            later = sum;
        }
        numbers += 1;
    }
    (later, numbers)
}

/// As [`sum_up`] for a ring without a NaN, with the first value of the new block in its place. The sum of what is left of the
/// block before.
#[inline]
fn begin<F: Float>(ring: &mut [F], first: F) -> F {
    let Some((place, rest)) = ring.split_first_mut() else { return F::default() };
    *place = first;
    let mut later = F::default();
    let (few, fours) = rest.as_rchunks_mut::<4>();
    // An addition waits for the one before: of four values only one waits, the others add up among themselves.
    for four in fours.iter_mut().rev() {
        let [a, b, c, d] = *four;
        let (ab, cd) = (a + b, c + d);
        *four = [later + (b + cd), later + cd, later + d, later];
        later = later + (ab + cd);
    }
    for place in few.iter_mut().rev() {
        later = later + core::mem::replace(place, later);
    }
    later
}

/// A sum as it stands in a ring with NaNs.
fn no_nan<F: Float>(sum: F) -> F {
    if is_nan(sum) { F::INFINITY } else { sum }
}

/// Tells the compiler that a new block is not the usual way of an event. It compiles to nothing.
#[cold]
#[inline(never)]
fn once_a_block() {}

#[inline]
pub(super) fn is_nan<F: Float>(value: F) -> bool {
    value.partial_cmp(&value).is_none()
}

impl<T: Measured, B: Places<T::Value>> Filter<T> for RunningAvg<T, B> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let (sum, count) = match self.take(event.value()) {
            Some(sum) => (sum, self.ring.full(self.count)),
            // Without an allocator, flash counts for more: what follows stands once.
            None if cfg!(not(feature = "alloc")) => (self.take_rare(event.value()), self.count),
            None => return Self::send_rare(out, self, event),
        };
        out.next(event.with_value(sum / count))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.ring.on_state(&mut self.filled, state);
        self.at.on_state("at", state);
        self.numbers.on_state("numbers", state);
        self.block.on_state("block", state);
        self.before.on_state("before", state);
        self.numbers = self.numbers.min(self.filled);
        self.count = T::Value::from_count(self.numbers);
        if self.filled < self.ring.room() || self.at.min(!self.at) > self.filled {
            self.at = !0;
        }
    }
}
