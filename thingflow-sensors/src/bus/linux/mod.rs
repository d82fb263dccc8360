//! The buses of Linux: I2C through `/dev/i2c-1`, SPI through `/dev/spidev0.0` (feature `linux-bus`).
//!
//! ```no_run
//! # #[cfg(feature = "tsl2591")] {
//! use thingflow_sensors::{bus::linux::I2cBus, tsl2591::Tsl2591};
//! let lux = Tsl2591::new("lux", I2cBus::open(1)?);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The traits are those of `embedded-hal`, so every driver fits. What `linux-embedded-hal`, which is underneath, leaves
//! open: errors say in a sentence what to do, and tell a chip that is missing from a bus that is stuck; several chips on
//! one bus need one descriptor; parts of one transfer go to every controller as one.
//!
//! # A bus that is stuck
//! A chip that was interrupted in the middle of a byte holds the data line down until somebody clocks the rest out. Only
//! the kernel can: its driver has the lines. That of the Raspberry Pi 5 does it by itself, when a transfer has found the
//! bus stuck; that of the older ones (`i2c-bcm2835`) cannot. There a bus over ordinary pins helps
//! (`dtoverlay=i2c-gpio,bus=3`), which clocks on whatever the data line does, or a pin that takes the chips' power away
//! for a moment. To open the device anew frees no line; it is right for an adapter on USB that was unplugged.

mod error;
mod i2c;
mod spi;

pub use embedded_hal::spi::{MODE_0, MODE_1, MODE_2, MODE_3, Mode};
pub use error::BusError;
pub use i2c::I2cBus;
pub use spi::Spi;
