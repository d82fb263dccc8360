//! `round(decimals)`: send values with so many decimal places.
//!
//! Holds nothing.

use crate::measure::{Float, Measured};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`round`](super::Elementwise::round).
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// 10 to the power of the number of places.
    scale: f64,
}

impl Round {
    /// # Panics
    /// If there are more than 15 places.
    #[track_caller]
    pub(super) fn new(decimals: u32) -> Self {
        assert!(decimals <= 15, "round({decimals}): a float has no more than 15 decimal places");
        Self { scale: (0..decimals).fold(1.0, |scale, _| scale * 10.0) }
    }
}

impl<T: Measured> Filter<T> for Round {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let value = event.value().to_f64();
        let scaled = value.abs() * self.scale;
        if scaled.is_nan() || scaled >= WHOLE {
            return out.next(event);
        }
        let rounded = nearest(scaled) / self.scale;
        let rounded = if value.is_sign_negative() { -rounded } else { rounded };
        out.next(event.with_value(T::Value::from_f64(rounded)))
    }
}

/// From here on, floats are whole numbers.
const WHOLE: f64 = 4_503_599_627_370_496.0; // 2^52

/// The whole number nearest to one that is not negative; without `std` there is no `round`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // 0 to 2^52
fn nearest(x: f64) -> f64 {
    let whole = x as u64 as f64;
    if x - whole < 0.5 { whole } else { whole + 1.0 }
}
