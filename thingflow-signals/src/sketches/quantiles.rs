//! [`Quantiles`]: values below which given shares of many values lie.

use datasketches::tdigest::TDigestMut;
use thingflow_core::windows::{Aggregate, Merge};
use thingflow_core::{Float, StateVisitor};

use super::state;

/// Values below which the given shares of all values in a window lie, by a t-digest: `Quantiles::at([0.5, 0.99])` sends the median and the
/// 99th percentile. A NaN or an infinity is left out; without any other value there is none.
///
/// It takes about 5 KiB, whatever the number of values. Of 100,000 values the share that lies below a result is off by less than
/// 0.005 in the middle and 0.0005 at the ends (Ted Dunning and Otmar Ertl, *Computing Extremely Accurate Quantiles Using t-Digests*,
/// 2019; here with its scale function k2 and 200 centroids). For windows that fit in memory there is the exact
/// [`Quantile`](thingflow_core::windows::Quantile).
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::sketches::Quantiles;
/// let waits = (1..=10_000).map(f64::from); // ms
/// let two = from_iter(waits).aggregate(Window::tumbling(10_000), Quantiles::at([0.5, 0.99])).collect_now()[0];
/// assert!((two[0] - 5000.0).abs() < 50.0 && (two[1] - 9900.0).abs() < 5.0);
/// ```
#[derive(Clone, Debug)]
pub struct Quantiles<const N: usize> {
    shares: [f64; N],
    digest: TDigestMut,
}

impl<const N: usize> Quantiles<N> {
    /// Begins with no value.
    ///
    /// # Panics
    /// If a share is below 0 or above 1.
    #[track_caller]
    pub fn at(shares: [f64; N]) -> Self {
        assert!(
            shares.iter().all(|share| (0.0..=1.0).contains(share)),
            "Quantiles::at({shares:?}): a share of the values is from 0 to 1"
        );
        Self { shares, digest: TDigestMut::default() }
    }
}

/// More values than these no digest counts: a restored one that says so is refused.
const MOST: u64 = 1 << 60;

impl<V: Float, const N: usize> Aggregate<V> for Quantiles<N> {
    type Out = [f64; N];
    const ROOM: usize = 0;
    fn add(&mut self, value: &V) {
        self.digest.update(value.to_f64());
    }
    fn remove(&mut self, _: &V) {}
    fn value(&self) -> Option<[f64; N]> {
        let quantiles = self.digest.clone().quantiles(&self.shares).ok().flatten()?;
        quantiles.try_into().ok()
    }
    fn is_missing(&self, value: &V) -> bool {
        !value.is_finite()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let restored = state::bytes("digest", &self.digest.clone().serialize(), state);
        let Some(bytes) = restored else { return };
        match TDigestMut::deserialize(&bytes) {
            Ok(digest) if digest.k() == self.digest.k() && digest.total_weight() < MOST => self.digest = digest,
            _ => state.refuse("digest"),
        }
    }
}

impl<const N: usize> Merge for Quantiles<N> {
    fn merge(&mut self, later: Self) {
        self.digest.merge(&later.digest);
    }
}
