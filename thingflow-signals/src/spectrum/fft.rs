//! [`Spectra`]: how strong a signal is at all frequencies, by the fast Fourier transform.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use thingflow_core::{Instant, SavedItems, StateVisitor};

use super::Taper;
use crate::processor::Processor;
use crate::remembered::finite;

/// Sends the [`Spectrum`] of each piece of `length` samples.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{prelude::*, spectrum::Spectra};
/// // 100 samples a second: a machine that shakes by 0.3 mm at 12.5 Hz.
/// let shaking = (0..512).map(|n| 0.3 * (std::f64::consts::TAU * 12.5 * f64::from(n) / 100.0).sin());
/// let spectra = from_iter(shaking).process(Spectra::new(256, 100.0).overlapping(128)).collect_now();
/// assert_eq!(spectra.len(), 3);
/// let (hertz, millimetres) = spectra[0].peak().unwrap();
/// assert_eq!(hertz, 12.5);
/// assert!((millimetres - 0.3).abs() < 1e-9);
/// ```
pub struct Spectra {
    transform: Arc<dyn RealToComplex<f64>>,
    rate: f64,
    taper: Taper,
    weights: Vec<f64>,
    /// What makes a power density of the power of a line, and an amplitude of the root of that.
    to_density: f64,
    to_amplitude: f64,
    /// How many samples of a piece belong to the next one, too.
    overlap: usize,
    samples: Vec<f64>,
    weighted: Vec<f64>,
    lines: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Spectra {
    /// Pieces of `length` samples, of which there are `rate` a second, with a [`Taper::Hann`] and no overlap. The frequencies
    /// are `rate / length` hertz apart. Powers of two are the fastest lengths.
    ///
    /// # Panics
    /// If the length is less than 2, or the rate is not positive.
    #[track_caller]
    pub fn new(length: usize, rate: f64) -> Self {
        assert!(length >= 2, "a piece of {length} samples has no frequencies: use 2 or more");
        assert!(rate > 0.0 && rate.is_finite(), "there are more than 0 samples a second, not {rate}");
        let transform = RealFftPlanner::<f64>::new().plan_fft_forward(length);
        let (weighted, lines, scratch) =
            (transform.make_input_vec(), transform.make_output_vec(), transform.make_scratch_vec());
        let samples = Vec::with_capacity(length);
        let spectra = Self {
            transform,
            rate,
            taper: Taper::Rectangular,
            weights: Vec::new(),
            to_density: 0.0,
            to_amplitude: 0.0,
            overlap: 0,
            samples,
            weighted,
            lines,
            scratch,
        };
        spectra.taper(Taper::Hann)
    }

    /// Weighs the samples in another way.
    #[must_use]
    pub fn taper(mut self, taper: Taper) -> Self {
        let length = self.weighted.len();
        self.weights = (0..length).map(|n| taper.weight(n, length, false)).collect();
        let gain = self.weights.iter().sum::<f64>();
        let power_gain = self.weights.iter().map(|weight| weight * weight).sum::<f64>();
        let to_amplitude = libm::sqrt(2.0 * self.rate * power_gain) / gain;
        Self { taper, to_density: 1.0 / (self.rate * power_gain), to_amplitude, ..self }
    }

    /// Begins the next piece with the last `samples` of this one; half a length is usual, so that nothing falls between two
    /// pieces.
    ///
    /// # Panics
    /// If that is not less than a whole piece.
    #[must_use]
    #[track_caller]
    pub fn overlapping(self, samples: usize) -> Self {
        let length = self.weighted.len();
        assert!(samples < length, "pieces of {length} samples cannot overlap by {samples}: it must be fewer");
        Self { overlap: samples, ..self }
    }

    /// The spectrum of the samples at hand, less their mean.
    fn spectrum(&mut self) -> Option<Spectrum> {
        let length = self.samples.len();
        let mean = self.samples.iter().sum::<f64>() / number(length);
        let samples = self.samples.iter().zip(&self.weights);
        self.weighted.iter_mut().zip(samples).for_each(|(to, (sample, weight))| *to = (sample - mean) * weight);
        let result = self.transform.process_with_scratch(&mut self.weighted, &mut self.lines, &mut self.scratch);
        result.ok()?; // the buffers have their lengths from the transform
        let both_sides = 2.0 * self.to_density;
        let mut densities: Vec<f64> = self.lines.iter().map(|line| line.norm_sqr() * both_sides).collect();
        // There is no negative frequency of the same size as the first, nor as the last of an even length.
        if let Some(first) = densities.first_mut() {
            *first /= 2.0;
        }
        if let Some(last) = densities.last_mut().filter(|_| length.is_multiple_of(2)) {
            *last /= 2.0;
        }
        let resolution = self.rate / number(length);
        Some(Spectrum { mean, resolution, to_amplitude: self.to_amplitude, densities })
    }
}

#[allow(clippy::cast_precision_loss)] // a number of samples
fn number(n: usize) -> f64 {
    n as f64
}

impl Processor for Spectra {
    type Out = Spectrum;
    fn process(&mut self, value: f64, _: Instant) -> Option<Spectrum> {
        self.samples.push(value);
        if self.samples.len() < self.weights.len() {
            return None;
        }
        let spectrum = self.spectrum();
        self.samples.drain(..self.weights.len() - self.overlap);
        spectrum
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        let mut held = core::mem::take(&mut self.samples).into_iter();
        let mut items = SavedItems::of("samples", held.len(), state);
        while items.another(state) {
            let mut sample = held.next().unwrap_or_default();
            finite(state, "sample", &mut sample);
            if self.samples.len() + 1 < self.weights.len() {
                self.samples.push(sample); // one more would have made a spectrum
            }
        }
    }
}

impl fmt::Debug for Spectra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = (self.weights.len(), self.rate, self.taper, self.overlap);
        f.debug_tuple("Spectra").field(&fields).finish()
    }
}

/// The strength of a signal at each frequency, from 0 to half the rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    mean: f64,
    resolution: f64,
    to_amplitude: f64,
    densities: Vec<f64>,
}

impl Spectrum {
    /// The mean of the samples, which has been taken off before.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// How many hertz two neighbouring frequencies are apart.
    pub fn resolution(&self) -> f64 {
        self.resolution
    }

    /// The power density at each frequency, as (hertz, unit of the samples² a hertz): one-sided, the same as `periodogram` of
    /// SciPy. Right for noise.
    pub fn densities(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.densities.iter().enumerate().map(|(n, density)| (number(n) * self.resolution, *density))
    }

    /// The amplitude at each frequency, as (hertz, unit of the samples): of `a · sin(2π·f·t)` `a`, where `f` is one of the
    /// frequencies; between two of them up to 15 % less with the Hann taper. Right for oscillations.
    pub fn amplitudes(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.densities().map(|(hertz, density)| (hertz, libm::sqrt(density) * self.to_amplitude))
    }

    /// The strongest frequency and its amplitude.
    pub fn peak(&self) -> Option<(f64, f64)> {
        self.amplitudes().max_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// The power within a band, in the unit of the samples²: its root is the effective value (RMS). That of the whole range
    /// is the variance of the samples.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::{prelude::*, spectrum::Spectra};
    /// let tone = (0..256).map(|n| 2.0 * (std::f64::consts::TAU * 20.0 * f64::from(n) / 256.0).sin());
    /// let spectrum = &from_iter(tone).process(Spectra::new(256, 256.0)).collect_now()[0];
    /// assert!((spectrum.band_power(15.0..=25.0) - 2.0).abs() < 1e-9); // a²/2
    /// ```
    pub fn band_power(&self, hertz: RangeInclusive<f64>) -> f64 {
        let inside = self.densities().filter(|(at, _)| hertz.contains(at));
        inside.map(|(_, density)| density * self.resolution).sum()
    }
}
