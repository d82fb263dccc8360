//! [`Parts`]: aggregates that are put together of parts and never taken apart: variance, correlation, trend, integral, rate.

use core::fmt::Debug;

use super::Aggregate;
use crate::state::{Saved, StateVisitor};
use crate::storage::{Room, Store};
use crate::windows::Merge;

/// How the values of a window are summed up: what one value is, and what two neighbouring parts of a window are together.
///
/// From that alone [`Parts`] makes an aggregate for every window, with a constant number of `join`s an event on average:
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::storage::InPlace;
/// use thingflow_core::windows::{Parts, Summary};
/// /// The longest rise from one value to the next.
/// #[derive(Clone, Default)]
/// struct LongestRise;
/// impl Summary<i32> for LongestRise {
///     type Part = ([i32; 2], i32); // the first and the last value, the longest rise between them
///     type Out = i32;
///     fn part(&self, value: &i32) -> Option<Self::Part> {
///         Some(([*value; 2], 0))
///     }
///     fn join(&self, ([first, before], a): Self::Part, ([after, last], b): Self::Part) -> Self::Part {
///         ([first, last], a.max(b).max(after - before))
///     }
///     fn value(&self, (_, longest): Self::Part) -> Option<i32> {
///         Some(longest)
///     }
/// }
/// let mut seen = Vec::new();
/// let rises = pipe::<i32>().aggregate(Window::sliding_of::<3>(), Parts::<i32, InPlace<3>, LongestRise>::new());
/// rises.to(call(|rise| seen.push(rise))).feed([1, 5, 6, 6, 5])?;
/// assert_eq!(seen, [4, 1, 0]);
/// # Ok::<(), RunError>(())
/// ```
pub trait Summary<V>: Clone {
    /// What is kept of neighbouring values.
    type Part: Copy + Debug + Saved;
    /// What is made of all of them.
    type Out;
    /// What is kept of one value, or `None` for one that is left out.
    fn part(&self, value: &V) -> Option<Self::Part>;
    /// What is kept of two parts of which the first one ends where the second begins. How the values are split into parts must
    /// not matter, but for rounding.
    fn join(&self, older: Self::Part, newer: Self::Part) -> Self::Part;
    /// The result, if there is one.
    fn value(&self, all: Self::Part) -> Option<Self::Out>;
}

/// An aggregate by a [`Summary`], for every window.
///
/// Nothing is ever taken away from a part, so there is no cancellation, and what leaves the window leaves no trace. The values of a
/// window that overlaps others are held in two stacks: of the older ones it is known what all of them, all but the oldest, and so on
/// are together. An event costs one `join` and the result another, and each value one more once in its life.
pub struct Parts<V, R: Room, M: Summary<V>> {
    summary: M,
    /// What was kept of an earlier run, which stays, and the rows that are complete.
    start: Option<M::Part>,
    /// The newest values, and what they are together.
    new: R::Store<V>,
    newest: Option<M::Part>,
    /// The older values: at the end all of them together, before that all but the oldest, and so on.
    ///
    /// Where none ever goes: the blocks of the newest row, all together.
    old: R::Store<M::Part>,
    /// How many values have been absorbed into the newest block, which `newest` is then.
    absorbed: u32,
    /// How many blocks there are in the newest row.
    blocks: u32,
    /// `start` has rows.
    has_rows: bool,
}

/// So many values that are absorbed make a block, and so many blocks a row. What is added up is thus of about one size: an `f32` that has
/// added up 2^24 readings takes none in any more.
const BLOCK: u32 = 1 << 12;

impl<V, R: Room, M: Summary<V> + Default> Parts<V, R, M> {
    /// Begins with no value.
    pub fn new() -> Self {
        Self::by(M::default())
    }

    /// Begins with a part that was kept from an earlier run, and stays.
    pub fn starting_at(part: M::Part) -> Self {
        Self { start: Some(part), ..Self::new() }
    }
}

impl<V, R: Room, M: Summary<V>> Parts<V, R, M> {
    /// Begins with no value, by a summary that has settings of its own.
    pub fn by(summary: M) -> Self {
        let (new, old) = Default::default();
        Self { summary, start: None, new, newest: None, old, absorbed: 0, blocks: 0, has_rows: false }
    }

    pub(super) fn with(self, set: impl FnOnce(M) -> M) -> Self {
        Self { summary: set(self.summary), ..self }
    }

    fn join(&self, older: Option<M::Part>, newer: Option<M::Part>) -> Option<M::Part> {
        match (older, newer) {
            (Some(older), Some(newer)) => Some(self.summary.join(older, newer)),
            (one, other) => one.or(other),
        }
    }

    /// Puts the newest block to its row, and a part that follows it.
    #[cold]
    fn end_block(&mut self, then: Option<M::Part>) {
        let (row, newest) = (self.old.pop_back(), self.newest.take());
        let row = self.join(self.join(row, newest), then);
        self.absorbed = 0;
        self.blocks += 1;
        if self.blocks >= BLOCK {
            (self.start, self.has_rows) = (self.join(self.start, row), true);
            self.blocks = 0;
        } else {
            self.newest = row.and_then(|row| self.old.push_back(row).err()); // where there is no place it stays
        }
    }
}

impl<V, R: Room, M: Summary<V> + Default> Default for Parts<V, R, M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Copy + Saved, R: Room, M: Summary<V>> Aggregate<V> for Parts<V, R, M> {
    type Out = M::Out;
    const ROOM: usize = R::Store::<V>::ROOM;
    #[inline]
    fn add(&mut self, value: &V) {
        if let Some(part) = self.summary.part(value) {
            self.newest = self.join(self.newest, Some(part));
            let _ = self.new.push_back(*value); // windows are checked against `ROOM` when they are made
        }
    }
    fn remove(&mut self, value: &V) {
        if self.summary.part(value).is_none() {
            return;
        }
        if self.old.is_empty() {
            let mut all = None;
            while let Some(value) = self.new.pop_back() {
                all = self.join(self.summary.part(&value), all);
                let _ = all.map(|all| self.old.push_back(all)); // as many as there were values
            }
            self.newest = None;
        }
        self.old.pop_back();
    }
    #[inline]
    fn value(&self) -> Option<M::Out> {
        let all = self.join(self.join(self.start, self.old.back().copied()), self.newest)?;
        self.summary.value(all)
    }
    #[inline]
    fn absorb(&mut self, value: &V) {
        self.newest = self.join(self.newest, self.summary.part(value));
        self.absorbed += 1;
        if self.absorbed >= BLOCK {
            self.end_block(None);
        }
    }
    fn is_missing(&self, value: &V) -> bool {
        self.summary.part(value).is_none()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.has_rows.on_state("has rows", state);
        if self.has_rows {
            self.start.on_state("rows", state);
        }
        let mut row = self.old.pop_back();
        row.on_state("row", state);
        self.newest.on_state("block", state);
        self.blocks.on_state("blocks", state);
        self.absorbed.on_state("absorbed", state);
        (self.blocks, self.absorbed) = (self.blocks.min(BLOCK - 1), self.absorbed.min(BLOCK - 1));
        if let Some(row) = row.and_then(|row| self.old.push_back(row).err()) {
            self.newest = self.join(Some(row), self.newest);
        }
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        value.on_state("value", state);
    }
}

impl<V, R: Room, M: Summary<V>> Clone for Parts<V, R, M>
where
    R::Store<V>: Clone,
    R::Store<M::Part>: Clone,
{
    fn clone(&self) -> Self {
        let &Self { ref summary, start, ref new, newest, ref old, absorbed, blocks, has_rows } = self;
        Self { summary: summary.clone(), start, new: new.clone(), newest, old: old.clone(), absorbed, blocks, has_rows }
    }
}

impl<V, R: Room, M: Summary<V>> Debug for Parts<V, R, M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let held = self.new.len() + self.old.len();
        f.debug_struct("Parts").field("held", &held).field("newest", &self.newest).finish_non_exhaustive()
    }
}

impl<V, R: Room, M: Summary<V>> Merge for Parts<V, R, M> {
    fn merge(&mut self, later: Self) {
        let rows = if later.has_rows { later.start } else { None };
        if let Some(rows) = later.join(rows, later.old.back().copied()) {
            self.end_block(Some(rows));
        }
        self.newest = self.join(self.newest, later.newest);
        self.absorbed += later.absorbed; // less than a block each
        if self.absorbed >= BLOCK {
            self.end_block(None);
        }
    }
}
