//! [`Line`]: the serial line to whoever fetches the readings, frame by frame.

use cortex_m::asm::wfi;
use cortex_m::interrupt::{self, InterruptNumber};
use cortex_m::peripheral::NVIC;
use thingflow_sensors::serial::{Decode, PostcardFrames, encode};

#[path = "../../src/board/register.rs"]
mod register;

use register::Register;

// SAFETY: the registers of UART0, a "CMSDK APB UART", which has no access to memory.
const DATA: Register = unsafe { Register::at(0x4000_4000) };
// SAFETY: as above.
const STATE: Register = unsafe { Register::at(0x4000_4004) };
// SAFETY: as above.
const CONTROL: Register = unsafe { Register::at(0x4000_4008) };
// SAFETY: as above.
const INTERRUPT: Register = unsafe { Register::at(0x4000_400c) };
// SAFETY: as above.
const DIVIDER: Register = unsafe { Register::at(0x4000_4010) };

const SENDS_NO_MORE: u32 = 1;
const HAS_RECEIVED: u32 = 2;
/// Both ways, and an interrupt for each byte that is received.
const ON: u32 = 0b1011;
/// 25 MHz for 115,200 baud.
const CLOCKS_A_BIT: u32 = 25_000_000 / 115_200;

/// The interrupt of a byte that is received.
#[derive(Clone, Copy)]
struct Received;

// SAFETY: this is its number on the board.
unsafe impl InterruptNumber for Received {
    fn number(self) -> u16 {
        0
    }
}

/// Sends `(number, whether it may have been sent before)`, and gets the number of what has been taken.
pub struct Line {
    answers: PostcardFrames<u32, 16>,
}

impl Line {
    pub fn new() -> Self {
        interrupt::disable(); // none is handled: a pending one ends the sleep all the same
        DIVIDER.write(CLOCKS_A_BIT);
        CONTROL.write(ON);
        // SAFETY: interrupts are disabled.
        unsafe { NVIC::unmask(Received) };
        Self { answers: PostcardFrames::new() }
    }

    /// Sends a reading until it is taken. Any other answer asks for it again.
    pub fn deliver(&mut self, number: u32, mut again: bool) {
        while !self.is_taken(number, again) {
            again = true;
        }
    }

    fn is_taken(&mut self, number: u32, again: bool) -> bool {
        let mut frame = [0; 16];
        let Ok(frame) = encode(&(number, again), &mut frame) else { return false };
        for byte in frame {
            while STATE.read() & SENDS_NO_MORE != 0 {}
            DATA.write(u32::from(*byte));
        }
        loop {
            if let Some(answer) = self.answers.push(receive()) {
                return answer == Ok(number);
            }
        }
    }
}

/// Sleeps until there is a byte.
fn receive() -> u8 {
    while STATE.read() & HAS_RECEIVED == 0 {
        wfi();
    }
    INTERRUPT.write(HAS_RECEIVED); // has been seen
    NVIC::unpend(Received);
    DATA.read() as u8
}
