//! All that it has, for each event.

use rolling_stats::Stats;

use crate::event::Events;
use crate::subjects::thingflow::windows::high_of_all;

/// Events after which the four results are high.
pub fn of_all(events: Events, _: usize) -> u64 {
    let mut stats = Stats::<f64>::new();
    let results = events.map(|event| {
        stats.update(event.val);
        (stats.min, stats.max, stats.mean, stats.std_dev)
    });
    results.filter(high_of_all).count() as u64
}
