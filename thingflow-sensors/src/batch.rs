//! [`Batch`]: what a chip collected since it was read last, and [`Spread`], which gives each sample its time.

use core::time::Duration;

use heapless::Vec;
use thingflow_core::{Emitter, Filter, InputThing, Receipt, SensorEvent, SensorId, Timestamp, Visitor};

use crate::Values;
use crate::moment::Moment;

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
    behind: usize,
}

impl<T, const N: usize> Batch<T, N> {
    /// An empty batch of samples that are `interval` apart.
    pub fn new(interval: Duration) -> Self {
        Self { samples: Vec::new(), interval, gap: false, behind: 0 }
    }

    /// The same with samples missing before the first one, or not.
    #[must_use]
    pub fn after_gap(self, gap: bool) -> Self {
        Self { gap, ..self }
    }

    /// The same with so many newer samples left in the chip, for the next batch.
    #[must_use]
    pub fn leaving(self, behind: usize) -> Self {
        Self { behind, ..self }
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

    /// Whether samples are missing before the first one: the chip was not read in time, or did not answer for a while.
    /// Each gap is told once, by the first batch after it that has samples.
    pub fn has_gap(&self) -> bool {
        self.gap
    }

    /// How many newer samples the chip held when the batch was read: they come with the next one.
    pub fn behind(&self) -> usize {
        self.behind
    }
}

/// Each sample is checked.
impl<T: Values, const N: usize> Values for Batch<T, N> {
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        self.samples.iter_mut().try_for_each(|sample| sample.try_each(admit))
    }
}

/// Makes of each batch the events of its samples, with the time at which each was taken.
///
/// The newest one that the chip had is as old as the reading of the batch. The others lie before it, evenly from where
/// the last batch ended, so that times rise even if the chip's clock is faster or slower than it says; after a pause or
/// a gap they are the chip's nominal interval apart.
///
/// Batches of several sensors may come mixed. It holds a time for each of the four that were heard last; of a fifth each
/// batch is the first one.
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
    /// The newest sample of each sensor, the one that was heard last in front.
    last: [Option<(SensorId, Last)>; SENSORS],
}

/// Where the last batch of a sensor ended.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// When it was read.
    read: Moment,
    /// How much older its newest sample was.
    before: Duration,
}

const SENSORS: usize = 4;

impl Spread {
    /// A spread that has seen no batch.
    pub const fn new() -> Self {
        Self { last: [None; SENSORS] }
    }

    /// Where the sensor's last batch ended. Its place is in front from now on.
    fn last(&mut self, sensor: SensorId) -> Option<Last> {
        let found = self.last.iter().position(|last| last.is_some_and(|(id, _)| id == sensor));
        self.last[..=found.unwrap_or(SENSORS - 1)].rotate_right(1);
        found.and(self.last[0]).map(|(_, last)| last)
    }
}

/// The time from sample to sample, in nanoseconds. `count` are those since the last batch.
fn step<T, const N: usize>(batch: &Batch<T, N>, last: Option<Last>, read: &Moment, count: i64) -> i64 {
    let whole = |d: Duration| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
    let nominal = whole(batch.interval);
    let Some(last) = last else { return nominal };
    let measured = whole(read.since(&last.read).saturating_add(last.before)) / count;
    // Much longer: the chip or its bus paused in between.
    let paused = measured > nominal.saturating_add(nominal / 2);
    // Never longer than measured, or times would go back.
    if batch.gap || paused { nominal.min(measured) } else { measured }
}

impl<T, const N: usize> Filter<SensorEvent<Batch<T, N>>> for Spread {
    type Out = SensorEvent<T>;

    fn on_next(
        &mut self,
        event: SensorEvent<Batch<T, N>>,
        out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<T>>>,
    ) -> Receipt {
        let moment = Moment::of(&event, out.context());
        let SensorEvent { sensor_id, ts: read, val: batch } = event;
        if batch.samples.is_empty() {
            return out.send_all(core::iter::empty());
        }
        let whole = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let all = whole(batch.samples.len().saturating_add(batch.behind));
        let step = step(&batch, self.last(sensor_id), &moment, all);
        let time = |after: i64| Timestamp::from_nanos(read.as_nanos().saturating_sub(step.saturating_mul(after)));
        let before = Duration::from_nanos(step.saturating_mul(whole(batch.behind)).unsigned_abs());
        self.last[0] = Some((sensor_id, Last { read: moment, before }));
        out.send_all((1..=all).zip(batch.samples).map(|(nth, val)| SensorEvent { sensor_id, ts: time(all - nth), val }))
    }

    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter("spread");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thingflow_core::{Instant, prelude::*};

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

    #[test]
    fn what_is_left_in_the_chip_is_newer() {
        let leaves = |at, samples: &[u32], behind| {
            let event = batch(at, samples, false);
            event.map(|batch| batch.leaving(behind))
        };
        // 5 samples to 150 ms, of which the chip keeps 3; those and one more follow.
        let batches = [leaves(150, &[1, 2], 3), leaves(160, &[3, 4, 5], 1), leaves(170, &[6, 7], 0)];
        let expected = [(110, 1), (120, 2), (130, 3), (140, 4), (150, 5), (160, 6), (170, 7)];
        assert_eq!(spread(Vec::from_array(batches)), expected);
    }

    #[test]
    fn each_sensor_has_a_clock_of_its_own() {
        let of = |sensor: &'static str, event: SensorEvent<_>| SensorEvent { sensor_id: sensor.into(), ..event };
        let batches = [
            of("slow", batch(100, &[1], false)),
            of("fast", batch(101, &[2], false)),
            of("slow", batch(124, &[3, 4], false)),
            of("fast", batch(117, &[5, 6], false)),
        ];
        assert_eq!(spread(Vec::from_array(batches)), [(100, 1), (101, 2), (112, 3), (124, 4), (109, 5), (117, 6)]);
    }

    #[test]
    fn a_fifth_sensor_takes_the_place_of_the_one_heard_longest_ago() {
        let mut spread = Spread::new();
        for (at, sensor) in [1_u64, 2, 3, 4, 1, 5].into_iter().enumerate() {
            let last = spread.last(sensor.into());
            assert_eq!(last.map(|last| last.read.ts), (at == 4).then_some(Timestamp::UNIX_EPOCH), "{sensor}");
            let event = SensorEvent::new(sensor, Timestamp::from_secs(at as i64), ());
            let read = Moment::of(&event, &Context::detached(Instant::ZERO));
            spread.last[0] = Some((sensor.into(), Last { read, before: Duration::ZERO }));
        }
        let known = [1_u64, 2, 3, 4, 5].map(|sensor| { spread }.last(sensor.into()).is_some());
        assert_eq!(known, [true, false, true, true, true]);
    }

    #[test]
    fn f40_a_clock_that_is_set_back_does_not_put_samples_at_one_time() {
        let (seen, port) = (thingflow_core::testing::Recorder::new(), Port::new());
        port.pipe(Spread::new()).map(|e: SensorEvent<u32>| (e.ts.as_nanos() / 1_000_000, e.val)).connect(seen.clone());
        let clock = thingflow_core::VirtualClock::starting_at(Timestamp::from_secs(1_000_000));
        let mut scheduler = Scheduler::with_clock(clock).unwrap();
        let batches = [(100, batch(1_000_000_100, &[1, 2], false)), (124, batch(5000, &[3, 4], false))];
        for (at, batch) in batches {
            let thing = from_iter([batch]).connect(port.clone());
            scheduler.schedule_later_one_time(thing, Duration::from_millis(at)).unwrap();
        }
        scheduler.run_forever().unwrap();
        // 24 ms for two samples.
        assert_eq!(seen.events(), [(1_000_000_090, 1), (1_000_000_100, 2), (4988, 3), (5000, 4)]);
    }

    proptest! {
        #[test]
        fn times_rise_and_nothing_is_lost(
            batches in proptest::collection::vec((0_usize..33, 0_usize..50, 1_i64..400, any::<bool>()), 1..30)
        ) {
            let (mut at, mut n) = (1_000_000_i64, 0);
            let batches = batches.iter().map(|(length, behind, pause, gap)| {
                at += pause;
                let samples: std::vec::Vec<u32> = (n..).take(*length).collect();
                n += *length as u32;
                batch(at, &samples, *gap).map(|batch| batch.leaving(*behind))
            });
            let events = from_iter(batches.collect::<std::vec::Vec<_>>()).pipe(Spread::new()).collect_now();
            prop_assert!(events.windows(2).all(|pair| pair[0].ts < pair[1].ts));
            prop_assert!(events.iter().map(|e: &SensorEvent<u32>| e.val).eq(0..n));
        }
    }
}
