//! The past at hand: [`History`] keeps the events of a stream in memory, for any number of readers, each of which has a place
//! of its own.
//!
//! A history is a bounded row of events in order. A [`Keeper`] is the sink that adds to it: `chain.keep(&history)` ends a chain
//! in one, `chain.also_to(history.keeper())` goes on. A [`Reader`] has a cursor: what comes next, all that is new, the earliest,
//! the latest, or a [`Span`] by number, by time, or by a key of the events. What was dropped before a reader came to it is
//! counted, see [`Reader::missed`]. Readers may be on other threads, and there they can wait.
//!
//! Everything between the begin of a stream and its end is a session. When a stream begins anew, so does a session, with an
//! empty row; a reader keeps to the session in which it began, can see that this has ended, and goes over to the current one by
//! [`Reader::attach`].
//!
//! [`Past`] is the one call for a range, of a history as of a journal. [`Rhythm`] tells rate and jitter of a stream, and when
//! the samples of a block were taken. Of a past that is looked at only where it grows, [`Ring`](crate::sinks::Ring) is enough.
//!
//! ```
//! use thingflow_core::history::{History, Number};
//! use thingflow_core::prelude::*;
//! use thingflow_core::testing::ListSensor;
//! # #[cfg(feature = "std")] {
//! # use std::time::Duration;
//! let history = History::new(Limit::drop_oldest(100)); // the last hundred events
//! let mut reader = history.reader(); // here or on another thread
//!
//! let mut scheduler = Scheduler::virtual_time()?;
//! scheduler.schedule_sensor(ListSensor::new("lux", [20.0, 24.0, 31.0]), Duration::from_secs(1), |lux| {
//!     lux.map(|event| event.val).keep(&history);
//! })?;
//! scheduler.run_forever()?;
//!
//! assert_eq!(reader.try_next()?.event, 20.0);
//! assert_eq!(reader.latest()?.event, 31.0);
//! assert_eq!(reader.range(Number(1)..=Number(2))?.len(), 2);
//! assert!(reader.is_ended());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bounds;
mod error;
mod keeper;
mod on_demand;
mod reader;
mod rhythm;
mod ring;
mod session;
mod span;

pub use bounds::{Bounds, OutOfOrder};
pub use error::{NoEvent, PushError, TooFew, Why};
pub use keeper::Keeper;
pub use on_demand::OnDemand;
pub use reader::{Reader, Start};
pub use rhythm::{Block, Rhythm};
pub use ring::Axis;
pub use span::{Kept, Key, Number, Past, Span, Uncovered};

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::error::StreamError;
use crate::lock::{Lock, Shared};
use session::{Finish, Rules, Session, copy_span};

/// The events of a stream, kept in memory: the row itself, to be handed to whoever adds to it or reads it. Clones are the same
/// history.
///
/// `K` is the type of the keys, if the events have any. Events are cloned to readers while the history is locked, a few at a
/// time; their `clone`, and the comparison of their keys, must not use the history.
///
/// See the [module](self) for an example.
pub struct History<T, K = ()> {
    shared: Shared<Inner<T, K>>,
}

struct Inner<T, K> {
    rules: Shared<Rules<T, K>>,
    state: Lock<State<T, K>>,
}

struct State<T, K> {
    session: Shared<Session<T, K>>,
    /// Sinks of streams that have not ended.
    keepers: usize,
}

impl<T> History<T> {
    /// A history of events as they come, within bounds: a [`Limit`](crate::Limit) is a number of events, see [`Bounds`] for
    /// more.
    ///
    /// When it is full by a limit that blocks, the stream is paused until all readers have passed the oldest event, or until it
    /// is [discarded](Self::discard): so no reader misses any.
    pub fn new(bounds: impl Into<Bounds<T>>) -> Self {
        Self::with_rules(Rules {
            bounds: bounds.into(),
            key: Box::new(|_| ()),
            order: OutOfOrder::Sort,
            distinct: false,
        })
    }
}

impl<T, K: Ord + Clone> History<T, K> {
    /// A history of events that have keys which rise, such as the time of a reading. `order` says what becomes of an event
    /// whose key is less than that of the one before; one with the same key comes after that.
    ///
    /// ```
    /// use thingflow_core::history::{History, Key, OutOfOrder, Past};
    /// use thingflow_core::prelude::*;
    /// let history = History::keyed(Limit::drop_oldest(100), |(second, _)| *second, OutOfOrder::Sort);
    /// from_iter([(10, 'a'), (30, 'c'), (20, 'b')]).keep(&history).run(&mut Context::detached(Instant::ZERO))?;
    /// let until_20 = history.range(..=Key(20)).unwrap();
    /// assert_eq!(until_20.iter().map(|kept| kept.event.1).collect::<String>(), "ab");
    /// # Ok::<(), FatalError>(())
    /// ```
    pub fn keyed(
        bounds: impl Into<Bounds<T>>,
        key: impl Fn(&T) -> K + Send + Sync + 'static,
        order: OutOfOrder,
    ) -> Self {
        Self::with_rules(Rules { bounds: bounds.into(), key: Box::new(key), order, distinct: false })
    }

    /// As [`keyed`](Self::keyed), for keys that are unique: a second event with a key counts as out of order, and is never put
    /// beside the first.
    pub fn keyed_distinct(
        bounds: impl Into<Bounds<T>>,
        key: impl Fn(&T) -> K + Send + Sync + 'static,
        order: OutOfOrder,
    ) -> Self {
        Self::with_rules(Rules { bounds: bounds.into(), key: Box::new(key), order, distinct: true })
    }

    fn with_rules(rules: Rules<T, K>) -> Self {
        let rules = Shared::new(rules);
        let session = Shared::new(Session::new(1, rules.clone()));
        Self { shared: Shared::new(Inner { rules, state: Lock::new(State { session, keepers: 0 }) }) }
    }

    /// A sink that adds to the history: see the [module](self).
    pub fn keeper(&self) -> Keeper<T, K> {
        Keeper::new(self)
    }

    /// A reader of the current session that begins with the oldest event that is kept.
    pub fn reader(&self) -> Reader<T, K> {
        self.reader_at(Start::Oldest)
    }

    /// A reader of the current session; [`Reader::seek`] leads to any other place.
    pub fn reader_at(&self, start: Start) -> Reader<T, K> {
        Reader::new(self.clone(), start)
    }

    /// How many readers the current session has.
    pub fn readers(&self) -> usize {
        self.session().with(|ring| ring.readers.len())
    }

    /// Ends the current session and begins another one, which is empty.
    pub fn begin_session(&self) {
        let rules = self.shared.rules.clone();
        let ended = self.shared.state.with(|state| {
            let next = Shared::new(Session::new(state.session.number + 1, rules));
            core::mem::replace(&mut state.session, next)
        });
        ended.finish(Finish::Stopped);
    }

    /// Ends the current session: its readers find the rest of the events, and then its end.
    pub fn end_session(&self) {
        self.session().finish(Finish::Stopped);
    }

    /// Drops the `n` oldest events, and returns how many there were. Makes room where the limit blocks.
    pub fn discard(&self, n: usize) -> usize {
        self.session().discard(n)
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.session().with(|ring| ring.len())
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of the current session.
    pub fn stats(&self) -> HistoryStats {
        let session = self.session();
        session.with(|ring| HistoryStats {
            session: session.number,
            accepted: ring.accepted(),
            dropped: ring.gone(),
            out_of_order: ring.out_of_order,
            kept: ring.len(),
            bytes: ring.bytes(),
        })
    }

    fn session(&self) -> Shared<Session<T, K>> {
        self.shared.state.with(|state| state.session.clone())
    }

    /// The session that a stream adds to: another one if the last has ended.
    fn open_session(&self) -> Shared<Session<T, K>> {
        let session = self.session();
        if !session.is_ended() {
            return session;
        }
        self.begin_session();
        self.session()
    }

    fn add_keeper(&self) {
        self.shared.state.with(|state| state.keepers += 1);
    }

    /// A stream has ended; the session ends with the last of them.
    fn remove_keeper(&self, finish: Finish) {
        let ended = self.shared.state.with(|state| {
            state.keepers -= 1;
            (state.keepers == 0).then(|| state.session.clone())
        });
        if let Some(session) = ended {
            session.finish(finish);
        }
    }
}

impl<T: Clone, K: Ord + Clone> History<T, K> {
    /// All that is kept.
    pub fn all(&self) -> Vec<Kept<T>> {
        copy_span(&self.session(), &Span::<Number>::of(..), None).0
    }
}

/// A range of the current session.
impl<T: Clone, K: Ord + Clone, P: Axis<T, K>> Past<P> for History<T, K> {
    type Event = T;
    type Error = Uncovered;
    fn range(&self, span: impl Into<Span<P>>) -> Result<Vec<Kept<T>>, Uncovered> {
        let session = self.session();
        let span = session.with(|ring| ring.widen(&span.into()))?;
        Ok(copy_span(&session, &span, None).0)
    }
}

/// What a session has taken in, and what has become of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryStats {
    /// The number of the session, from 1 on.
    pub session: u64,
    /// Events that were taken in: those kept, and those dropped for others or for their age.
    pub accepted: u64,
    /// Events that were taken in and have been dropped.
    pub dropped: u64,
    /// Events that were not taken in because their key went back.
    pub out_of_order: u64,
    /// Events that are kept.
    pub kept: usize,
    /// Their size, where the [`Bounds`] know it.
    pub bytes: usize,
}

impl<T, K> Clone for History<T, K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T, K> fmt::Debug for History<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (session, keepers) = self.shared.state.with(|state| (state.session.number, state.keepers));
        f.debug_struct("History").field("session", &session).field("keepers", &keepers).finish_non_exhaustive()
    }
}

/// Why a session has ended, as its readers are told.
fn error_of(finish: &Finish) -> Option<StreamError> {
    match finish {
        Finish::Failed(error) => Some(error.clone()),
        Finish::Completed | Finish::Stopped => None,
    }
}
