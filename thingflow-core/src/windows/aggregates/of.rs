//! [`Of`]: an aggregate of a part of each value.

use super::Aggregate;
use crate::state::StateVisitor;

/// Has an aggregate look at what a function takes out of each value: of readings with several fields, of rows.
///
/// The function is called again when a value leaves the window, and has to give the same.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Max, Mean, Of};
/// #[derive(Clone, Copy)]
/// struct Air { celsius: f64, percent: f64 }
/// let air = [(20.0, 50.0), (22.0, 60.0)].map(|(celsius, percent)| SensorEvent::new(1, Timestamp::UNIX_EPOCH, Air { celsius, percent }));
/// let both = (Of(|air: &Air| air.celsius, Mean::new()), Of(|air: &Air| air.percent, Max::new()));
/// assert_eq!(from_iter(air).aggregate(Window::tumbling(2), both).map(|event| event.val).collect_now(), [(21.0, 60.0)]);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Of<F, A>(pub F, pub A);

impl<V, U, F: Fn(&V) -> U, A: Aggregate<U>> Aggregate<V> for Of<F, A> {
    type Out = A::Out;
    const ROOM: usize = A::ROOM;
    #[inline]
    fn add(&mut self, value: &V) {
        self.1.add(&self.0(value));
    }
    #[inline]
    fn remove(&mut self, value: &V) {
        self.1.remove(&self.0(value));
    }
    #[inline]
    fn replace(&mut self, oldest: &V, newest: &V) {
        self.1.replace(&self.0(oldest), &self.0(newest));
    }
    #[inline]
    fn value(&self) -> Option<A::Out> {
        self.1.value()
    }
    #[inline]
    fn is_stale(&self) -> bool {
        self.1.is_stale()
    }
    #[inline]
    fn absorb(&mut self, value: &V) {
        self.1.absorb(&self.0(value));
    }
    fn is_missing(&self, value: &V) -> bool {
        self.1.is_missing(&self.0(value))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.1.on_state(state);
    }
}
