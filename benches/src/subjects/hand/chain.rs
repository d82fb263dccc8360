//! The chain as one loop.

use crate::event::Events;
use crate::running_avg::RunningAvg;

/// Average of five, over 64 or not, counted.
pub fn fused(events: Events) -> u64 {
    let mut avg = RunningAvg::default();
    let mut count = 0;
    for event in events {
        let over = avg.push(event.val) > 64.0;
        count += u64::from(over);
    }
    count
}
