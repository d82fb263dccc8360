//! [`Counter`]: what the kernel counts, since the last sampling or in all.

use crate::Quantity;

/// The kernel's counters have 64 bits.
const MOST: f64 = 18_446_744_073_709_551_616.0;

/// A counter of the kernel, as it was at the last sampling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counter {
    before: u64,
    total: bool,
}

impl Counter {
    pub(super) const fn from(before: u64) -> Self {
        Self { before, total: false }
    }

    /// Gives the counter itself.
    pub(super) const fn total(self) -> Self {
        Self { total: true, ..self }
    }

    /// What has been counted, now that it shows this. One that has gone back has begun anew.
    #[allow(clippy::cast_precision_loss)] // exact up to 2⁵³
    pub(super) fn next(&mut self, now: u64) -> f64 {
        let before = std::mem::replace(&mut self.before, now);
        let counted = if self.total { now } else { now.checked_sub(before).unwrap_or(now) };
        counted as f64
    }

    pub(super) const fn quantity(name: &'static str, unit: &'static str) -> Quantity {
        Quantity::new(name, unit, 0.0..=MOST)
    }
}
