//! Readings of several values that more than one sensor gives.

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
