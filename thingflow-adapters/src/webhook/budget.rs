//! [`Budget`]: the memory that all bodies may take together; [`Share`]: what one connection has of it.
//!
//! Invariant: what is taken is the sum of all shares; a share that is dropped gives back what it has.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::requests::Answer;

/// When a client that was put off shall come again.
pub(super) const LATER: Duration = Duration::from_secs(1);

/// The memory that all bodies may take together, in bytes.
#[derive(Debug)]
pub(super) struct Budget {
    most: usize,
    taken: Cell<usize>,
}

impl Budget {
    pub(super) fn new(most: usize) -> Rc<Self> {
        Rc::new(Self { most, taken: Cell::new(0) })
    }
}

/// What one connection has of it: that of the request that it reads, or whose events are on their way.
#[derive(Debug)]
pub(super) struct Share {
    budget: Rc<Budget>,
    held: usize,
}

impl Share {
    pub(super) fn of(budget: &Rc<Budget>) -> Self {
        Self { budget: budget.clone(), held: 0 }
    }

    /// How much it may come to hold.
    pub(super) fn room(&self) -> usize {
        self.held + (self.budget.most - self.budget.taken.get())
    }

    /// Holds so many bytes, in place of those that it has.
    ///
    /// # Errors
    /// If the others have too many: the request is put off.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), Answer> {
        if bytes > self.room() {
            return Err(Answer::busy("too many bodies are here already", LATER));
        }
        self.budget.taken.set(self.budget.taken.get() - self.held + bytes);
        self.held = bytes;
        Ok(())
    }

    /// Gives back what it holds.
    pub(super) fn release(&mut self) {
        self.budget.taken.set(self.budget.taken.get() - std::mem::take(&mut self.held));
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_taken_is_the_sum_of_the_shares(calls in prop::collection::vec((0..4_usize, 0..150_usize), 0..60)) {
            let budget = Budget::new(200);
            let mut shares: Vec<Share> = (0..4).map(|_| Share::of(&budget)).collect();
            for (who, bytes) in calls {
                let others: usize = shares.iter().enumerate().filter(|(n, _)| *n != who).map(|(_, it)| it.held).sum();
                match bytes {
                    0 => shares[who].release(),
                    1 => shares[who] = Share::of(&budget),
                    _ => prop_assert_eq!(shares[who].hold(bytes).is_ok(), others + bytes <= 200),
                }
                prop_assert_eq!(budget.taken.get(), shares.iter().map(|share| share.held).sum::<usize>());
            }
            drop(shares);
            prop_assert_eq!(budget.taken.get(), 0);
        }
    }
}
