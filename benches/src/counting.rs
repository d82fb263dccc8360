//! An allocator that counts, when asked to. It is the whole program's; a child that does not ask pays one load.
#![allow(unsafe_code, reason = "the standard library lets nobody else see allocations")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ASKED: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: each method hands its arguments to the system's allocator and its result back, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the contract of `alloc`, which is also that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System`, through this allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: as for `dealloc`, and the caller vouches for `size`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[inline]
fn note() {
    if ASKED.load(Relaxed) {
        ALLOCATIONS.fetch_add(1, Relaxed);
    }
}

/// Counts allocations, of all threads, from its creation on.
#[derive(Debug)]
pub struct Count(());

impl Count {
    /// From now on.
    pub fn start() -> Self {
        ALLOCATIONS.store(0, Relaxed);
        ASKED.store(true, Relaxed);
        Self(())
    }

    /// How many there were; the count ends.
    pub fn stop(self) -> u64 {
        ASKED.store(false, Relaxed);
        ALLOCATIONS.load(Relaxed)
    }
}
