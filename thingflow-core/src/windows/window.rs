//! [`Window`]: which events an [`Aggregate`](super::Aggregate) looks at.

use core::marker::PhantomData;
use core::time::Duration;

use super::aggregates::Aggregate;
use super::by_count::ByCount;
use super::by_time::ByTime;
use super::each_time::EachTime;
use super::ring::{Place, Room};
use super::running::Running;
use crate::limit::{Limit, Overflow};
use crate::measure::Carrier;
use crate::size::Size;
use crate::thing::Filter;

#[cfg(feature = "alloc")]
use super::ring::OnHeap;

/// The windows that [`aggregate`](super::Windows::aggregate) knows.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Sum, Window};
/// # #[cfg(feature = "alloc")] {
/// let sums = |window| from_iter(1..=5).aggregate(window, Sum::new()).collect_now();
/// assert_eq!(sums(Window::every(2, 1)), [3, 5, 7, 9]); // overlapping: as sliding(2)
/// assert_eq!(sums(Window::every(2, 2)), [3, 7, 5]); // side by side: as tumbling(2), what is left over goes out
/// assert_eq!(sums(Window::every(1, 3)), [1, 4]); // with gaps: 2, 3 and 5 are in no window
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Window;

impl Window {
    /// All events since the start: a result for each event.
    #[doc(alias = "cumulative")]
    #[doc(alias = "cumsum")]
    pub const fn running() -> RunningWindow {
        RunningWindow
    }

    /// Groups of `n` events, one after the other: a result for each group. Keeps no events, needs no allocator.
    #[doc(alias = "chunks")]
    #[track_caller]
    pub fn tumbling(n: impl Into<Size>) -> CountWindow<()> {
        let n = n.into().get();
        CountWindow::new(n, n)
    }

    /// One window of time after the other, `length` long: a result for each, when it ends. A window begins with the first
    /// event behind the one before; nothing is sent while no events come. Keeps no events, needs no allocator.
    ///
    /// # Panics
    /// If the length is zero.
    #[doc(alias = "tumbling_time")]
    #[doc(alias = "timed_window")]
    #[doc(alias = "buffer_with_time")]
    #[track_caller]
    pub const fn each(length: Duration) -> EachWindow {
        assert!(!length.is_zero(), "a window of no time: use 1 ns or more");
        EachWindow { length, aligned: false, drop_on_error: false }
    }

    /// The last `n` events: a result for each event, from the `n`th on.
    #[cfg(feature = "alloc")]
    #[doc(alias = "rolling")]
    #[track_caller]
    pub fn sliding(n: impl Into<Size>) -> CountWindow<OnHeap> {
        CountWindow::new(n.into().get(), 1)
    }

    /// As [`sliding`](Self::sliding), over a constant number of events, without an allocator.
    pub fn sliding_of<const N: usize>() -> CountWindow<Place<N>> {
        Self::every_of(1)
    }

    /// A window of `size` events that moves on by `step`: overlapping if `step` is the smaller, with gaps if it is the
    /// larger of the two.
    #[cfg(feature = "alloc")]
    #[doc(alias = "map_window")]
    #[track_caller]
    pub fn every(size: impl Into<Size>, step: impl Into<Size>) -> CountWindow<OnHeap> {
        CountWindow::new(size.into().get(), step.into().get())
    }

    /// As [`every`](Self::every), over a constant number of events, without an allocator.
    #[track_caller]
    pub fn every_of<const SIZE: usize>(step: impl Into<Size>) -> CountWindow<Place<SIZE>> {
        const { assert!(SIZE > 0, "a window of 0 events: use 1 or more") };
        CountWindow::new(SIZE, step.into().get())
    }

    /// The events of the last `span`, an event that is exactly that old left out: a result for each event.
    ///
    /// By the time at which events arrive. No more than `limit` events are held; with `Limit::drop_oldest(n)` the window
    /// is then shorter, with `Limit::block(n)` the source pauses until half of the events have left the window.
    #[cfg(feature = "alloc")]
    #[doc(alias = "rolling_time")]
    pub fn last(span: Duration, limit: Limit) -> TimeWindow<OnHeap> {
        TimeWindow { span, limit, room: PhantomData }
    }

    /// As [`last`](Self::last), without an allocator: of more than `N` events in the window the oldest are left out.
    pub fn last_of<const N: usize>(span: Duration) -> TimeWindow<Place<N>> {
        const { assert!(N > 0, "a window of 0 events: use 1 or more") };
        TimeWindow { span, limit: Limit::drop_oldest(N), room: PhantomData }
    }
}

/// A kind of window over events of `T`, seen by the aggregate `A`. New kinds plug in here.
pub trait Windowed<T, A> {
    /// The filter.
    type Filter: Filter<T>;
    /// The filter that sends what `aggregate` makes of the windows.
    ///
    /// # Panics
    /// If the window is larger than the aggregate has [room](Aggregate::ROOM) for.
    #[track_caller]
    fn with(self, aggregate: A) -> Self::Filter;
}

/// Made by [`Window::running`].
#[derive(Clone, Copy, Debug)]
pub struct RunningWindow;

impl<T: Carrier, A: Aggregate<T::Value>> Windowed<T, A> for RunningWindow {
    type Filter = Running<A>;
    fn with(self, aggregate: A) -> Running<A> {
        Running(aggregate)
    }
}

/// Made by [`Window::tumbling`], [`Window::sliding`], [`Window::every`].
#[derive(Clone, Copy, Debug)]
pub struct CountWindow<R> {
    pub(super) size: usize,
    pub(super) step: usize,
    pub(super) partial: bool,
    pub(super) drop_on_error: bool,
    room: PhantomData<R>,
}

impl<R> CountWindow<R> {
    fn new(size: usize, step: usize) -> Self {
        Self { size, step, partial: false, drop_on_error: false, room: PhantomData }
    }

    /// Drops what is left over when the stream ends by an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }
}

impl<R: Room> CountWindow<R> {
    /// Has overlapping windows begin with shorter ones, every `step` events, while there are not enough events yet.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::windows::{Sum, Window};
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(1..=4).aggregate(Window::sliding(3).partial(), Sum::new()).collect_now(), [1, 3, 6, 9]);
    /// ```
    #[doc(alias = "with_startup")]
    #[must_use]
    pub fn partial(self) -> Self {
        Self { partial: true, ..self }
    }
}

impl<T: Carrier, A: Aggregate<T::Value> + Clone, R: Room> Windowed<T, A> for CountWindow<R> {
    type Filter = ByCount<T, A, R::Ring<T::Value>>;
    #[track_caller]
    fn with(self, aggregate: A) -> Self::Filter {
        check_room(if self.step < self.size { self.size } else { 0 }, A::ROOM);
        ByCount::new(&self, aggregate)
    }
}

/// Made by [`Window::each`].
#[derive(Clone, Copy, Debug)]
pub struct EachWindow {
    pub(super) length: Duration,
    pub(super) aligned: bool,
    pub(super) drop_on_error: bool,
}

impl EachWindow {
    /// Has windows begin and end at multiples of their length since 1970-01-01T00:00:00 UTC, by the wall clock of the
    /// scheduler: windows of an hour at each full hour of UTC. The wall clock is looked at when a window begins; if it is
    /// set meanwhile, that window keeps the length it was to have. Where there is no wall clock, as without a scheduler,
    /// the clock's own start counts as 1970.
    #[must_use]
    pub const fn aligned(self) -> Self {
        Self { aligned: true, ..self }
    }

    /// Drops the window that is open when the stream ends by an error.
    #[must_use]
    pub const fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }
}

impl<T: Carrier, A: Aggregate<T::Value> + Clone> Windowed<T, A> for EachWindow {
    type Filter = EachTime<T, A>;
    fn with(self, aggregate: A) -> Self::Filter {
        EachTime::new(self, aggregate)
    }
}

/// Made by [`Window::last`].
#[derive(Clone, Debug)]
pub struct TimeWindow<R> {
    pub(super) span: Duration,
    pub(super) limit: Limit,
    room: PhantomData<R>,
}

impl<T: Carrier, A: Aggregate<T::Value>, R: Room> Windowed<T, A> for TimeWindow<R> {
    type Filter = ByTime<T, A, R::Ring<(crate::Instant, T::Value)>>;
    #[track_caller]
    fn with(self, aggregate: A) -> Self::Filter {
        let bounded = self.limit.overflow() != Overflow::Block; // one that waits is never refused an event
        check_room(if bounded { self.limit.capacity() } else { usize::MAX }, A::ROOM);
        ByTime::new(self, aggregate)
    }
}

#[track_caller]
fn check_room(size: usize, room: usize) {
    assert!(size <= room, "a window of {size} values for an aggregate with room for {room}: give it room for all");
}
