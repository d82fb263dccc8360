//! What the holders of an event share, and whether they let go of it because something has failed.

use crate::error::StreamError;
pub(super) use crate::lock::{Lock, Shared};

#[cfg(feature = "std")]
std::thread_local! {
    static DROPPING: core::cell::Cell<Dropping> = const { core::cell::Cell::new(Dropping::InPassing) };
    static REFUSING: core::cell::RefCell<Option<StreamError>> = const { core::cell::RefCell::new(None) };
}

/// What a drop without a word says.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "std"), allow(dead_code))]
pub(super) enum Dropping {
    /// Done, as long as the run goes well.
    InPassing,
    /// Done for certain: whoever drops it has said so.
    Delivered,
    /// A full queue has no room for it.
    Evicted,
    /// Something has failed: it is not done.
    Abandoned,
}

/// What is said by a drop on this thread, now.
#[cfg(feature = "std")]
pub(super) fn dropping() -> Dropping {
    if std::thread::panicking() { Dropping::Abandoned } else { DROPPING.get() }
}

#[cfg(not(feature = "std"))]
pub(super) fn dropping() -> Dropping {
    Dropping::InPassing
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
    drop_as(Dropping::Abandoned, || drop(event));
    REFUSING.replace(before);
}

/// Drops events for which a full queue has no room: they are not done.
#[cfg(feature = "std")]
pub(crate) fn evict(drops: impl FnOnce()) {
    let said = dropping();
    drop_as(if said == Dropping::InPassing { Dropping::Evicted } else { said }, drops);
}

/// Drops the rest of the work of a thread that has failed: none of it is done.
#[cfg(feature = "std")]
pub(crate) fn abandon<T>(rest: T) {
    drop_as(Dropping::Abandoned, || drop(rest));
}

/// Drops work that is done for certain, also while the run is being closed.
#[cfg(feature = "std")]
pub(crate) fn deliver(drops: impl FnOnce()) {
    drop_as(Dropping::Delivered, drops);
}

#[cfg(feature = "std")]
fn drop_as(dropping: Dropping, drops: impl FnOnce()) {
    struct Before(Dropping);
    impl Drop for Before {
        fn drop(&mut self) {
            DROPPING.set(self.0);
        }
    }
    let _before = Before(DROPPING.replace(dropping));
    drops();
}
