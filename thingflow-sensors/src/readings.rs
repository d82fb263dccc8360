//! Readings of several values that more than one sensor gives, and what columns all such readings have in a file.

use core::fmt::Display;

use thingflow_core::{Columns, FromColumns, WrongColumn};

/// The warmth and the moisture of air.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Climate {
    /// The temperature in degrees Celsius.
    pub celsius: f64,
    /// The relative humidity in percent, 0 to 100.
    pub percent: f64,
}

impl Climate {
    /// The temperature at which dew falls, in degrees Celsius: Magnus' formula, good to 0.4 between -40 and 60.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use thingflow_sensors::Climate;
    /// let bath = Climate { celsius: 25.0, percent: 60.0 };
    /// assert!((bath.dew_point() - 16.7).abs() < 0.05);
    /// # }
    /// ```
    #[cfg(feature = "std")]
    pub fn dew_point(&self) -> f64 {
        let Self { celsius, percent } = self;
        let gamma = (percent / 100.0).ln() + 17.62 * celsius / (243.12 + celsius);
        243.12 * gamma / (17.62 - gamma)
    }
}

/// Something along three directions, as they are printed on the module.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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

/// A reading whose columns are its fields.
macro_rules! fields {
    ($reading:ty: $($field:ident $at:literal),+) => {
        impl Columns for $reading {
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];
            fn each_column(&self, see: &mut dyn FnMut(&dyn Display)) {
                $(self.$field.each_column(see);)+
            }
        }
        impl FromColumns for $reading {
            fn from_columns(texts: &[&str]) -> Result<Self, WrongColumn> {
                Ok(Self { $($field: FromColumns::at_column(texts, $at)?),+ })
            }
        }
    };
}

fields!(Climate: celsius 0, percent 1);
fields!(Axes: x 0, y 1, z 2);
#[cfg(feature = "bme280")]
fields!(crate::bme280::Weather: celsius 0, percent 1, hectopascals 2);
#[cfg(feature = "bmp390")]
fields!(crate::bmp390::Barometer: hectopascals 0, celsius 1);
#[cfg(feature = "ina219")]
fields!(crate::ina219::Supply: volts 0, amperes 1, watts 2);
#[cfg(feature = "scd4x")]
fields!(crate::scd4x::Air: co2_ppm 0, celsius 1, percent 2);

#[cfg(feature = "mpu6050")]
impl Columns for crate::mpu6050::Motion {
    const NAMES: &'static [&'static str] =
        &["acceleration_x", "acceleration_y", "acceleration_z", "rotation_x", "rotation_y", "rotation_z"];
    fn each_column(&self, see: &mut dyn FnMut(&dyn Display)) {
        self.acceleration.each_column(see);
        self.rotation.each_column(see);
    }
}

#[cfg(feature = "mpu6050")]
impl FromColumns for crate::mpu6050::Motion {
    fn from_columns(texts: &[&str]) -> Result<Self, WrongColumn> {
        Ok(Self { acceleration: FromColumns::at_column(texts, 0)?, rotation: FromColumns::at_column(texts, 3)? })
    }
}

#[cfg(feature = "pms5003")]
impl Columns for crate::pms5003::Dust {
    const NAMES: &'static [&'static str] =
        &["pm1", "pm2_5", "pm10", "over_0_3", "over_0_5", "over_1", "over_2_5", "over_5", "over_10"];
    fn each_column(&self, see: &mut dyn FnMut(&dyn Display)) {
        [self.pm1, self.pm2_5, self.pm10].each_column(see);
        self.counts.each_column(see);
    }
}

#[cfg(feature = "pms5003")]
impl FromColumns for crate::pms5003::Dust {
    fn from_columns(texts: &[&str]) -> Result<Self, WrongColumn> {
        let [pm1, pm2_5, pm10] = FromColumns::at_column(texts, 0)?;
        Ok(Self { pm1, pm2_5, pm10, counts: FromColumns::at_column(texts, 3)? })
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    fn back<T: FromColumns>(reading: &T) -> (T, std::vec::Vec<std::string::String>) {
        let mut texts = std::vec::Vec::new();
        reading.each_column(&mut |value| texts.push(std::string::ToString::to_string(value)));
        assert_eq!(texts.len(), T::NAMES.len());
        let read = T::from_columns(&texts.iter().map(AsRef::as_ref).collect::<std::vec::Vec<_>>());
        (read.expect("what was shown"), texts)
    }

    #[test]
    fn readings_come_back_from_their_columns() {
        let climate = Climate { celsius: 21.3, percent: 48.0 };
        assert_eq!(back(&climate).0, climate);
        let axes = Axes { x: 0.1, y: -2.0, z: Axes::GRAVITY };
        assert_eq!(back(&axes).0, axes);
        assert_eq!(Climate::NAMES, ["celsius", "percent"]);
        let wrong = Climate::from_columns(&["1", "wet"]).unwrap_err();
        assert_eq!(wrong, WrongColumn { column: 1, expected: "f64" });
    }

    #[test]
    #[cfg(feature = "bme280")]
    fn a_missing_humidity_is_an_empty_column() {
        let weather = crate::bme280::Weather { celsius: 21.3, percent: None, hectopascals: 1013.25 };
        let (read, texts) = back(&weather);
        assert_eq!((read, texts), (weather, ["21.3", "", "1013.25"].map(Into::into).into()));
    }

    #[test]
    #[cfg(all(feature = "mpu6050", feature = "pms5003"))]
    fn fields_of_several_values_have_several_columns() {
        let along = Axes { x: 1.0, y: 2.0, z: 3.0 };
        let motion = crate::mpu6050::Motion { acceleration: along, rotation: along.times(2.0) };
        assert_eq!(back(&motion).0, motion);
        let dust = crate::pms5003::Dust { pm1: 1.0, pm2_5: 2.0, pm10: 3.0, counts: [6, 5, 4, 3, 2, 1] };
        assert_eq!(back(&dust).0, dust);
    }
}
