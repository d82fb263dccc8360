//! Sensors for `ThingFlow`: each is a [`Sensor`](thingflow_core::Sensor), so it knows its driver and nothing of time,
//! threads or events. Give one to [`SensorOutput::new`](thingflow_core::SensorOutput) or to a scheduler.
//!
//! | modules | sensors | feature |
//! |---|---|---|
//! | [`simulated`] | constant, sine, normally distributed, listed, recorded | none, `std`, `random`, `alloc` |
//! | `linux` | processor load, memory, temperatures, disks, network | `linux` |
//! | | any device that the kernel knows; DS18B20, DHT22 | `iio`, `hwmon`, `ds18b20`, `dht22` |
//! | `bh1750` `tsl2591` `veml7700` | light | one each, of the module's name |
//! | `lm75` `mcp9808` `tmp105` `sht3x` `sht4x` | temperature, humidity | " |
//! | `bme280` `bmp390` `scd4x` | pressure, CO2 | " |
//! | `adxl345` `mpu6050` `vl53l0x` | motion, distance | " |
//! | `ads1115` `mcp3008` `hx711` `ina219` | voltages, weight, power | " |
//! | [`pin`] | any pin | none |
//! | `button` `rotary` | what hands do | " |
//! | [`serial`], `pms5003` | boards behind a serial line; dust | none, `tty`, `postcard`, `pms5003` |
//! | [`bus`] | what chips hang on; the buses of Linux | none, `linux-bus` |
//!
//! The page "All sensors" of the book has ranges, units, drivers, and how each was tested.
//!
//! Without features the crate needs neither `std` nor an allocator; the drivers run on microcontrollers as on a
//! Raspberry Pi, since they are written against [`embedded-hal`](https://docs.rs/embedded-hal) and not against a board.
//!
//! What they have in common:
//!
//! - A constructor does not touch the bus. The first sampling looks for the chip: a sensor that was unplugged comes back by
//!   itself. [`ChipError`] says what to look at.
//! - Each declares what it measures, in which unit and range: see [`Measures`]. A value outside of the range, or one that is
//!   not a number, is a failed sampling and never an event.
//! - The first sampling writes every setting that the readings depend on, and so does the one after a failure: what another
//!   program left in a chip does not count.
//! - A sensor that blocks for more than a few milliseconds says so; it belongs on an edge thread. One that only has to
//!   wait for its chip is a [`Conversion`]: started, and read when it is ready.
//! - One that collects samples by itself gives a [`Batch`]; [`Spread`] makes events of it, each with its own time.
//! - Several on one bus, and a bus that fails: see [`bus`].
//! - What a raw value means: see [`Calibration`].
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod batch;
pub mod bus;
#[cfg(feature = "button")]
pub mod button;
mod calibration;
mod chip;
mod chips;
mod conversion;
#[allow(dead_code, unused_imports, unused_macros)] // a build with a single sensor needs some of it
mod driver;
#[cfg(all(feature = "sysfs", target_os = "linux"))]
pub mod linux;
mod moment;
pub mod pin;
mod quantity;
mod readings;
#[cfg(feature = "rotary")]
pub mod rotary;
pub mod serial;
pub mod simulated;

pub use batch::{Batch, Spread};
pub use calibration::{Calibration, CalibrationError};
pub use chip::{Chip, ChipError, ChipFault};
#[allow(unreachable_pub, unused_imports)] // a build without chips
pub use chips::*; // each chip is a module at the root
pub use conversion::{Blocking, BlockingError, Conversion, Converting, Progress};
pub use quantity::{Measures, OutOfRange, Quantity, Values};
pub use readings::{Axes, Climate};
