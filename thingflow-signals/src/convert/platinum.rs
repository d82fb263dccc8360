//! Platinum resistance thermometers, by IEC 60751:2022: R(t) = R₀·(1 + A·t + B·t² + C·(t - 100)·t³), with C below 0 °C only.

const A: f64 = 3.9083e-3;
const B: f64 = -5.775e-7;
const C: f64 = -4.183e-12;

/// The range of the standard, in °C.
pub const RANGE: core::ops::RangeInclusive<f64> = -200.0..=850.0;

/// The resistance in ohms at a temperature in °C, of a thermometer of `nominal` ohms at 0 °C: 100 for a Pt100. `None` outside of
/// -200 to 850 °C.
///
/// ```
/// use thingflow_signals::convert::platinum;
/// assert_eq!(format!("{:.2}", platinum::ohms(100.0, 100.0).unwrap()), "138.51"); // as the standard's table says
/// ```
pub fn ohms(celsius: f64, nominal: f64) -> Option<f64> {
    RANGE.contains(&celsius).then(|| nominal * ratio(celsius))
}

fn ratio(t: f64) -> f64 {
    let cold = if t < 0.0 { C * (t - 100.0) * t * t * t } else { 0.0 };
    1.0 + A * t + B * t * t + cold
}

/// The temperature in °C at a resistance in ohms, of a thermometer of `nominal` ohms at 0 °C; to 10⁻⁹ K the inverse of
/// [`ohms`]. `None` outside of -200 to 850 °C: a wire that is broken or shorted.
///
/// ```
/// use thingflow_signals::convert::platinum;
/// assert_eq!(format!("{:.2}", platinum::celsius(60.256, 100.0).unwrap()), "-100.00");
/// assert_eq!(platinum::celsius(0.1, 100.0), None);
/// ```
pub fn celsius(ohms: f64, nominal: f64) -> Option<f64> {
    let wanted = ohms / nominal;
    let in_range = wanted >= ratio(*RANGE.start()) && wanted <= ratio(*RANGE.end());
    // The root of the part without C, then Newton's steps towards that with it.
    let warm = || (-A + libm::sqrt(A * A - 4.0 * B * (1.0 - wanted))) / (2.0 * B);
    in_range.then(|| (0..4).fold(warm(), |t, _| t - (ratio(t) - wanted) / slope(t)).clamp(*RANGE.start(), *RANGE.end()))
}

fn slope(t: f64) -> f64 {
    let cold = if t < 0.0 { C * (4.0 * t - 300.0) * t * t } else { 0.0 };
    A + 2.0 * B * t + cold
}
