//! What stands behind each port of the groups `hops` and `fanout`: the same little work for all subjects.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use crate::event::Event;

/// Counts the readings over its threshold, and keeps the time of the latest of them.
#[derive(Debug)]
pub struct Sink {
    threshold: f64,
    count: Cell<u64>,
    latest: Cell<u64>,
}

impl Sink {
    /// Nothing seen yet.
    pub fn new(threshold: f64) -> Self {
        Self { threshold: black_box(threshold), count: Cell::new(0), latest: Cell::new(0) }
    }

    /// That many, with thresholds 0, 1, 2, …, each to be shared with whatever passes the events on.
    pub fn shared(sinks: usize) -> Vec<Rc<Self>> {
        (0..sinks).map(|threshold| Rc::new(Self::new(threshold as f64))).collect()
    }

    /// Takes one event.
    #[inline]
    pub fn take(&self, event: &Event) {
        if event.val > self.threshold {
            self.count.set(self.count.get() + 1);
            self.latest.set(event.ts);
        }
    }

    /// How many were over the threshold.
    pub fn count(&self) -> u64 {
        black_box(self.latest.get());
        self.count.get()
    }
}
