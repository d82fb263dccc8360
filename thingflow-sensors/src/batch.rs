//! [`Batch`]: what a chip collected since it was read last, and [`Spread`], which gives each sample its time.

use core::time::Duration;

use heapless::Vec;
use thingflow_core::{Emitter, Filter, InputThing, Receipt, SensorEvent, Timestamp, Visitor};

/// Samples that a chip took at its own pace, oldest first; at most `N`.
///
/// ```
/// use core::time::Duration;
/// use thingflow_sensors::Batch;
/// let mut batch = Batch::<i16, 4>::new(Duration::from_millis(10));
/// assert!(batch.push(1) && batch.push(2));
/// assert_eq!(batch.samples(), [1, 2]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Batch<T, const N: usize> {
    samples: Vec<T, N>,
    interval: Duration,
    gap: bool,
}

impl<T, const N: usize> Batch<T, N> {
    /// An empty batch of samples that are `interval` apart.
    pub fn new(interval: Duration) -> Self {
        Self { samples: Vec::new(), interval, gap: false }
    }

    /// The same with samples missing before the first one: the chip's memory ran over.
    #[must_use]
    pub fn after_gap(self, gap: bool) -> Self {
        Self { gap, ..self }
    }

    /// Adds a sample. False if there is no room for it.
    pub fn push(&mut self, sample: T) -> bool {
        self.samples.push(sample).is_ok()
    }

    /// The samples, oldest first.
    pub fn samples(&self) -> &[T] {
        &self.samples
    }

    /// The time from sample to sample, by the chip's own clock, which may be some percent off.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Whether samples are missing before the first one, because the chip was not read in time.
    pub fn has_gap(&self) -> bool {
        self.gap
    }
}

/// Makes of each batch the events of its samples, with the time at which each was taken.
///
/// The newest one is as old as the reading of the batch. The others lie before it, evenly from where the last batch
/// ended, so that times rise even if the chip's clock is faster or slower than it says; after a pause or a gap they
/// are the chip's nominal interval apart.
///
/// ```
/// use core::time::Duration;
/// use thingflow_core::{SensorEvent, prelude::*};
/// use thingflow_sensors::{Batch, Spread};
/// let mut batch = Batch::<i16, 8>::new(Duration::from_millis(10));
/// for sample in [1, 2, 3] {
///     batch.push(sample);
/// }
/// let read = SensorEvent::new("shock", Timestamp::from_millis(100), batch);
/// let events = from_iter([read]).pipe(Spread::new()).map(|e| (e.ts.as_nanos() / 1_000_000, e.val)).collect_now();
/// assert_eq!(events, [(80, 1), (90, 2), (100, 3)]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    last: Option<Timestamp>,
}

impl Spread {
    /// A spread that has seen no batch.
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// The time from sample to sample, in nanoseconds.
    fn step<T, const N: usize>(&self, batch: &Batch<T, N>, read: Timestamp, count: i64) -> i64 {
        let nominal = i64::try_from(batch.interval.as_nanos()).unwrap_or(i64::MAX);
        match self.last {
            Some(last) if !batch.gap => {
                let measured = read.as_nanos().saturating_sub(last.as_nanos()) / count;
                // Much longer: the chip or its bus paused in between.
                if measured > nominal.saturating_add(nominal / 2) { nominal } else { measured.max(0) }
            }
            _ => nominal,
        }
    }
}

impl<T, const N: usize> Filter<SensorEvent<Batch<T, N>>> for Spread {
    type Out = SensorEvent<T>;

    fn on_next(
        &mut self,
        event: SensorEvent<Batch<T, N>>,
        out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<T>>>,
    ) -> Receipt {
        let SensorEvent { sensor_id, ts: read, val: batch } = event;
        let count = i64::try_from(batch.samples.len()).unwrap_or(i64::MAX);
        let step = self.step(&batch, read, count.max(1));
        if count > 0 {
            self.last = Some(read);
        }
        out.send_all((1..=count).zip(batch.samples).map(|(nth, val)| {
            let before = step.saturating_mul(count - nth);
            SensorEvent { sensor_id, ts: Timestamp::from_nanos(read.as_nanos().saturating_sub(before)), val }
        }))
    }

    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter("spread");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thingflow_core::prelude::*;

    fn batch(at: i64, samples: &[u32], gap: bool) -> SensorEvent<Batch<u32, 33>> {
        let mut batch = Batch::new(Duration::from_millis(10)).after_gap(gap);
        samples.iter().for_each(|sample| assert!(batch.push(*sample)));
        SensorEvent::new("shock", Timestamp::from_millis(at), batch)
    }

    fn spread(batches: Vec<SensorEvent<Batch<u32, 33>>, 40>) -> std::vec::Vec<(i64, u32)> {
        let flow = from_iter(batches).pipe(Spread::new());
        flow.map(|e: SensorEvent<u32>| (e.ts.as_nanos() / 1_000_000, e.val)).collect_now()
    }

    #[test]
    fn follows_the_clock_of_the_chip() {
        // The chip is a fifth slower than it says.
        let batches = [batch(100, &[1, 2], false), batch(148, &[3, 4, 5, 6], false)];
        let expected = [(90, 1), (100, 2), (112, 3), (124, 4), (136, 5), (148, 6)];
        assert_eq!(spread(Vec::from_array(batches)), expected);
    }

    #[test]
    fn trusts_the_nominal_interval_after_a_gap_and_after_a_pause() {
        let batches = [batch(100, &[1], false), batch(130, &[2, 3], true), batch(900, &[4, 5], false)];
        assert_eq!(spread(Vec::from_array(batches)), [(100, 1), (120, 2), (130, 3), (890, 4), (900, 5)]);
    }

    #[test]
    fn an_empty_batch_sends_nothing() {
        let batches = [batch(100, &[1], false), batch(105, &[], false), batch(120, &[2, 3], false)];
        assert_eq!(spread(Vec::from_array(batches)), [(100, 1), (110, 2), (120, 3)]);
    }

    #[test]
    fn stops_when_nobody_wants_more() {
        let flow = from_iter([batch(100, &[1, 2, 3], false)]).pipe(Spread::new());
        assert_eq!(flow.map(|e: SensorEvent<u32>| e.val).take(2).collect_now(), [1, 2]);
    }

    proptest! {
        #[test]
        fn times_rise_and_nothing_is_lost(
            lengths in proptest::collection::vec((0_usize..33, 0_i64..400, any::<bool>()), 1..30)
        ) {
            let (mut at, mut n) = (1_000_000_i64, 0);
            let batches = lengths.iter().map(|(length, pause, gap)| {
                at += pause + 1;
                let samples: std::vec::Vec<u32> = (n..).take(*length).collect();
                n += *length as u32;
                // Without a gap there are never more samples than fit in between.
                batch(at, &samples, *gap && *pause > 330)
            });
            let events = from_iter(batches.collect::<std::vec::Vec<_>>()).pipe(Spread::new()).collect_now();
            prop_assert!(events.windows(2).all(|pair| pair[0].ts < pair[1].ts));
            prop_assert!(events.iter().map(|e: &SensorEvent<u32>| e.val).eq(0..n));
        }
    }
}
