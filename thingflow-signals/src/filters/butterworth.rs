//! [`Butterworth`]: low and high passes with the flattest pass band.

use biquad::{Coefficients, Type};
use heapless::Vec;
use thingflow_core::{Instant, StateVisitor};

use super::second_order::{Section, check_frequency};
use crate::processor::Processor;

/// A low or high pass with the flattest pass band (S. Butterworth, *On the Theory of Filter Amplifiers*, 1930), as sections of
/// the second order; the same as `butter` of SciPy. At the corner the amplitude is 1/√2; beyond it, it falls by 6 dB an octave
/// for each order.
///
/// A higher order delays and overshoots more; 2 is usual for sensors.
///
/// ```
/// use thingflow_core::Instant;
/// use thingflow_signals::{filters::Butterworth, prelude::*};
/// let mut smooth = Butterworth::low_pass(4, 10.0, 1000.0);
/// let step: Vec<f64> = (0..500).filter_map(|_| smooth.process(1.0, Instant::ZERO)).collect();
/// assert!(step[0] < 1e-5 && (step[499] - 1.0).abs() < 1e-3);
/// ```
#[derive(Clone, Debug)]
pub struct Butterworth(Vec<Section, { Self::MOST / 2 }>);

impl Butterworth {
    /// The highest order.
    pub const MOST: usize = 16;

    /// Passes what is slower than `hertz`, for `rate` samples a second.
    ///
    /// # Panics
    /// If the order is 0 or more than 16, or the corner does not lie between 0 and half the rate.
    #[track_caller]
    pub fn low_pass(order: usize, hertz: f64, rate: f64) -> Self {
        Self::new(order, Type::LowPass, hertz, rate)
    }

    /// Passes what is faster than `hertz`, for `rate` samples a second.
    ///
    /// # Panics
    /// If the order is 0 or more than 16, or the corner does not lie between 0 and half the rate.
    #[track_caller]
    pub fn high_pass(order: usize, hertz: f64, rate: f64) -> Self {
        Self::new(order, Type::HighPass, hertz, rate)
    }

    #[track_caller]
    fn new(order: usize, shape: Type<f64>, hertz: f64, rate: f64) -> Self {
        assert!((1..=Self::MOST).contains(&order), "a Butterworth filter of order {order}: orders are 1 to 16");
        let mut sections = Vec::new();
        if order % 2 == 1 {
            let _ = sections.push(first_order(shape, hertz, rate)); // there is room for 8
        }
        for pair in 0..order / 2 {
            let _ = sections.push(Section::of(shape, hertz, rate, quality(order, pair))); // there is room for 8
        }
        Self(sections)
    }
}

/// The quality of a pair of poles, on the circle of all poles.
#[allow(clippy::cast_precision_loss)] // at most 16
fn quality(order: usize, pair: usize) -> f64 {
    let angle = if order.is_multiple_of(2) { (2 * pair + 1) as f64 } else { (2 * pair + 2) as f64 };
    0.5 / libm::cos(core::f64::consts::PI * angle / (2 * order) as f64)
}

/// The pole of an odd order, by the bilinear transform.
#[track_caller]
fn first_order(shape: Type<f64>, hertz: f64, rate: f64) -> Section {
    check_frequency(hertz, rate);
    let warped = libm::tan(core::f64::consts::PI * hertz / rate);
    let (b0, b1) = if shape == Type::LowPass { (warped, warped) } else { (1.0, -1.0) };
    let scale = 1.0 / (1.0 + warped);
    Section::new(Coefficients { a1: (warped - 1.0) * scale, a2: 0.0, b0: b0 * scale, b1: b1 * scale, b2: 0.0 })
}

impl Processor for Butterworth {
    type Out = f64;
    #[inline]
    fn process(&mut self, value: f64, _: Instant) -> Option<f64> {
        self.0.iter_mut().try_fold(value, |value, section| section.run(value))
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        self.0.iter_mut().for_each(|section| section.state(state));
    }
}
