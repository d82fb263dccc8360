//! [`Place`]: where a Thing lies that is taken out while it is called. Whoever comes back in the middle finds nothing to call:
//! there is neither recursion nor a borrow panic.

use alloc::boxed::Box;
use core::cell::Cell;
use core::fmt;
use core::mem;
use core::ops::{Deref, DerefMut};

/// The place of a Thing: empty while the Thing is being called, and when it has been taken for good.
pub(crate) struct Place<T>(Cell<Option<Box<T>>>);

impl<T> Place<T> {
    pub(crate) fn new(thing: T) -> Self {
        Self(Cell::new(Some(Box::new(thing))))
    }

    /// Takes the Thing out for a call, unless it is away. It is back when that is over, also if a panic ends it.
    #[inline]
    pub(crate) fn lend(&self) -> Option<Lent<'_, T>> {
        self.0.take().map(|thing| Lent { thing: Some(thing), place: &self.0 })
    }

    /// Takes the Thing for good, unless it is away.
    pub(crate) fn take(&self) -> Option<Box<T>> {
        self.0.take()
    }

    pub(crate) fn fill(&self, thing: Box<T>) {
        self.0.set(Some(thing));
    }

    /// Whether the Thing is there.
    pub(crate) fn is_filled(&self) -> bool {
        self.lend().is_some()
    }
}

impl<T> Default for Place<T> {
    fn default() -> Self {
        Self(Cell::new(None))
    }
}

impl<T> fmt::Debug for Place<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.is_filled()).finish()
    }
}

/// A Thing that is away from its place.
pub(crate) struct Lent<'p, T> {
    /// Empty only once it is back.
    thing: Option<Box<T>>,
    place: &'p Cell<Option<Box<T>>>,
}

impl<T> Deref for Lent<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.thing.as_deref().expect(LENT)
    }
}

impl<T> DerefMut for Lent<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.thing.as_deref_mut().expect(LENT)
    }
}

const LENT: &str = "a Thing is lent until it is back";

impl<T> Drop for Lent<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let none = self.place.replace(self.thing.take());
        debug_assert!(none.is_none(), "there is one Thing for a place");
        mem::forget(none); // nothing to drop, and the compiler need not ask
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::Place;

    #[test]
    fn a_thing_is_away_while_it_is_called() {
        let place = Place::new(1);
        let mut lent = place.lend().unwrap();
        *lent += 1;
        assert!(!place.is_filled() && place.lend().is_none() && place.take().is_none());
        drop(lent);
        assert_eq!(place.take(), Some(Box::new(2)));
        assert!(place.lend().is_none());
    }

    #[test]
    fn a_panic_leaves_the_thing_in_its_place() {
        let place = Place::new(1);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let _lent = place.lend();
            panic!("on purpose")
        }));
        assert!(ended.is_err() && place.is_filled());
    }
}
