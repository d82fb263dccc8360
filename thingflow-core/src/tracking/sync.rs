//! What the holders of an event share, and whether they let go of it because something has failed.

pub(super) use crate::lock::{Lock, Shared};

#[cfg(feature = "std")]
std::thread_local! {
    static ABANDONING: core::cell::Cell<bool> = const { core::cell::Cell::new(false) };
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

/// Drops the rest of the work of a thread that has failed: none of it is done.
#[cfg(feature = "std")]
pub(crate) fn abandon<T>(rest: T) {
    let before = ABANDONING.replace(true);
    drop(rest);
    ABANDONING.set(before);
}
