//! A PCA9685 that loses its power now and then, or was used by another program, by the registers of its data sheet.
#![cfg(feature = "pca9685")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use embedded_hal::i2c::{ErrorType, I2c, Operation};
use embedded_hal::pwm::SetDutyCycle;
use proptest::prelude::*;
use thingflow_adapters::actuators::pca9685::Pca9685;

const MODE1: usize = 0x00;
const MODE2: usize = 0x01;
const PRE_SCALE: usize = 0xFE;
const INVERTED: u8 = 0x10;
const SLEEP: u8 = 0x10;
const AUTO_INCREMENT: u8 = 0x20;
/// Of the high byte of a time: always on, always off.
const FULL: u8 = 0x10;

/// The chip. Clones are the same one.
#[derive(Clone)]
struct Chip(Arc<Mutex<[u8; 256]>>);

impl Chip {
    fn new() -> Self {
        let chip = Self(Arc::new(Mutex::new([0; 256])));
        chip.reset();
        chip
    }

    fn registers(&self) -> MutexGuard<'_, [u8; 256]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power goes, and comes back.
    fn reset(&self) {
        let mut registers = self.registers();
        registers.fill(0);
        (registers[MODE1], registers[MODE2], registers[PRE_SCALE]) = (SLEEP | 1, 0x04, 0x1E);
        for output in 0..16 {
            registers[0x09 + 4 * output] = FULL;
        }
    }

    /// What an output does: steps of the period.
    fn steps(&self, output: usize) -> u16 {
        let registers = self.registers();
        let [on_low, on_high, off_low, off_high] = [6, 7, 8, 9].map(|register| registers[register + 4 * output]);
        let steps = match (registers[MODE1] & SLEEP, off_high & FULL, on_high & FULL) {
            (SLEEP, ..) | (_, FULL, _) => 0,
            (_, _, FULL) => 4096,
            _ => u16::from_le_bytes([off_low, off_high]).wrapping_sub(u16::from_le_bytes([on_low, on_high])),
        };
        if registers[MODE2] & INVERTED == 0 { steps } else { 4096_u16.wrapping_sub(steps) }
    }

    fn store(&self, register: usize, byte: u8) {
        let mut registers = self.registers();
        match register {
            0xFA..=0xFD => (0..16).for_each(|output| registers[register - 0xF4 + 4 * output] = byte),
            PRE_SCALE if registers[MODE1] & SLEEP == 0 => {} // is not taken then
            _ => registers[register] = byte,
        }
    }

    fn next(&self, register: usize) -> usize {
        if self.registers()[MODE1] & AUTO_INCREMENT != 0 { (register + 1) % 256 } else { register }
    }
}

impl ErrorType for Chip {
    type Error = Infallible;
}

impl I2c for Chip {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Infallible> {
        assert_eq!(address, 0x41);
        let mut register = 0;
        for operation in operations {
            match operation {
                Operation::Write([first, bytes @ ..]) => {
                    register = usize::from(*first);
                    for byte in bytes {
                        self.store(register, *byte);
                        register = self.next(register);
                    }
                }
                Operation::Write([]) => {}
                Operation::Read(bytes) => {
                    for byte in bytes.iter_mut() {
                        *byte = self.registers()[register];
                        register = self.next(register);
                    }
                }
            }
        }
        Ok(())
    }
}

proptest! {
    /// After each change all outputs are as they were told, whenever the power was away.
    #[test]
    fn a_chip_that_lost_its_power_comes_back_with_the_next_change(
        changes in proptest::collection::vec((0_usize..16, 0_u16..=4096, any::<bool>()), 1..40),
    ) {
        let chip = Chip::new();
        let driver = Pca9685::new(chip.clone()).address(0x41).frequency(100.0);
        let mut outputs: Vec<_> = (0..16).map(|number| driver.output(number)).collect();
        let mut told = [0; 16];
        for (number, steps, reset) in changes {
            if reset {
                chip.reset();
            }
            outputs[number].set_duty_cycle(steps).unwrap();
            told[number] = steps;
            let all: Vec<u16> = (0..16).map(|number| chip.steps(number)).collect();
            prop_assert_eq!(&all, &told);
            prop_assert_eq!(chip.registers()[PRE_SCALE], 60); // 25 MHz / 4,096 / 100 Hz - 1
        }
    }

    /// Whatever another program has left in the chip: the first change sets all outputs, and those that nobody has told are
    /// off.
    #[test]
    fn f30_what_another_program_has_left_does_not_count(
        left in proptest::collection::vec(any::<u8>(), 256), number in 0_usize..16, steps in 0_u16..=4096,
    ) {
        const EXTERNAL_CLOCK: u8 = 0x40; // stays until the power goes: an error
        let chip = Chip::new();
        chip.registers().copy_from_slice(&left);
        chip.registers()[MODE1] &= !EXTERNAL_CLOCK;
        Pca9685::new(chip.clone()).address(0x41).output(number as u8).set_duty_cycle(steps).unwrap();
        for output in 0..16 {
            prop_assert_eq!(chip.steps(output), if output == number { steps } else { 0 }, "output {}", output);
        }
        prop_assert_eq!(chip.registers()[PRE_SCALE], 121);
    }
}
