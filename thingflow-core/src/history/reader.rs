//! [`Reader`]: a cursor in a history.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use super::error::{NoEvent, TooFew};
use super::ring::{Axis, Entry, Place, Ring};
use super::session::{PIECE, Session, copy_span};
use super::span::{Kept, Span, Uncovered};
use super::{History, error_of};
use crate::context::Context;
use crate::error::{Failure, StreamError};
use crate::limit::Overflow;
use crate::lock::Shared;
use crate::output::Source;

/// Where a new reader begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Start {
    /// With the oldest event that is kept.
    #[default]
    Oldest,
    /// With the next event that comes.
    Newest,
}

/// Reads a session of a [`History`] from a place of its own, on this thread or another one.
///
/// What is read moves the cursor there: [`try_next`](Self::try_next) and the like to the event after it; a range, the earliest
/// and the latest to wherever they are; [`peek`](Self::peek) moves nothing. A reader whose place has been dropped goes on with
/// the oldest event after it, and [`missed`](Self::missed) says how many there were in between.
///
/// ```
/// use thingflow_core::history::{History, Number};
/// use thingflow_core::prelude::*;
/// let history = History::new(Limit::drop_oldest(4));
/// let mut reader = history.reader();
/// from_iter('a'..='f').keep(&history).run(&mut Context::detached(Instant::ZERO))?;
/// assert_eq!(reader.peek(|reader| reader.latest()).unwrap().event, 'f');
/// assert_eq!(reader.try_next().unwrap().event, 'c');
/// assert_eq!(reader.missed(), 2);
/// assert_eq!(reader.all_new().len(), 3);
/// # Ok::<(), FatalError>(())
/// ```
///
/// As a [`Source`] it gives one event each time, for a schedule that reads a history into another flow, and reports how many
/// events it has missed whenever there are more.
pub struct Reader<T, K: Ord + Clone = ()> {
    history: History<T, K>,
    session: Shared<Session<T, K>>,
    id: u64,
    /// The last event read.
    place: Option<Place<K>>,
    /// How many events have ever stood up to there, as of the last look.
    rank: u64,
    missed: u64,
    /// It stands for another one, whose number it has: the session does not know of it.
    peeks: bool,
    /// As a source: the error of the session has been told.
    told: bool,
    /// As a source: how many missed events have been reported.
    reported: u64,
}

impl<T, K: Ord + Clone> Reader<T, K> {
    pub(super) fn new(history: History<T, K>, start: Start) -> Self {
        let session = history.session();
        let (id, place, rank) = add(&session, start);
        Self { history, session, id, place, rank, missed: 0, peeks: false, told: false, reported: 0 }
    }

    /// How many events were dropped, or put in order behind the cursor, before this reader came to them.
    pub fn missed(&self) -> u64 {
        self.session.with(|ring| self.missed_by(ring))
    }

    fn missed_by(&self, ring: &Ring<T, K>) -> u64 {
        self.missed + ring.rank(ring.after(self.place.as_ref())).saturating_sub(self.rank)
    }

    /// The number of the last event read.
    pub fn last_number(&self) -> Option<u64> {
        self.place.as_ref().map(|place| place.number)
    }

    /// The key of the last event read.
    pub fn last_key(&self) -> Option<&K> {
        self.place.as_ref().map(|place| &place.key)
    }

    /// The number of the session that is read: two readers of a history read the same row if it is the same.
    pub fn session(&self) -> u64 {
        self.session.number
    }

    /// Whether the session has ended. What is left of it can be read all the same.
    pub fn is_ended(&self) -> bool {
        self.session.is_ended()
    }

    /// The error with which the session has ended, if it ended with one.
    pub fn error(&self) -> Option<StreamError> {
        self.session.finished().as_ref().and_then(error_of)
    }

    /// Switches to the current session of the history, and to its oldest event. False if this is the one being read.
    pub fn attach(&mut self) -> bool {
        let current = self.history.session();
        if Shared::ptr_eq(&current, &self.session) {
            return false;
        }
        self.missed = self.missed();
        (self.place, self.rank) = (None, current.with(|ring| ring.rank(0)));
        if !self.peeks {
            let (id, place, rank) = add(&current, Start::Oldest);
            self.session.remove_reader(self.id);
            (self.id, self.place, self.rank) = (id, place, rank);
        }
        self.session = current;
        true
    }

    /// Moves the cursor, so that the next event is the first at or after `place`: a [`Number`](super::Number), a
    /// [`Timestamp`](crate::Timestamp) or a [`Key`](super::Key).
    #[allow(clippy::needless_pass_by_value)] // reads as a range does: `seek(Key(3))`
    pub fn seek<P: Axis<T, K>>(&mut self, place: P) {
        self.move_to(|ring| ring.first_at(&place));
    }

    /// Moves the cursor, so that the next event is one that is yet to come.
    pub fn seek_newest(&mut self) {
        self.move_to(Ring::len);
    }

    /// Moves the cursor in front of an index. What is passed by that is not missed.
    fn move_to(&mut self, index: impl FnOnce(&Ring<T, K>) -> usize) {
        let session = self.session.clone();
        session.with(|ring| {
            let index = index(ring);
            let place = index.checked_sub(1).and_then(|last| ring.place(last));
            self.stand(ring, place, index);
        });
        self.let_go_on();
    }

    /// Stands at a place, in front of an index.
    fn stand(&mut self, ring: &mut Ring<T, K>, place: Option<Place<K>>, index: usize) {
        self.missed = self.missed_by(ring);
        (self.place, self.rank) = (place, ring.rank(index));
        if !self.peeks {
            ring.readers.insert(self.id, self.rank);
        }
    }

    fn let_go_on(&self) {
        if self.session.rules.bounds.limit.overflow() == Overflow::Block && !self.peeks {
            self.session.let_go_on();
        }
    }

    /// Looks without moving: whatever `look` does with a reader at the same place, this one is where it was afterwards, in the
    /// same session.
    pub fn peek<R>(&self, look: impl FnOnce(&mut Self) -> R) -> R {
        let Self { id, rank, missed, told, reported, .. } = *self;
        let (history, session, place) = (self.history.clone(), self.session.clone(), self.place.clone());
        look(&mut Self { history, session, id, place, rank, missed, peeks: true, told, reported })
    }

    fn no_event(&self) -> NoEvent {
        if self.is_ended() { NoEvent::Ended } else { NoEvent::NotYet }
    }
}

impl<T: Clone, K: Ord + Clone> Reader<T, K> {
    /// The next event.
    ///
    /// # Errors
    /// [`NoEvent::NotYet`]; [`NoEvent::Ended`] when the session has ended and all of it has been read.
    pub fn try_next(&mut self) -> Result<Kept<T>, NoEvent> {
        let ended = self.no_event(); // before the look: an event that comes after it is not the last
        self.read_on(1, |_| true).pop().ok_or(ended)
    }

    /// The next `n` events, or as many of them as there are.
    pub fn next_n(&mut self, n: usize) -> Vec<Kept<T>> {
        self.read_on(n, |_| true)
    }

    /// The next `n` events, all of them.
    ///
    /// # Errors
    /// [`TooFew`], if there are fewer; then the cursor stays.
    pub fn next_exactly(&mut self, n: usize) -> Result<Vec<Kept<T>>, TooFew> {
        let ended = self.is_ended();
        let mut there = 0;
        let read = self.read_on(n, |events| {
            there = events;
            events >= n
        });
        if read.len() == n { Ok(read) } else { Err(TooFew { wanted: n, there, ended }) }
    }

    /// All events that have come since the last look.
    pub fn all_new(&mut self) -> Vec<Kept<T>> {
        let newest = self.session.with(|ring| ring.len());
        self.read_on(newest, |_| true)
    }

    /// Events, one after the other, as long as there is one.
    pub fn iter(&mut self) -> impl Iterator<Item = Kept<T>> {
        core::iter::from_fn(|| self.try_next().ok())
    }

    /// Reads on by up to `n` events, some under each lock, if `enough` says so of the number that is there.
    fn read_on(&mut self, n: usize, mut enough: impl FnMut(usize) -> bool) -> Vec<Kept<T>> {
        let session = self.session.clone();
        let mut read = Vec::new();
        let mut left = n;
        while left > 0 {
            let piece = left.min(PIECE);
            let more = session.with(|ring| {
                let first = ring.after(self.place.as_ref());
                if left == n && !enough(ring.len() - first) {
                    return false;
                }
                let end = ring.len().min(first.saturating_add(piece));
                read.extend((first..end).filter_map(|index| ring.entry(index)).map(Entry::copy));
                let place = end.checked_sub(1).filter(|_| end > first).and_then(|last| ring.place(last));
                let place = place.or_else(|| self.place.clone());
                self.stand(ring, place, end);
                end - first == piece
            });
            left -= piece;
            if !more {
                break;
            }
        }
        self.let_go_on();
        read
    }

    /// The last event read, if it is still kept.
    pub fn last(&self) -> Option<Kept<T>> {
        let place = self.place.as_ref()?;
        self.session.with(|ring| {
            let entry = ring.entry(ring.after(Some(place)).checked_sub(1)?)?;
            (entry.number == place.number).then(|| entry.copy())
        })
    }

    /// The oldest event that is kept.
    ///
    /// # Errors
    /// [`NoEvent`], if none is.
    pub fn earliest(&mut self) -> Result<Kept<T>, NoEvent> {
        self.jump(|_| Some(0))
    }

    /// The newest event.
    ///
    /// # Errors
    /// [`NoEvent`], if none is kept.
    pub fn latest(&mut self) -> Result<Kept<T>, NoEvent> {
        self.jump(|ring| ring.len().checked_sub(1))
    }

    /// The newest event, if it has not been read.
    ///
    /// # Errors
    /// [`NoEvent`], if there is no new one.
    pub fn latest_new(&mut self) -> Result<Kept<T>, NoEvent> {
        let place = self.place.clone();
        self.jump(|ring| ring.len().checked_sub(1).filter(|last| *last >= ring.after(place.as_ref())))
    }

    /// Reads the event at an index, wherever it is.
    fn jump(&mut self, index: impl FnOnce(&Ring<T, K>) -> Option<usize>) -> Result<Kept<T>, NoEvent> {
        let (session, none) = (self.session.clone(), self.no_event());
        let found = session.with(|ring| {
            let index = index(ring)?;
            let copy = ring.entry(index)?.copy();
            let place = ring.place(index);
            self.stand(ring, place, index + 1);
            Some(copy)
        });
        self.let_go_on();
        found.ok_or(none)
    }

    /// The events of a span. The cursor goes to the last of them, and stays where there is none.
    ///
    /// # Errors
    /// [`Uncovered`], if the span is to cover its end and nothing is there yet.
    pub fn range<P: Axis<T, K>>(&mut self, span: impl Into<Span<P>>) -> Result<Vec<Kept<T>>, Uncovered> {
        self.range_after(None, &span.into())
    }

    /// The events of a span that come after the cursor.
    ///
    /// # Errors
    /// As [`range`](Self::range).
    pub fn range_new<P: Axis<T, K>>(&mut self, span: impl Into<Span<P>>) -> Result<Vec<Kept<T>>, Uncovered> {
        let place = self.place.clone();
        self.range_after(place.as_ref(), &span.into())
    }

    fn range_after<P: Axis<T, K>>(
        &mut self,
        after: Option<&Place<K>>,
        span: &Span<P>,
    ) -> Result<Vec<Kept<T>>, Uncovered> {
        let span = self.session.with(|ring| ring.widen(span))?;
        let (copies, last) = copy_span(&self.session, &span, after);
        if let Some(last) = last {
            let session = self.session.clone();
            session.with(|ring| {
                let index = ring.after(Some(&last));
                self.stand(ring, Some(last), index);
            });
            self.let_go_on();
        }
        Ok(copies)
    }
}

/// On another thread than the one that keeps: the reactor's own must not wait.
#[cfg(feature = "std")]
impl<T: Clone, K: Ord + Clone> Reader<T, K> {
    /// The next event; waits for it for up to `limit`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use thingflow_core::history::History;
    /// use thingflow_core::{Instant, Limit, Timestamp};
    /// let history = History::new(Limit::drop_oldest(10));
    /// let (mut reader, mut keeper) = (history.reader(), history.keeper());
    /// let thread = std::thread::spawn(move || reader.next_within(Duration::from_secs(60)));
    /// keeper.push("here", Instant::ZERO, Timestamp::UNIX_EPOCH)?;
    /// assert_eq!(thread.join().unwrap()?.event, "here");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoEvent::NotYet`], if the time is over; [`NoEvent::Ended`], at once when the session has ended.
    pub fn next_within(&mut self, limit: std::time::Duration) -> Result<Kept<T>, NoEvent> {
        let place = self.place.as_ref();
        self.session.wait(limit, |ring| ring.after(place) < ring.len());
        self.try_next()
    }

    /// Events, one after the other, up to the end of the session: waits for each.
    pub fn wait_for_each(&mut self) -> impl Iterator<Item = Kept<T>> {
        core::iter::from_fn(|| self.next_within(std::time::Duration::MAX).ok())
    }
}

fn add<T, K: Ord + Clone>(session: &Session<T, K>, start: Start) -> (u64, Option<Place<K>>, u64) {
    session.add_reader(|ring| match start {
        Start::Oldest => 0,
        Start::Newest => ring.len(),
    })
}

/// Reads a history into a flow: one event each time that it is asked.
impl<T: Clone, K: Ord + Clone> Source for Reader<T, K> {
    type Item = Kept<T>;
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<Kept<T>>, Failure> {
        let next = self.try_next();
        self.report_missed(cx);
        match next {
            Ok(event) => Ok(Some(event)),
            Err(NoEvent::NotYet) => Err(Failure::NotYet),
            Err(NoEvent::Ended) => match self.error() {
                Some(error) if !core::mem::replace(&mut self.told, true) => Err(Failure::Sample(error)),
                _ => Ok(None),
            },
        }
    }
}

impl<T, K: Ord + Clone> Reader<T, K> {
    /// Reports how many more events have been missed since the last report, if any.
    fn report_missed(&mut self, cx: &Context<'_>) {
        let (all, more) = (self.missed, self.missed.saturating_sub(self.reported));
        if more > 0 {
            self.reported = all;
            let events = if more == 1 { "event" } else { "events" };
            let error = StreamError::msg(format!(
                "the reader has missed {more} {events}, {all} in all: read more often, or keep more"
            ));
            cx.report("history", &error);
        }
    }
}

impl<T, K: Ord + Clone> Drop for Reader<T, K> {
    fn drop(&mut self) {
        if !self.peeks {
            self.session.remove_reader(self.id);
        }
    }
}

impl<T, K: Ord + Clone> fmt::Debug for Reader<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (session, last, missed) = (self.session.number, self.last_number(), self.missed());
        f.debug_struct("Reader").field("session", &session).field("last", &last).field("missed", &missed).finish()
    }
}
