//! Sensors for `ThingFlow`: each is a [`Sensor`](thingflow_core::Sensor), so it knows its driver and nothing of time,
//! threads or events. Give one to [`SensorOutput::new`](thingflow_core::SensorOutput) or to a scheduler.
//!
//! | module | sensors | feature |
//! |---|---|---|
//! | [`simulated`] | constant, sine, normally distributed, listed, recorded | none, `std`, `random`, `alloc` |
//! | `linux` | processor load, memory, temperatures, disks, network | `linux` (default) |
//! | `tsl2591` | light, on an I2C bus | `tsl2591` |
//!
//! Without features the crate needs neither `std` nor an allocator; the drivers run on microcontrollers as on a
//! Raspberry Pi, since they are written against [`embedded-hal`](https://docs.rs/embedded-hal) and not against a board.
//!
//! A sensor that blocks for more than a few milliseconds says so; it belongs on an edge thread.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod linux;
pub mod simulated;
#[cfg(feature = "tsl2591")]
pub mod tsl2591;
