//! Where a window keeps its values: with an allocator, or in a fixed place.

/// A queue of values, oldest first. A window never holds more than it has room for.
pub trait Ring<V>: Default {
    /// How many values fit.
    const ROOM: usize;
    /// Adds the newest value.
    fn push(&mut self, value: V);
    /// Takes the oldest value.
    fn pop(&mut self) -> Option<V>;
    /// Takes the newest value.
    fn pop_back(&mut self) -> Option<V>;
    /// The oldest value.
    fn front(&self) -> Option<&V>;
    /// The newest value.
    fn back(&self) -> Option<&V>;
    /// How many values are in it.
    fn count(&self) -> usize;
}

/// Room for any number of values, on the heap.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct Growing<V>(alloc::collections::VecDeque<V>);

#[cfg(feature = "alloc")]
impl<V> Default for Growing<V> {
    fn default() -> Self {
        Self(alloc::collections::VecDeque::new())
    }
}

#[cfg(feature = "alloc")]
impl<V> Ring<V> for Growing<V> {
    const ROOM: usize = usize::MAX;
    #[inline]
    fn push(&mut self, value: V) {
        self.0.push_back(value);
    }
    #[inline]
    fn pop(&mut self) -> Option<V> {
        self.0.pop_front()
    }
    #[inline]
    fn pop_back(&mut self) -> Option<V> {
        self.0.pop_back()
    }
    #[inline]
    fn front(&self) -> Option<&V> {
        self.0.front()
    }
    #[inline]
    fn back(&self) -> Option<&V> {
        self.0.back()
    }
    #[inline]
    fn count(&self) -> usize {
        self.0.len()
    }
}

/// Room for `N` values, in place.
#[derive(Clone, Debug)]
pub struct InPlace<V, const N: usize>(heapless::Deque<V, N>);

impl<V, const N: usize> Default for InPlace<V, N> {
    fn default() -> Self {
        Self(heapless::Deque::new())
    }
}

impl<V, const N: usize> Ring<V> for InPlace<V, N> {
    const ROOM: usize = N;
    #[inline]
    fn push(&mut self, value: V) {
        let pushed = self.0.push_back(value);
        debug_assert!(pushed.is_ok(), "windows are checked against ROOM when they are made");
    }
    #[inline]
    fn pop(&mut self) -> Option<V> {
        self.0.pop_front()
    }
    #[inline]
    fn pop_back(&mut self) -> Option<V> {
        self.0.pop_back()
    }
    #[inline]
    fn front(&self) -> Option<&V> {
        self.0.front()
    }
    #[inline]
    fn back(&self) -> Option<&V> {
        self.0.back()
    }
    #[inline]
    fn count(&self) -> usize {
        self.0.len()
    }
}

/// No room: groups that stand side by side keep no values.
impl<V> Ring<V> for () {
    const ROOM: usize = 0;
    fn push(&mut self, _: V) {}
    fn pop(&mut self) -> Option<V> {
        None
    }
    fn pop_back(&mut self) -> Option<V> {
        None
    }
    fn front(&self) -> Option<&V> {
        None
    }
    fn back(&self) -> Option<&V> {
        None
    }
    fn count(&self) -> usize {
        0
    }
}

/// The kind of room that a window has, whatever it holds.
pub trait Room {
    /// The room for values of a type.
    type Ring<V>: Ring<V>;
}

impl Room for () {
    type Ring<V> = ();
}

/// Room on the heap.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug)]
pub struct OnHeap;
#[cfg(feature = "alloc")]
impl Room for OnHeap {
    type Ring<V> = Growing<V>;
}

/// Room for `N` values in place.
#[derive(Clone, Copy, Debug)]
pub struct Place<const N: usize>;
impl<const N: usize> Room for Place<N> {
    type Ring<V> = InPlace<V, N>;
}
