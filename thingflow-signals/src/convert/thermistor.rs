//! [`Thermistor`]: the temperature of an NTC.

use super::ZERO_CELSIUS;

/// The temperature of a thermistor by its resistance, by the equation of Steinhart and Hart: 1/T = A + B·ln R + C·(ln R)³
/// (J. S. Steinhart and S. R. Hart, *Calibration curves for thermistors*, Deep-Sea Research 15, 1968).
///
/// ```
/// use thingflow_signals::convert::Thermistor;
/// let ntc = Thermistor::beta(10_000.0, 25.0, 3950.0); // as data sheets say it: 10 kΩ at 25 °C
/// assert!((ntc.celsius(10_000.0).unwrap() - 25.0).abs() < 1e-9);
/// assert!(ntc.celsius(33_621.0).unwrap().abs() < 0.01);
/// assert_eq!(ntc.celsius(-1.0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thermistor {
    a: f64,
    b: f64,
    c: f64,
}

impl Thermistor {
    /// By its three coefficients, for ohms and kelvin.
    pub const fn new(a: f64, b: f64, c: f64) -> Self {
        Self { a, b, c }
    }

    /// By its resistance in ohms at a temperature in °C and its beta in kelvin, which is the equation without C: right to a
    /// few tenths of a kelvin around that temperature.
    ///
    /// # Panics
    /// If the resistance or beta is not positive, or the temperature is below absolute zero.
    #[track_caller]
    pub fn beta(ohms: f64, celsius: f64, beta: f64) -> Self {
        assert!(ohms > 0.0 && beta > 0.0, "a thermistor of {ohms} ohms with a beta of {beta} K: both are more than 0");
        assert!(celsius > -ZERO_CELSIUS, "a thermistor at {celsius} °C: that is below absolute zero");
        Self { a: 1.0 / (celsius + ZERO_CELSIUS) - libm::log(ohms) / beta, b: 1.0 / beta, c: 0.0 }
    }

    /// The temperature in °C; `None` for a resistance that is not positive, which is a wire that is broken or shorted, and
    /// where the equation has no temperature.
    pub fn celsius(&self, ohms: f64) -> Option<f64> {
        let log = libm::log(ohms);
        let celsius = 1.0 / (self.a + self.b * log + self.c * log * log * log) - ZERO_CELSIUS;
        (ohms > 0.0 && celsius.is_finite() && celsius > -ZERO_CELSIUS).then_some(celsius)
    }
}
