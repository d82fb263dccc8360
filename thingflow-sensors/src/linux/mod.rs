//! What Linux knows of its machine, from `/proc`, `/sys` and `statvfs`, and the sensors that it has drivers for. None
//! of it needs special rights.
//!
//! | sensor | feature |
//! |---|---|
//! | load, memory, disks, network | `linux` |
//! | temperatures of the machine | `linux`, or any other of these |
//! | any device of industrial I/O: converters, light, pressure, acceleration | `iio` |
//! | any hardware monitor: voltages, fans, currents | `hwmon` |
//! | DS18B20 on 1-Wire | `ds18b20` |
//! | DHT22, DHT11 | `dht22` |
//!
//! Each sensor is looked for when it is made, so that a wrong name is refused at once and not at the first sampling. A
//! device that was unplugged and is back is found again by its name, whatever number the kernel gives it then.
//! The `under` constructors take a directory that stands for `/`: a container's view of its host, or a test's made-up
//! machine.

#[cfg(feature = "linux")]
mod cpu_load;
#[cfg(feature = "dht22")]
mod dht22;
#[cfg(feature = "linux")]
mod disk;
#[cfg(feature = "ds18b20")]
mod ds18b20;
mod error;
#[cfg(feature = "hwmon")]
mod hwmon;
#[cfg(feature = "iio")]
mod iio;
#[cfg(feature = "linux")]
mod memory;
#[cfg(feature = "linux")]
mod network;
mod sysfs;
mod thermal;

#[cfg(feature = "linux")]
pub use cpu_load::CpuLoad;
#[cfg(feature = "dht22")]
pub use dht22::Dht22;
#[cfg(feature = "linux")]
pub use disk::{Disk, DiskValue};
#[cfg(feature = "ds18b20")]
pub use ds18b20::Ds18b20;
pub use error::LinuxError;
#[cfg(feature = "hwmon")]
pub use hwmon::Hwmon;
#[cfg(feature = "iio")]
pub use iio::Iio;
#[cfg(feature = "linux")]
pub use memory::{Memory, MemoryValue};
#[cfg(feature = "linux")]
pub use network::{Network, NetworkValue};
pub use thermal::Thermal;
