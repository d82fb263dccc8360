//! Readings into a ring in flash, under the scheduler for microcontrollers, on an emulated Cortex-M4 that is reset in the middle of
//! writes, over and over.
//!
//! ```sh
//! cargo xtask bare    # runs it in the emulator, with the others
//! ```
//!
//! The flash is RAM that no program uses and no reset clears, behind the rules of flash: bits are only cleared, pages are erased. At
//! some word or page, which is left torn, the processor resets itself: no code after it runs, as when the power is gone. The next
//! boot opens the ring again and compares it with what had been promised.
//!
//! What is kept goes over the serial line, some readings at a time, to a host that answers what it has taken. Then they are
//! acknowledged in the ring. A reading that may have been sent before is marked.
#![no_std]
#![no_main]

mod line;
mod model;

use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::panic::PanicInfo;
use core::time::Duration;

use cortex_m_rt::entry;
use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use cortex_m_semihosting::hprintln;
use line::Line;
use model::{Board, Flash, Promises, RANGE};
use thingflow_core::prelude::*;
use thingflow_core::{SampleError, Sampled, Sensor, bare};
use thingflow_flash::{FlashError, FlashRing, Keep};

/// How often the power is cut.
const CUTS: u32 = 500;

/// Readings after which it must have been cut.
const MOST: u32 = 200;

/// After so many readings the host fetches them.
const BATCH: u32 = 8;

/// So many of the latest records are there in any case: those that fill all pages but two.
const SURELY: u32 = 9;

type Ring = FlashRing<Flash, 32>;
type Failed = FlashError<Infallible>;

#[entry]
fn main() -> ! {
    let Some(Board { flash, was_cut, promises }) = model::boot() else { end(EXIT_FAILURE) };
    let ring = Ring::open(flash, RANGE).map(RefCell::new);
    let done = ring.and_then(|ring| {
        let is_kept = look(&mut ring.borrow_mut(), promises)?;
        promises.cuts += u32::from(was_cut);
        if !is_kept {
            return Ok(false);
        }
        let mut line = Line::new();
        let before = promises.kept;
        deliver(&mut ring.borrow_mut(), &mut line, before, promises)?;
        if promises.cuts < CUTS {
            run(&ring, &mut line, promises)?; // to the next cut: what comes after it says that there was none
            return Ok(false);
        }
        Ok(true)
    });
    if done.unwrap_or(false) {
        hprintln!("{} cuts in the middle of writes, {} readings: nothing lost", promises.cuts, promises.kept);
        end(EXIT_SUCCESS)
    }
    hprintln!("cut {}: kept up to {}, delivered up to {}", promises.cuts, promises.kept, promises.delivered);
    end(EXIT_FAILURE)
}

/// Whether the ring has what it promised. The reading that was being kept may be there, the one that was being acknowledged may
/// have gone.
fn look(ring: &mut Ring, promises: &mut Promises) -> Result<bool, Failed> {
    let (mut first, mut next, mut is_whole) = (None, None, true);
    ring.for_each(|record| {
        let number = number_of(record);
        is_whole &= number.is_some() && next.is_none_or(|next| number == Some(next));
        first = first.or(number);
        next = number.map(|number| number + 1);
    })?;
    let Promises { kept, delivered, .. } = *promises;
    let newest = next.unwrap_or(kept);
    let oldest = first.unwrap_or(kept);
    let is_there = newest == kept || newest == kept + 1;
    let is_kept = is_there && (first.is_some() || kept <= delivered + 1);
    let is_left = oldest <= (delivered + 1).max(kept.saturating_sub(SURELY));
    (promises.kept, promises.delivered) = (newest, oldest.max(delivered));
    Ok(is_whole && is_kept && oldest >= delivered && is_left)
}

/// Has the host fetch all readings. Those of before this boot may have been sent.
fn deliver(ring: &mut Ring, line: &mut Line, before: u32, promises: &mut Promises) -> Result<(), Failed> {
    while let Some(number) = ring.oldest()?.and_then(number_of) {
        line.deliver(number, number < before);
        ring.acknowledge()?;
        promises.delivered = number + 1;
    }
    Ok(())
}

/// Keeps readings and has the host fetch them, until the power is cut.
fn run(ring: &RefCell<Ring>, line: &mut Line, promises: &mut Promises) -> Result<(), Failed> {
    let before = promises.kept;
    let next = Cell::new(promises.kept);
    let mut readings = Flow::new(Sampled::new(Numbers(&next))).to(Keep::new(ring, encode));
    let mut scheduler = bare::Scheduler::<1>::with_tick(Duration::from_secs(1));
    if scheduler.schedule_periodic(&mut readings, Duration::from_secs(1)).is_err() {
        return Ok(());
    }
    for tick in 0..MOST {
        if scheduler.run_due(tick.min(1)).is_err() {
            return Ok(());
        }
        promises.kept = next.get();
        if promises.kept % BATCH == 0 {
            deliver(&mut ring.borrow_mut(), line, before, promises)?;
        }
    }
    Ok(())
}

/// Counts.
struct Numbers<'n>(&'n Cell<u32>);

impl Sensor for Numbers<'_> {
    type Reading = u32;
    type Error = Infallible;
    fn id(&self) -> SensorId {
        1.into()
    }
    fn sample(&mut self) -> Result<u32, SampleError<Infallible>> {
        Ok(self.0.replace(self.0.get() + 1))
    }
}

/// A number, and as many bytes more as it says.
fn encode(event: &SensorEvent<u32>, buffer: &mut [u8]) -> Option<usize> {
    let length = 4 + event.val as usize % 13;
    let record = buffer.get_mut(..length)?;
    record.fill(event.val as u8);
    record[..4].copy_from_slice(&event.val.to_le_bytes());
    Some(length)
}

/// The number of a record that is as it was written.
fn number_of(record: &[u8]) -> Option<u32> {
    let (number, rest) = record.split_first_chunk()?;
    let number = u32::from_le_bytes(*number);
    let is_whole = rest.len() == number as usize % 13 && rest.iter().all(|byte| *byte == number as u8);
    is_whole.then_some(number)
}

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
