//! [`Table`]: a calibration by points.

use core::fmt;

/// A calibration by points: straight between two of them, and nothing beyond the first and the last.
///
/// ```
/// use thingflow_signals::convert::Table;
/// // A tank's sensor: volts, litres.
/// const TANK: [(f64, f64); 3] = [(0.5, 0.0), (2.0, 60.0), (4.5, 110.0)];
/// let tank = Table::new(TANK)?;
/// assert_eq!(tank.at(3.0), Some(80.0));
/// assert_eq!(tank.at(0.2), None); // a wire is broken
/// # Ok::<(), thingflow_signals::convert::TableError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Table<const N: usize>([(f64, f64); N]);

impl<const N: usize> Table<N> {
    /// From points (raw, value), with the raw values in rising order.
    ///
    /// # Errors
    /// If there are fewer than two, one is not finite, or they are not in order; the error says which.
    pub fn new(points: [(f64, f64); N]) -> Result<Self, TableError> {
        if N < 2 {
            return Err(TableError::TooFew(N));
        }
        if let Some(n) = points.iter().position(|(raw, value)| !(raw.is_finite() && value.is_finite())) {
            return Err(TableError::NotFinite(n));
        }
        match points.windows(2).position(|pair| pair[0].0 >= pair[1].0) {
            Some(n) => Err(TableError::NotRising(n + 1)),
            None => Ok(Self(points)),
        }
    }

    /// The value of a raw reading; `None` beyond the first and the last point, and of a NaN.
    pub fn at(&self, raw: f64) -> Option<f64> {
        let behind = self.0.partition_point(|point| point.0 <= raw);
        let (before, last) = (self.0.get(behind.checked_sub(1)?)?, self.0.last()?);
        match self.0.get(behind) {
            Some(after) => Some(before.1 + (after.1 - before.1) * ((raw - before.0) / (after.0 - before.0))),
            None => (raw == last.0).then_some(last.1),
        }
    }
}

/// Why points are no [`Table`]. Points are counted from 0.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// So few points make no line.
    TooFew(usize),
    /// This point is a NaN or infinite.
    NotFinite(usize),
    /// The raw value of this point is not larger than that of the point before.
    NotRising(usize),
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew(points) => {
                write!(f, "invalid calibration table: {points} points make no line, give two or more")
            }
            Self::NotFinite(n) => write!(f, "invalid calibration table: point {n} is not finite"),
            Self::NotRising(n) => {
                write!(f, "invalid calibration table: point {n} does not follow the one before, sort them by raw value")
            }
        }
    }
}

impl fmt::Debug for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for TableError {}
