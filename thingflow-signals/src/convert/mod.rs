//! Units out of raw readings: calibrations, and formulas with their sources.
//!
//! | function | gives |
//! |---|---|
//! | [`polynomial`] | a calibration by its coefficients |
//! | [`Table`] | a calibration by points, straight between them |
//! | [`Thermistor`] | °C of an NTC's resistance |
//! | [`platinum`] | °C of a Pt100's or Pt1000's resistance, and back |
//! | [`air`] | dew point, absolute humidity, altitude, pressure at sea level, density |

pub mod air;
pub mod platinum;
mod table;
mod thermistor;

pub use table::{Table, TableError};
pub use thermistor::Thermistor;

/// 0 °C in kelvin.
pub(crate) const ZERO_CELSIUS: f64 = 273.15;

/// The value of a polynomial, by its coefficients from that of x⁰ on (Horner's scheme).
///
/// ```
/// use thingflow_signals::convert::polynomial;
/// assert_eq!(polynomial(2.0, &[1.0, 0.5, 3.0]), 14.0); // 1 + 0.5·2 + 3·4
/// ```
pub fn polynomial(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |value, coefficient| value * x + coefficient)
}
