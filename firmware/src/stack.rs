//! How much of the stack was used: at the start, all of it is painted.

use core::ptr;

use cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    /// The lowest word of the stack, from the linker's script of `cortex-m-rt`; its address counts.
    static _stack_end: u32;
    /// Where the stack begins: just above its highest word.
    static _stack_start: u32;
}

/// The bytes of the stack that have lost their paint. If nothing is left of it, the stack may have been too small.
pub fn used() -> usize {
    let (mut at, top) = (&raw const _stack_end, &raw const _stack_start);
    // SAFETY: the words between the two are memory of the stack, aligned, and written before `main` by the painter. They
    // are read only; what is below the stack pointer is used by nobody, since interrupts leave as they came.
    while at < top && unsafe { ptr::read_volatile(at) } == STACK_PAINT_VALUE {
        at = at.wrapping_add(1);
    }
    top.addr() - at.addr()
}
