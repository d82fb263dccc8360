//! The locks of the queues between threads: the standard library's, or those of the model checker (`--cfg loom`), which runs
//! through all ways in which threads can follow each other.

#[cfg(all(test, loom))]
pub(super) use loom::{
    sync::atomic::AtomicBool,
    sync::{Condvar, Mutex, MutexGuard},
    thread::{ThreadId, current},
};
#[cfg(not(all(test, loom)))]
pub(super) use std::{
    sync::atomic::AtomicBool,
    sync::{Condvar, Mutex, MutexGuard},
    thread::{ThreadId, current},
};

use std::sync::PoisonError;

/// No user code runs under these locks, so a thread that panicked left nothing half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
