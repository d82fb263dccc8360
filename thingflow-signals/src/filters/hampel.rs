//! [`Hampel`]: outliers replaced by the median of their neighbours.

use thingflow_core::{Instant, StateVisitor};

use crate::processor::Processor;
use crate::quality::is_outlier;
use crate::recent::Recent;

/// Replaces a sample by the median of the `N` around it, if it is further than `k` deviations from that; all others stay as
/// they are. It looks to both sides, so it sends `(N - 1) / 2` samples late, from the `N`th sample on, and with the time of that later
/// sample. `N` is odd.
///
/// To mark outliers at once instead see [`quality::Hampel`](crate::quality::Hampel).
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{filters::Hampel, prelude::*};
/// let spike = from_iter([1.0, 2.0, 90.0, 2.0, 1.0, 3.0, 2.0]).process(Hampel::<5>::new(3.0)).collect_now();
/// assert_eq!(spike, [2.0, 2.0, 1.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Hampel<const N: usize> {
    k: f64,
    recent: Recent<N>,
}

impl<const N: usize> Hampel<N> {
    const ODD: () = assert!(N % 2 == 1 && N >= 3, "a Hampel filter has an odd number of samples, 3 or more");

    /// `k` is usually 3; 0 makes a median filter.
    ///
    /// # Panics
    /// If `k` is negative or no number.
    #[track_caller]
    pub fn new(k: f64) -> Self {
        let () = Self::ODD;
        assert!(k >= 0.0, "Hampel::new({k}): a number of deviations is 0 or more");
        Self { k, recent: Recent::new() }
    }
}

impl<const N: usize> Processor for Hampel<N> {
    type Out = f64;
    fn process(&mut self, value: f64, _: Instant) -> Option<f64> {
        self.recent.push(value);
        let middle = self.recent.middle()?;
        if !is_outlier(&self.recent, self.k, middle) {
            return Some(middle);
        }
        self.recent.median_and_deviation().map(|(median, _)| median)
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        self.recent.state(state);
    }
}
