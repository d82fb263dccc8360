//! The chain as a stream of one static type.

use futures::StreamExt;
use futures::executor::block_on;
use futures::stream::iter;

use crate::event::Events;
use crate::running_avg::RunningAvg;

/// Average of five, over 64 or not, counted.
pub fn fused(events: Events) -> u64 {
    let mut avg = RunningAvg::default();
    let stream = iter(events).map(|event| event.val).map(move |val| avg.push(val)).map(|avg| avg > 64.0);
    block_on(stream.fold(0, |count, over| std::future::ready(count + u64::from(over))))
}
