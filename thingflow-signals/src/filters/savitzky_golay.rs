//! [`SavitzkyGolay`]: smoothing that keeps peaks, and slopes out of noise.

use thingflow_core::{Instant, StateVisitor};

use super::fir::Fir;
use crate::processor::Processor;

/// Fits a parabola through the last `N` samples, by least squares, and sends its value or its slope at the middle one, so
/// `(N - 1) / 2` samples late (A. Savitzky and M. J. E. Golay, *Smoothing and Differentiation of Data by Simplified Least
/// Squares Procedures*, 1964). Peaks keep their height and width better than by a mean. `N` is odd, and 5 or more.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{filters::SavitzkyGolay, prelude::*};
/// let parabola = (0..6).map(|x| f64::from(x * x));
/// let smooth = from_iter(parabola.clone()).process(SavitzkyGolay::<5>::smooth()).round(9).collect_now();
/// assert_eq!(smooth, [4.0, 9.0]); // of x = 2 and 3: a parabola stays as it is
/// let slopes = from_iter(parabola).process(SavitzkyGolay::<5>::slope(1.0)).round(9).collect_now();
/// assert_eq!(slopes, [4.0, 6.0]);
/// ```
#[derive(Clone, Debug)]
pub struct SavitzkyGolay<const N: usize>(Fir<N>);

impl<const N: usize> SavitzkyGolay<N> {
    const ODD: () = assert!(N % 2 == 1 && N >= 5, "a Savitzky-Golay filter has an odd number of samples, 5 or more");

    /// The value of the parabola.
    pub fn smooth() -> Self {
        let () = Self::ODD;
        let (count, squares, fourths) = Self::sums();
        let scale = count * fourths - squares * squares;
        Self(Fir::new(Self::offsets().map(|x| (fourths - squares * x * x) / scale)))
    }

    /// The slope of the parabola, in the samples' unit a second, for `rate` samples a second.
    pub fn slope(rate: f64) -> Self {
        let () = Self::ODD;
        let (_, squares, _) = Self::sums();
        Self(Fir::new(Self::offsets().map(|x| rate * x / squares)))
    }

    /// How far each sample is from the middle one, the newest first.
    #[allow(clippy::cast_precision_loss)] // a number of samples
    fn offsets() -> [f64; N] {
        core::array::from_fn(|n| (N / 2) as f64 - n as f64)
    }

    fn sums() -> (f64, f64, f64) {
        Self::offsets().iter().fold((0.0, 0.0, 0.0), |(count, squares, fourths), x| {
            (count + 1.0, squares + x * x, fourths + x * x * x * x)
        })
    }
}

impl<const N: usize> Processor for SavitzkyGolay<N> {
    type Out = f64;
    #[inline]
    fn process(&mut self, value: f64, at: Instant) -> Option<f64> {
        self.0.process(value, at)
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        self.0.state(state);
    }
}
