//! A chip with registers, for tests: reads and writes go on from register to register, as most chips do.

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
    /// A register whose reads take bytes off a queue and do not go on, as a FIFO's.
    queue: Option<(u8, VecDeque<u8>)>,
    on_write: Box<dyn Fn(u8, u8) -> u8>,
    dead: bool,
    at: u8,
}

impl FakeChip {
    pub(crate) fn new(address: u8) -> Self {
        Self(Rc::new(RefCell::new(Registers {
            address,
            values: [0; 256],
            queue: None,
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
    /// Gives a queue to a register.
    pub(crate) fn queue(&self, register: u8, bytes: &[u8]) {
        self.0.borrow_mut().queue.get_or_insert((register, VecDeque::new())).1.extend(bytes);
    }
    pub(crate) fn queued(&self) -> usize {
        self.0.borrow().queue.as_ref().map_or(0, |(_, bytes)| bytes.len())
    }
}

impl Registers {
    fn write(&mut self, bytes: &[u8]) {
        let Some((at, values)) = bytes.split_first() else { return };
        self.at = *at;
        for value in values {
            self.values[usize::from(self.at)] = (self.on_write)(self.at, *value);
            self.at = self.at.wrapping_add(1);
        }
    }

    fn read(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let at = self.at;
            if let Some((_, queue)) = self.queue.as_mut().filter(|(register, _)| *register == at) {
                *byte = queue.pop_front().unwrap_or(0);
                continue;
            }
            *byte = self.values[usize::from(at)];
            self.at = at.wrapping_add(1);
        }
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
                Operation::Read(bytes) => chip.read(bytes),
            }
        }
        Ok(())
    }
}
