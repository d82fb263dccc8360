//! An allocator that counts, when asked to. It is the whole program's; a child that does not ask pays one load.
#![allow(unsafe_code, reason = "the standard library lets nobody else see allocations")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ASKED: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);

struct Counting;

// SAFETY: each method hands its arguments to the system's allocator and its result back, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as i64);
        // SAFETY: the caller keeps the contract of `alloc`, which is also that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give_back(layout.size() as i64);
        // SAFETY: `pointer` came from `System`, through this allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as i64);
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size as i64 - layout.size() as i64);
        // SAFETY: as for `dealloc`, and the caller vouches for `size`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[inline]
fn note(bytes: i64) {
    if ASKED.load(Relaxed) {
        ALLOCATIONS.fetch_add(1, Relaxed);
        LIVE.fetch_add(bytes, Relaxed);
    }
}

#[inline]
fn give_back(bytes: i64) {
    if ASKED.load(Relaxed) {
        LIVE.fetch_sub(bytes, Relaxed);
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

/// Counts the bytes that have been asked for and not given back, of all threads, from its creation on.
#[derive(Debug)]
pub struct Live(());

impl Live {
    /// From now on.
    pub fn start() -> Self {
        LIVE.store(0, Relaxed);
        ASKED.store(true, Relaxed);
        Self(())
    }

    /// How many there are; the count ends.
    pub fn bytes(self) -> i64 {
        ASKED.store(false, Relaxed);
        LIVE.load(Relaxed)
    }
}
