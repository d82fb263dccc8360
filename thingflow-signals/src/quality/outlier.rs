//! [`Hampel`], [`KSigma`]: values that lie far from their neighbours.

use thingflow_core::{Instant, StateVisitor};

use super::{Check, Quality};
use crate::estimate::MovingVariance;
use crate::recent::Recent;

/// What a normal distribution's deviation is, of the median of the distances from the median: 1/Φ⁻¹(3/4).
const DEVIATION_OF_MEDIAN: f64 = 1.482_602_218_505_602;

/// Marks a value as bad that is further than `k` deviations from the median of the last `N` values, itself among them. The
/// deviation is taken from the median of the distances, so outliers themselves do not change it (F. R. Hampel, *The Influence
/// Curve and its Role in Robust Estimation*, 1974). Until `N` values have come, all are good.
///
/// To replace outliers instead see [`filters::Hampel`](crate::filters::Hampel), which looks to both sides.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{prelude::*, quality::Hampel};
/// let good = from_iter([5.0, 5.1, 4.9, 5.0, 50.0, 5.1]).qualify(Hampel::<5>::new(3.0)).good_only().collect_now();
/// assert_eq!(good, [5.0, 5.1, 4.9, 5.0, 5.1]);
/// ```
#[derive(Clone, Debug)]
pub struct Hampel<const N: usize> {
    k: f64,
    recent: Recent<N>,
}

impl<const N: usize> Hampel<N> {
    const AT_LEAST_3: () = assert!(N >= 3, "a median of fewer than 3 values has no outliers");

    /// `k` is usually 3.
    ///
    /// # Panics
    /// If `k` is negative or no number.
    #[track_caller]
    pub fn new(k: f64) -> Self {
        let () = Self::AT_LEAST_3;
        assert!(k >= 0.0, "Hampel::new({k}): a number of deviations is 0 or more");
        Self { k, recent: Recent::new() }
    }
}

impl<const N: usize> Check for Hampel<N> {
    fn check(&mut self, value: f64, _: Instant) -> Quality {
        self.recent.push(value);
        if !self.recent.is_full() || !is_outlier(&self.recent, self.k, value) { Quality::Good } else { Quality::Bad }
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        self.recent.state(state);
    }
}

/// Whether a value is further than `k` deviations from the median of its neighbours. Among values that are all the same each
/// other one is.
pub(crate) fn is_outlier<const N: usize>(neighbours: &Recent<N>, k: f64, value: f64) -> bool {
    let found = neighbours.median_and_deviation();
    found.is_some_and(|(median, deviation)| libm::fabs(value - median) > k * DEVIATION_OF_MEDIAN * deviation)
}

/// Marks a value as bad that is further than `k` standard deviations from the mean of those before, in which the newest have
/// the share `alpha`. A value that is bad does not change mean and deviation, but for the share of it that is within the
/// limit, so that a new level is taken for good after a while. Where there is no limit to speak of, since all values before were the same,
/// a value that is bad counts as it is. The first `warm_up` values are good.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{prelude::*, quality::KSigma};
/// let values = (0..50).map(|n| if n == 40 { 30.0 } else { 10.0 + f64::from(n % 3) });
/// let good = from_iter(values).qualify(KSigma::new(4.0, 0.1, 10)).good_only().count().collect_now();
/// assert_eq!(good, [49]);
/// ```
#[derive(Clone, Debug)]
pub struct KSigma {
    k: f64,
    warm_up: u64,
    seen: u64,
    before: MovingVariance,
}

impl KSigma {
    /// `k` is usually 3 to 5; `alpha`, the share of the newest value, more than 0 and at most 1.
    ///
    /// # Panics
    /// If `k` is not positive, or `alpha` is not in that range.
    #[track_caller]
    pub fn new(k: f64, alpha: f64, warm_up: u64) -> Self {
        assert!(k > 0.0, "KSigma::new({k}, ..): a number of deviations is more than 0");
        Self { k, warm_up: warm_up.max(2), seen: 0, before: MovingVariance::new(alpha) }
    }
}

impl Check for KSigma {
    fn check(&mut self, value: f64, _: Instant) -> Quality {
        let is_new = self.seen < self.warm_up;
        let reach = self.k * libm::sqrt(self.before.variance());
        let distance = value - self.before.mean();
        let is_bad = !is_new && libm::fabs(distance) > reach;
        self.seen = self.seen.saturating_add(1);
        let within = self.before.mean() + libm::copysign(reach, distance);
        // A reach that is lost in the digits of the mean would never grow again.
        let counts_in_part = is_bad && within.to_bits() != self.before.mean().to_bits();
        self.before.push(if counts_in_part { within } else { value });
        if is_bad { Quality::Bad } else { Quality::Good }
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        state.integer("values seen", &mut self.seen);
        self.before.state(state);
    }
}
