//! [`Quantity`]: what a sensor measures, in which unit and range; and the check that each reading passes.

use core::error::Error;
use core::fmt;
use core::ops::RangeInclusive;

/// A quantity that a sensor measures, with its unit and the range that the sensor's documentation gives.
///
/// Each driver of this crate declares its quantities ([`Measures`]), and a value outside of the range, or one that is not a
/// number, never leaves it: that sampling fails. A driver of your own can use the same check.
///
/// ```
/// use thingflow_sensors::Quantity;
/// const TEMPERATURE: Quantity = Quantity::new("temperature", "°C", -40.0..=85.0);
/// assert_eq!(TEMPERATURE.check(21.5), Ok(21.5));
/// let error = TEMPERATURE.check(-140.88).unwrap_err();
/// assert_eq!(error.to_string(), "temperature of -140.88 °C is outside of the range from -40 to 85 °C");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    name: &'static str,
    unit: &'static str,
    min: f64,
    max: f64,
    /// What lies within these is cut off to the range.
    cut_min: f64,
    cut_max: f64,
}

impl Quantity {
    /// A quantity whose values lie within `range`, ends included. The unit is empty where there is none.
    pub const fn new(name: &'static str, unit: &'static str, range: RangeInclusive<f64>) -> Self {
        let (min, max) = (*range.start(), *range.end());
        Self { name, unit, min, max, cut_min: min, cut_max: max }
    }

    /// Values outside of the range but within `wider` are cut off to the nearer end: for sensors that read a little beyond
    /// their ends.
    #[must_use]
    pub const fn cut_off(self, wider: RangeInclusive<f64>) -> Self {
        Self { cut_min: *wider.start(), cut_max: *wider.end(), ..self }
    }

    /// What is measured, such as `humidity`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The unit, such as `hPa`; empty if it is a mere number.
    pub const fn unit(&self) -> &'static str {
        self.unit
    }

    /// The least and the greatest value.
    pub const fn range(&self) -> RangeInclusive<f64> {
        self.min..=self.max
    }

    /// The value as it may be sent.
    ///
    /// # Errors
    /// If it is outside of the range, or not a number.
    pub fn check(&self, value: f64) -> Result<f64, OutOfRange> {
        // A NaN lies in no range.
        if (self.min..=self.max).contains(&value) {
            Ok(value)
        } else if (self.cut_min..=self.cut_max).contains(&value) {
            Ok(value.clamp(self.min, self.max))
        } else {
            Err(OutOfRange { quantity: *self, value })
        }
    }
}

/// A sensor that says beforehand what it measures. All drivers of this crate do.
///
/// ```
/// # #[cfg(feature = "tmp105")] {
/// use embedded_hal::i2c::I2c;
/// use thingflow_sensors::{Measures, tmp105::Tmp105};
/// fn label(room: &Tmp105<impl I2c>) -> String {
///     room.quantities().as_ref().iter().map(|quantity| format!("{} [{}]", quantity.name(), quantity.unit())).collect()
/// }
/// # }
/// ```
pub trait Measures {
    /// The quantities of a reading, in the order of its fields. An array or a batch has one for all its elements.
    fn quantities(&self) -> impl AsRef<[Quantity]>;
}

/// A reading made of numbers, each of which belongs to one of the sensor's quantities.
pub trait Values {
    /// Replaces each number by what `admit` makes of it. `admit` is also told the place of its quantity among those of the
    /// sensor, from 0.
    ///
    /// # Errors
    /// The first error of `admit`.
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E>;
}

impl Values for f64 {
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        *self = admit(0, *self)?;
        Ok(())
    }
}

impl Values for f32 {
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        *self = admit(0, (*self).into())? as Self;
        Ok(())
    }
}

impl Values for u16 {
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        *self = admit(0, (*self).into())? as Self;
        Ok(())
    }
}

impl<T: Values> Values for Option<T> {
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        self.as_mut().map_or(Ok(()), |value| value.try_each(admit))
    }
}

impl<T: Values, const N: usize> Values for [T; N] {
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        self.iter_mut().try_for_each(|value| value.try_each(admit))
    }
}

/// The check that each reading passes before it leaves its driver.
pub(crate) fn check<R: Values>(quantities: &[Quantity], reading: &mut R) -> Result<(), OutOfRange> {
    reading.try_each(&mut |place, value| match quantities.get(place) {
        Some(quantity) => quantity.check(value),
        None => UNDECLARED.check(value), // no driver has one: a test goes through all of them
    })
}

/// What nobody has declared is never sent.
const UNDECLARED: Quantity = Quantity::new("undeclared value", "", f64::NAN..=f64::NAN);

/// A value that is outside of the range of its quantity, or is not a number.
#[derive(Clone, Copy, PartialEq)]
pub struct OutOfRange {
    /// What was measured.
    pub quantity: Quantity,
    /// The value.
    pub value: f64,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quantity: Quantity { name, unit, min, max, .. }, value } = *self;
        let blank = if unit.is_empty() { "" } else { " " };
        if value.is_nan() {
            write!(f, "{name} is not a number, unlike those of the range ")?;
        } else {
            write!(f, "{name} of {value}{blank}{unit} is outside of the range ")?;
        }
        write!(f, "from {min} to {max}{blank}{unit}")
    }
}

/// As `Display`.
impl fmt::Debug for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for OutOfRange {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HUMIDITY: Quantity = Quantity::new("humidity", "%", 0.0..=100.0).cut_off(-6.0..=119.0);

    #[test]
    fn f20_a_value_outside_of_its_range_is_refused_with_a_text_that_names_both() {
        let error = HUMIDITY.check(129.0).unwrap_err();
        assert_eq!(error.to_string(), "humidity of 129 % is outside of the range from 0 to 100 %");
        assert_eq!(format!("{error:?}"), error.to_string());
        let error = HUMIDITY.check(f64::NAN).unwrap_err();
        assert_eq!(error.to_string(), "humidity is not a number, unlike those of the range from 0 to 100 %");
        let error = Quantity::new("errors", "", 0.0..=9.0).check(f64::INFINITY).unwrap_err();
        assert_eq!(error.to_string(), "errors of inf is outside of the range from 0 to 9");
    }

    #[test]
    fn a_little_beyond_the_ends_is_cut_off() {
        assert_eq!(
            [-6.0, -0.1, 100.5, 119.0].map(|value| HUMIDITY.check(value)),
            [Ok(0.0), Ok(0.0), Ok(100.0), Ok(100.0)]
        );
        assert!(HUMIDITY.check(-6.1).is_err() && HUMIDITY.check(119.1).is_err());
    }

    #[test]
    fn what_is_not_declared_is_refused() {
        assert!(check(&[HUMIDITY], &mut [1.0, 2.0]).is_ok());
        assert!(check(&[], &mut 1.0).is_err());
    }

    proptest! {
        #[test]
        fn what_passes_lies_within_the_range(value in proptest::num::f64::ANY) {
            prop_assert!(HUMIDITY.check(value).is_ok_and(|value| HUMIDITY.range().contains(&value))
                || !(-6.0..=119.0).contains(&value));
        }
    }
}
