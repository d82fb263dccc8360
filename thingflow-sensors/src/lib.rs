//! Sensors for `ThingFlow`: each is a [`Sensor`](thingflow_core::Sensor), so it knows its driver and nothing of time,
//! threads or events. Give one to [`SensorOutput::new`](thingflow_core::SensorOutput) or to a scheduler.
//!
//! | modules | sensors | feature |
//! |---|---|---|
//! | [`simulated`] | constant, sine, normally distributed, listed, recorded | none, `std`, `random`, `alloc` |
//! | `linux` | processor load, memory, temperatures, disks, network | `linux` (default) |
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
//! the page "All sensors" of the book has ranges, units, drivers, and how each was tested.
//!
//! Without features the crate needs neither `std` nor an allocator; the drivers run on microcontrollers as on a
//! Raspberry Pi, since they are written against [`embedded-hal`](https://docs.rs/embedded-hal) and not against a board.
//!
//! What they have in common:
//!
//! - A constructor does not touch the bus. The first sampling looks for the chip and sets it up, and so does the one after
//!   a failure: a sensor that was unplugged comes back by itself. [`ChipError`] says what to look at.
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
mod calibration;
mod chip;
mod conversion;
#[cfg(test)]
mod fake;
pub mod pin;
mod readings;
#[cfg(any(
    feature = "ads1115",
    feature = "adxl345",
    feature = "bme280",
    feature = "bmp390",
    feature = "ina219",
    feature = "mpu6050",
    feature = "tmp105",
    feature = "tsl2591",
    feature = "veml7700",
    feature = "vl53l0x"
))]
mod registers;
pub mod serial;
pub mod simulated;

#[cfg(feature = "ads1115")]
pub mod ads1115;
#[cfg(feature = "adxl345")]
pub mod adxl345;
#[cfg(feature = "bh1750")]
pub mod bh1750;
#[cfg(feature = "bme280")]
pub mod bme280;
#[cfg(feature = "bmp390")]
pub mod bmp390;
#[cfg(feature = "button")]
pub mod button;
#[cfg(feature = "hx711")]
pub mod hx711;
#[cfg(feature = "ina219")]
pub mod ina219;
#[cfg(all(feature = "sysfs", target_os = "linux"))]
pub mod linux;
#[cfg(feature = "lm75")]
pub mod lm75;
#[cfg(feature = "mcp3008")]
pub mod mcp3008;
#[cfg(feature = "mcp9808")]
pub mod mcp9808;
#[cfg(feature = "mpu6050")]
pub mod mpu6050;
#[cfg(feature = "pms5003")]
pub mod pms5003;
#[cfg(feature = "rotary")]
pub mod rotary;
#[cfg(feature = "scd4x")]
pub mod scd4x;
#[cfg(any(feature = "sht3x", feature = "sht4x"))]
mod sensirion;
#[cfg(feature = "sht3x")]
pub mod sht3x;
#[cfg(feature = "sht4x")]
pub mod sht4x;
#[cfg(feature = "tmp105")]
pub mod tmp105;
#[cfg(feature = "tsl2591")]
pub mod tsl2591;
#[cfg(feature = "veml7700")]
pub mod veml7700;
#[cfg(feature = "vl53l0x")]
pub mod vl53l0x;

pub use batch::{Batch, Spread};
pub use calibration::{Calibration, CalibrationError};
pub use chip::{Chip, ChipError, ChipFault};
pub use conversion::{Blocking, BlockingError, Conversion, Converting, Progress};
pub use readings::{Axes, Climate};
