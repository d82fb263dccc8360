//! A filter with a model of its own: it predicts what the boiler does in a second, and lets each reading correct it.
//!
//! For a value of which no more is known than that it drifts there is `estimate::Kalman`, for one with a rate
//! `estimate::ConstantRate`, and for several states `estimate::LinearKalman`.

use thingflow::prelude::*;

use crate::boiler::{HEATING, LOSS, NOISE, ROOM, Reading};

/// How far the model may be off in a second, as a standard deviation in °C.
const DOUBT: f64 = 0.05;

/// Sends each reading with the temperature that the boiler has by model and readings together.
pub(crate) struct BoilerModel {
    celsius: Option<f64>,
    /// Of the estimate.
    variance: f64,
}

impl BoilerModel {
    pub(crate) const fn new() -> Self {
        Self { celsius: None, variance: NOISE * NOISE }
    }

    /// What the boiler does in a second, by all that is known of it.
    fn predict(&mut self, before: f64, heater_is_on: bool) -> f64 {
        self.variance = (1.0 - LOSS).powi(2) * self.variance + DOUBT * DOUBT;
        before + LOSS * (ROOM - before) + if heater_is_on { HEATING } else { 0.0 }
    }

    /// How much of the difference a reading is worth depends on who is more certain.
    fn correct(&mut self, predicted: f64, reading: f64) -> f64 {
        let gain = self.variance / (self.variance + NOISE * NOISE);
        self.variance *= 1.0 - gain;
        predicted + gain * (reading - predicted)
    }
}

impl Filter<Reading> for BoilerModel {
    type Out = (Reading, f64);
    fn on_next(&mut self, reading: Reading, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let celsius = match self.celsius {
            None => reading.celsius,
            Some(before) => {
                let predicted = self.predict(before, reading.heater_is_on);
                self.correct(predicted, reading.celsius)
            }
        };
        self.celsius = Some(celsius);
        out.next((reading, celsius))
    }
}
