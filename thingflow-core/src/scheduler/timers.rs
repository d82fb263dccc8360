//! What is due when: absolute deadlines, so nothing drifts.
//!
//! Timers of equal period and slack are due in the order in which they were due before, so each pair of these has a queue of its own (a
//! *rhythm*) and costs no sorting at all; a heap holds the front of each rhythm and what is due once. An entry is late by
//! at most its slack: the reactor wakes at the earliest `due + slack` and then serves all that is due.

use std::cmp::Ordering;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use super::keyed::Id;
use crate::clock::Instant;

/// What a timer is for. A timer outlives what it was for, and then finds nobody of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) kind: Kind,
    pub(super) id: Id,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Schedule,
    /// A wish of a Thing that a schedule calls without a port in between.
    Flow,
    Port,
    Later,
}

/// When a timer is served: not before it is due, and not after the latest.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Deadline {
    due: Instant,
    latest: Instant,
    /// In which timers were set.
    order: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    at: Deadline,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Timer(Due),
    /// The front of the rhythm of this number.
    Rhythm(u32),
}

/// A tick of a schedule in the queue of its rhythm, by whose slack it may be late. A hundred thousand schedules have one each.
#[derive(Clone, Copy)]
struct Tick {
    due: Instant,
    order: u64,
    id: Id,
}

impl Tick {
    fn at(self, slack: Duration) -> Deadline {
        Deadline { due: self.due, latest: self.due + slack, order: self.order }
    }

    fn entry(self, slack: Duration) -> Entry {
        Entry { at: self.at(slack), what: What::Timer(Due::tick(self.id)) }
    }
}

impl Due {
    pub(super) fn tick(id: Id) -> Self {
        Self { kind: Kind::Schedule, id }
    }
}

impl Ord for Entry {
    /// The greatest is served first: the earliest, and of equals the one that was set first.
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |entry: &Self| (entry.at.latest, entry.at.due, entry.at.order);
        key(other).cmp(&key(self))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

struct Rhythm {
    period: Duration,
    slack: Duration,
    queue: VecDeque<Tick>,
    /// Whether the heap holds an entry for this rhythm.
    listed: bool,
}

/// All timers of a scheduler.
#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Entry>,
    rhythms: Vec<Rhythm>,
    order: u64,
    len: usize,
    /// Kept, so that ordering them allocates nothing.
    ticks: Vec<Id>,
    /// How many timers there were after the last sweep.
    swept: usize,
}

/// Fewer timers than these are not worth a sweep.
const FEW: usize = 64;

impl Timers {
    /// Sets a timer that is due once.
    pub(super) fn once(&mut self, due: Instant, slack: Duration, what: Due) {
        let at = self.deadline(due, slack);
        self.heap.push(Entry { at, what: What::Timer(what) });
    }

    /// Whether there are so many more timers than after the last sweep that another may be worth its while.
    pub(super) fn is_crowded(&self) -> bool {
        self.len > FEW + 2 * self.swept
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Lets go of timers.
    pub(super) fn sweep(&mut self, keep: impl Fn(&Due) -> bool) {
        self.heap.retain(|entry| matches!(&entry.what, What::Timer(what) if keep(what)));
        self.len = self.heap.len();
        for at in 0..self.rhythms.len() {
            let rhythm = &mut self.rhythms[at];
            rhythm.queue.retain(|tick| keep(&Due::tick(tick.id)));
            rhythm.queue.shrink_to(2 * rhythm.queue.len());
            rhythm.listed = false;
            self.len += rhythm.queue.len();
            self.list(at);
        }
        self.heap.shrink_to(2 * self.heap.len());
        self.swept = self.len;
    }

    /// Sets the timer of a schedule that is due again and again with the given period; it is set anew after each time.
    pub(super) fn periodic(&mut self, due: Instant, slack: Duration, period: Duration, id: Id) {
        let tick = Tick { due, order: self.next_order(), id };
        let at = match self.rhythms.iter().position(|rhythm| (rhythm.period, rhythm.slack) == (period, slack)) {
            Some(at) => at,
            None if self.rhythms.len() < MOST_RHYTHMS => {
                self.rhythms.push(Rhythm { period, slack, queue: VecDeque::new(), listed: false });
                self.rhythms.len() - 1
            }
            None => return self.heap.push(tick.entry(slack)),
        };
        let rhythm = &mut self.rhythms[at];
        if rhythm.queue.back().is_some_and(|last| last.due > due) {
            return self.heap.push(tick.entry(slack)); // out of step: joins the queue when it is due again
        }
        rhythm.queue.push_back(tick);
        self.list(at);
    }

    fn deadline(&mut self, due: Instant, slack: Duration) -> Deadline {
        Deadline { due, latest: due + slack, order: self.next_order() }
    }

    /// The number of one timer more.
    fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.len += 1;
        self.order
    }

    /// Lets the heap know the front of a rhythm.
    fn list(&mut self, at: usize) {
        let rhythm = &mut self.rhythms[at];
        if rhythm.listed {
            return;
        }
        if let Some(front) = rhythm.queue.front() {
            rhythm.listed = true;
            #[allow(clippy::cast_possible_truncation)] // there are at most MOST_RHYTHMS
            self.heap.push(Entry { at: front.at(rhythm.slack), what: What::Rhythm(at as u32) });
        }
    }

    /// When the reactor must wake at the latest.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.at.latest)
    }

    /// The first deadline after `now`.
    pub(super) fn next_after(&self, now: Instant) -> Option<Instant> {
        let ticks = self.rhythms.iter().flat_map(|rhythm| rhythm.queue.iter().map(|tick| tick.at(rhythm.slack)));
        let listed = self.heap.iter().map(|entry| entry.at).chain(ticks);
        listed.map(|at| at.latest).filter(|latest| *latest > now).min()
    }

    /// Takes out all that is due at `now`, in order. The ticks of one instant come in the order of scheduling, however long
    /// their periods are.
    pub(super) fn take_due(&mut self, now: Instant, due: &mut Vec<Due>) {
        while let Some(at) = self.heap.peek().map(|top| top.at.due).filter(|at| *at <= now) {
            let before = due.len();
            self.take_due_at(at, due);
            self.len -= due.len() - before;
            order_ticks(&mut due[before..], &mut self.ticks);
        }
    }

    fn take_due_at(&mut self, at: Instant, due: &mut Vec<Due>) {
        while let Some(mut top) = self.heap.peek_mut() {
            if top.at.due != at {
                return;
            }
            let rhythm = match top.what {
                What::Rhythm(at) => &mut self.rhythms[at as usize],
                What::Timer(what) => {
                    due.push(what);
                    PeekMut::pop(top);
                    continue;
                }
            };
            due.extend(rhythm.queue.pop_front().map(|tick| Due::tick(tick.id)));
            match rhythm.queue.front() {
                Some(next) => top.at = next.at(rhythm.slack),
                None => {
                    rhythm.listed = false;
                    PeekMut::pop(top);
                }
            }
        }
    }
}

/// Orders the ticks among what is due, and leaves everything else in its place.
fn order_ticks(due: &mut [Due], ids: &mut Vec<Id>) {
    let is_tick = |due: &&mut Due| due.kind == Kind::Schedule;
    if due.iter_mut().filter(is_tick).is_sorted_by_key(|tick| tick.id.age()) {
        return;
    }
    ids.clear();
    ids.extend(due.iter_mut().filter(is_tick).map(|tick| tick.id));
    ids.sort_unstable_by_key(|id| id.age());
    for (tick, id) in due.iter_mut().filter(is_tick).zip(ids) {
        tick.id = *id;
    }
}

/// More periods than this share the heap.
const MOST_RHYTHMS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(key: u32) -> Due {
        Due { kind: Kind::Flow, id: Id::of(key) }
    }

    fn keys(timers: &mut Timers, now: u64) -> Vec<u32> {
        let mut due = Vec::new();
        timers.take_due(Instant::from_nanos(now), &mut due);
        due.into_iter().map(|due| due.id.key).collect()
    }

    #[test]
    fn ticks_at_one_instant_are_served_in_the_order_of_scheduling() {
        let (mut timers, at) = (Timers::default(), Instant::from_nanos(5));
        let mut tick = |period, key| timers.periodic(at, Duration::ZERO, Duration::from_secs(period), Id::of(key));
        tick(4, 3);
        tick(2, 2);
        tick(1, 1);
        assert_eq!(keys(&mut timers, 5), [1, 2, 3], "although the longer periods were set before");
    }

    #[test]
    fn equal_deadlines_are_served_in_the_order_they_were_set() {
        let mut timers = Timers::default();
        let (at, second) = (Instant::from_nanos(5), Duration::from_secs(1));
        timers.periodic(at, Duration::ZERO, second, Id::of(1));
        timers.once(at, Duration::ZERO, wish(2));
        timers.periodic(at, Duration::ZERO, second, Id::of(3));
        timers.periodic(at, Duration::ZERO, second * 2, Id::of(4));
        assert_eq!(timers.next(), Some(at));
        assert_eq!(keys(&mut timers, 4), [0; 0]);
        assert_eq!(keys(&mut timers, 5), [1, 2, 3, 4], "what a stage has asked for keeps its place");
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_timer_out_of_step_with_its_rhythm_is_served_in_time() {
        let mut timers = Timers::default();
        for (due, key) in [(9, 1), (3, 2), (6, 3)] {
            timers.periodic(Instant::from_nanos(due), Duration::ZERO, Duration::from_secs(1), Id::of(key));
        }
        assert_eq!(keys(&mut timers, 10), [2, 3, 1]);
    }

    #[test]
    fn a_sweep_leaves_the_others_their_time() {
        let (mut timers, second) = (Timers::default(), Duration::from_secs(1));
        for key in 1..=6 {
            timers.periodic(Instant::from_nanos(key.into()), Duration::ZERO, second, Id::of(key));
            timers.once(Instant::from_nanos(key.into()), Duration::ZERO, wish(10 + key));
        }
        timers.sweep(|due| due.id.key % 2 == 0);
        assert_eq!(timers.next(), Some(Instant::from_nanos(2)));
        assert_eq!(keys(&mut timers, 4), [2, 12, 4, 14]);
        assert_eq!(keys(&mut timers, 9), [6, 16]);
        assert!(!timers.is_crowded() && timers.next().is_none());
    }

    #[test]
    fn slack_groups_and_never_fires_early() {
        let mut timers = Timers::default();
        let slack = Duration::from_nanos(10);
        for due in [1, 4, 8, 20] {
            timers.once(Instant::from_nanos(due.into()), slack, Due::tick(Id::of(due)));
        }
        assert_eq!(timers.next(), Some(Instant::from_nanos(11)));
        assert_eq!(keys(&mut timers, 11), [1, 4, 8]);
        assert_eq!(keys(&mut timers, 19), [0; 0]);
    }
}
