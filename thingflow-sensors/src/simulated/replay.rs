//! `replay(events)`: recorded events once more, with their own ids and times.

use alloc::vec;
use alloc::vec::Vec;

use thingflow_core::{Context, Failure, Flow, SensorEvent, Source};

/// Sends recorded events, one at each sampling, as they were: with their sensors and their timestamps.
///
/// Run it without a schedule over a recording that is at hand, or schedule it at the pace you like. For a recording in
/// a file see the CSV reader of `thingflow-adapters`.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::simulated::replay;
/// let yesterday = [(0, 20.0), (60, 22.0)].map(|(s, lux)| SensorEvent::new("lux", Timestamp::from_secs(s), lux));
/// assert_eq!(replay(yesterday).map(|e| e.val).collect_now(), [20.0, 22.0]);
/// assert_eq!(replay(yesterday).collect_now(), yesterday);
/// ```
pub fn replay<T>(events: impl Into<Vec<SensorEvent<T>>>) -> Flow<Replay<T>> {
    Flow::new(Replay(events.into().into_iter()))
}

/// Made by [`replay`].
#[derive(Clone, Debug)]
pub struct Replay<T>(vec::IntoIter<SensorEvent<T>>);

impl<T> Source for Replay<T> {
    type Item = SensorEvent<T>;

    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<SensorEvent<T>>, Failure> {
        Ok(self.0.next())
    }
    fn name(&self) -> &str {
        "replay"
    }
}
