//! [`Spi`]: a device on an SPI bus of Linux.

use std::path::{Path, PathBuf};

use embedded_hal::spi::{ErrorType, Mode, Operation, Phase, Polarity, SpiBus, SpiDevice};
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use linux_embedded_hal::{SPIError, SpidevDevice};

use super::BusError;
use super::error::Step;

/// A device on an SPI bus of Linux, with its select line: `/dev/spidev0.0` is that at the pin CE0 of a Raspberry Pi,
/// `/dev/spidev0.1` that at CE1. Who may use it: root, and on Raspberry Pi OS the group `spi`.
///
/// ```no_run
/// # #[cfg(feature = "mcp3008")] {
/// use thingflow_sensors::{bus::linux::Spi, mcp3008::Mcp3008};
/// let volts = Mcp3008::new("probe", Spi::open("/dev/spidev0.0", 1_000_000)?, 3.3, [0, 1]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | for | hertz |
/// |---|---|
/// | MCP3008 at 3.3 V | 1,000,000 (at most 1.35 MHz) |
/// | HX711 | 500,000 (at most 1 MHz) |
/// | NeoPixel | 3,200,000 |
///
/// It is a bus for those who want one (`SpiBus`): a strip of LEDs, which has no select line. Delays within a transfer are
/// at most 65 ms.
#[derive(Debug)]
pub struct Spi {
    device: Device,
    path: PathBuf,
}

/// The driver's own type shows nothing.
struct Device(SpidevDevice);

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.0.fmt(f)
    }
}

impl Spi {
    /// The device at this path, with so many hertz or, if the controller has no such speed, less; in mode 0, eight bits a
    /// word, the highest first.
    ///
    /// # Errors
    /// If there is none, this user may not use it, or it does not know this speed.
    pub fn open(path: impl AsRef<Path>, hertz: u32) -> Result<Self, BusError> {
        let path = path.as_ref();
        let device = SpidevDevice::open(path).map_err(|error| why(path, Step::OpenSpi, &error))?;
        let spi = Self { device: Device(device), path: path.into() };
        let options = SpidevOptions::new().bits_per_word(8).max_speed_hz(hertz).build();
        spi.configure(&options)?.mode(embedded_hal::spi::MODE_0)
    }

    /// Another mode than 0: the clock's level at rest, and which of its edges counts.
    ///
    /// # Errors
    /// If the controller does not know it.
    pub fn mode(self, mode: Mode) -> Result<Self, BusError> {
        let mut flags = SpiModeFlags::empty();
        flags.set(SpiModeFlags::SPI_CPOL, mode.polarity == Polarity::IdleHigh);
        flags.set(SpiModeFlags::SPI_CPHA, mode.phase == Phase::CaptureOnSecondTransition);
        self.configure(SpidevOptions::new().mode(flags))
    }

    fn configure(mut self, options: &SpidevOptions) -> Result<Self, BusError> {
        let set = self.device.0.0.configure(options);
        set.map_err(|error| BusError::new(&self.path, Step::Set, error))?;
        Ok(self)
    }
}

/// The driver lends its cause only.
fn why(path: &Path, step: Step, error: &SPIError) -> BusError {
    let cause = error.inner();
    let copy =
        cause.raw_os_error().map_or_else(|| std::io::Error::from(cause.kind()), std::io::Error::from_raw_os_error);
    BusError::new(path, step, copy)
}

impl ErrorType for Spi {
    type Error = BusError;
}

impl SpiDevice for Spi {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), BusError> {
        let carried = self.device.0.transaction(operations);
        carried.map_err(|error| why(&self.path, Step::TransferSpi, &error))
    }
}

impl SpiBus for Spi {
    fn read(&mut self, words: &mut [u8]) -> Result<(), BusError> {
        SpiDevice::read(self, words)
    }
    fn write(&mut self, words: &[u8]) -> Result<(), BusError> {
        SpiDevice::write(self, words)
    }
    fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), BusError> {
        SpiDevice::transfer(self, read, write)
    }
    fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), BusError> {
        SpiDevice::transfer_in_place(self, words)
    }
    /// Each transfer is over when its call returns.
    fn flush(&mut self) -> Result<(), BusError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_bus_is_told() {
        let missing = Spi::open("/dev/spidev250.0", 1_000_000).unwrap_err().to_string();
        assert!(
            missing.starts_with("/dev/spidev250.0 is not there; on a Raspberry Pi write `dtparam=spi=on`"),
            "{missing}"
        );
        if std::env::var_os("THINGFLOW_TEST_RUNNER").is_some() {
            return eprintln!("NOT CHECKED: qemu-user knows no calls of SPI");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Spi::open(file.path(), 1_000_000).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("{} is a device of another kind; `ls /dev/i2c* /dev/spi*` shows the buses", file.path().display())
        );
    }
}
