//! Flash in RAM that outlives a reset, and a power cut at one of its words or pages.

use core::convert::Infallible;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m::peripheral::SCB;
use embedded_storage::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};

const PAGE: usize = 128;
const SIZE: usize = 5 * PAGE;
pub const RANGE: Range<u32> = 0..SIZE as u32;

/// The board has 4 MiB of RAM here, of which the linker gives the program the first part.
const OUTLIVES: *mut Outlives = 0x2020_0000 as *mut Outlives;

/// That the memory has been set up: what the emulator begins with is zero.
const SET_UP: u32 = 0x7f1a_5c0d;

/// What is there after a reset.
#[repr(C)]
struct Outlives {
    set_up: u32,
    draw: u32,
    was_cut: AtomicBool,
    promises: Promises,
    cells: [u8; SIZE],
}

/// What the ring has promised. The power supply remembers it, so to speak.
#[repr(C)]
pub struct Promises {
    /// Power cuts.
    pub cuts: u32,
    /// Readings that have been kept.
    pub kept: u32,
    /// Readings up to this one have been acknowledged.
    pub delivered: u32,
}

pub struct Board {
    pub flash: Flash,
    /// Whether the boot comes after a cut.
    pub was_cut: bool,
    pub promises: &'static mut Promises,
}

/// After a boot, once.
pub fn boot() -> Option<Board> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    // Not swapped: a Cortex-M0 cannot. Nothing else runs here.
    if TAKEN.load(Ordering::Relaxed) {
        return None;
    }
    TAKEN.store(true, Ordering::Relaxed);
    // SAFETY: the board has RAM there, aligned for words, which the linker gives to nobody. Every bit pattern that it can have is a
    // valid value: zeros after power-on, else what was written here. It is handed out once.
    let memory = unsafe { &mut *OUTLIVES };
    if memory.set_up != SET_UP {
        memory.cells = [0xff; SIZE];
        memory.draw = 1;
        memory.promises = Promises { cuts: 0, kept: 0, delivered: 0 };
        memory.was_cut = AtomicBool::new(false);
        memory.set_up = SET_UP;
    }
    memory.draw = memory.draw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    let (left, torn) = (memory.draw >> 25, memory.draw as usize >> 8 & 3);
    let was_cut = memory.was_cut.load(Ordering::Relaxed);
    memory.was_cut.store(false, Ordering::Relaxed);
    let flash = Flash { cells: &mut memory.cells, left, torn, was_cut: &memory.was_cut };
    Some(Board { flash, was_cut, promises: &mut memory.promises })
}

/// Flash whose power is cut after so many words and pages.
pub struct Flash {
    cells: &'static mut [u8; SIZE],
    left: u32,
    /// How much of the word or page is done by then.
    torn: usize,
    was_cut: &'static AtomicBool,
}

impl Flash {
    /// Whether there is power for all of the next step.
    fn has_power(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// Nothing runs any more.
    fn cut_power(&mut self) -> ! {
        self.was_cut.store(true, Ordering::Relaxed);
        cortex_m::asm::dsb();
        SCB::sys_reset()
    }
}

impl ErrorType for Flash {
    type Error = Infallible;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;
    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.cells[offset as usize..][..bytes.len()]);
        Ok(())
    }
    fn capacity(&self) -> usize {
        SIZE
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;
    fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        for page in (from as usize..to as usize).step_by(PAGE) {
            let whole = self.has_power();
            let part = if whole { PAGE } else { PAGE * self.torn / 3 };
            self.cells[page..][..part].fill(0xff);
            if !whole {
                self.cut_power();
            }
        }
        Ok(())
    }
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Infallible> {
        for (at, word) in (offset as usize..).step_by(4).zip(bytes.chunks(4)) {
            let whole = self.has_power();
            let part = if whole { 4 } else { self.torn };
            self.cells[at..].iter_mut().zip(word).take(part).for_each(|(cell, bits)| *cell &= bits);
            if !whole {
                self.cut_power();
            }
        }
        Ok(())
    }
}

impl MultiwriteNorFlash for Flash {}
