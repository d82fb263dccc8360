//! [`I2cBus`]: an I2C bus of Linux.

use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use embedded_hal::i2c::{ErrorType, I2c, Operation};
use linux_embedded_hal::i2cdev::core::{I2CMessage, I2CTransfer};
use linux_embedded_hal::i2cdev::linux::{LinuxI2CDevice, LinuxI2CMessage};
use rustix::io::Errno;

use super::BusError;
use super::error::Step;

/// The kernel takes no longer part of a transfer.
const LONGEST: usize = 8192;

/// An I2C bus of Linux: `/dev/i2c-1` is that of a Raspberry Pi's pins 3 and 5.
///
/// A transfer blocks until the kernel gives up, mostly after one second; see [`timeout`](Self::timeout). For several
/// chips see [`bus`](crate::bus). Who may use it: root, and on Raspberry Pi OS the group `i2c`.
#[derive(Debug)]
pub struct I2cBus {
    device: LinuxI2CDevice,
    path: PathBuf,
    address: Option<u8>,
}

impl I2cBus {
    /// The bus of this number, `/dev/i2c-1` for 1.
    ///
    /// # Errors
    /// If there is none, or this user may not use it.
    pub fn open(bus: u8) -> Result<Self, BusError> {
        let path = PathBuf::from(format!("/dev/i2c-{bus}"));
        let device = LinuxI2CDevice::new(&path, 0).map_err(|error| BusError::opening(&path, error))?;
        Ok(Self { device, path, address: None })
    }

    /// How long the kernel waits for a transfer: 10 ms to a minute, in steps of 10 ms. It is a setting of the bus: it holds
    /// for all programs, and until somebody sets it anew.
    ///
    /// # Errors
    /// What the kernel says against it.
    pub fn timeout(self, limit: Duration) -> Result<Self, BusError> {
        let limit = limit.clamp(Duration::from_millis(10), Duration::from_secs(60));
        let set = i2c_linux_sys::i2c_set_timeout_ms(self.device.as_raw_fd(), limit.as_millis() as usize);
        self.set(set)
    }

    /// How often the kernel itself repeats a transfer that another master has disturbed, and no other one. It is a setting
    /// of the bus too. [`Guarded::retries`](crate::bus::Guarded::retries) repeats whatever fails.
    ///
    /// # Errors
    /// What the kernel says against it.
    pub fn arbitration_retries(self, retries: u8) -> Result<Self, BusError> {
        let set = i2c_linux_sys::i2c_set_retries(self.device.as_raw_fd(), usize::from(retries));
        self.set(set)
    }

    fn set(self, outcome: std::io::Result<()>) -> Result<Self, BusError> {
        outcome.map_err(|error| BusError::new(&self.path, Step::Set, error))?;
        Ok(self)
    }

    /// Also has the kernel look whether a driver of its own has the chip.
    fn select(&mut self, address: u8) -> Result<(), BusError> {
        if self.address != Some(address) {
            let selected = self.device.set_slave_address(address.into());
            selected.map_err(|error| BusError::new(&self.path, Step::Address(address), error))?;
            self.address = Some(address);
        }
        Ok(())
    }
}

impl ErrorType for I2cBus {
    type Error = BusError;
}

impl I2c for I2cBus {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        let mut parts = join(operations);
        if parts.is_empty() {
            return Ok(());
        }
        if parts.iter().any(|part| part.bytes.len() > LONGEST) {
            return Err(BusError::new(&self.path, Step::Transfer(address), Errno::MSGSIZE));
        }
        self.select(address)?;
        let mut messages: Vec<_> = parts.iter_mut().map(Part::message).collect();
        let carried = self.device.transfer(&mut messages).map(drop);
        carried.map_err(|error| BusError::new(&self.path, Step::Transfer(address), error))?;
        hand_out(&parts, operations);
        Ok(())
    }
}

/// What goes in one direction, after one start.
#[derive(Debug, PartialEq)]
struct Part {
    is_read: bool,
    bytes: Vec<u8>,
}

impl Part {
    fn message(&mut self) -> LinuxI2CMessage<'_> {
        if self.is_read { I2CMessage::read(&mut self.bytes) } else { I2CMessage::write(&self.bytes) }
    }
}

/// Joins what must follow without a new start. Linux has a flag for that, which few controllers know.
fn join(operations: &[Operation<'_>]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for operation in operations {
        let (is_read, bytes) = match operation {
            Operation::Read(into) => (true, vec![0; into.len()]),
            Operation::Write(from) => (false, from.to_vec()),
        };
        match parts.last_mut() {
            Some(last) if last.is_read == is_read => last.bytes.extend(bytes),
            _ => parts.push(Part { is_read, bytes }),
        }
    }
    parts
}

/// Gives the readings, in their order, to those who wanted them.
fn hand_out(parts: &[Part], operations: &mut [Operation<'_>]) {
    let mut read = parts.iter().filter(|part| part.is_read).flat_map(|part| &part.bytes);
    for operation in operations {
        if let Operation::Read(into) = operation {
            into.iter_mut().zip(&mut read).for_each(|(to, from)| *to = *from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_register_is_written_and_read_in_two_parts() {
        let parts = join(&[Operation::Write(&[7]), Operation::Read(&mut [0; 2])]);
        assert_eq!(parts, [Part { is_read: false, bytes: vec![7] }, Part { is_read: true, bytes: vec![0; 2] }]);
    }

    #[test]
    fn parts_of_one_direction_are_one() {
        let parts = join(&[Operation::Write(&[0x40]), Operation::Write(&[1, 2])]);
        assert_eq!(parts, [Part { is_read: false, bytes: vec![0x40, 1, 2] }]);
    }

    proptest! {
        /// Against a chip that answers with 0, 1, 2 …
        #[test]
        fn each_gets_its_bytes(plan in proptest::collection::vec((any::<bool>(), 0_usize..5), 0..12)) {
            let mut buffers: Vec<(bool, Vec<u8>)> = plan.iter().map(|(read, length)| (*read, vec![99; *length])).collect();
            let mut operations: Vec<_> = buffers
                .iter_mut()
                .map(|(read, bytes)| if *read { Operation::Read(bytes) } else { Operation::Write(bytes) })
                .collect();
            let mut parts = join(&operations);
            prop_assert!(parts.windows(2).all(|two| two[0].is_read != two[1].is_read));
            let written: usize = parts.iter().filter(|part| !part.is_read).map(|part| part.bytes.len()).sum();
            let mut next = 0..;
            parts.iter_mut().filter(|part| part.is_read).for_each(|part| part.bytes.iter_mut().for_each(|byte| *byte = next.next().unwrap()));
            hand_out(&parts, &mut operations);
            let read: Vec<u8> = buffers.iter().filter(|(read, _)| *read).flat_map(|(_, bytes)| bytes.clone()).collect();
            prop_assert_eq!(&read, &(0..read.len() as u8).collect::<Vec<_>>());
            prop_assert_eq!(written, plan.iter().filter(|(read, _)| !*read).map(|(_, length)| length).sum::<usize>());
        }
    }
}
