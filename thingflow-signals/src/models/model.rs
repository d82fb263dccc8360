//! [`Model`]: what learns from a stream.

use thingflow_core::windows::Carrier;
use thingflow_core::{Emitter, Filter, InputThing, Receipt, StateVisitor};

/// Learns from samples, one after the other, and says something of each.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::models::{Learning, Model};
/// /// Expects what came last.
/// struct Persistence(f64);
/// impl Model<f64> for Persistence {
///     type Out = f64;
///     fn predict(&self, _: &f64) -> f64 {
///         self.0
///     }
///     fn learn(&mut self, sample: &f64) {
///         self.0 = *sample;
///     }
/// }
/// let expected = from_iter([3.0, 4.0, 6.0]).pipe(Learning(Persistence(0.0))).collect_now();
/// assert_eq!(expected, [0.0, 3.0, 4.0]);
/// ```
pub trait Model<X> {
    /// What it says of a sample: a class, a number, how unusual it is, the sample transformed.
    type Out;
    /// Says something of a sample, without learning from it.
    fn predict(&self, sample: &X) -> Self::Out;
    /// Learns from a sample.
    fn learn(&mut self, sample: &X);
    /// Shows what it has learnt to a walk that saves or restores it. By default nothing: after a restart it learns anew.
    fn state(&mut self, _state: &mut dyn StateVisitor) {}
}

/// A stage that sends what a model says of each sample, then lets it learn from that; to be given to
/// [`pipe`](thingflow_core::Chain::pipe). A model that has learnt enough predicts in a
/// [`map`](thingflow_core::Elementwise::map).
#[derive(Clone, Copy, Debug)]
pub struct Learning<M>(pub M);

impl<T: Carrier, M: Model<T::Value>> Filter<T> for Learning<M> {
    type Out = T::With<M::Out>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (sample, rest) = event.part();
        let said = self.0.predict(&sample);
        self.0.learn(&sample);
        out.next(T::carry(rest, said))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.state(state);
    }
}
