//! [`Key`]: by what a row is known that is sent again.

use std::fmt;

/// The flow, and an event's number in it.
pub(crate) struct Key<E> {
    pub(crate) flow: String,
    number: Number<E>,
}

type Number<E> = Box<dyn Fn(&E) -> Option<u64> + Send>;

impl<E> Key<E> {
    pub(crate) fn new(flow: String, number: impl Fn(&E) -> Option<u64> + Send + 'static) -> Self {
        Self { flow, number: Box::new(number) }
    }

    /// The number, as databases have it: one beyond the largest signed one is negative there, and still another one.
    pub(crate) fn of(&self, event: &E) -> Option<i64> {
        (self.number)(event).map(u64::cast_signed)
    }
}

impl<E> fmt::Debug for Key<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("flow", &self.flow).finish_non_exhaustive()
    }
}
