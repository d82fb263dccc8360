//! [`Notice`] and [`Question`]: what a Thing is told and asked besides its events.
//!
//! Both are closed under forwarding: whoever holds another Thing hands on the whole value, so a notice that is added here
//! reaches every Thing without a line in those that stand between.

use crate::clock::Timestamp;
use crate::error::StreamError;
use crate::state::StateVisitor;
use crate::thing::Demand;
#[cfg(feature = "alloc")]
use crate::visit::Visitor;

/// What a Thing is told. Wrappers hand on all of them; a sink has a method of its own for each, see
/// [`Sink`](crate::Sink), and so has a [`Filter`](crate::Filter).
///
/// [`Start`](Self::Start), [`Wake`](Self::Wake) and [`State`](Self::State) reach each stage of a chain by themselves. The
/// others travel with the events: a filter passes them on, in its own time.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'n> {
    /// The graph starts to run, or the Thing joins a running graph. Comes once, before anything else.
    Start,
    /// A time that was asked for has come, see [`Context::wake_at`](crate::Context::wake_at). It may come early.
    Wake,
    /// No event with an earlier time follows: what waits for one is complete. Rises from one to the next.
    Watermark(Timestamp),
    /// What is being collected should go on now, although it is not complete: a batch, a window.
    Flush,
    /// The stream has ended as it should. Nothing follows.
    Completed,
    /// The stream has ended by an error. Nothing follows.
    Error(StreamError),
    /// A walk that saves the state of all stages, or restores it. The graph is at rest meanwhile.
    State(&'n mut dyn StateVisitor),
}

impl Notice<'_> {
    /// The same notice for one more Thing: a notice may hold a `&mut`, so it is not `Copy`.
    pub fn reborrow(&mut self) -> Notice<'_> {
        match self {
            Self::Start => Notice::Start,
            Self::Wake => Notice::Wake,
            Self::Watermark(time) => Notice::Watermark(*time),
            Self::Flush => Notice::Flush,
            Self::Completed => Notice::Completed,
            Self::Error(error) => Notice::Error(error.clone()),
            Self::State(visitor) => Notice::State(&mut **visitor),
        }
    }

    /// Whether a chain tells each of its stages, and not a stage the next one.
    pub(crate) fn is_told_by_chain(&self) -> bool {
        matches!(self, Self::Start | Self::Wake | Self::State(_))
    }

    /// Whether the stream ends by it.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Completed | Self::Error(_))
    }
}

/// What a Thing is asked. Asking changes nothing. Wrappers hand on all of them.
#[non_exhaustive]
pub enum Question<'q> {
    /// Does anything behind this Thing still listen? If not, its source may stop.
    Open,
    /// Is there room for another event? "No" while its receipt would be [`Demand::Full`](crate::Demand::Full). Asked before
    /// a source, or a stage that holds events back, goes on after a [`resume`](crate::Context::resume), which may have been
    /// meant for others. A Thing that says no calls `resume` when that changes.
    Room,
    /// Are events still to be sent although the stream has ended, or the last receipt was
    /// [`Demand::Done`](crate::Demand::Done)? Then the Thing is kept and woken until the answer is no. It gets no more
    /// events.
    Draining,
    /// Is an event held that has not been sent? The run goes on for it as long as a wake-up has been asked for.
    Holding,
    /// Show yourself, and what is behind you, to a walk over the graph. The answer is of no meaning.
    #[cfg(feature = "alloc")]
    Describe(&'q mut dyn Visitor),
    #[cfg(not(feature = "alloc"))]
    #[doc(hidden)]
    Never(core::convert::Infallible, core::marker::PhantomData<&'q ()>),
}

impl Question<'_> {
    /// The same question for one more Thing: a question may hold a `&mut`, so it is not `Copy`.
    pub fn reborrow(&mut self) -> Question<'_> {
        match self {
            Self::Open => Question::Open,
            Self::Room => Question::Room,
            Self::Draining => Question::Draining,
            Self::Holding => Question::Holding,
            #[cfg(feature = "alloc")]
            Self::Describe(visitor) => Question::Describe(&mut **visitor),
            #[cfg(not(feature = "alloc"))]
            Self::Never(never, _) => match *never {},
        }
    }

    /// Asks several Things: there is room if all have room; every other answer is yes if one of them says so.
    ///
    /// ```
    /// use thingflow_core::Question;
    /// let both = |question: Question<'_>, a: bool, b: bool| question.of_all([a, b], |thing, _| *thing);
    /// assert!(both(Question::Open, true, false) && !both(Question::Room, true, false));
    /// ```
    pub fn of_all<N>(
        mut self,
        things: impl IntoIterator<Item = N>,
        mut ask: impl FnMut(&N, Question<'_>) -> bool,
    ) -> bool {
        let all = self.asks_all();
        let mut answer = all;
        for thing in things {
            let one = ask(&thing, self.reborrow());
            answer = if all { answer && one } else { answer || one };
        }
        answer
    }

    /// Whether it is the one that shows Things to a walk.
    pub(crate) fn is_describe(&self) -> bool {
        #[cfg(feature = "alloc")]
        return matches!(self, Self::Describe(_));
        #[cfg(not(feature = "alloc"))]
        false
    }

    /// Whether several Things are asked by *and*, and not by *or*.
    pub(crate) fn asks_all(&self) -> bool {
        matches!(self, Self::Room)
    }
}

impl core::fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Room => "Room",
            Self::Draining => "Draining",
            Self::Holding => "Holding",
            #[cfg(feature = "alloc")]
            Self::Describe(_) => "Describe",
            #[cfg(not(feature = "alloc"))]
            Self::Never(never, _) => match *never {},
        })
    }
}

/// The receipt of several Things that were given the same event or notice: `Done` if all are, `Full` if one is.
///
/// ```
/// use thingflow_core::{Demand, Receipts};
/// let mut receipts = Receipts::default();
/// receipts.add(Demand::Done);
/// assert_eq!(receipts.sum(), Demand::Done);
/// receipts.add(Demand::Full);
/// assert_eq!(receipts.sum(), Demand::Full);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Receipts {
    open: bool,
    full: bool,
    done: bool,
}

impl Receipts {
    /// Counts one receipt in.
    #[inline]
    pub fn add(&mut self, demand: Demand) {
        self.open |= demand != Demand::Done;
        self.full |= demand == Demand::Full;
        self.done |= demand == Demand::Done;
    }

    /// The receipt of all of them. Of none it is `Done`.
    #[inline]
    pub fn sum(self) -> Demand {
        if self.open { self.of_open() } else { Demand::Done }
    }

    /// Whether one of them was `Done`.
    pub fn any_done(self) -> bool {
        self.done
    }

    /// The receipt of those that go on.
    pub(crate) fn of_open(self) -> Demand {
        if self.full { Demand::Full } else { Demand::More }
    }
}

impl From<Demand> for Receipts {
    fn from(demand: Demand) -> Self {
        let mut receipts = Self::default();
        receipts.add(demand);
        receipts
    }
}

impl Notice<'_> {
    /// The notice, to be kept for a while. A visit of state cannot be: it comes while the graph is at rest.
    pub(crate) fn keep(self) -> Option<Notice<'static>> {
        Some(match self {
            Self::Start => Notice::Start,
            Self::Wake => Notice::Wake,
            Self::Watermark(time) => Notice::Watermark(time),
            Self::Flush => Notice::Flush,
            Self::Completed => Notice::Completed,
            Self::Error(error) => Notice::Error(error),
            Self::State(_) => return None,
        })
    }
}

/// An event or a notice, where both may have to wait.
pub(crate) enum Arrival<T> {
    Next(T),
    Notice(Notice<'static>),
}
