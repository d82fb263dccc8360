//! [`Each`]: an aggregate of the values in batches.

use core::ops::Deref;

use super::Aggregate;
use crate::state::StateVisitor;
use crate::windows::Merge;

/// Has an aggregate look at each value of a batch, where events are lists of values: a result for each batch and not for
/// each value. A window then counts batches; for the last `n` values see
/// [`once_a_batch`](crate::Elementwise::once_a_batch).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::windows::{Each, Mean, ValueCounts};
/// let batches = || from_iter([vec!["idle", "run", "idle"], vec!["run", "run"]]);
/// let counts = batches().aggregate(Window::cumulative(), Each(ValueCounts::new()));
/// assert_eq!(counts.collect_now(), [[("idle", 2), ("run", 1)], [("run", 3), ("idle", 2)]]);
/// let means = from_iter([vec![1.0, 2.0], vec![], vec![6.0]]).aggregate(Window::sliding(2), Each(Mean::new()));
/// assert_eq!(means.collect_now(), [1.5, 6.0]); // of two batches each
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Each<A>(pub A);

impl<V, B: Deref<Target = [V]>, A: Aggregate<V>> Aggregate<B> for Each<A> {
    type Out = A::Out;
    fn add(&mut self, batch: &B) {
        batch.iter().for_each(|value| self.0.add(value));
    }
    fn remove(&mut self, batch: &B) {
        batch.iter().for_each(|value| self.0.remove(value));
    }
    fn value(&self) -> Option<A::Out> {
        self.0.value()
    }
    fn is_stale(&self) -> bool {
        self.0.is_stale()
    }
    fn absorb(&mut self, batch: &B) {
        batch.iter().for_each(|value| self.0.absorb(value));
    }
    fn is_missing(&self, batch: &B) -> bool {
        !batch.is_empty() && batch.iter().all(|value| self.0.is_missing(value))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state(state);
    }
}

impl<A: Merge> Merge for Each<A> {
    fn merge(&mut self, later: Self) {
        self.0.merge(later.0);
    }
}
