//! [`Given`]: words that take the place of a state.

use thingflow_core::StateVisitor;

/// Restores one word after the other, and zeros when there are no more. They may be forged.
pub(crate) struct Given<I>(pub(crate) I);

impl<I: Iterator<Item = u64>> StateVisitor for Given<I> {
    fn integer(&mut self, _: &str, value: &mut u64) {
        *value = self.0.next().unwrap_or_default();
    }
    fn float(&mut self, _: &str, value: &mut f64) {
        *value = f64::from_bits(self.0.next().unwrap_or_default());
    }
}
