//! The accelerometer of a pump, simulated: batches of samples, as its queue has them.

use std::f64::consts::TAU;

use thingflow::prelude::*;

/// Samples a second.
pub(crate) const RATE: f64 = 1000.0;
/// How many there are in a batch.
pub(crate) const BATCH: usize = 100;
/// The pump turns so often a second.
const TURNS: f64 = 25.0;
/// How long the simulation is, in samples.
const LENGTH: usize = 20_000;

pub(crate) struct Pump {
    sample: usize,
    random: u64,
}

impl Pump {
    pub(crate) const fn new() -> Self {
        Self { sample: 0, random: 1 }
    }

    /// In m/s²: an imbalance, noise, and a crack in the bearing that grows from the tenth second on.
    fn next_sample(&mut self) -> f64 {
        let time = self.sample as f64 / RATE;
        self.sample += 1;
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = (self.random >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
        let crack = ((time - 10.0) / 10.0).max(0.0);
        2.0 * (TAU * TURNS * time).sin() + 2.0 * crack * (TAU * 3.6 * TURNS * time).sin() + noise
    }
}

impl Source for Pump {
    type Item = Vec<f64>;
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<Vec<f64>>, Failure> {
        if self.sample >= LENGTH {
            return Ok(None);
        }
        Ok(Some((0..BATCH).map(|_| self.next_sample()).collect()))
    }
}
