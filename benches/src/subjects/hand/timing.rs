//! Timers as they are written into a loop: a deadline beside the event that waits for it.

use std::time::{Duration, Instant};

use crate::Result;
use crate::event::Events;
use crate::groups::timing::BURST;

const WINDOW: Duration = Duration::from_secs(10);

/// The events that were followed by quiet, counted.
pub fn debounce(mut events: Events) -> Result<u64> {
    let (mut held, mut due, mut count) = (None, Instant::now(), 0);
    loop {
        let now = Instant::now();
        if now >= due && held.take().is_some() {
            count += 1;
        }
        for _ in 0..BURST {
            let Some(event) = events.next() else { return Ok(count + u64::from(held.is_some())) };
            held = std::hint::black_box(Some(event));
            due = now + WINDOW;
        }
    }
}

/// The first events and the last ones of each window, counted.
pub fn throttle(mut events: Events) -> Result<u64> {
    let (mut held, mut due, mut count) = (None, Instant::now(), 0);
    loop {
        let now = Instant::now();
        if now >= due && held.take().is_some() {
            count += 1;
        }
        for _ in 0..BURST {
            let Some(event) = events.next() else { return Ok(count + u64::from(held.is_some())) };
            if now < due {
                held = std::hint::black_box(Some(event));
            } else {
                count += 1;
                due = now + WINDOW;
            }
        }
    }
}
