//! A chip with registers, for tests: reads and writes go on from register to register, as most chips do.
#![allow(dead_code)] // a build with a single chip needs half of it

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

/// Clones are the same chip.
#[derive(Clone)]
pub(crate) struct FakeChip(Rc<RefCell<Registers>>);

struct Registers {
    address: u8,
    values: [u8; 256],
    fifo: Option<Fifo>,
    on_write: Box<dyn Fn(u8, u8) -> u8>,
    dead: bool,
    at: u8,
}

/// A memory behind a register: reads of it take bytes off and do not go on to the next register.
pub(crate) struct Fifo {
    pub(crate) register: u8,
    /// Its length is read here, the high byte first.
    pub(crate) count: u8,
    /// Emptied by this bit of a register, which goes out by itself.
    pub(crate) reset: (u8, u8),
    bytes: VecDeque<u8>,
    /// The next transfer breaks off after so many bytes.
    breaks_after: Option<usize>,
}

impl Fifo {
    pub(crate) fn new(register: u8, count: u8, reset: (u8, u8)) -> Self {
        Self { register, count, reset, bytes: VecDeque::new(), breaks_after: None }
    }
}

impl FakeChip {
    pub(crate) fn new(address: u8) -> Self {
        Self(Rc::new(RefCell::new(Registers {
            address,
            values: [0; 256],
            fifo: None,
            on_write: Box::new(|_, value| value),
            dead: false,
            at: 0,
        })))
    }
    pub(crate) fn with(self, register: u8, values: &[u8]) -> Self {
        for (value, register) in values.iter().zip(register..) {
            self.set(register, *value);
        }
        self
    }
    /// What becomes of a written value.
    pub(crate) fn on_write(self, on_write: impl Fn(u8, u8) -> u8 + 'static) -> Self {
        self.0.borrow_mut().on_write = Box::new(on_write);
        self
    }
    pub(crate) fn set(&self, register: u8, value: u8) {
        self.0.borrow_mut().values[usize::from(register)] = value;
    }
    pub(crate) fn get(&self, register: u8) -> u8 {
        self.0.borrow().values[usize::from(register)]
    }
    /// Nobody answers any more, or again.
    pub(crate) fn unplug(&self, dead: bool) {
        self.0.borrow_mut().dead = dead;
    }
    pub(crate) fn fifo(self, fifo: Fifo) -> Self {
        self.0.borrow_mut().fifo = Some(fifo);
        self
    }
    pub(crate) fn queue(&self, bytes: &[u8]) {
        self.with_fifo(|fifo| fifo.bytes.extend(bytes));
    }
    pub(crate) fn queued(&self) -> usize {
        self.with_fifo(|fifo| fifo.bytes.len())
    }
    /// The next read of the FIFO takes so many bytes off and fails.
    pub(crate) fn break_off_after(&self, bytes: usize) {
        self.with_fifo(|fifo| fifo.breaks_after = Some(bytes));
    }
    fn with_fifo<R>(&self, f: impl FnOnce(&mut Fifo) -> R) -> R {
        f(self.0.borrow_mut().fifo.as_mut().expect("the chip has a FIFO"))
    }
}

impl Registers {
    fn write(&mut self, bytes: &[u8]) {
        let Some((at, values)) = bytes.split_first() else { return };
        self.at = *at;
        for value in values {
            let mut value = (self.on_write)(self.at, *value);
            if let Some(fifo) = self.fifo.as_mut().filter(|fifo| fifo.reset.0 == self.at && value & fifo.reset.1 != 0) {
                fifo.bytes.clear();
                value &= !fifo.reset.1;
            }
            self.values[usize::from(self.at)] = value;
            self.at = self.at.wrapping_add(1);
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), ErrorKind> {
        if let Some(fifo) = &mut self.fifo {
            if fifo.register == self.at {
                let broken = fifo.breaks_after.take().filter(|after| *after < bytes.len());
                let taken = broken.unwrap_or(bytes.len());
                bytes[..taken].iter_mut().for_each(|byte| *byte = fifo.bytes.pop_front().unwrap_or(0xFF));
                return broken.map_or(Ok(()), |_| Err(ErrorKind::Bus));
            }
            let length = (fifo.bytes.len() as u16).to_be_bytes();
            self.values[usize::from(fifo.count)..][..2].copy_from_slice(&length);
        }
        for byte in bytes {
            *byte = self.values[usize::from(self.at)];
            self.at = self.at.wrapping_add(1);
        }
        Ok(())
    }
}

impl ErrorType for FakeChip {
    type Error = ErrorKind;
}

impl I2c for FakeChip {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        let mut chip = self.0.borrow_mut();
        if chip.dead || chip.address != address {
            return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        }
        for operation in operations {
            match operation {
                Operation::Write(bytes) => chip.write(bytes),
                Operation::Read(bytes) => chip.read(bytes)?,
            }
        }
        Ok(())
    }
}
