//! What goes out to one outlet, and how far it has come.
//!
//! Invariants:
//! - `handed` only rises: from the backlog each number is handed out once, and again only from `again`.
//! - An event is acknowledged in the journal when it and all before it are done: delivered, or a dead letter on the disk.
//! - What was sent ahead of the backlog is not sent again when the backlog comes to it.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::tracking::{Outcome, Settled};
use thingflow_core::{Attempts, Context, Instant, Registry, StreamError, Timestamp};
use thingflow_journal::{BootClock, Consumer};

use super::dead::{DeadLetterRecord, Undertaker};
use super::meter::Tally;
use super::outlet::Outlet;
use super::recent::{Ahead, Known, Recent};
use super::stored::Stored;
use super::{Keeper, NAME};

/// An event on its way, in the order of the backlog.
struct Entry {
    number: u64,
    taken: Timestamp,
    done: bool,
}

/// What an outlet is to send next.
pub(super) enum Next {
    Event(Stored),
    /// Nothing before this time.
    At(Instant),
    /// Nothing before something has come home.
    Busy,
    /// Nothing at present.
    Nothing,
}

pub(super) struct Outgoing {
    // Before the keeper, so that it is dropped before the journal is closed.
    consumer: Consumer,
    undertaker: Undertaker,
    keeper: Rc<Keeper>,
    registry: Rc<OnceCell<Registry>>,
    tally: Tally,
    entries: VecDeque<Entry>,
    /// Abandoned, to be sent again before anything else, ascending.
    again: VecDeque<Stored>,
    retry: Attempts,
    retry_at: Option<Instant>,
    /// The highest number that the backlog has come to.
    handed: u64,
    most: usize,
    /// Of so many events one is of the newest, while there is a backlog.
    share: Option<u32>,
    /// Events of the backlog since the last one that was not.
    turns: u32,
    pub(super) recent: Rc<Recent>,
    ahead: Ahead,
    /// How long events may wait for the wall clock to be set, and until when since the first of them.
    hold: Duration,
    hold_until: Option<Instant>,
    /// The one that waits so.
    held: Option<Stored>,
}

/// How often the wall clock is looked at while an event waits for it.
const LOOK: Duration = Duration::from_secs(1);

impl Outgoing {
    pub(super) fn new(
        consumer: Consumer,
        outlet: &Outlet,
        keeper: Rc<Keeper>,
        registry: Rc<OnceCell<Registry>>,
        tally: Tally,
    ) -> Self {
        tally.open(consumer.name(), consumer.meter());
        Self {
            undertaker: Undertaker::new(keeper.dead.writer()),
            consumer,
            keeper,
            registry,
            tally,
            entries: VecDeque::new(),
            again: VecDeque::new(),
            retry: outlet.retry.attempts(),
            retry_at: None,
            handed: 0,
            most: outlet.in_flight,
            share: outlet.share,
            turns: 0,
            recent: Rc::default(),
            ahead: Ahead::default(),
            hold: outlet.hold,
            hold_until: None,
            held: None,
        }
    }

    /// What to send next, with its time put right if that is known by now.
    pub(super) fn next(&mut self, cx: &Context<'_>, clocks: &[BootClock]) -> Next {
        let next = self.held.take().map_or_else(|| self.pick(cx.now()), Next::Event);
        let Next::Event(mut stored) = next else { return next };
        if !stored.is_time_known {
            let clock = cx.wall_clock();
            stored.settle(&clock, clocks);
            if stored.waits_for(&clock) {
                let until = *self.hold_until.get_or_insert(clock.at + self.hold);
                if clock.at < until {
                    self.held = Some(stored);
                    return Next::At(until.min(clock.at + LOOK));
                }
            }
        }
        Next::Event(stored)
    }

    fn pick(&mut self, now: Instant) -> Next {
        if let Some(at) = self.retry_at
            && !self.again.is_empty()
        {
            if at > now {
                return Next::At(at);
            }
            return self.again.pop_front().map_or(Next::Nothing, |stored| self.send(stored));
        }
        self.retry_at = None;
        if self.entries.len() + self.ahead.in_flight() >= self.most {
            return Next::Busy;
        }
        if let Some(stored) = self.ahead_of_backlog() {
            return self.send(stored);
        }
        match self.backlog() {
            Some(stored) => self.send(stored),
            None if self.entries.len() >= self.most => Next::Busy,
            None => Next::Nothing,
        }
    }

    fn send(&self, stored: Stored) -> Next {
        if stored.resent {
            self.tally.resent(self.consumer.name());
        }
        Next::Event(stored)
    }

    /// One of the newest, if it is their turn.
    fn ahead_of_backlog(&mut self) -> Option<Stored> {
        let share = self.share?;
        let durable = self.keeper.journal.durable();
        self.recent.set_behind(durable > self.handed + 1);
        if self.turns + 1 < share || !self.ahead.has_room() {
            return None;
        }
        let stored = self.recent.take(self.handed, durable)?;
        self.turns = 0;
        self.ahead.sent(stored.number);
        self.consumer.mark_up_to(stored.number);
        Some(stored)
    }

    fn backlog(&mut self) -> Option<Stored> {
        while self.entries.len() < self.most {
            let record = self.consumer.try_next()?;
            self.handed = record.number;
            let known = self.ahead.reach(record.number);
            let taken = Timestamp::from_nanos(record.time);
            self.entries.push_back(Entry { number: record.number, taken, done: known == Known::Done });
            if self.entries.len() == 1 {
                self.note_oldest();
            }
            match known {
                Known::No => {
                    self.turns = self.turns.saturating_add(1);
                    return Some(record.into());
                }
                Known::OnItsWay => {}
                Known::Done => self.acknowledge(),
            }
        }
        None
    }

    /// Acknowledges in the journal what is done in a row.
    fn acknowledge(&mut self) {
        let mut done = None;
        while self.entries.front().is_some_and(|entry| entry.done) {
            done = self.entries.pop_front().map(|entry| entry.number);
        }
        if let Some(number) = done {
            self.consumer.acknowledge(number);
            self.note_oldest();
        }
    }

    fn note_oldest(&self) {
        self.tally.on_its_way(self.consumer.name(), self.entries.front().map(|entry| entry.taken));
    }

    /// An event has come home.
    pub(super) fn settle(&mut self, settled: Settled<Stored>, cx: &Context<'_>) {
        let stored = settled.meta;
        match settled.outcome {
            Outcome::Done => {
                self.tally.delivered(self.consumer.name());
                self.done(stored.number);
                self.retry.connected(cx.now());
            }
            Outcome::Failed(error) => self.refused(stored, &error, cx),
            _ => self.abandoned(stored, cx.now()),
        }
        if let Some(registry) = self.registry.get() {
            registry.call_soon();
        }
    }

    fn done(&mut self, number: u64) {
        if self.ahead.settle(number) {
            return;
        }
        if let Ok(at) = self.entries.binary_search_by_key(&number, |entry| entry.number) {
            self.entries[at].done = true;
        }
        self.acknowledge();
    }

    fn abandoned(&mut self, stored: Stored, now: Instant) {
        if self.again.is_empty() {
            let wait = self.retry.failed(now);
            self.retry_at = Some(now + wait);
        }
        let at = self.again.partition_point(|other| other.number < stored.number);
        self.again.insert(at, Stored { resent: true, ..stored });
    }

    /// An event is refused for good.
    pub(super) fn refused(&mut self, stored: Stored, error: &StreamError, cx: &Context<'_>) {
        let Stored { number, taken, payload, .. } = stored;
        let outlet = self.consumer.name().to_owned();
        let letter = DeadLetterRecord { outlet, number, taken, reason: error.to_string(), event: payload };
        if let Err(error) = self.undertaker.bury(letter) {
            cx.report(NAME, &error);
        }
        self.bury();
    }

    /// Lets go of events that have become dead letters.
    pub(super) fn bury(&mut self) {
        while let Some(number) = self.undertaker.buried(self.keeper.dead.durable()) {
            self.tally.dead(self.consumer.name());
            self.done(number);
        }
    }

    /// Whether the journal's thread has something for this outlet, which has room for it.
    pub(super) fn waits_for_thread(&self) -> bool {
        let has_room = self.entries.len() + self.ahead.in_flight() < self.most;
        let can_take = has_room && self.again.is_empty() && self.held.is_none();
        can_take && !self.consumer.is_caught_up() || !self.undertaker.is_done()
    }

    /// Whether everything that the journal has is delivered.
    pub(super) fn is_done(&self) -> bool {
        let home = self.entries.is_empty() && self.again.is_empty() && self.ahead.is_empty();
        home && self.undertaker.is_done() && self.consumer.is_caught_up()
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.tally.close(self.consumer.name());
    }
}
