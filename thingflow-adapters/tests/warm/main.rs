//! Once warm, an event costs no allocation, or no more than is said.
#![cfg(any(feature = "csv", feature = "outbox"))]
#![allow(unsafe_code, reason = "the standard library lets nobody else see allocations")]

#[cfg(feature = "outbox")]
mod outbox;
#[cfg(feature = "csv")]
mod rows;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts the allocations of each thread by itself.
struct Counting;

thread_local! {
    /// How many there have been on this thread.
    static MADE: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: each method hands its arguments to the system's allocator and its result back, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = MADE.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`, which is also that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System`, through this allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}
