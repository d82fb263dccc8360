//! Actuators: what turns events into light, motion, sound or text.
//!
//! An [`Actuator`] is a device that carries out commands and has a safe state; an [`ActuatorInput`] connects one to a
//! stream. The devices take any bus or pin of `embedded-hal` 1.0. Pins that are only high or low are in `gpio`.
//!
//! | module | what it drives | its commands | feature |
//! |---|---|---|---|
//! | [`pwm`] | a PWM output: a lamp, a fan, a heater | duty, 0 to 1 | `pwm` |
//! | [`sysfs_pwm`] | the PWM outputs of the kernel | (an output for the others) | `pwm` |
//! | [`servo`] | a servo on a PWM output | angle, degrees | `servo` |
//! | [`pca9685`] | sixteen more PWM outputs, on I2C | (outputs for the others) | `pca9685` |
//! | [`relay`] | a relay that must not switch too often | on or off | `relay` |
//! | [`buzzer`] | a buzzer | patterns of tones | `buzzer` |
//! | [`neopixel`] | a strip of coloured LEDs, on SPI | colours | `neopixel` |
//! | [`ssd1306`] | an OLED display, on I2C | text | `ssd1306` |
#![cfg_attr(
    not(all(
        feature = "buzzer",
        feature = "neopixel",
        feature = "pca9685",
        feature = "relay",
        feature = "servo",
        feature = "ssd1306"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

mod actuator;
#[cfg(feature = "buzzer")]
pub mod buzzer;
mod error;
#[cfg(feature = "neopixel")]
pub mod neopixel;
#[cfg(feature = "pwm")]
mod on_change;
#[cfg(feature = "pca9685")]
pub mod pca9685;
#[cfg(feature = "pwm")]
pub mod pwm;
#[cfg(feature = "relay")]
pub mod relay;
#[cfg(feature = "servo")]
pub mod servo;
#[cfg(feature = "pwm")]
mod simulated_pwm;
#[cfg(feature = "pwm")]
mod span;
#[cfg(feature = "ssd1306")]
pub mod ssd1306;
#[cfg(feature = "pwm")]
pub mod sysfs_pwm;

pub use actuator::{Actuator, ActuatorInput};
pub use error::ActuatorError;
#[cfg(feature = "pwm")]
pub use simulated_pwm::{PwmFault, SimulatedPwm};
