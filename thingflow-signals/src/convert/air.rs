//! Air: moisture, pressure, density. Temperatures are in °C, relative humidities in % over water, pressures in pascals.

use super::ZERO_CELSIUS;

/// Of the Magnus formula: per cent of what, and the two shapes.
const MAGNUS: (f64, f64, f64) = (610.94, 17.625, 243.04);
/// Molar gas constant, J/(mol·K) (SI, 2019).
const GAS: f64 = 8.314_462_618;
/// Molar masses of dry air and of water, kg/mol.
const DRY_AIR: f64 = 0.028_964_4;
const WATER: f64 = 0.018_015_28;

/// The pressure of saturated water vapour over water in pascals, by the Magnus formula with the coefficients of O. A. Alduchov
/// and R. E. Eskridge (*Improved Magnus Form Approximation of Saturation Vapor Pressure*, Journal of Applied Meteorology 35,
/// 1996): right to 0.4 % from -40 to 50 °C.
///
/// ```
/// assert!((thingflow_signals::convert::air::saturation_pressure(20.0) - 2333.4).abs() < 0.1);
/// ```
pub fn saturation_pressure(celsius: f64) -> f64 {
    let (scale, b, c) = MAGNUS;
    scale * libm::exp(b * celsius / (c + celsius))
}

/// The temperature in °C at which the air's moisture becomes dew: the inverse of [`saturation_pressure`]. `None` for a humidity
/// that is not above 0.
///
/// ```
/// let dew_point = thingflow_signals::convert::air::dew_point(25.0, 50.0).unwrap();
/// assert!((dew_point - 13.85).abs() < 0.01);
/// ```
pub fn dew_point(celsius: f64, humidity: f64) -> Option<f64> {
    let (_, b, c) = MAGNUS;
    let gamma = libm::log(humidity / 100.0) + b * celsius / (c + celsius);
    (humidity > 0.0 && gamma.is_finite() && gamma < b).then(|| c * gamma / (b - gamma))
}

/// Grams of water in a cubic metre of air.
///
/// ```
/// assert!((thingflow_signals::convert::air::absolute_humidity(20.0, 50.0) - 8.62).abs() < 0.01);
/// ```
pub fn absolute_humidity(celsius: f64, humidity: f64) -> f64 {
    let vapour = saturation_pressure(celsius) * humidity / 100.0;
    1000.0 * vapour * WATER / (GAS * (celsius + ZERO_CELSIUS))
}

/// Of the standard atmosphere up to 11 km (ISO 2533:1975): metres of 288.15 K / 6.5 K/km, and the exponent R·L / (g·M).
const STANDARD: (f64, f64) = (44_330.769_230_769, 0.190_263_2);

/// The altitude in metres at a pressure, where `sea_level` is the pressure at sea level, 101,325 Pa in the standard atmosphere
/// (ISO 2533). The weather moves the pressure by as much as 250 m do. `None` if a pressure is not above 0.
///
/// ```
/// let metres = thingflow_signals::convert::air::altitude(89_874.6, 101_325.0).unwrap();
/// assert!((metres - 1000.0).abs() < 0.1);
/// ```
pub fn altitude(pressure: f64, sea_level: f64) -> Option<f64> {
    let (scale, exponent) = STANDARD;
    (pressure > 0.0 && sea_level > 0.0).then(|| scale * (1.0 - libm::pow(pressure / sea_level, exponent)))
}

/// The pressure at sea level in pascals, of a station at an altitude in metres: what weather maps show. `None` above 44 km.
///
/// ```
/// let pascals = thingflow_signals::convert::air::sea_level_pressure(89_874.6, 1000.0).unwrap();
/// assert!((pascals - 101_325.0).abs() < 2.0);
/// ```
pub fn sea_level_pressure(pressure: f64, altitude: f64) -> Option<f64> {
    let (scale, exponent) = STANDARD;
    let share = 1.0 - altitude / scale;
    (share > 0.0).then(|| pressure / libm::pow(share, 1.0 / exponent))
}

/// The density of moist air in kg/m³, as a mixture of ideal gases: right to 0.1 % at the pressures and temperatures of weather.
///
/// ```
/// assert!((thingflow_signals::convert::air::density(15.0, 0.0, 101_325.0) - 1.225).abs() < 0.001);
/// ```
pub fn density(celsius: f64, humidity: f64, pressure: f64) -> f64 {
    let vapour = saturation_pressure(celsius) * humidity / 100.0;
    ((pressure - vapour) * DRY_AIR + vapour * WATER) / (GAS * (celsius + ZERO_CELSIUS))
}
