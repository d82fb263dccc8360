//! What the holders of an event share, and whether they let go of it because something has failed.

use crate::error::StreamError;
pub(super) use crate::lock::{Lock, Shared};

#[cfg(feature = "std")]
std::thread_local! {
    static ABANDONING: core::cell::Cell<bool> = const { core::cell::Cell::new(false) };
    static REFUSING: core::cell::RefCell<Option<StreamError>> = const { core::cell::RefCell::new(None) };
}

/// Whether what is dropped now is dropped because something has failed.
#[cfg(feature = "std")]
pub(super) fn abandoning() -> bool {
    std::thread::panicking() || ABANDONING.get()
}

#[cfg(not(feature = "std"))]
pub(super) fn abandoning() -> bool {
    false
}

/// Why what is dropped now has failed, if it has.
#[cfg(feature = "std")]
pub(super) fn refusing() -> Option<StreamError> {
    REFUSING.with_borrow(Clone::clone)
}

#[cfg(not(feature = "std"))]
pub(super) fn refusing() -> Option<StreamError> {
    None
}

/// Drops an event that was refused for good, and that nobody wants to see: it has failed.
#[cfg(feature = "std")]
pub(crate) fn refuse<T>(event: T, error: &StreamError) {
    let before = REFUSING.replace(Some(error.clone()));
    let abandoning = ABANDONING.replace(true);
    drop(event);
    ABANDONING.set(abandoning);
    REFUSING.replace(before);
}

/// Drops the rest of the work of a thread that has failed: none of it is done.
#[cfg(feature = "std")]
pub(crate) fn abandon<T>(rest: T) {
    let before = ABANDONING.replace(true);
    drop(rest);
    ABANDONING.set(before);
}
