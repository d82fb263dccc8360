//! The newest events, for an outlet that sends them ahead of its backlog, and which of the backlog have been sent so.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};

use super::stored::Stored;
use crate::journaling::inlet::Shown;

/// So many of the newest events are kept in memory for an outlet.
const MOST: usize = 64;

/// So many ranges of numbers are kept: then no more is sent ahead until the backlog has come to them.
const MOST_RANGES: usize = 4096;

/// What an outlet may send ahead of its backlog.
#[derive(Default)]
pub(super) struct Recent {
    /// Whether the outlet has a backlog.
    behind: Cell<bool>,
    newest: RefCell<VecDeque<Stored>>,
}

impl Shown for Recent {
    fn offer(&self, number: u64, time: i64, bytes: &[u8]) {
        if !self.behind.get() {
            return;
        }
        let mut newest = self.newest.borrow_mut();
        if newest.len() == MOST {
            newest.pop_front();
        }
        newest.push_back(Stored::new(number, time, false, bytes.to_vec()));
    }
}

impl Recent {
    pub(super) fn set_behind(&self, behind: bool) {
        self.behind.set(behind);
        if !behind {
            self.newest.borrow_mut().clear();
        }
    }

    /// The oldest of them that is on the disk and beyond `handed`, where the backlog is.
    pub(super) fn take(&self, handed: u64, durable: u64) -> Option<Stored> {
        let mut newest = self.newest.borrow_mut();
        while newest.front().is_some_and(|first| first.number <= handed + 1) {
            newest.pop_front();
        }
        if newest.front()?.number > durable { None } else { newest.pop_front() }
    }
}

/// The numbers that were sent ahead of the backlog.
#[derive(Default)]
pub(super) struct Ahead {
    /// Those that are done: first and last numbers, ascending.
    done: VecDeque<(u64, u64)>,
    on_their_way: BTreeSet<u64>,
}

/// What an outlet knows of a number that its backlog has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It was not sent ahead.
    No,
    OnItsWay,
    Done,
}

impl Ahead {
    pub(super) fn has_room(&self) -> bool {
        self.done.len() + self.on_their_way.len() < MOST_RANGES
    }

    pub(super) fn sent(&mut self, number: u64) {
        self.on_their_way.insert(number);
    }

    /// Notes that a number is done; false if it was not sent ahead.
    pub(super) fn settle(&mut self, number: u64) -> bool {
        if !self.on_their_way.remove(&number) {
            return false;
        }
        let at = self.done.partition_point(|(_, last)| last + 1 < number);
        match self.done.get_mut(at) {
            Some((_, last)) if *last + 1 == number => {
                *last = number;
                if let Some((next, end)) = self.done.get(at + 1).copied()
                    && next == number + 1
                {
                    self.done[at].1 = end;
                    self.done.remove(at + 1);
                }
            }
            Some((first, _)) if number + 1 == *first => *first = number,
            _ => self.done.insert(at, (number, number)),
        }
        true
    }

    /// The backlog has come to this number, and asks for none below again.
    pub(super) fn reach(&mut self, number: u64) -> Known {
        while self.done.front().is_some_and(|(_, last)| *last < number) {
            self.done.pop_front();
        }
        if self.done.front().is_some_and(|(first, _)| *first <= number) {
            return Known::Done;
        }
        if self.on_their_way.remove(&number) { Known::OnItsWay } else { Known::No }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.done.is_empty() && self.on_their_way.is_empty()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.on_their_way.len()
    }
}
