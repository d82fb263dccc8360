//! Chips for tests: one with registers, where reads and writes go on from register to register, as most chips do; and what
//! a chip answers that is out of order.
#![allow(dead_code)] // a build with a single chip needs half of it

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use embedded_hal::spi;

/// Clones are the same chip.
#[derive(Clone)]
pub(crate) struct FakeChip(Rc<RefCell<Registers>>);

struct Registers {
    address: u8,
    /// If something else than 0 is in this register, the others are those of another page.
    paged: Option<u8>,
    /// How many bytes a register has.
    width: usize,
    values: [u8; 512],
    /// Registers that the test has set, and nothing else changes but a write.
    fixed: [bool; 512],
    /// What is read from the others.
    noise: Option<Noise>,
    fifo: Option<Fifo>,
    on_write: Box<dyn Fn(u8, u8) -> u8>,
    dead: bool,
    /// The byte that comes next.
    at: usize,
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
            paged: None,
            width: 1,
            values: [0; 512],
            fixed: [false; 512],
            noise: None,
            fifo: None,
            on_write: Box::new(|_, value| value),
            dead: false,
            at: 0,
        })))
    }
    /// Each register has two bytes. They are set and got by their places: 2 and 3 are those of register 1.
    pub(crate) fn wide(self) -> Self {
        self.0.borrow_mut().width = 2;
        self
    }
    pub(crate) fn paged(self, register: u8) -> Self {
        self.0.borrow_mut().paged = Some(register);
        self
    }
    pub(crate) fn with(self, place: u8, values: &[u8]) -> Self {
        for (value, place) in values.iter().zip(usize::from(place)..) {
            let mut registers = self.0.borrow_mut();
            (registers.values[place], registers.fixed[place]) = (*value, true);
        }
        self
    }
    /// What has neither been set nor written reads as noise, another at each reading.
    pub(crate) fn noisy(self, noise: Noise) -> Self {
        self.0.borrow_mut().noise = Some(noise);
        self
    }
    /// Another program has left anything in the registers that the test has not set.
    pub(crate) fn scramble(&self, noise: &mut Noise) {
        let Registers { values, fixed, .. } = &mut *self.0.borrow_mut();
        values.iter_mut().zip(fixed).filter(|(_, fixed)| !**fixed).for_each(|(value, _)| *value = noise.next());
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
        let other_page = self.paged.is_some_and(|page| page != *at && self.values[usize::from(page)] != 0);
        self.at = usize::from(*at) * self.width + if other_page { 256 } else { 0 };
        for value in values {
            let register = (self.at / self.width % 256) as u8;
            let mut value = (self.on_write)(register, *value);
            if let Some(fifo) = self.fifo.as_mut().filter(|fifo| fifo.reset.0 == register && value & fifo.reset.1 != 0)
            {
                fifo.bytes.clear();
                value &= !fifo.reset.1;
            }
            self.values[self.at] = value;
            self.fixed[self.at] |= self.noise.is_some();
            self.at = (self.at + 1) % self.values.len();
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), ErrorKind> {
        if let Some(fifo) = &mut self.fifo {
            if usize::from(fifo.register) == self.at {
                let broken = fifo.breaks_after.take().filter(|after| *after < bytes.len());
                let taken = broken.unwrap_or(bytes.len());
                bytes[..taken].iter_mut().for_each(|byte| *byte = fifo.bytes.pop_front().unwrap_or(0xFF));
                return broken.map_or(Ok(()), |_| Err(ErrorKind::Bus));
            }
            let length = (fifo.bytes.len() as u16).to_be_bytes();
            self.values[usize::from(fifo.count)..][..2].copy_from_slice(&length);
        }
        for byte in bytes {
            *byte = match &mut self.noise {
                Some(noise) if !self.fixed[self.at] => noise.next(),
                _ => self.values[self.at],
            };
            self.at = (self.at + 1) % self.values.len();
        }
        Ok(())
    }
}

/// Bytes without an end, as a chip sends them that is out of order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Noise {
    Zeros,
    Ones,
    /// The same word again and again, the byte to come in front.
    Stuck([u8; 2]),
    /// By this seed.
    Random(u64),
}

impl Noise {
    pub(crate) fn next(&mut self) -> u8 {
        match self {
            Self::Zeros => 0,
            Self::Ones => 0xFF,
            Self::Stuck(word) => {
                word.rotate_left(1);
                word[1]
            }
            Self::Random(state) => {
                *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (*state >> 56) as u8
            }
        }
    }
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.next());
    }
}

/// A chip that answers each read by words with Sensirion's checksums, and takes every command.
#[derive(Clone)]
pub(crate) struct FakeWords(pub(crate) Noise);

impl ErrorType for FakeWords {
    type Error = ErrorKind;
}

impl I2c for FakeWords {
    fn transaction(&mut self, _: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        for operation in operations {
            let Operation::Read(bytes) = operation else { continue };
            for word in bytes.chunks_mut(3) {
                self.0.fill(&mut word[..2]);
                let checksum = crc8(&word[..2]);
                word[2..].fill(checksum);
            }
        }
        Ok(())
    }
}

/// Sensirion's: the polynomial 0x31, from 0xFF.
pub(crate) fn crc8(bytes: &[u8]) -> u8 {
    bytes
        .iter()
        .fold(0xFF, |crc, byte| (0..8).fold(crc ^ byte, |crc, _| crc << 1 ^ if crc & 0x80 == 0 { 0 } else { 0x31 }))
}

/// A bus where nobody answers.
#[derive(Clone, Copy)]
pub(crate) struct Nobody;

impl ErrorType for Nobody {
    type Error = ErrorKind;
}

impl I2c for Nobody {
    fn transaction(&mut self, _: u8, _: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address))
    }
}

/// A device on SPI that answers by noise.
pub(crate) struct FakeSpi(pub(crate) Noise);

impl spi::ErrorType for FakeSpi {
    type Error = spi::ErrorKind;
}

impl spi::SpiDevice for FakeSpi {
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), spi::ErrorKind> {
        for operation in operations {
            if let spi::Operation::Read(bytes) | spi::Operation::TransferInPlace(bytes) = operation {
                self.0.fill(bytes);
            }
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
