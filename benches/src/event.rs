//! The event that every workload moves, and an endless source of it that the optimizer can't see through.

use std::hint::black_box;

/// What a sensor says: 24 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Which sensor.
    pub id: u32,
    /// When, in nanoseconds.
    pub ts: u64,
    /// The reading, between 0 and 128.
    pub val: f64,
}

/// A given number of events with pseudo-random readings. The same seed gives the same events.
#[derive(Clone, Debug)]
pub struct Events {
    left: u64,
    state: u64,
}

impl Events {
    /// The seed that all subjects share, so that their results can be compared.
    pub const SEED: u64 = 2026;

    /// The next `count` events after `seed`.
    pub fn new(count: u64, seed: u64) -> Self {
        Self { left: black_box(count), state: black_box(seed) }
    }
}

impl Iterator for Events {
    type Item = Event;

    #[inline(always)]
    fn next(&mut self) -> Option<Event> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let val = (self.state >> 40) as f64 * (128.0 / (1_u64 << 24) as f64);
        Some(Event { id: (self.state >> 33) as u32 & 7, ts: self.state, val })
    }
}
