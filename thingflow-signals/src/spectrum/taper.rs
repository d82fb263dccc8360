//! [`Taper`]: weights that fade a piece of a signal in and out.

use core::f64::consts::TAU;

/// How the samples of a piece are weighed, so that its ends do not look like jumps: a window function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Taper {
    /// All alike. Right only for a whole number of periods.
    Rectangular,
    /// The usual choice.
    #[default]
    Hann,
    /// Nearest neighbours leak less, those far away more.
    Hamming,
    /// Leaks least, at the price of lines twice as broad.
    Blackman,
    /// Shows the height of a line exactly, wherever it lies between two bins (the five terms of SciPy's `flattop`).
    FlatTop,
}

impl Taper {
    /// The weight of sample `n` of `length`. For filters the weights are symmetric, for spectra they are periodic: the first
    /// of the next piece is left out.
    ///
    /// ```
    /// use thingflow_signals::spectrum::Taper;
    /// assert_eq!([0, 2, 4].map(|n| Taper::Hann.weight(n, 5, true)), [0.0, 1.0, 0.0]);
    /// ```
    #[allow(clippy::cast_precision_loss)] // a number of samples
    pub fn weight(self, n: usize, length: usize, is_symmetric: bool) -> f64 {
        let terms: &[f64] = match self {
            Self::Rectangular => &[1.0],
            Self::Hann => &[0.5, 0.5],
            Self::Hamming => &[0.54, 0.46],
            Self::Blackman => &[0.42, 0.5, 0.08],
            Self::FlatTop => &[0.215_578_95, 0.416_631_58, 0.277_263_158, 0.083_578_947, 0.006_947_368],
        };
        let intervals = if is_symmetric { length.saturating_sub(1) } else { length };
        if intervals == 0 {
            return 1.0;
        }
        let angle = TAU * n as f64 / intervals as f64;
        terms
            .iter()
            .enumerate()
            .map(|(k, term)| if k % 2 == 0 { *term } else { -term } * libm::cos(angle * k as f64))
            .sum()
    }
}
