//! `ewma(alpha)`: send an average in which older events count less and less.
//!
//! Holds one value.

use crate::measure::{Float, Measured};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`ewma`](super::Windows::ewma).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([8.0, 16.0, 0.0, 0.0]).ewma(0.5).collect_now(), [8.0, 12.0, 6.0, 3.0]);
/// ```
///
/// A NaN or an infinity is sent on and leaves no trace: the average goes on with the next number.
#[derive(Clone, Copy, Debug)]
pub struct Ewma<V> {
    alpha: V,
    average: Option<V>,
}

impl<V: Float> Ewma<V> {
    #[track_caller]
    pub(super) fn new(alpha: V) -> Self {
        let (none, all) = (V::from_count(0), V::from_count(1));
        assert!(alpha > none && alpha <= all, "ewma({alpha:?}): the share of the newest event is above 0, at most 1");
        Self { alpha, average: None }
    }
}

impl<T: Measured> Filter<T> for Ewma<T::Value> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let value = event.value();
        let nothing = T::Value::from_count(0);
        if (value * nothing).partial_cmp(&nothing).is_none() {
            return out.next(event); // no number, or no finite one
        }
        let average = self.average.map_or(value, |average| average + self.alpha * (value - average));
        self.average = Some(average);
        out.next(event.with_value(average))
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use crate::prelude::*;

    #[test]
    fn what_is_no_number_leaves_no_trace() {
        let seen = from_iter([4.0_f32, f32::NAN, f32::INFINITY, 8.0]).ewma(0.25).collect_now();
        assert!(seen[1].is_nan());
        assert_eq!([seen[0], seen[2], seen[3]], [4.0, f32::INFINITY, 5.0]);
    }

    #[test]
    #[should_panic(expected = "above 0, at most 1")]
    fn a_share_of_nothing() {
        let _ = pipe::<f64>().ewma(0.0);
    }
}
