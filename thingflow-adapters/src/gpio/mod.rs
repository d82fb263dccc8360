//! Pins: [`pin_out`] drives one by the events of a stream, [`chardev`] makes events of a line's changes. (To sample a pin,
//! as a sensor, is `pin_in` of the sensors.)
//!
//! `pin_out` takes any pin of `embedded-hal` 1.0: a line of the kernel ([`chardev`]), a pin of an I2C expander, a pin of a
//! microcontroller, or a [`SimulatedPin`] on the desk.
//!
//! ```
//! use thingflow_adapters::gpio::{SimulatedPin, pin_out};
//! use thingflow_core::prelude::*;
//! let led = SimulatedPin::new();
//! let lux = [20.0, 30.0, 31.0, 10.0];
//! pipe::<f64>().map(|lux| lux > 25.0).to(pin_out("led", led.clone())).feed(lux)?;
//! assert_eq!(led.writes(), [false, true, false]); // at the start, then on changes only
//! # Ok::<(), RunError>(())
//! ```
#![cfg_attr(not(all(feature = "gpiocdev", target_os = "linux")), allow(rustdoc::broken_intra_doc_links))]

#[cfg(all(feature = "gpiocdev", target_os = "linux"))]
pub mod chardev;
mod error;
mod output;
#[cfg(all(feature = "rpi", target_os = "linux"))]
pub mod rppal;
mod simulated;

pub use embedded_hal::digital::PinState;
pub use error::GpioError;
pub use output::{PinOut, pin_out};
pub use simulated::{PinFault, SimulatedPin};
