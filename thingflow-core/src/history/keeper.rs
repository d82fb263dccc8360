//! [`Keeper`]: the sink that adds to a history.

use core::fmt;

use super::History;
use super::error::PushError;
use super::session::Finish;
use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::error::StreamError;
use crate::limit::Overflow;
use crate::thing::{Closed, Demand, Receipt, Sink};

/// Adds the events of a stream to a [`History`]. Made by [`keep`](crate::Sinks::keep) and by [`History::keeper`].
///
/// Several keepers may add to one history. When the last of them has ended, or is dropped, the session ends; with the next
/// event another one begins. An event that is refused ends the session with an error, is reported, and the keeper wants no more.
///
/// Holds what the history keeps.
pub struct Keeper<T, K: Ord + Clone = ()> {
    history: History<T, K>,
    /// Until the stream ends.
    open: bool,
    full: bool,
    watches_age: bool,
}

impl<T, K: Ord + Clone> Keeper<T, K> {
    pub(super) fn new(history: &History<T, K>) -> Self {
        history.add_keeper();
        Self { history: history.clone(), open: true, full: false, watches_age: false }
    }

    /// Adds an event that came at `at`, which is `time` by the wall clock: for code that pushes without a flow, from any
    /// thread. Returns its number, or `None` if the limit or the order of keys says that it is dropped. Instants should
    /// not go back.
    ///
    /// Where the limit blocks, it is kept although there is no room: ask [`has_room`](Self::has_room) before.
    ///
    /// ```
    /// use thingflow_core::history::History;
    /// use thingflow_core::{Instant, Limit, Timestamp};
    /// let history = History::new(Limit::drop_oldest(2));
    /// let mut keeper = history.keeper();
    /// for event in ["a", "b", "c"] {
    ///     keeper.push(event, Instant::ZERO, Timestamp::UNIX_EPOCH)?;
    /// }
    /// assert_eq!(history.all().iter().map(|kept| kept.event).collect::<String>(), "bc");
    /// # Ok::<(), thingflow_core::history::PushError<&str>>(())
    /// ```
    ///
    /// # Errors
    /// With the event, if it is refused: see [`Why`](super::Why).
    pub fn push(&mut self, event: T, at: Instant, time: Timestamp) -> Result<Option<u64>, PushError<T>> {
        let (number, full) = self.history.open_session().push(event, at, time)?;
        self.full = full;
        Ok(number)
    }

    /// Whether another event would not be one too many for a limit that blocks.
    pub fn has_room(&self) -> bool {
        self.history.session().has_room()
    }

    fn end(&mut self, finish: Finish) {
        if core::mem::replace(&mut self.open, false) {
            self.history.remove_keeper(finish);
        }
    }

    /// Asks for a wake-up when the oldest event is too old.
    fn watch_age(&mut self, cx: &mut Context<'_>) {
        let age = self.history.shared.rules.bounds.age;
        if age < core::time::Duration::MAX && !self.watches_age {
            self.watches_age = true;
            cx.wake_at(cx.now() + age + core::time::Duration::from_nanos(1)); // older than that is too old
        }
    }
}

impl<T, K: Ord + Clone> Sink for Keeper<T, K> {
    type Event = T;
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.history.open_session().serves(cx);
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let pushed = self.push(event, cx.now(), cx.timestamp());
        self.watch_age(cx);
        match pushed {
            Ok(_) if self.full => {
                self.history.session().serves(cx);
                Ok(Demand::Full)
            }
            Ok(_) => Ok(Demand::More),
            Err(refused) => {
                let why = StreamError::msg(alloc::format!("{refused}"));
                cx.report("keep", &why);
                self.end(Finish::Failed(why));
                Ok(Demand::Done)
            }
        }
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.watches_age = false;
        if let Some(due) = self.history.session().expire(cx.now()) {
            self.watches_age = true;
            cx.wake_at(due);
        }
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.end(Finish::Completed);
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("keep", &error);
        self.end(Finish::Failed(error));
        Ok(())
    }
    fn has_room(&self) -> bool {
        self.history.shared.rules.bounds.limit.overflow() != Overflow::Block || Keeper::has_room(self)
    }
}

/// The stream was cut off: the session ends, if this was its last keeper.
impl<T, K: Ord + Clone> Drop for Keeper<T, K> {
    fn drop(&mut self) {
        self.end(Finish::Stopped);
    }
}

impl<T, K: Ord + Clone> fmt::Debug for Keeper<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeper({:?})", self.history)
    }
}
