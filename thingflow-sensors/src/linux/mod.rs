//! What Linux knows of its machine, from `/proc`, `/sys` and `statvfs`, and the sensors that it has drivers for. None
//! of it needs special rights.
//!
//! | sensor | feature |
//! |---|---|
//! | load, processes, memory, disks, network, its links | `linux` |
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
mod counter;
mod error;
#[cfg(feature = "linux")]
mod link;
mod sysfs;

/// Declares the sensors, and what their tests have in common: one without `fed` in its tests does not build.
macro_rules! sources {
    ($($module:ident = $feature:literal: $($name:ident)+;)+) => {
        $(
            #[cfg(feature = $feature)]
            mod $module;
            #[cfg(feature = $feature)]
            pub use $module::{$($name),+};
        )+

        /// What each sends where the kernel's files have this number.
        #[cfg(test)]
        fn fed(number: &str) -> Vec<(&'static str, crate::chips::specimen::Fed)> {
            vec![$(#[cfg(feature = $feature)] (stringify!($module), $module::tests::fed(number))),+]
        }
    };
}

sources! {
    cpu_load = "linux": CpuLoad;
    dht22 = "dht22": Dht22;
    disk = "linux": Disk DiskValue;
    disk_io = "linux": DiskIo DiskIoValue;
    ds18b20 = "ds18b20": Ds18b20;
    hwmon = "hwmon": Hwmon;
    iio = "iio": Iio;
    memory = "linux": Memory MemoryValue;
    network = "linux": Network NetworkValue;
    processes = "linux": Process Processes;
    thermal = "sysfs": Thermal;
}

pub use error::LinuxError;
#[cfg(feature = "linux")]
pub use link::{Link, LinkState};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(number: &str) {
        for (name, fed) in fed(number) {
            assert!(fed.readings + fed.without > 0, "{name} has not been sampled");
            for (quantity, value) in fed.values {
                assert!(quantity.range().contains(&value), "{name}: {quantity:?} {value}, fed with {number}");
            }
        }
    }

    #[test]
    fn f22_no_source_sends_what_cannot_be() {
        for number in [
            "0",
            "-1",
            "4294967295",
            "-2147483648",
            "-650788984",
            "3892313987",
            "18446744073709551615",
            "1e308",
            "-1e308",
            "NaN",
            "inf",
            "",
            "85000",
            "-274000",
            "65535",
            "129000",
        ] {
            feed(number);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn f22_no_source_sends_what_cannot_be_whatever_the_kernel_says(number: i64, small in -500_000_i64..500_000) {
            feed(&number.to_string());
            feed(&number.unsigned_abs().to_string());
            feed(&small.to_string());
        }
    }
}
