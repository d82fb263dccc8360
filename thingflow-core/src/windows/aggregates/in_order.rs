//! [`InOrder`]: an aggregate that sees the values of a window in the order of their times.

use alloc::vec::Vec;
use core::fmt;

use super::Aggregate;
use crate::state::{Saved, StateVisitor};
use crate::windows::Merge;

/// Has an aggregate see the values of each window in the order of their times, whatever the order in which they came: for a
/// [`Rate`](super::Rate), an [`Integral`](super::Integral), the [`First`](super::First) and others that look from one value to the next,
/// in [windows by event time](crate::windows::Window::event_time). There, a counter whose readings overtake each other would seem to be reset.
///
/// It holds the values of each window, in order; of two with the same time the one that came first is first. A value costs time in
/// proportion to how many later ones came before it, and a result in proportion to the number of values.
///
/// ```
/// # use core::time::Duration;
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{InOrder, Rate};
/// let meter = [(0, 90), (20, 110), (10, 100), (30, 120)]; // seconds, pulses; what was of second 10 came late
/// let meter = || from_iter(meter).map(|(secs, pulses)| (Timestamp::from_secs(secs), pulses));
/// let time = |(time, _): &(Timestamp, i32)| *time;
/// let minutes = || Window::event_time(Duration::from_secs(60), time);
/// let marked = || meter().watermarks(time, Duration::from_secs(30));
/// let rates = marked().aggregate(minutes(), InOrder::by(time, Rate::new()));
/// assert_eq!(rates.map(|window| window.value).collect_now(), [1.0]);
/// let rates = marked().aggregate(minutes(), Rate::new()); // 100 after 110: as if it had begun again at 0
/// assert!(rates.map(|window| window.value).collect_now()[0] > 4.0);
/// ```
#[derive(Clone)]
pub struct InOrder<F, V, A> {
    time: F,
    values: Vec<V>,
    fresh: A,
}

impl<F, V, A> InOrder<F, V, A> {
    /// Puts values in the order of what `time` makes of them, for `aggregate`.
    pub const fn by(time: F, aggregate: A) -> Self {
        Self { time, values: Vec::new(), fresh: aggregate }
    }
}

impl<V: Clone + Saved, K: Ord, F: Fn(&V) -> K, A: Aggregate<V> + Clone> Aggregate<V> for InOrder<F, V, A> {
    type Out = A::Out;
    const ROOM: usize = A::ROOM;
    fn add(&mut self, value: &V) {
        let time = (self.time)(value);
        let later = self.values.iter().rev().take_while(|other| time < (self.time)(other)).count();
        self.values.insert(self.values.len() - later, value.clone());
    }
    fn remove(&mut self, value: &V) {
        let time = (self.time)(value);
        let at = self.values.partition_point(|other| (self.time)(other) < time);
        if at < self.values.len() {
            self.values.remove(at);
        }
    }
    fn value(&self) -> Option<A::Out> {
        let mut aggregate = self.fresh.clone();
        self.values.iter().for_each(|value| aggregate.absorb(value));
        aggregate.value()
    }
    fn is_missing(&self, value: &V) -> bool {
        self.fresh.is_missing(value)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.values.on_state("values", state);
        self.values.sort_by_key(&self.time); // a state that is forged has any order
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        A::on_value(value, state);
    }
}

impl<V, K: Ord, F: Fn(&V) -> K, A> Merge for InOrder<F, V, A> {
    fn merge(&mut self, later: Self) {
        self.values.extend(later.values);
        self.values.sort_by_key(&self.time);
    }
}

impl<F, V, A> fmt::Debug for InOrder<F, V, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InOrder").field("values", &self.values.len()).finish_non_exhaustive()
    }
}
