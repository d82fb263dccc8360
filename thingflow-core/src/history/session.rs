//! [`Session`]: a ring behind a lock, with those that wait for news of it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::OutOfOrder;
use super::bounds::Bounds;
use super::error::PushError;
use super::ring::{Arrived, Axis, Fate, Place, Ring};
use super::span::{Kept, Span};
use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::error::StreamError;
use crate::lock::Lock;

/// What the sessions of a history have in common.
pub(super) struct Rules<T, K> {
    pub(super) bounds: Bounds<T>,
    pub(super) key: Box<dyn Fn(&T) -> K + Send + Sync>,
    pub(super) order: OutOfOrder,
    pub(super) distinct: bool,
}

/// How a session ended.
#[derive(Clone, Debug)]
pub(super) enum Finish {
    Completed,
    Failed(StreamError),
    /// Its sink was dropped, or somebody said so.
    Stopped,
}

pub(super) struct Session<T, K> {
    pub(super) number: u64,
    pub(super) rules: crate::lock::Shared<Rules<T, K>>,
    body: Lock<Body<T, K>>,
    #[cfg(feature = "std")]
    news: std::sync::Condvar,
}

struct Body<T, K> {
    ring: Ring<T, K>,
    finish: Option<Finish>,
    next_reader: u64,
    /// A stream has been told to pause.
    paused: bool,
    /// How to let it go on.
    #[cfg(feature = "std")]
    bell: Option<std::sync::Arc<crate::scheduler::Doorbell>>,
    /// Threads that wait.
    #[cfg(feature = "std")]
    waiting: usize,
}

impl<T, K: Ord + Clone> Session<T, K> {
    pub(super) fn new(number: u64, rules: crate::lock::Shared<Rules<T, K>>) -> Self {
        let body = Body {
            ring: Ring::new(),
            finish: None,
            next_reader: 0,
            paused: false,
            #[cfg(feature = "std")]
            bell: None,
            #[cfg(feature = "std")]
            waiting: 0,
        };
        Self {
            number,
            rules,
            body: Lock::new(body),
            #[cfg(feature = "std")]
            news: std::sync::Condvar::new(),
        }
    }

    pub(super) fn with<R>(&self, look: impl FnOnce(&mut Ring<T, K>) -> R) -> R {
        self.body.with(|body| look(&mut body.ring))
    }

    pub(super) fn is_ended(&self) -> bool {
        self.body.with(|body| body.finish.is_some())
    }

    pub(super) fn finished(&self) -> Option<Finish> {
        self.body.with(|body| body.finish.clone())
    }

    // ---- into it ----

    /// Takes an event in: its number, unless it was dropped, and whether the stream is to pause.
    pub(super) fn push(&self, event: T, at: Instant, time: Timestamp) -> Result<(Option<u64>, bool), PushError<T>> {
        let (rules, mut out) = (&*self.rules, Vec::new());
        let arrived = Arrived { key: (rules.key)(&event), bytes: (rules.bounds.size_of)(&event), event, at, time };
        let (fate, waits) = self.body.with(|body| {
            let fate = body.ring.push(arrived, &rules.bounds, rules.order, rules.distinct, &mut out);
            let (posted, late) = (u64::from(!matches!(fate, Fate::Refused(..))), matches!(fate, Fate::Dropped(_)));
            rules.bounds.limit.note(posted, out.len() as u64 + u64::from(late), body.ring.len());
            body.paused |= matches!(fate, Fate::Kept { full: true, .. });
            (fate, body.waits())
        });
        drop(out); // only now: a `Drop` may look at the history
        if waits {
            self.tell();
        }
        match fate {
            Fate::Kept { number, full } => Ok((Some(number), full)),
            Fate::Dropped(_) => Ok((None, false)),
            Fate::Refused(event, why) => Err(PushError { event, why }),
        }
    }

    /// Lets what is too old go. When to look again, if at all.
    pub(super) fn expire(&self, now: Instant) -> Option<Instant> {
        let (age, mut out) = (self.rules.bounds.age, Vec::new());
        let due = self.with(|ring| {
            ring.expire(now, age, &mut out);
            ring.expires(age)
        });
        self.let_go_on(); // what has gone for its age, now or when another event came, has made room
        drop(out);
        Some(due?.max(now + age / 8)).filter(|due| *due < Instant::NEVER)
    }

    pub(super) fn discard(&self, n: usize) -> usize {
        let mut out = Vec::new();
        self.with(|ring| (0..n).take_while(|_| ring.drop_oldest(&mut out)).count());
        self.let_go_on();
        out.len()
    }

    /// Ends the session, if it has not ended.
    pub(super) fn finish(&self, finish: Finish) {
        let waits = self.body.with(|body| {
            body.finish.get_or_insert(finish);
            body.waits()
        });
        if waits {
            self.tell();
        }
        self.let_go_on(); // into the next session
    }

    /// Whether another event would not be one too many: for a session that has ended it is the first of another.
    pub(super) fn has_room(&self) -> bool {
        self.body.with(|body| body.has_room(&self.rules.bounds))
    }

    // ---- who waits for room ----

    /// Remembers how a stream that is paused can go on.
    #[cfg_attr(not(feature = "std"), allow(clippy::unused_self))]
    pub(super) fn serves(&self, cx: &Context<'_>) {
        #[cfg(feature = "std")]
        if self.rules.bounds.limit.overflow() == crate::limit::Overflow::Block {
            self.body.with(|body| body.bell = cx.bell());
        }
        #[cfg(not(feature = "std"))]
        let _ = cx;
    }

    /// Lets a paused stream go on, if there is room.
    pub(super) fn let_go_on(&self) {
        let bounds = &self.rules.bounds;
        self.body.with(|body| {
            if body.paused && body.has_room(bounds) {
                body.paused = false;
                #[cfg(feature = "std")]
                if let Some(bell) = &body.bell {
                    bell.resume();
                }
            }
        });
    }

    // ---- readers ----

    pub(super) fn add_reader(&self, place: impl FnOnce(&Ring<T, K>) -> usize) -> (u64, Option<Place<K>>, u64) {
        self.body.with(|body| {
            let id = body.next_reader;
            body.next_reader += 1;
            let index = place(&body.ring);
            let rank = body.ring.rank(index);
            body.ring.readers.insert(id, rank);
            (id, index.checked_sub(1).and_then(|last| body.ring.place(last)), rank)
        })
    }

    pub(super) fn remove_reader(&self, id: u64) {
        self.with(|ring| ring.readers.remove(&id));
        self.let_go_on();
    }

    fn tell(&self) {
        #[cfg(feature = "std")]
        self.news.notify_all();
    }

    /// Waits until `ready`, the session has ended, or the time is over.
    #[cfg(feature = "std")]
    pub(super) fn wait(&self, limit: std::time::Duration, mut ready: impl FnMut(&mut Ring<T, K>) -> bool) {
        let end = std::time::Instant::now().checked_add(limit);
        let mut body = self.body.guard();
        while !ready(&mut body.ring) && body.finish.is_none() {
            let left = end.map(|end| end.saturating_duration_since(std::time::Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return;
            }
            body.waiting += 1;
            body = match left {
                Some(left) => self.news.wait_timeout(body, left).unwrap_or_else(std::sync::PoisonError::into_inner).0,
                None => self.news.wait(body).unwrap_or_else(std::sync::PoisonError::into_inner),
            };
            body.waiting -= 1;
        }
    }
}

impl<T, K: Ord + Clone> Body<T, K> {
    fn has_room(&self, bounds: &Bounds<T>) -> bool {
        self.finish.is_some() || self.ring.has_room(bounds)
    }
}

impl<T, K> Body<T, K> {
    fn waits(&self) -> bool {
        #[cfg(feature = "std")]
        return self.waiting > 0;
        #[cfg(not(feature = "std"))]
        false
    }
}

/// So many events are looked at under one lock: the keeper never waits for a reader of a million.
pub(super) const PIECE: usize = 256;

/// Copies the events of a span, those after a place only. Events that come meanwhile are left out. Also the place of the last
/// one.
pub(super) fn copy_span<T: Clone, K: Ord + Clone, P: Axis<T, K>>(
    session: &Session<T, K>,
    span: &Span<P>,
    after: Option<&Place<K>>,
) -> (Vec<Kept<T>>, Option<Place<K>>) {
    let (mut copies, mut last) = (Vec::new(), None);
    let newest = session.with(|ring| ring.accepted());
    let (mut seen, mut at) = (0, after.cloned());
    loop {
        let more = session.with(|ring| {
            let (start, end) = ring.extent(span);
            let start = start.max(at.as_ref().map_or(0, |at| ring.after(Some(at))));
            let piece = start..end.min(start.saturating_add(PIECE));
            for entry in piece.clone().filter_map(|index| ring.entry(index)) {
                if entry.number > newest || !span.contains(&P::of(entry)) {
                    continue;
                }
                if seen % span.step() == 0 {
                    copies.push(entry.copy());
                    last = Some(Place { key: entry.key.clone(), number: entry.number });
                }
                seen += 1;
            }
            at = piece.clone().next_back().and_then(|index| ring.place(index));
            at.is_some() && piece.end < end
        });
        if !more {
            return (copies, last);
        }
    }
}
