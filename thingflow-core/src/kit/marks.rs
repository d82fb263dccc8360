//! [`Marks`]: watermarks that wait behind the events that are held.

use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::notice::Notice;
use crate::storage::{Room, Store};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// What travels in its place among the events, and is none: a watermark, a flush, or first the one and then the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) watermark: Option<Timestamp>,
    flush: bool,
    /// When it came.
    pub(crate) at: Instant,
}

impl Mark {
    pub(crate) fn watermark(watermark: Timestamp) -> Self {
        Self { watermark: Some(watermark), flush: false, at: Instant::ZERO }
    }

    /// What of a notice keeps its place among the events where only these go on: in a queue, across the border of a thread.
    /// All else is told by whoever stands at the border.
    #[cfg(feature = "alloc")]
    pub(crate) fn of(notice: &Notice<'_>, at: Instant) -> Option<Self> {
        match notice {
            Notice::Watermark(watermark) => Some(Self { at, ..Self::watermark(*watermark) }),
            Notice::Flush => Some(Self { watermark: None, flush: true, at }),
            Notice::Start | Notice::Wake | Notice::Completed | Notice::Error(_) | Notice::State(_) => None,
        }
    }

    /// This one and a later one with no event between them.
    fn and(self, later: Self) -> Self {
        Self { watermark: self.watermark.max(later.watermark), flush: self.flush || later.flush, at: later.at }
    }

    /// The notices that it stands for.
    pub(crate) fn notices(self) -> impl Iterator<Item = Notice<'static>> {
        let flush = self.flush.then_some(Notice::Flush);
        self.watermark.map(Notice::Watermark).into_iter().chain(flush)
    }

    /// Tells a Thing.
    pub(crate) fn tell<T>(self, thing: &mut (impl InputThing<T> + ?Sized), cx: &mut Context<'_>) -> Receipt {
        self.tell_by(|notice| thing.notice(notice, cx))
    }

    /// Tells whom `tell` leads to, until that wants no more: the receipt of all that was told.
    fn tell_by(self, mut tell: impl FnMut(Notice<'static>) -> Receipt) -> Receipt {
        let mut demand = Demand::More;
        for notice in self.notices() {
            if demand != Demand::Done {
                demand = demand.and(tell(notice)?);
            }
        }
        Ok(demand)
    }
}

/// Watermarks that wait behind the events that a stage holds: each is passed on when all events have gone, one way or
/// another, that were held when it came. So no stage sends an event behind a watermark that promised there would be none.
///
/// [`Holding`](super::Holding) has them built in. A stage that holds events in another way hands its
/// [`on_watermark`](crate::Filter::on_watermark) to [`come`](Self::come), and says when an event has gone.
///
/// Without an allocator two wait at most, and those that come later are one.
///
/// ```
/// # use core::time::Duration;
/// use thingflow_core::kit::Marks;
/// use thingflow_core::prelude::*;
/// use thingflow_core::{Notice, Timestamp};
/// /// Sends each event when the next one comes.
/// #[derive(Default)]
/// struct OneBehind<T> { held: Option<T>, marks: Marks }
/// impl<T> Filter<T> for OneBehind<T> {
///     type Out = T;
///     fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
///         let Some(before) = self.held.replace(event) else { return Ok(Demand::More) };
///         let demand = out.next(before)?;
///         self.marks.left(1);
///         self.marks.follow(demand, out)
///     }
///     fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
///         self.marks.come(watermark, usize::from(self.held.is_some()), out)
///     }
/// }
/// # #[cfg(feature = "alloc")] {
/// # use thingflow_core::testing::Recorder;
/// let seen = Recorder::new();
/// let mut stage = pipe().pipe(OneBehind::default()).to(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// stage.next(1, cx)?;
/// stage.notice(Notice::Watermark(Timestamp::from_secs(2)), cx)?; // 1 is still held
/// stage.next(2, cx)?; // now 1 goes on, and the watermark behind it
/// assert_eq!(seen.events(), [1]);
/// # }
/// # Ok::<(), FatalError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Marks {
    waiting: <Places as Room>::Store<Waiting>,
    /// How many events they wait for in all.
    events: usize,
}

#[cfg(feature = "alloc")]
type Places = crate::storage::OnHeap;
#[cfg(not(feature = "alloc"))]
type Places = crate::storage::InPlace<2>;

#[derive(Clone, Copy, Debug)]
struct Waiting {
    mark: Mark,
    /// How many events it waits for that came after the mark before it.
    events: usize,
    /// The events before it have smaller numbers, where events have numbers.
    before: u64,
}

impl Marks {
    /// Whether none waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A watermark has come while so many events are held: it is passed on, or waits until they have gone.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn come<T>(
        &mut self,
        watermark: Timestamp,
        held: usize,
        out: &mut Emitter<'_, '_, impl InputThing<T>>,
    ) -> Receipt {
        self.come_before(watermark, held, u64::MAX, out)
    }

    /// As [`come`](Self::come), for a stage whose events do not go in the order in which they came: it gives each a number,
    /// higher from one to the next. `next` is the number of the event that comes next. Then say [`left_by`](Self::left_by).
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn come_before<T>(
        &mut self,
        watermark: Timestamp,
        held: usize,
        next: u64,
        out: &mut Emitter<'_, '_, impl InputThing<T>>,
    ) -> Receipt {
        if held == 0 && self.is_empty() {
            return out.notice(Notice::Watermark(watermark));
        }
        self.push(Mark::watermark(watermark), held, next);
        self.follow(Demand::More, out)
    }

    /// So many of the oldest events that were held have gone.
    #[inline]
    pub fn left(&mut self, events: usize) {
        if !self.is_empty() {
            (0..events).for_each(|_| self.left_by(0));
        }
    }

    /// The event of this number has gone.
    #[inline]
    pub fn left_by(&mut self, number: u64) {
        if !self.is_empty() {
            self.count(number);
        }
    }

    #[cold]
    #[inline(never)]
    fn count(&mut self, number: u64) {
        let before = |waiting: &&mut Waiting| waiting.events > 0 && number < waiting.before;
        if let Some(waiting) = self.waiting.make_contiguous().iter_mut().find(before) {
            waiting.events -= 1;
            self.events -= 1;
        }
    }

    /// Passes on what waits for no event any more. `demand` is the receipt so far.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[inline]
    pub fn follow<T>(&mut self, demand: Demand, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.is_empty() { Ok(demand) } else { self.tell_due(demand, out) }
    }

    /// As [`follow`](Self::follow), once nothing is held any more.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[inline]
    pub fn follow_all<T>(&mut self, demand: Demand, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.is_empty() {
            return Ok(demand);
        }
        self.left(self.events);
        self.tell_due(demand, out)
    }

    #[cold]
    #[inline(never)]
    fn tell_due<T>(&mut self, mut demand: Demand, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        while demand != Demand::Done
            && let Some(mark) = self.pop_due()
        {
            demand = demand.and(mark.tell_by(|notice| out.notice(notice))?);
        }
        Ok(demand)
    }

    /// Takes a mark in behind so many events, the next of which will have this number.
    pub(crate) fn push(&mut self, mark: Mark, held: usize, next: u64) {
        let events = held.saturating_sub(self.events);
        self.events += events;
        let is_full = self.waiting.len() == <<Places as Room>::Store<Waiting> as Store<Waiting>>::ROOM;
        let last = if events == 0 || is_full { self.waiting.pop_back() } else { None };
        let waiting = match last {
            Some(last) => Waiting { mark: last.mark.and(mark), events: last.events + events, before: next },
            None => Waiting { mark, events, before: next },
        };
        let _ = Store::push_back(&mut self.waiting, waiting); // there is room: the last one has been taken out if there was none
    }

    /// How many events come before the first mark, if there is one.
    #[cfg(feature = "std")]
    pub(crate) fn ahead(&self) -> Option<usize> {
        self.waiting.front().map(|first| first.events)
    }

    /// The first mark, if it waits for no event any more.
    pub(crate) fn due(&self) -> Option<Mark> {
        self.waiting.front().filter(|first| first.events == 0).map(|first| first.mark)
    }

    /// Takes the first mark out, if it waits for no event any more.
    pub(crate) fn pop_due(&mut self) -> Option<Mark> {
        let mark = self.due()?;
        self.waiting.pop_front();
        Some(mark)
    }
}
