//! `ewm_variance(alpha)`: send a variance in which older events count less and less.
//!
//! Holds four values.

use super::ewma::check_alpha;
use crate::measure::{Float, Measured};
use crate::state::{Saved, StateVisitor, saves};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`ewm_variance`](super::Smoothing::ewm_variance).
#[derive(Clone, Copy, Debug)]
pub struct EwmVariance<V> {
    alpha: V,
    so_far: Option<Weighted<V>>,
}

/// What numbers of different weight are together, where the newest has the weight 1.
#[derive(Clone, Copy, Debug)]
struct Weighted<V> {
    mean: V,
    /// The weighted mean of the squares of the distances from the mean.
    spread: V,
    weight: V,
    /// The sum of the squares of the weights.
    squares: V,
}
saves! { [V: Float] Weighted<V> { mean, spread, weight, squares } }

impl<V: Float> EwmVariance<V> {
    #[track_caller]
    pub(super) fn new(alpha: V) -> Self {
        check_alpha("ewm_variance", alpha);
        Self { alpha, so_far: None }
    }

    fn take(&mut self, value: V) {
        let (none, one) = (V::from_count(0), V::from_count(1));
        let Some(Weighted { mean, spread, weight, squares }) = self.so_far else {
            self.so_far = Some(Weighted { mean: value, spread: none, weight: one, squares: one });
            return;
        };
        let keep = one - self.alpha;
        let before = weight * keep;
        let (weight, squares) = (before + one, squares * keep * keep + one);
        let (old, new) = (before / weight, one / weight);
        let distance = value - mean;
        let mean = mean + new * distance;
        let spread = old * (spread + new * distance * distance);
        let is_whole = [mean, spread, weight, squares].iter().all(|number| number.is_finite());
        let anew = Weighted { mean: value, spread: none, weight: one, squares: one };
        // Beyond the range of a float, it begins anew: an infinity would stay for ever.
        self.so_far = Some(if is_whole { Weighted { mean, spread, weight, squares } } else { anew });
    }

    /// Without bias: of one number there is none.
    fn variance(&self) -> V {
        let Some(Weighted { spread, weight, squares, .. }) = self.so_far else { return V::NAN };
        let all = weight * weight;
        let free = all - squares;
        if free > V::from_count(0) { spread * all / free } else { V::NAN }
    }
}

impl<T: Measured> Filter<T> for EwmVariance<T::Value> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let value = event.value();
        if value.is_finite() {
            self.take(value);
        }
        out.next(event.with_value(self.variance()))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.so_far.on_state("variance", state);
    }
}
