//! [`OrNone`]: a result also where an aggregate has none.

use super::Aggregate;
use crate::state::StateVisitor;

/// Has an aggregate send `None` where it has no value, and `Some` of it else: for windows that
/// [may be empty](crate::windows::EachWindow::send_empty).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Mean, OrNone};
/// # #[cfg(feature = "alloc")] {
/// let means = from_iter([f64::NAN, 2.0]).aggregate(Window::tumbling(1), OrNone(Mean::new()));
/// assert_eq!(means.collect_now(), [None, Some(2.0)]);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct OrNone<A>(pub A);

impl<V, A: Aggregate<V>> Aggregate<V> for OrNone<A> {
    type Out = Option<A::Out>;
    const ROOM: usize = A::ROOM;
    #[inline]
    fn add(&mut self, value: &V) {
        self.0.add(value);
    }
    #[inline]
    fn remove(&mut self, value: &V) {
        self.0.remove(value);
    }
    #[inline]
    fn replace(&mut self, oldest: &V, newest: &V) {
        self.0.replace(oldest, newest);
    }
    #[inline]
    fn value(&self) -> Option<Self::Out> {
        Some(self.0.value())
    }
    #[inline]
    fn is_stale(&self) -> bool {
        self.0.is_stale()
    }
    #[inline]
    fn absorb(&mut self, value: &V) {
        self.0.absorb(value);
    }
    fn is_missing(&self, value: &V) -> bool {
        self.0.is_missing(value)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state(state);
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        A::on_value(value, state);
    }
}
