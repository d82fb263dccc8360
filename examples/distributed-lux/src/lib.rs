//! A device that measures light and a server that stores and analyses it, over MQTT. Here is what each does; the programs
//! `lux-device` and `lux-server` do it on two machines, `distributed-lux` in one process with a broker of its own.

mod device;
mod server;

pub use device::device;
pub use server::{Finding, server};

use std::fmt::Display;

use thingflow::SensorEvent;

/// What goes over the wire, as JSON: which device, when, how many lux.
pub type Lux = SensorEvent<f64>;

/// Where a device publishes; a server listens to `lux/+`.
fn topic(device: impl Display) -> String {
    format!("lux/{device}")
}
