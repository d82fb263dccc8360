//! The latest samples in place, with their median: what checks and filters over a short window share.

use heapless::HistoryBuf;
use thingflow_core::{SavedItems, StateVisitor};

use crate::remembered::finite;

/// The latest `N` samples.
#[derive(Clone, Debug)]
pub(crate) struct Recent<const N: usize>(HistoryBuf<f64, N>);

impl<const N: usize> Recent<N> {
    pub(crate) fn new() -> Self {
        Self(HistoryBuf::new())
    }

    pub(crate) fn push(&mut self, value: f64) {
        self.0.write(value);
    }

    /// Shows the samples to a walk over the state.
    pub(crate) fn state(&mut self, state: &mut dyn StateVisitor) {
        let held = core::mem::replace(&mut self.0, HistoryBuf::new());
        let mut held_first = held.oldest_ordered();
        let mut items = SavedItems::of("samples", held.len(), state);
        while items.another(state) {
            let mut sample = held_first.next().copied().unwrap_or_default();
            finite(state, "sample", &mut sample);
            self.push(sample);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.is_full()
    }

    /// From the oldest to the newest.
    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.oldest_ordered().copied()
    }

    /// The sample that has as many before it as behind it, of a window that is full and odd.
    pub(crate) fn middle(&self) -> Option<f64> {
        self.iter().nth(N / 2).filter(|_| self.is_full())
    }

    /// The median, and the median of the distances from it; `None` without samples.
    pub(crate) fn median_and_deviation(&self) -> Option<(f64, f64)> {
        let mut sorted = [0.0; N];
        let sorted = sorted.get_mut(..self.0.len())?;
        sorted.iter_mut().zip(self.iter()).for_each(|(slot, value)| *slot = value);
        let median = median(sorted)?;
        sorted.iter_mut().for_each(|value| *value = libm::fabs(*value - median));
        Some((median, self::median(sorted)?))
    }
}

/// The median of finite numbers, which are sorted for it: of an even number the mean of the two in the middle.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    let lower = if values.len().is_multiple_of(2) { values[half - 1] } else { upper };
    Some(lower.midpoint(upper))
}
