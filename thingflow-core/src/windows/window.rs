//! [`Window`]: who assigns the events to windows, by their number, by the time at which they arrive, by a key.

use core::marker::PhantomData;
use core::time::Duration;

use super::aggregates::Aggregate;
use super::bounds::{Bare, Bounds, Stamp};
use super::cumulative::Cumulative;
use super::gather::{Gather, Limited, Slide, Values};
use super::groups::{Grid, Groups, Rule};
use super::recent::Recent;
use super::sliding::Sliding;
use crate::limit::{Limit, Overflow};
use crate::measure::Carrier;
use crate::size::Size;
use crate::storage::{InPlace, Room};
use crate::thing::Filter;

#[cfg(feature = "alloc")]
use {
    super::event_window::EventWindow,
    super::framing::{Calendar, Periods, Sessions},
    crate::clock::Timestamp,
    crate::storage::OnHeap,
};

/// The windows that [`aggregate`](super::Windows::aggregate) and [`window`](super::Windows::window) know.
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
    ///
    /// Holds the aggregate. Sends `T::With<A::Out>`. Options: `bounds`.
    #[doc(alias = "expanding")]
    #[doc(alias = "running")]
    #[doc(alias = "cumsum")]
    pub const fn cumulative() -> CumulativeWindow {
        CumulativeWindow
    }

    /// Groups of `n` events, one after the other: a result for each group.
    ///
    /// Holds the aggregate, and no values. Sends `T::With<A::Out>`. Options: `by_key`, `by_saved_key`, `drop_on_error`, `bounds`.
    #[doc(alias = "chunks")]
    #[track_caller]
    pub fn tumbling(n: impl Into<Size>) -> TumblingWindow {
        TumblingWindow { n: n.into().get(), drop_on_error: false }
    }

    /// One window of time after the other, `length` long: a result for each, when it ends. A window begins with the first
    /// event behind the one before; nothing is sent while no events come.
    ///
    /// Holds the aggregate, and no values. Sends `T::With<A::Out>`. Options: `aligned`, `from_start`, `at_most`, `by_key`,
    /// `send_empty`, `drop_on_error`, `bounds`.
    ///
    /// # Panics
    /// If the length is zero.
    #[doc(alias = "tumbling_time")]
    #[doc(alias = "timed_window")]
    #[doc(alias = "buffer_with_time")]
    #[track_caller]
    pub const fn each(length: Duration) -> EachWindow {
        assert!(!length.is_zero(), "a window of no time: use 1 ns or more");
        EachWindow { length, most: AnyNumber, grid: Grid::FirstEvent, send_empty: false, drop_on_error: false }
    }

    /// Windows of `length` by the time that `time` reads from the events, in whatever order they arrive; they begin at multiples of
    /// their length since 1970 UTC. A window is sent when the [watermark](crate::Timing::watermarks) has reached its end, so there must
    /// be one upstream; the end of the stream sends the rest. An event for a window that is gone is late: it is dropped, counted and
    /// reported, or goes [elsewhere](EventWindow::late_to).
    ///
    /// A result says from when to when its window was, how many events it has, and of how many the reading is missing, as
    /// [`Windowed`](super::Windowed). It does not depend on the time of arrival: a replay of last year's file gives what the live run gave.
    /// Aggregates see the events in the order of arrival, though, which matters to those that look from one to the next, `Rate` and
    /// `Integral` for instance: put an [`InOrder`](super::InOrder) around them.
    ///
    /// Holds the aggregate of each window that is open, up to 1,024. Sends `T::With<Windowed<A::Out>>`. Options: `every`, `by_key`,
    /// `by_saved_key`, `corrections`, `early`, `late_to`, `metered`, `at_most`.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// use thingflow_core::windows::Sum;
    /// let rain = [(3, 2), (9, 1), (7, 1), (12, 5), (14, 1), (8, 9), (24, 1)]; // ticks of a gauge, not quite in order
    /// let rain = from_iter(rain).map(|(secs, ticks)| SensorEvent::new("rain", Timestamp::from_secs(secs), ticks));
    /// let tens = Window::event_time(Duration::from_secs(10), |event: &SensorEvent<i32>| event.ts);
    /// let late_by_2_s = rain.watermarks(|event| event.ts, Duration::from_secs(2));
    /// let sums = late_by_2_s.aggregate(tens, Sum::new()).map(|event| (event.val.end.as_secs_f64(), event.val.value));
    /// assert_eq!(sums.collect_now(), [(10.0, 4), (20.0, 6), (30.0, 1)]); // what was of second 8 came too late
    /// ```
    ///
    /// # Panics
    /// If the length is zero.
    #[cfg(feature = "alloc")]
    #[doc(alias = "event_windows")]
    #[doc(alias = "timed_window")]
    #[track_caller]
    pub fn event_time<T, F: FnMut(&T) -> Timestamp>(length: Duration, time: F) -> EventWindow<T, F, Periods> {
        assert!(!length.is_zero(), "a window of no time: use 1 ns or more");
        EventWindow::new(Periods(length), time)
    }

    /// As [`event_time`](Self::event_time), by the periods of a [`Calendar`]: the months of UTC, the days of a time zone.
    ///
    /// Holds the aggregate of each window that is open, up to 1,024. Sends `T::With<Windowed<A::Out>>`. Options: `by_key`,
    /// `by_saved_key`, `corrections`, `early`, `late_to`, `metered`, `at_most`.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// use thingflow_core::windows::{Sum, UtcMonths};
    /// let used = ["2000-02-28T12:00:00Z", "2000-02-29T23:59:59Z", "2000-03-01T00:00:00Z"]; // a kWh each
    /// let used = from_iter(used.map(|at| (at.parse::<Timestamp>().unwrap_or_default(), 1)));
    /// let months = Window::calendar(UtcMonths, |(at, _): &(Timestamp, i32)| *at);
    /// let used = used.watermarks(|(at, _)| *at, Duration::ZERO);
    /// let sums = used.aggregate(months, thingflow_core::windows::Of(|kwh: &(Timestamp, i32)| kwh.1, Sum::new()));
    /// assert_eq!(sums.map(|month| month.value).collect_now(), [2, 1]);
    /// ```
    #[cfg(feature = "alloc")]
    pub fn calendar<T, F: FnMut(&T) -> Timestamp, C: Calendar>(calendar: C, time: F) -> EventWindow<T, F, C> {
        EventWindow::new(calendar, time)
    }

    /// Sessions by the time that `time` reads from the events: a window lasts as long as events follow each other by less than `gap`, and
    /// ends `gap` after the last of them. How long a machine ran, what a visitor did, one shower of rain.
    ///
    /// As [`event_time`](Self::event_time) otherwise. An event between two sessions makes one of them, so the aggregate must be one that
    /// can be put together of parts ([`Merge`](super::Merge)): all at hand can, but none that was begun with a start state, which
    /// would count once for each part.
    ///
    /// Holds the aggregate of each window that is open, up to 1,024. Sends `T::With<Windowed<A::Out>>`. Options: `by_key`,
    /// `by_saved_key`, `corrections`, `early`, `late_to`, `metered`, `at_most`.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// use thingflow_core::windows::Count;
    /// let pump = [1, 4, 30, 8, 33].map(Timestamp::from_secs); // it ran twice; what was of second 8 came late
    /// let sessions = Window::session(Duration::from_secs(5), |at: &Timestamp| *at);
    /// let runs = from_iter(pump).watermarks(|at| *at, Duration::from_secs(25)).aggregate(sessions, Count::new());
    /// let runs = runs.map(|run| (run.start.as_secs_f64(), run.end.as_secs_f64(), run.value));
    /// assert_eq!(runs.collect_now(), [(1.0, 13.0, 3), (30.0, 38.0, 2)]);
    /// ```
    ///
    /// # Panics
    /// If the gap is zero.
    #[cfg(feature = "alloc")]
    #[doc(alias = "session_window")]
    #[track_caller]
    pub fn session<T, F: FnMut(&T) -> Timestamp>(gap: Duration, time: F) -> EventWindow<T, F, Sessions> {
        assert!(!gap.is_zero(), "a session needs a gap that ends it: use 1 ns or more");
        EventWindow::new(Sessions(gap), time)
    }

    /// The last `n` events: a result for each event, from the `n`th on.
    ///
    /// Holds the values of one window. Sends `T::With<A::Out>`. Options: `partial`, `bounds`.
    #[cfg(feature = "alloc")]
    #[doc(alias = "rolling")]
    #[track_caller]
    pub fn sliding(n: impl Into<Size>) -> CountWindow<OnHeap> {
        CountWindow::new(n.into().get(), 1)
    }

    /// As [`sliding`](Self::sliding), over a constant number of events, without an allocator.
    ///
    /// Holds the values of one window. Sends `T::With<A::Out>`. Options: `partial`, `bounds`.
    pub fn sliding_of<const N: usize>() -> CountWindow<InPlace<N>> {
        Self::every_of(1)
    }

    /// A window of `size` events that moves on by `step`: overlapping if `step` is the smaller, with gaps if it is the
    /// larger of the two.
    ///
    /// Holds the values of one window. Sends `T::With<A::Out>`. Options: `partial`, `drop_on_error`, `bounds`.
    #[cfg(feature = "alloc")]
    #[doc(alias = "map_window")]
    #[track_caller]
    pub fn every(size: impl Into<Size>, step: impl Into<Size>) -> CountWindow<OnHeap> {
        CountWindow::new(size.into().get(), step.into().get())
    }

    /// As [`every`](Self::every), over a constant number of events, without an allocator.
    ///
    /// Holds the values of one window. Sends `T::With<A::Out>`. Options: `partial`, `drop_on_error`, `bounds`.
    #[track_caller]
    pub fn every_of<const SIZE: usize>(step: impl Into<Size>) -> CountWindow<InPlace<SIZE>> {
        const { assert!(SIZE > 0, "a window of 0 events: use 1 or more") };
        CountWindow::new(SIZE, step.into().get())
    }

    /// The events of the last `span`, an event that is exactly that old left out: a result for each event.
    ///
    /// By the time at which events arrive. No more than `limit` events are held; with `Limit::drop_oldest(n)` the window
    /// is then shorter, with `Limit::block(n)` the source pauses until half of the events have left the window.
    ///
    /// Holds the values of one window, up to `limit`. Sends `T::With<A::Out>`. Options: `bounds`.
    #[cfg(feature = "alloc")]
    #[doc(alias = "rolling_time")]
    pub fn last(span: Duration, limit: Limit) -> TimeWindow<OnHeap> {
        TimeWindow { span, limit, room: PhantomData }
    }

    /// As [`last`](Self::last), without an allocator: of more than `N` events in the window the oldest are left out.
    ///
    /// Holds up to `N` values. Sends `T::With<A::Out>`. Options: `bounds`.
    pub fn last_of<const N: usize>(span: Duration) -> TimeWindow<InPlace<N>> {
        const { assert!(N > 0, "a window of 0 events: use 1 or more") };
        TimeWindow { span, limit: Limit::drop_oldest(N), room: PhantomData }
    }
}

/// Assigns events of `T` to windows; `G` gathers the events of each. New kinds of windows plug in here.
///
/// `S` says whether results carry the bounds of their window; that is asked for by a method `bounds` of each kind.
pub trait Assigner<T, G, S = Bare> {
    /// The filter.
    type Filter: Filter<T>;
    /// The filter that sends what `gather` makes of the windows.
    ///
    /// # Panics
    /// If the window is larger than the aggregate has [room](Aggregate::ROOM) for.
    #[track_caller]
    fn assign(self, gather: G) -> Self::Filter;
}

/// A window whose results carry its bounds and the number of its events, as [`Windowed`](super::Windowed). Made by the method
/// `bounds` of a window.
#[derive(Clone, Debug)]
pub struct WithBounds<W>(W);

#[cfg(feature = "alloc")]
impl<W> WithBounds<W> {
    pub(super) const fn of(window: W) -> Self {
        Self(window)
    }
}

impl<T, G, W: Assigner<T, G, Bounds>> Assigner<T, G> for WithBounds<W> {
    type Filter = W::Filter;
    #[track_caller]
    fn assign(self, gather: G) -> W::Filter {
        self.0.assign(gather)
    }
}

macro_rules! with_bounds {
    ($([$($param:tt)*] $window:ty)*) => {$(
        impl<$($param)*> $window {
            /// Has results carry the start and the end of their window, and the number of its events, as
            /// [`Windowed`](super::Windowed).
            #[must_use]
            pub fn bounds(self) -> WithBounds<Self> {
                WithBounds(self)
            }
        }
    )*};
}
with_bounds! { [] CumulativeWindow [] TumblingWindow [M] EachWindow<M> [R] CountWindow<R> [R] TimeWindow<R> }

/// Made by [`Window::cumulative`].
#[derive(Clone, Copy, Debug)]
pub struct CumulativeWindow;

impl<T: Carrier, A: Aggregate<T::Value> + Clone, S: Stamp> Assigner<T, Values<A>, S> for CumulativeWindow {
    type Filter = Cumulative<Values<A>, S>;
    fn assign(self, gather: Values<A>) -> Self::Filter {
        Cumulative::new(gather)
    }
}

/// Made by [`Window::tumbling`].
#[derive(Clone, Copy, Debug)]
pub struct TumblingWindow {
    n: usize,
    drop_on_error: bool,
}

impl TumblingWindow {
    /// Drops what is left over when the stream ends with an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    pub(super) fn rule(self) -> Rule {
        Rule { most: self.n, span: None, send_empty: false, drop_on_error: self.drop_on_error }
    }
}

impl<T, G: Gather<T>, S: Stamp> Assigner<T, G, S> for TumblingWindow {
    type Filter = Groups<T, G, S>;
    fn assign(self, gather: G) -> Self::Filter {
        Groups::new(self.rule(), gather)
    }
}

/// No limit to the number of events in a window.
#[derive(Clone, Copy, Debug)]
pub struct AnyNumber;

/// A limit to the number of events in a window, by [`EachWindow::at_most`].
#[derive(Clone, Copy, Debug)]
pub struct AtMost(usize);

/// Made by [`Window::each`].
#[derive(Clone, Copy, Debug)]
pub struct EachWindow<M = AnyNumber> {
    length: Duration,
    most: M,
    grid: Grid,
    send_empty: bool,
    drop_on_error: bool,
}

impl EachWindow {
    /// Ends a window early with its `n`th event.
    #[track_caller]
    pub fn at_most(self, n: impl Into<Size>) -> EachWindow<AtMost> {
        let Self { length, grid, send_empty, drop_on_error, .. } = self;
        EachWindow { most: AtMost(n.into().get()), length, grid, send_empty, drop_on_error }
    }

    pub(super) fn rule(&self) -> Rule {
        let &Self { length, grid, send_empty, drop_on_error, .. } = self;
        Rule { most: usize::MAX, span: Some((length, grid)), send_empty, drop_on_error }
    }
}

impl<M> EachWindow<M> {
    /// Has windows begin and end at multiples of their length since 1970-01-01T00:00:00 UTC, by the wall clock of the
    /// scheduler: windows of an hour at each full hour of UTC. The wall clock is looked at when a window begins; if it is
    /// set meanwhile, that window keeps the length it was to have. Where there is no wall clock, as without a scheduler,
    /// the clock's own start counts as 1970.
    #[must_use]
    pub fn aligned(self) -> Self {
        Self { grid: Grid::WallClock, ..self }
    }

    /// Has windows begin and end at multiples of their length since the graph began to run.
    #[must_use]
    pub fn from_start(self) -> Self {
        Self { grid: Grid::Start, ..self }
    }

    /// Sends a result for a window without events, too: an empty list, a count of 0. Then each window begins where the last
    /// one ended: the first one with the first event, or at the start of the graph if windows are
    /// [aligned](Self::aligned) or [from the start](Self::from_start).
    ///
    /// An aggregate that makes nothing of nothing, such as `Mean`, sends nothing: [`OrNone`](super::OrNone) has it send `None`.
    /// A sensor event carries the id and time of the last event, so there is none before the first one. Of windows that are
    /// over when the program is late one is sent.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::{Recorder, timed};
    /// # use thingflow_core::windows::{Count, Mean, OrNone};
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// let ticks = timed([(3.0, 2.0), (9.0, 1.0), (34.0, 5.0)]);
    /// let tens = Window::each(Duration::from_secs(10)).from_start().send_empty();
    /// let means = ticks.aggregate(tens, (Count::new(), OrNone(Mean::new())));
    /// scheduler.schedule_recurring(means.connect(seen.clone()))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), "(2, Some(1.5))@10 (0, None)@20 (0, None)@30 (1, Some(5.0))@34 |@34");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn send_empty(self) -> Self {
        Self { send_empty: true, ..self }
    }

    /// Drops the window that is open when the stream ends with an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }
}

impl EachWindow<AtMost> {
    pub(super) fn rule(&self) -> Rule {
        let &Self { length, most: AtMost(most), grid, send_empty, drop_on_error } = self;
        Rule { most, span: Some((length, grid)), send_empty, drop_on_error }
    }
}

impl<T, G: Gather<T> + Limited, S: Stamp> Assigner<T, G, S> for EachWindow {
    type Filter = Groups<T, G, S>;
    fn assign(self, gather: G) -> Self::Filter {
        Groups::new(self.rule(), gather)
    }
}

impl<T, G: Gather<T>, S: Stamp> Assigner<T, G, S> for EachWindow<AtMost> {
    type Filter = Groups<T, G, S>;
    fn assign(self, gather: G) -> Self::Filter {
        Groups::new(self.rule(), gather)
    }
}

/// Made by [`Window::sliding`], [`Window::every`].
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

    /// Drops what is left over when the stream ends with an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    /// Sends overlapping windows that are not full yet, too: at the beginning, every `step` events.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::windows::{Sum, Window};
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter(1..=4).aggregate(Window::sliding(3).partial(), Sum::new()).collect_now(), [1, 3, 6, 9]);
    /// ```
    #[doc(alias = "with_startup")]
    #[doc(alias = "with_partial_start")]
    #[must_use]
    pub fn partial(self) -> Self {
        Self { partial: true, ..self }
    }
}

impl<T, G: Slide<T>, S: Stamp, R: Room> Assigner<T, G, S> for CountWindow<R> {
    type Filter = Sliding<T, G, S, R>;
    #[track_caller]
    fn assign(self, gather: G) -> Self::Filter {
        check_room(self.size, G::ROOM);
        Sliding::new(&self, gather)
    }
}

/// Made by [`Window::last`].
#[derive(Clone, Debug)]
pub struct TimeWindow<R> {
    pub(super) span: Duration,
    pub(super) limit: Limit,
    room: PhantomData<R>,
}

impl<T, G: Slide<T>, S: Stamp, R: Room> Assigner<T, G, S> for TimeWindow<R> {
    type Filter = Recent<T, G, S, R>;
    #[track_caller]
    fn assign(self, gather: G) -> Self::Filter {
        let bounded = self.limit.overflow() != Overflow::Block; // one that waits is never refused an event
        check_room(if bounded { self.limit.capacity() } else { usize::MAX }, G::ROOM);
        Recent::new(self, gather)
    }
}

#[track_caller]
fn check_room(size: usize, room: usize) {
    assert!(size <= room, "a window of {size} values for an aggregate with room for {room}: give it room for all");
}
