//! [`Fir`]: weighted means of the last samples.

use thingflow_core::{Instant, StateVisitor};

use super::second_order::check_frequency;
use crate::processor::Processor;
use crate::remembered::{finite, place};
use crate::spectrum::Taper;

/// A weighted mean of the last `N` samples: a filter of finite impulse response. Sends from the `N`th sample on. With weights
/// that are the same from both ends it delays all frequencies by `(N - 1) / 2` samples.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{filters::Fir, prelude::*};
/// // Changes: the newest sample minus the one before.
/// assert_eq!(from_iter([1, 4, 9]).process(Fir::new([1.0, -1.0])).collect_now(), [3.0, 5.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Fir<const N: usize> {
    /// The weight of the newest sample first.
    taps: [f64; N],
    /// Each sample twice, `N` apart, so that the last `N` always lie in a row.
    samples: [[f64; N]; 2],
    /// Where the next sample goes.
    next: usize,
    missing: usize,
}

impl<const N: usize> Fir<N> {
    /// The weight of the newest sample comes first.
    ///
    /// # Panics
    /// If there are none, or one is not finite.
    #[track_caller]
    pub fn new(taps: [f64; N]) -> Self {
        assert!(
            N > 0 && taps.iter().all(|tap| tap.is_finite()),
            "the taps of a filter are finite numbers, one or more"
        );
        Self { taps, samples: [[0.0; N]; 2], next: 0, missing: N }
    }

    /// A low pass with its corner, where the amplitude is half, at `hertz`, for `rate` samples a second: an ideal one, cut
    /// off by a taper (`firwin` of SciPy). The more taps, the steeper: from pass to stop it takes 3.3 · rate / N hertz with
    /// [`Taper::Hamming`].
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::{filters::Fir, prelude::*, spectrum::Taper};
    /// let flutter = (0..200).map(|n| if n % 2 == 0 { 6.0 } else { 4.0 });
    /// let smooth: Vec<f64> = from_iter(flutter).process(Fir::<31>::low_pass(10.0, 100.0, Taper::Hamming)).last().collect_now();
    /// assert!((smooth[0] - 5.0).abs() < 0.01);
    /// ```
    ///
    /// # Panics
    /// If the corner does not lie between 0 and half the rate.
    #[track_caller]
    pub fn low_pass(hertz: f64, rate: f64, taper: Taper) -> Self {
        check_frequency(hertz, rate);
        let corner = 2.0 * hertz / rate;
        let mut taps = core::array::from_fn(|n| {
            corner * sinc(corner * (number(n) - number(N - 1) / 2.0)) * taper.weight(n, N, true)
        });
        let sum: f64 = taps.iter().sum();
        taps.iter_mut().for_each(|tap| *tap /= sum);
        Self::new(taps)
    }
}

#[allow(clippy::cast_precision_loss)] // a number of taps
fn number(n: usize) -> f64 {
    n as f64
}

/// The sum of the products, in two sums side by side: a processor adds them at once.
#[inline]
fn dot<const N: usize>(taps: &[f64; N], samples: &[f64; N]) -> f64 {
    let ((taps, last_taps), (samples, last_samples)) = (taps.as_chunks::<2>(), samples.as_chunks::<2>());
    let (mut even, mut odd) = (0.0, 0.0);
    for ([a, b], [x, y]) in taps.iter().zip(samples) {
        (even, odd) = (even + a * x, odd + b * y);
    }
    let rest: f64 = last_taps.iter().zip(last_samples).map(|(tap, sample)| tap * sample).sum();
    even + odd + rest
}

fn sinc(x: f64) -> f64 {
    let angle = core::f64::consts::PI * x;
    if angle == 0.0 { 1.0 } else { libm::sin(angle) / angle }
}

impl<const N: usize> Processor for Fir<N> {
    type Out = f64;
    #[inline]
    fn process(&mut self, value: f64, _: Instant) -> Option<f64> {
        self.next = if self.next == 0 { N - 1 } else { self.next - 1 };
        let [first, second] = &mut self.samples;
        (first[self.next], second[self.next]) = (value, value);
        if self.missing > 0 {
            self.missing -= 1;
            if self.missing > 0 {
                return None;
            }
        }
        let newest_first = self.samples.as_flattened().get(self.next..)?.first_chunk::<N>()?;
        Some(dot(&self.taps, newest_first))
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        place(state, "next place", &mut self.next, N - 1);
        place(state, "samples missing", &mut self.missing, N);
        let [first, second] = &mut self.samples;
        first.iter_mut().for_each(|sample| finite(state, "sample", sample));
        *second = *first;
    }
}
