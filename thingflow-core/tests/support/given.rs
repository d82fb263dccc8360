//! [`Given`]: words that take the place of a state.

use thingflow_core::StateVisitor;

/// Restores one word after the other, of which there have to be enough.
pub(crate) struct Given<I>(pub(crate) I);

impl<I: Iterator<Item = u64>> Given<I> {
    fn word(&mut self) -> u64 {
        self.0.next().expect("more is restored than was saved")
    }
}

impl<I: Iterator<Item = u64>> StateVisitor for Given<I> {
    fn integer(&mut self, _: &str, value: &mut u64) {
        *value = self.word();
    }
    fn float(&mut self, _: &str, value: &mut f64) {
        *value = f64::from_bits(self.word());
    }
}
