//! Sections of the second order, and the filters of one: [`Notch`], [`BandPass`].

use biquad::{Biquad, Coefficients, DirectForm2Transposed, Type};
use thingflow_core::{Instant, StateVisitor};

use crate::processor::Processor;
use crate::remembered::finite;

/// A section of the second order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section(DirectForm2Transposed<f64>);

impl Section {
    /// By its coefficients.
    pub(crate) const fn new(coefficients: Coefficients<f64>) -> Self {
        Self(DirectForm2Transposed::<f64>::new(coefficients))
    }

    /// One of the usual shapes (R. Bristow-Johnson, *Audio EQ Cookbook*, 1998).
    #[track_caller]
    pub(crate) fn of(shape: Type<f64>, hertz: f64, rate: f64, q: f64) -> Self {
        check_frequency(hertz, rate);
        assert!(q > 0.0, "the quality of a filter is more than 0, not {q}");
        Self(match Coefficients::from_normalized_params(shape, 2.0 * hertz / rate, q) {
            Ok(coefficients) => DirectForm2Transposed::<f64>::new(coefficients),
            Err(_) => unreachable!("the frequency and the quality have been checked"),
        })
    }

    /// What it makes of a sample; nothing where that is beyond the range of a float, and then it begins anew: an infinity that is
    /// fed back would stay for ever.
    #[inline]
    pub(crate) fn run(&mut self, value: f64) -> Option<f64> {
        let made = self.0.run(value);
        if made.is_finite() {
            return Some(made);
        }
        (self.0.s1, self.0.s2) = (0.0, 0.0);
        None
    }

    pub(crate) fn state(&mut self, state: &mut dyn StateVisitor) {
        finite(state, "first delay", &mut self.0.s1);
        finite(state, "second delay", &mut self.0.s2);
    }
}

/// A frequency lies between 0 and half the rate.
#[track_caller]
pub(crate) fn check_frequency(hertz: f64, rate: f64) {
    assert!(
        rate.is_finite() && hertz > 0.0 && hertz < rate / 2.0,
        "a frequency of {hertz} Hz cannot be told apart at {rate} samples a second: it lies between 0 and half the rate"
    );
}

macro_rules! one_section {
    ($(#[$doc:meta])* $name:ident, $shape:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(Section);

        impl $name {
            /// Around a frequency in hertz, `width` hertz between the points at which the power is half (-3 dB), for `rate`
            /// samples a second.
            ///
            /// # Panics
            /// If the frequency does not lie between 0 and half the rate, or the width is not more than 0.
            #[track_caller]
            pub fn new(hertz: f64, width: f64, rate: f64) -> Self {
                assert!(width > 0.0, "a band is more than 0 Hz wide, not {width}");
                Self(Section::of($shape, hertz, rate, hertz / width))
            }
        }

        impl Processor for $name {
            type Out = f64;
            #[inline]
            fn process(&mut self, value: f64, _: Instant) -> Option<f64> {
                self.0.run(value)
            }
            fn state(&mut self, state: &mut dyn StateVisitor) {
                self.0.state(state);
            }
        }
    };
}

one_section! {
    /// Leaves out one frequency: mains hum of 50 or 60 Hz.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::{filters::Notch, prelude::*};
    /// let hum = (0..2000).map(|n| 3.0 + (std::f64::consts::TAU * 50.0 * f64::from(n) / 1000.0).sin());
    /// let clean = from_iter(hum).process(Notch::new(50.0, 5.0, 1000.0)).last().collect_now();
    /// assert!((clean[0] - 3.0).abs() < 1e-3);
    /// ```
    Notch, Type::Notch
}

one_section! {
    /// Passes one frequency with its full strength, and little else.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::{filters::BandPass, prelude::*};
    /// let level = std::iter::repeat_n(7.0, 2000);
    /// let nothing: Vec<f64> = from_iter(level).process(BandPass::new(50.0, 5.0, 1000.0)).last().collect_now();
    /// assert!(nothing[0].abs() < 1e-3);
    /// ```
    BandPass, Type::BandPass
}
