//! [`Taken`]: the words of a state.

use thingflow_core::StateVisitor;

/// Writes down what it is shown.
#[derive(Debug, Default)]
pub(crate) struct Taken(pub(crate) Vec<u64>);

impl StateVisitor for Taken {
    fn integer(&mut self, _: &str, value: &mut u64) {
        self.0.push(*value);
    }
    fn float(&mut self, _: &str, value: &mut f64) {
        self.0.push(value.to_bits());
    }
}
