//! [`Calibration`]: what a voltage, or any other raw value, means.

use core::error::Error;
use core::fmt;

/// Straight lines between points that you have measured: the voltage of a probe against the temperature beside it, the
/// raw value of a load cell against a weight on it.
///
/// Outside of the points the first and the last line go on, or, with [`clamped`](Self::clamped), the value of the
/// outermost point is taken.
///
/// ```
/// use thingflow_core::{SensorEvent, prelude::*};
/// use thingflow_sensors::Calibration;
/// let celsius = Calibration::new([(0.5, 0.0), (0.75, 25.0), (1.75, 125.0)])?;
/// assert_eq!(celsius.apply(0.625), 12.5);
/// assert_eq!(celsius.apply(2.0), 150.0);
/// assert_eq!(celsius.clamped().apply(2.0), 125.0);
/// // In a flow:
/// let volts = [0.5, 1.0].map(|v| SensorEvent::new("probe", Timestamp::UNIX_EPOCH, v));
/// let warmth = from_iter(volts).map(move |e| e.map(|v| celsius.apply(v)));
/// assert_eq!(warmth.map(|e| e.val).collect_now(), [0.0, 50.0]);
/// # Ok::<(), thingflow_sensors::CalibrationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration<const N: usize> {
    points: [(f64, f64); N],
    clamped: bool,
}

impl<const N: usize> Calibration<N> {
    /// From points (raw value, meaning), in rising order of the raw value.
    ///
    /// # Errors
    /// If there are fewer than two points, they do not rise, or one is not a finite number.
    pub fn new(points: [(f64, f64); N]) -> Result<Self, CalibrationError> {
        if N < 2 {
            return Err(CalibrationError::TooFew);
        }
        if let Some(at) = points.iter().position(|(raw, meaning)| !(raw.is_finite() && meaning.is_finite())) {
            return Err(CalibrationError::NotFinite { at });
        }
        match points.windows(2).position(|pair| matches!(pair, [(a, _), (b, _)] if a >= b)) {
            Some(at) => Err(CalibrationError::NotRising { at: at + 1 }),
            None => Ok(Self { points, clamped: false }),
        }
    }

    /// Does not go beyond the values of the first and the last point.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self { clamped: true, ..self }
    }

    /// What the raw value means. Not a number for what is none.
    pub fn apply(&self, raw: f64) -> f64 {
        let above = self.points.iter().position(|(x, _)| raw < *x).unwrap_or(N).clamp(1, N - 1);
        let ((x0, y0), (x1, y1)) = (self.points[above - 1], self.points[above]);
        let raw = if self.clamped { raw.clamp(self.points[0].0, self.points[N - 1].0) } else { raw };
        y0 + (raw - x0) * (y1 - y0) / (x1 - x0)
    }
}

/// Why points make no calibration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CalibrationError {
    /// A line needs two points.
    TooFew,
    /// A point is not right of the one before.
    NotRising {
        /// Its number, counted from 0.
        at: usize,
    },
    /// A coordinate is not a finite number.
    NotFinite {
        /// The number of the point, counted from 0.
        at: usize,
    },
}

impl fmt::Display for CalibrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew => f.write_str("a calibration needs at least two points"),
            Self::NotRising { at } => {
                write!(f, "the raw value of point {at} is not above that of the point before; sort the points")
            }
            Self::NotFinite { at } => write!(f, "point {at} has a coordinate that is not a finite number"),
        }
    }
}

/// As `Display`.
impl fmt::Debug for CalibrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for CalibrationError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_no_line() {
        assert_eq!(Calibration::new([(1.0, 1.0)]), Err(CalibrationError::TooFew));
        assert_eq!(Calibration::new([]), Err(CalibrationError::TooFew));
        assert_eq!(Calibration::new([(1.0, 1.0), (1.0, 2.0)]), Err(CalibrationError::NotRising { at: 1 }));
        assert_eq!(Calibration::new([(1.0, 1.0), (2.0, f64::NAN)]), Err(CalibrationError::NotFinite { at: 1 }));
        let text = Calibration::new([(2.0, 1.0), (1.0, 2.0)]).unwrap_err().to_string();
        assert_eq!(text, "the raw value of point 1 is not above that of the point before; sort the points");
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let line = Calibration::new([(0.0, 0.0), (1.0, 2.0)]).unwrap();
        assert!(line.apply(f64::NAN).is_nan());
        assert!(line.clamped().apply(f64::NAN).is_nan());
    }

    proptest! {
        #[test]
        fn meets_its_points_and_stays_between_them(
            xs in proptest::collection::btree_set(-1000_i16..1000, 4),
            ys in proptest::array::uniform4(-1000_i16..1000),
            at in 0_usize..3,
            share in 0.0_f64..1.0,
        ) {
            let mut xs = xs.into_iter().map(f64::from);
            let points = ys.map(|y| (xs.next().unwrap_or_default(), f64::from(y)));
            let line = Calibration::new(points).unwrap();
            for (x, y) in points {
                prop_assert!((line.apply(x) - y).abs() < 1e-9);
                prop_assert!((line.clamped().apply(x) - y).abs() < 1e-9);
            }
            let ((x0, y0), (x1, y1)) = (points[at], points[at + 1]);
            let between = line.apply(x0 + share * (x1 - x0));
            prop_assert!(between >= y0.min(y1) - 1e-9 && between <= y0.max(y1) + 1e-9);
            prop_assert!((line.clamped().apply(1e9) - points[3].1).abs() < 1e-9);
            prop_assert!((line.clamped().apply(-1e9) - points[0].1).abs() < 1e-9);
        }
    }
}
