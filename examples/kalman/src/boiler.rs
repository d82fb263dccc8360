//! The boiler: what it does, and what its thermometer says of it.

/// How many degrees the heater adds in a second.
pub(crate) const HEATING: f64 = 0.5;
/// The share of its distance from the room that it loses in a second.
pub(crate) const LOSS: f64 = 0.004;
/// The temperature of the room, in °C.
pub(crate) const ROOM: f64 = 20.0;
/// The standard deviation of the thermometer, in °C.
pub(crate) const NOISE: f64 = 2.0;

/// What comes in each second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// What the thermometer says.
    pub(crate) celsius: f64,
    pub(crate) heater_is_on: bool,
    /// What it is. A program does not know it.
    pub(crate) truth: f64,
}

pub(crate) struct Boiler {
    celsius: f64,
    random: u64,
}

impl Boiler {
    pub(crate) fn new(celsius: f64) -> Self {
        Self { celsius, random: 1 }
    }

    pub(crate) fn second(&mut self, heater_is_on: bool) -> Reading {
        self.celsius += LOSS * (ROOM - self.celsius) + if heater_is_on { HEATING } else { 0.0 };
        // The sum of twelve even numbers is nearly normal, with a deviation of 1.
        let normal: f64 = (0..12).map(|_| self.even()).sum::<f64>() - 6.0;
        Reading { celsius: self.celsius + NOISE * normal, heater_is_on, truth: self.celsius }
    }

    /// From 0 to 1; the same in each run.
    fn even(&mut self) -> f64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }
}
