//! What is measured, out of noise: estimators that weigh what they know against what comes.
//!
//! | estimator | for | knows |
//! |---|---|---|
//! | [`Kalman`] | a value that drifts: temperature, level | how fast it drifts, how noisy the sensor is |
//! | [`AlphaBeta`] | a value and its rate, in the least time and memory | two shares |
//! | [`ConstantRate`] | a value and its rate, with their errors | how much the rate changes, how noisy the sensor is |
//! | [`Complementary`] | an angle out of a gyroscope and an accelerometer | which of them is right for how long |
#![cfg_attr(
    feature = "kalman",
    doc = "| [`LinearKalman`] | several states and several sensors | the matrices of a linear model |"
)]

mod alpha_beta;
mod complementary;
mod constant_rate;
mod kalman;
#[cfg(feature = "kalman")]
mod linear_kalman;
mod moving_variance;

pub use alpha_beta::AlphaBeta;
pub use complementary::Complementary;
pub use constant_rate::ConstantRate;
pub use kalman::Kalman;
#[cfg(feature = "kalman")]
pub use linear_kalman::LinearKalman;
pub use moving_variance::MovingVariance;

/// A value and how fast it changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueAndRate {
    /// The value, in the unit of the samples.
    pub value: f64,
    /// How much it changes in a second.
    pub rate: f64,
}

impl ValueAndRate {
    fn is_finite(self) -> bool {
        self.value.is_finite() && self.rate.is_finite()
    }
}
