//! What each operator takes that needs no allocator: the rows of the benches, on an emulated Cortex-M4.
//!
//! ```sh
//! cargo xtask operators    # measures all operators, here and on this board, and keeps the figures
//! ```
//!
//! The emulator lets a fixed time pass with each instruction, so the processor's own timer counts instructions.
#![no_std]
#![no_main]

#[path = "../../../benches/src/subjects/operators/fixed.rs"]
mod fixed;

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m::Peripherals;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::entry;
use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use cortex_m_semihosting::hprintln;
use thingflow_core::prelude::*;

/// What measurements are made of.
type Real = f32;

/// Who is shown each operator.
trait Gauge {
    /// An operator of a chain, by the events that it takes.
    fn chain<T: 'static, F: Filter<T> + 'static>(&mut self, name: &'static str, event: fn(u32) -> T, with: Pipe<T, F>);
    /// One that goes after others: with them alone, and with it.
    fn after<T: 'static, E: Filter<T> + 'static, F: Filter<T> + 'static>(
        &mut self,
        name: &'static str,
        event: fn(u32) -> T,
        without: Pipe<T, E>,
        with: Pipe<T, F>,
    );
}

/// Events of a pass, of which the first ones are not counted: they fill what is to be filled.
const EVENTS: u32 = 4_096;
const FIRST: u32 = 64;

/// Instructions in eight of the timer's ticks: the clock has 25 MHz, and an instruction takes 32 ns.
const INSTRUCTIONS_IN_EIGHT: u32 = 10;

/// The end of each chain.
struct End;

impl<T> InputThing<T> for End {
    #[inline(never)]
    fn next(&mut self, event: T, _: &mut Context<'_>) -> Receipt {
        drop(black_box(event));
        Ok(Demand::More)
    }
    #[inline(never)]
    fn next_ref(&mut self, event: &T, _: &mut Context<'_>) -> Receipt {
        black_box(event);
        Ok(Demand::More)
    }
    fn notice(&mut self, _: Notice<'_>, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn ask(&self, _: Question<'_>) -> bool {
        true
    }
}

/// A context at which a tenth of a second has passed with each event.
fn at(n: u32) -> Context<'static> {
    Context::detached(Instant::from_nanos(u64::from(n) * 100_000_000))
}

/// Instructions of handing on these events; the timer counts down from 2^24.
#[inline(never)]
fn count<T>(thing: &mut impl InputThing<T>, event: fn(u32) -> T, events: core::ops::Range<u32>) -> u32 {
    let start = SYST::get_current();
    for n in events {
        let _ = black_box(thing.next(event(black_box(n)), &mut at(n)));
    }
    let ticks = start.wrapping_sub(SYST::get_current()) & 0xff_ffff;
    ticks * INSTRUCTIONS_IN_EIGHT / 8
}

/// Tenths of an instruction for each event.
fn tenths<T>(mut thing: impl InputThing<T>, event: fn(u32) -> T) -> u32 {
    let _ = black_box(thing.notice(Notice::Start, &mut at(0)));
    count(&mut thing, event, 0..FIRST);
    count(&mut thing, event, FIRST..FIRST + EVENTS) * 10 / EVENTS
}

struct Board;

impl Gauge for Board {
    fn chain<T: 'static, F: Filter<T> + 'static>(&mut self, name: &'static str, event: fn(u32) -> T, with: Pipe<T, F>) {
        self.after(name, event, pipe::<T>(), with);
    }
    fn after<T: 'static, E: Filter<T> + 'static, F: Filter<T> + 'static>(
        &mut self,
        name: &'static str,
        event: fn(u32) -> T,
        without: Pipe<T, E>,
        with: Pipe<T, F>,
    ) {
        let bytes = size_of::<F>() - size_of::<E>();
        let more = tenths(with.to(End), event).saturating_sub(tenths(without.to(End), event));
        hprintln!("{},{},{}.{}", name, bytes, more / 10, more % 10);
    }
}

#[entry]
fn main() -> ! {
    let Some(peripherals) = Peripherals::take() else { end(EXIT_FAILURE) };
    let mut timer = peripherals.SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(0xff_ffff);
    timer.clear_current();
    timer.enable_counter();
    // A loop of two instructions, so that who reads this can check how they are counted.
    let start = SYST::get_current();
    cortex_m::asm::delay(100_000);
    let ticks = start.wrapping_sub(SYST::get_current()) & 0xff_ffff;
    hprintln!("200002,{}", ticks * INSTRUCTIONS_IN_EIGHT / 8);
    fixed::rows(&mut Board);
    end(EXIT_SUCCESS)
}

/// Tells the emulator how it ended.
fn end(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    loop {
        cortex_m::asm::wfi();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    end(EXIT_FAILURE)
}
