//! Readings of several values that more than one sensor gives.

use crate::Values;

/// The temperature and the humidity of air.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Climate {
    /// The temperature in degrees Celsius.
    pub temperature: f64,
    /// The relative humidity in percent, 0 to 100.
    pub humidity: f64,
}

impl Climate {
    /// The temperature at which dew falls, in degrees Celsius: Magnus' formula, good to 0.4 between -40 and 60. Not a number
    /// for a humidity of 0.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use thingflow_sensors::Climate;
    /// let bath = Climate { temperature: 25.0, humidity: 60.0 };
    /// assert!((bath.dew_point() - 16.7).abs() < 0.05);
    /// # }
    /// ```
    #[cfg(feature = "std")]
    pub fn dew_point(&self) -> f64 {
        let Self { temperature, humidity } = self;
        let gamma = (humidity / 100.0).ln() + 17.62 * temperature / (243.12 + temperature);
        243.12 * gamma / (17.62 - gamma)
    }
}

/// Something along three directions, as they are printed on the module.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Axes {
    /// Along or around the arrow X.
    pub x: f32,
    /// Along or around the arrow Y.
    pub y: f32,
    /// Along or around the arrow Z, which points away from the board.
    pub z: f32,
}

impl Axes {
    /// One standard gravity, in metres per second squared.
    pub const GRAVITY: f32 = 9.806_65;

    /// All three times a factor.
    #[must_use]
    pub fn times(self, factor: f32) -> Self {
        Self { x: self.x * factor, y: self.y * factor, z: self.z * factor }
    }

    /// The square of the length: what to compare for a shock or a fall, without the time that a root takes.
    ///
    /// ```
    /// use thingflow_sensors::Axes;
    /// let rest = Axes { x: 0.0, y: 0.0, z: Axes::GRAVITY };
    /// assert!(rest.length_squared() < (1.1 * Axes::GRAVITY).powi(2));
    /// ```
    pub fn length_squared(self) -> f32 {
        self.x * self.x + self.y * self.y + self.z * self.z
    }
}

/// A reading of several values: each of its fields has a quantity of the sensor, in this order.
macro_rules! fields {
    ($reading:ty: $($field:ident $at:literal),+) => {
        impl $crate::Values for $reading {
            fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
                $(self.$field.try_each(&mut |_, value| admit($at, value))?;)+
                Ok(())
            }
        }
    };
}

#[allow(unused_imports)] // a build without a sensor of several values
pub(crate) use fields;

fields!(Climate: temperature 0, humidity 1);

/// One quantity for all three.
impl Values for Axes {
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        [&mut self.x, &mut self.y, &mut self.z].into_iter().try_for_each(|value| value.try_each(admit))
    }
}

#[cfg(all(test, feature = "std", feature = "serde", feature = "postcard"))]
mod tests {
    use super::*;

    #[test]
    fn readings_are_types_of_serde() {
        let climate = Climate { temperature: 21.3, humidity: 48.0 };
        let mut bytes = [0; 32];
        let bytes = postcard::to_slice(&climate, &mut bytes).expect("room");
        assert_eq!(postcard::from_bytes::<Climate>(bytes), Ok(climate));
    }
}
