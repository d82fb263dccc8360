//! [`BusError`]: why a bus could not be had, or did not carry a transfer.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use embedded_hal::{i2c, spi};
use linux_embedded_hal::i2cdev::linux::LinuxI2CError;
use rustix::io::Errno;

/// Why a bus of Linux could not be had, or did not carry a transfer. Its text is a sentence, with what to do where that is
/// known; `{:?}` gives the same one, since the errors of chips show it so.
pub struct BusError {
    device: PathBuf,
    step: Step,
    cause: io::Error,
}

/// What was tried.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Step {
    Open,
    OpenSpi,
    Set,
    Address(u8),
    Transfer(u8),
    TransferSpi,
}

impl BusError {
    pub(super) fn new(device: &Path, step: Step, cause: impl Into<io::Error>) -> Self {
        Self { device: device.into(), step, cause: cause.into() }
    }

    /// The driver below opens the device and sets it up in one step.
    pub(super) fn opening(device: &Path, cause: LinuxI2CError) -> Self {
        let step = if matches!(cause, LinuxI2CError::Io(_)) { Step::Open } else { Step::Set };
        Self::new(device, step, cause)
    }

    fn errno(&self) -> Option<Errno> {
        Errno::from_io_error(&self.cause)
    }

    fn unopened(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (device, cause) = (self.device.display(), &self.cause);
        let (bus, parameter) = if self.step == Step::OpenSpi { ("spi", "spi") } else { ("i2c", "i2c_arm") };
        match cause.kind() {
            io::ErrorKind::NotFound => {
                write!(f, "{device} is not there; on a Raspberry Pi write `dtparam={parameter}=on` into ")?;
                write!(f, "/boot/firmware/config.txt and restart; `ls /dev/{bus}*` shows what there is")
            }
            io::ErrorKind::PermissionDenied => {
                write!(f, "this user may not use {device}; `sudo usermod -aG {bus} $USER` and log in again, ")?;
                write!(f, "or give the service the group {bus}")
            }
            _ => write!(f, "{device} cannot be opened: {cause}"),
        }
    }

    fn not_set(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (device, cause) = (self.device.display(), &self.cause);
        match self.errno() {
            Some(Errno::NOTTY) => {
                write!(f, "{device} is a device of another kind; `ls /dev/i2c* /dev/spi*` shows the buses")
            }
            Some(Errno::INVAL) => write!(f, "{device} does not take this speed, mode or time limit"),
            _ => write!(f, "{device} cannot be set up: {cause}"),
        }
    }

    fn not_carried(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (device, cause) = (self.device.display(), &self.cause);
        match (self.errno(), self.step) {
            (Some(Errno::REMOTEIO | Errno::NXIO), Step::Transfer(address)) => {
                write!(f, "nobody acknowledges at {address:02x} on {device}")
            }
            (Some(Errno::TIMEDOUT), _) => {
                write!(f, "{device} timed out: a chip holds a line down, or stretches the clock for too long")
            }
            (Some(Errno::AGAIN), _) => {
                write!(f, "arbitration lost on {device}: another master, or a chip, holds the data line down")
            }
            (Some(Errno::NODEV | Errno::SHUTDOWN), _) => {
                write!(f, "{device} is gone; plug its adapter in, and open it anew")
            }
            (Some(Errno::MSGSIZE), Step::TransferSpi) => {
                write!(f, "{device} does not take so many bytes at once; write `spidev.bufsiz=65536` ")?;
                write!(f, "on the kernel's command line")
            }
            (Some(Errno::MSGSIZE), _) => write!(f, "I2C takes at most 8192 bytes at once; {device} was given more"),
            _ => write!(f, "a transfer on {device} failed: {cause}"),
        }
    }
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Step::Open | Step::OpenSpi => self.unopened(f),
            Step::Set => self.not_set(f),
            Step::Address(address) if self.errno() == Some(Errno::BUSY) => {
                write!(f, "the kernel itself drives the chip at {address:02x} on {} ", self.device.display())?;
                write!(f, "(`i2cdetect` shows UU): read it by `Iio` or `Hwmon`, or unload its module")
            }
            Step::Address(_) | Step::Transfer(_) | Step::TransferSpi => self.not_carried(f),
        }
    }
}

impl fmt::Debug for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for BusError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

/// By the kernel's list of fault codes, and by what the drivers of the Raspberry Pis really say: `EREMOTEIO`.
impl i2c::Error for BusError {
    fn kind(&self) -> i2c::ErrorKind {
        use i2c::NoAcknowledgeSource::{Address, Unknown};
        match self.errno() {
            Some(Errno::REMOTEIO) => i2c::ErrorKind::NoAcknowledge(Unknown),
            Some(Errno::NXIO) => i2c::ErrorKind::NoAcknowledge(Address),
            Some(Errno::AGAIN) => i2c::ErrorKind::ArbitrationLoss,
            Some(Errno::TIMEDOUT | Errno::IO | Errno::PROTO | Errno::BADMSG) => i2c::ErrorKind::Bus,
            _ => i2c::ErrorKind::Other,
        }
    }
}

impl spi::Error for BusError {
    fn kind(&self) -> spi::ErrorKind {
        spi::ErrorKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Guarded;
    use crate::{Chip, bus::linux::I2cBus};
    use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

    fn error(step: Step, errno: Errno) -> BusError {
        let device = if step == Step::TransferSpi { "/dev/spidev0.0" } else { "/dev/i2c-1" };
        BusError::new(Path::new(device), step, errno)
    }

    /// A bus that always fails.
    struct Failing(Errno);

    impl ErrorType for Failing {
        type Error = BusError;
    }
    impl I2c for Failing {
        fn transaction(&mut self, address: u8, _: &mut [Operation<'_>]) -> Result<(), BusError> {
            Err(error(Step::Transfer(address), self.0))
        }
    }

    fn recoveries_after_nine_failures(errno: Errno) -> u64 {
        let mut bus = Guarded::new(Failing(errno)).recover_after(3, |_: &mut Failing| ());
        assert!((0..9).all(|_| bus.write(0x29, &[0]).is_err()));
        bus.stats().recoveries
    }

    #[test]
    fn a_missing_chip_is_no_stuck_bus() {
        assert_eq!(recoveries_after_nine_failures(Errno::REMOTEIO), 0);
        assert_eq!(recoveries_after_nine_failures(Errno::NXIO), 0);
        assert_eq!(recoveries_after_nine_failures(Errno::TIMEDOUT), 3);
        assert_eq!(recoveries_after_nine_failures(Errno::AGAIN), 3);
    }

    #[test]
    fn kinds_are_those_of_the_kernel_s_list() {
        let kind = |errno| i2c::Error::kind(&error(Step::Transfer(0x29), errno));
        assert_eq!(kind(Errno::REMOTEIO), ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown));
        assert_eq!(kind(Errno::NXIO), ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        assert_eq!(kind(Errno::AGAIN), ErrorKind::ArbitrationLoss);
        assert_eq!([Errno::TIMEDOUT, Errno::IO].map(kind), [ErrorKind::Bus; 2]);
        assert_eq!([Errno::NODEV, Errno::INVAL, Errno::OPNOTSUPP].map(kind), [ErrorKind::Other; 3]);
    }

    #[test]
    fn texts_are_sentences() {
        for (error, text) in [
            (
                error(Step::Open, Errno::ACCESS),
                "this user may not use /dev/i2c-1; `sudo usermod -aG i2c $USER` and log in",
            ),
            (error(Step::Open, Errno::BUSY), "/dev/i2c-1 cannot be opened: "),
            (error(Step::Set, Errno::INVAL), "/dev/i2c-1 does not take this speed, mode or time limit"),
            (error(Step::Address(0x76), Errno::BUSY), "the kernel itself drives the chip at 76 on /dev/i2c-1"),
            (error(Step::Transfer(0x29), Errno::TIMEDOUT), "/dev/i2c-1 timed out: a chip holds a line down"),
            (error(Step::Transfer(0x29), Errno::AGAIN), "arbitration lost on /dev/i2c-1: "),
            (error(Step::Transfer(0x29), Errno::NODEV), "/dev/i2c-1 is gone; plug its adapter in"),
            (error(Step::Transfer(0x29), Errno::OPNOTSUPP), "a transfer on /dev/i2c-1 failed: "),
            (error(Step::TransferSpi, Errno::MSGSIZE), "/dev/spidev0.0 does not take so many bytes at once; write"),
        ] {
            assert!(error.to_string().starts_with(text), "{error}");
        }
    }

    #[test]
    fn a_chip_s_error_shows_it_as_a_sentence() {
        let there = Chip::i2c("TSL2591", 0x29);
        assert_eq!(
            there.silent(error(Step::Transfer(0x29), Errno::REMOTEIO)).to_string(),
            "TSL2591 does not answer: nobody acknowledges at 29 on /dev/i2c-1; check the wiring, and that \
             `i2cdetect -y 1` shows 29"
        );
    }

    #[test]
    fn a_bus_that_is_not_there_says_how_to_get_it() {
        let error = I2cBus::open(250).unwrap_err().to_string();
        assert!(
            error.starts_with("/dev/i2c-250 is not there; on a Raspberry Pi write `dtparam=i2c_arm=on`"),
            "{error}"
        );
    }
}
