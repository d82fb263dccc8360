//! The chain as iterator adaptors.

use crate::event::Events;
use crate::running_avg::RunningAvg;

/// Average of five, over 64 or not, counted.
pub fn fused(events: Events) -> u64 {
    let mut avg = RunningAvg::default();
    events.map(|event| event.val).map(|val| avg.push(val)).map(|avg| avg > 64.0).filter(|over| *over).count() as u64
}
