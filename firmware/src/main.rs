//! The greenhouse on a Cortex-M: an Arm MPS2 with the image AN386, as QEMU emulates it.
//!
//! ```sh
//! cargo xtask bare    # builds it, runs it in the emulator, compares what it sends with a run on this machine
//! ```
//!
//! Of the board it takes two LEDs as pins, the first serial port, and the processor's own timer. For another board
//! replace `board/` by the crate of your chip, and `memory.x` by its memory.
#![no_std]
#![no_main]

mod board;
mod stack;
mod ticks;

use core::panic::PanicInfo;

use bare_metal::message::{Message, STACK, send};
use bare_metal::{Board, simulated};
use board::{Led, Serial};
use cortex_m::Peripherals;
use cortex_m_rt::entry;
use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use ticks::Sleep;

#[entry]
fn main() -> ! {
    let status = if run().is_some() { EXIT_SUCCESS } else { EXIT_FAILURE };
    end(status)
}

/// Runs the simulated day, then says how much of the stack it took.
fn run() -> Option<()> {
    let timer = Peripherals::take()?.SYST;
    let mut line = Serial::new();
    let greenhouse = Board {
        light: simulated::light(),
        temperature: simulated::temperature(),
        lamp: Led::new(0),
        blind: Led::new(1),
        line: &mut line,
    };
    ticks::start(timer, board::CLOCK);
    greenhouse.run(&mut Sleep, ticks::count).ok()?;
    let used = Message { sensor: STACK, ticks: ticks::count(), value: stack::used() as f32 };
    send(&mut line, &used).then_some(())
}

/// Tells the emulator, or the debugger, how it ended. A device in the field would restart here instead.
fn end(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    loop {
        cortex_m::asm::wfi();
    }
}

/// Brings the outputs low, since a panic drops nothing here. Without texts: those of all panics that are thinkable would take
/// more flash than the program.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    Led::all_off();
    end(EXIT_FAILURE)
}
