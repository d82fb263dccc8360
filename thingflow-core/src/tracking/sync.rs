//! What the holders of an event share. With `std` they may be on several threads, without it they are on one.

#[cfg(feature = "std")]
pub(super) use std::sync::Arc as Shared;

#[cfg(not(feature = "std"))]
pub(super) use alloc::rc::Rc as Shared;

/// A value that all holders may change. No user code runs while it is locked.
#[cfg(feature = "std")]
#[derive(Debug, Default)]
pub(super) struct Lock<T>(std::sync::Mutex<T>);

#[cfg(feature = "std")]
impl<T> Lock<T> {
    pub(super) fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(super) fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(not(feature = "std"))]
#[derive(Debug, Default)]
pub(super) struct Lock<T>(core::cell::RefCell<T>);

#[cfg(not(feature = "std"))]
impl<T> Lock<T> {
    pub(super) fn new(value: T) -> Self {
        Self(core::cell::RefCell::new(value))
    }

    pub(super) fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.0.borrow_mut())
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

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
