//! [`Store`]: where operators keep several events or values: on the heap, or in a fixed number of places.
//!
//! A store knows nothing of limits: what happens to one event too many is decided by who fills it, as
//! [`Bounded`] does by its [`Limit`](crate::Limit).

#[cfg(feature = "alloc")]
pub use crate::limit::Backlog;
pub use crate::limit::Bounded;

/// A queue of events or values, oldest first: a `VecDeque` on the heap, or a [`heapless::Deque`] in place.
///
/// ```
/// use thingflow_core::storage::{InPlace, Room, Store};
/// let mut last_two = <InPlace<2> as Room>::Store::<f32>::default();
/// assert_eq!((last_two.push_back(1.0), last_two.push_back(2.0)), (Ok(()), Ok(())));
/// assert_eq!(last_two.push_back(3.0), Err(3.0)); // there is no room, and nothing is dropped unasked
/// assert_eq!(Store::pop_front(&mut last_two), Some(1.0));
/// ```
pub trait Store<T>: Default {
    /// How many fit.
    const ROOM: usize;
    /// Adds the newest.
    ///
    /// # Errors
    /// Gives it back if there is no room.
    fn push_back(&mut self, item: T) -> Result<(), T>;
    /// Takes the oldest.
    fn pop_front(&mut self) -> Option<T>;
    /// Takes the newest.
    fn pop_back(&mut self) -> Option<T>;
    /// The oldest, to look at.
    fn front(&self) -> Option<&T>;
    /// The newest, to look at.
    fn back(&self) -> Option<&T>;
    /// How many there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    #[inline]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Looks at all of them, oldest first.
    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a T>
    where
        T: 'a;
    /// All of them in one row, oldest first, to be put into another order.
    fn make_contiguous(&mut self) -> &mut [T];
    /// Those that stand in one row, from the oldest on: all of them, if none has been taken from the front since
    /// [`make_contiguous`](Self::make_contiguous).
    fn as_slice(&self) -> &[T];
}

/// A kind of store, whatever it keeps: [`OnHeap`], [`InPlace`], or `()` for none.
pub trait Room {
    /// The store for a type.
    type Store<T>: Store<T>;
}

/// Any number, on the heap.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug)]
pub struct OnHeap;

#[cfg(feature = "alloc")]
impl Room for OnHeap {
    type Store<T> = alloc::collections::VecDeque<T>;
}

/// Up to `N`, in place: without an allocator.
#[derive(Clone, Copy, Debug)]
pub struct InPlace<const N: usize>;

impl<const N: usize> Room for InPlace<N> {
    type Store<T> = heapless::Deque<T, N>;
}

impl Room for () {
    type Store<T> = ();
}

macro_rules! deque {
    ($room:expr, $push:expr, [$($param:tt)*] $deque:ty) => {
        impl<$($param)*> Store<T> for $deque {
            const ROOM: usize = $room;
            #[inline]
            fn push_back(&mut self, item: T) -> Result<(), T> {
                #[allow(clippy::redundant_closure_call)] // what the two kinds do differently
                ($push)(self, item)
            }
            #[inline]
            fn pop_front(&mut self) -> Option<T> {
                self.pop_front()
            }
            #[inline]
            fn pop_back(&mut self) -> Option<T> {
                self.pop_back()
            }
            #[inline]
            fn front(&self) -> Option<&T> {
                self.front()
            }
            #[inline]
            fn back(&self) -> Option<&T> {
                self.back()
            }
            #[inline]
            fn len(&self) -> usize {
                self.len()
            }
            fn iter<'a>(&'a self) -> impl Iterator<Item = &'a T>
            where
                T: 'a,
            {
                self.iter()
            }
            #[inline]
            fn make_contiguous(&mut self) -> &mut [T] {
                self.make_contiguous()
            }
            #[inline]
            fn as_slice(&self) -> &[T] {
                self.as_slices().0
            }
        }
    };
}
#[cfg(feature = "alloc")]
deque! {
    usize::MAX,
    |store: &mut Self, item| { store.push_back(item); Ok(()) },
    [T] alloc::collections::VecDeque<T>
}
deque! { N, |store: &mut Self, item| store.push_back(item), [T, const N: usize] heapless::Deque<T, N> }

/// No room: for what keeps nothing.
impl<T> Store<T> for () {
    const ROOM: usize = 0;
    fn push_back(&mut self, item: T) -> Result<(), T> {
        Err(item)
    }
    fn pop_front(&mut self) -> Option<T> {
        None
    }
    fn pop_back(&mut self) -> Option<T> {
        None
    }
    fn front(&self) -> Option<&T> {
        None
    }
    fn back(&self) -> Option<&T> {
        None
    }
    fn len(&self) -> usize {
        0
    }
    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a T>
    where
        T: 'a,
    {
        core::iter::empty()
    }
    fn make_contiguous(&mut self) -> &mut [T] {
        &mut []
    }
    fn as_slice(&self) -> &[T] {
        &[]
    }
}

/// On the heap, where often only one waits: that one takes no memory of its own.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct Growing<T> {
    /// The oldest, if it came when nothing waited.
    front: Option<T>,
    rest: alloc::collections::VecDeque<T>,
}

#[cfg(feature = "alloc")]
impl<T> Default for Growing<T> {
    fn default() -> Self {
        Self { front: None, rest: alloc::collections::VecDeque::new() }
    }
}

#[cfg(feature = "alloc")]
impl<T> Growing<T> {
    /// Puts the first one into the empty store.
    #[inline]
    pub(crate) fn put(&mut self, item: T) {
        self.front = Some(item);
    }

    /// All in one row.
    pub(crate) fn row(&mut self) -> &mut alloc::collections::VecDeque<T> {
        if let Some(front) = self.front.take() {
            self.rest.push_front(front);
        }
        &mut self.rest
    }
}

#[cfg(feature = "alloc")]
impl<T> Store<T> for Growing<T> {
    const ROOM: usize = usize::MAX;
    #[inline]
    fn push_back(&mut self, item: T) -> Result<(), T> {
        if self.is_empty() {
            self.front = Some(item);
        } else {
            self.rest.push_back(item);
        }
        Ok(())
    }
    #[inline]
    fn pop_front(&mut self) -> Option<T> {
        self.front.take().or_else(|| self.rest.pop_front())
    }
    #[inline]
    fn pop_back(&mut self) -> Option<T> {
        self.rest.pop_back().or_else(|| self.front.take())
    }
    #[inline]
    fn front(&self) -> Option<&T> {
        self.front.as_ref().or_else(|| self.rest.front())
    }
    #[inline]
    fn back(&self) -> Option<&T> {
        self.rest.back().or(self.front.as_ref())
    }
    #[inline]
    fn len(&self) -> usize {
        usize::from(self.front.is_some()) + self.rest.len()
    }
    #[inline]
    fn is_empty(&self) -> bool {
        self.front.is_none() && self.rest.is_empty()
    }
    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a T>
    where
        T: 'a,
    {
        self.front.iter().chain(&self.rest)
    }
    fn make_contiguous(&mut self) -> &mut [T] {
        self.row().make_contiguous()
    }
    fn as_slice(&self) -> &[T] {
        self.front.as_ref().map_or(self.rest.as_slices().0, core::slice::from_ref)
    }
}
