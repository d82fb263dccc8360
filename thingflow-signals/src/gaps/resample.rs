//! [`Resample`]: values at a fixed rate, out of readings at any times.

use core::time::Duration;

use thingflow_core::windows::Number;
use thingflow_core::{
    Closed, Demand, Emitter, Filter, Float, InputThing, Notice, Receipt, Saved, SavedItems, SensorEvent, SensorId,
    StateVisitor, StreamError, Timestamp,
};

use super::segment::{Interpolation, Point, Segment, cubic};

/// Made by [`resample`](crate::DataQuality::resample).
#[derive(Clone, Debug)]
pub struct Resample {
    /// In nanoseconds, as the times of readings are.
    step: i64,
    longest_gap: i64,
    interpolation: Interpolation,
    /// The last readings without a gap between them, the oldest first.
    recent: heapless::Deque<Reading, 3>,
    /// The latest watermark that has come, and the latest that has been passed on.
    watermark: Option<Timestamp>,
    passed: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    sensor: SensorId,
    nanos: i64,
    value: f64,
}

impl Reading {
    /// As a point of a curve that is counted from `origin`.
    fn point(&self, origin: &Self) -> Point {
        Point { x: seconds(origin.nanos, self.nanos), y: self.value }
    }

    fn event(&self) -> SensorEvent<f64> {
        SensorEvent::new(self.sensor, Timestamp::from_nanos(self.nanos), self.value)
    }
}

#[allow(clippy::cast_precision_loss)] // a gap of 100 days is exact
fn seconds(from: i64, to: i64) -> f64 {
    let size = to.abs_diff(from) as f64 / 1e9;
    if to < from { -size } else { size }
}

impl Saved for Reading {
    fn blank() -> Self {
        Self { sensor: SensorId::blank(), nanos: 0, value: 0.0 }
    }
    fn on_state(&mut self, _: &str, state: &mut dyn StateVisitor) {
        self.sensor.on_state("sensor", state);
        self.nanos.on_state("time", state);
        self.value.on_state("value", state);
    }
}

impl Resample {
    const MOST_STEPS: i64 = 1_000_000;

    #[track_caller]
    pub(crate) fn new(step: Duration, interpolation: Interpolation, longest_gap: Duration) -> Self {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        assert!(!step.is_zero(), "resample(0 s, ..): values at a fixed rate lie some time apart");
        let (step_nanos, gap) = (nanos(step), nanos(longest_gap));
        assert!(
            gap / step_nanos <= Self::MOST_STEPS,
            "resample({step:?}, .., {longest_gap:?}): a gap of more than a million steps is not filled, choose a shorter one"
        );
        Self {
            step: step_nanos,
            longest_gap: gap,
            interpolation,
            recent: heapless::Deque::new(),
            watermark: None,
            passed: None,
        }
    }

    /// What a reading makes known: a piece of the curve before it, and itself where a new curve begins on the grid.
    fn take(&mut self, reading: Reading) -> impl Iterator<Item = SensorEvent<f64>> + use<> {
        let last = self.recent.back().copied();
        let is_later = last.is_none_or(|last| reading.nanos > last.nanos);
        let follows = last.is_some_and(|last| self.follows(last, reading));
        let piece = match self.interpolation {
            _ if !is_later => None,
            Interpolation::Cubic => self.cubic(follows.then_some(reading)),
            simple => last.filter(|_| follows).map(|last| Piece::simple(simple, last, reading, self.step)),
        };
        if is_later && !follows {
            self.recent.clear();
        }
        if is_later {
            let _ = if self.recent.is_full() { self.recent.pop_front() } else { None };
            let _ = self.recent.push_back(reading); // there is room
        }
        let begins = (is_later && !follows && reading.nanos % self.step == 0).then(|| reading.event());
        piece.into_iter().flatten().chain(begins)
    }

    /// The piece between the last two readings, which is known as soon as there is another one, or when none follows.
    /// Whether what lies between a reading and a later one is filled.
    fn follows(&self, last: Reading, reading: Reading) -> bool {
        reading.nanos.saturating_sub(last.nanos) <= self.longest_gap
    }

    fn cubic(&self, after: Option<Reading>) -> Option<Piece> {
        let mut newest_first = self.recent.iter().rev();
        let (to, from) = (newest_first.next()?, newest_first.next()?);
        let before = newest_first.next().map(|reading| reading.point(from));
        let after = after.map(|reading| reading.point(from));
        let segment = cubic(before, from.point(from), to.point(from), after);
        Some(Piece::new(segment, *from, *to, self.step))
    }

    /// Whether a reading that is not behind the watermark may still follow on the last one.
    fn is_open(&self, watermark: Timestamp) -> bool {
        self.recent.back().is_some_and(|last| watermark.as_nanos().saturating_sub(last.nanos) <= self.longest_gap)
    }

    /// What no later reading can change any more, once the watermark has left the last one behind.
    fn close(&mut self) -> Option<Piece> {
        let is_over = self.watermark.is_some_and(|watermark| !self.is_open(watermark));
        let rest = if is_over { self.rest() } else { None };
        while is_over && self.recent.len() > 1 {
            let _ = self.recent.pop_front();
        }
        rest
    }

    /// Nothing earlier follows: the values behind the last reading, or of the piece that waits for another one, are still to come.
    fn promise(&self) -> Option<Timestamp> {
        let watermark = self.watermark?;
        let before = if self.interpolation == Interpolation::Cubic { 2 } else { 1 };
        let from = self.recent.iter().rev().take(before).next_back().filter(|_| self.is_open(watermark));
        let next = |from: &Reading| (from.nanos.div_euclid(self.step) + 1).saturating_mul(self.step);
        Some(from.map_or(watermark, |from| watermark.min(Timestamp::from_nanos(next(from)))))
    }

    /// Passes the watermark on, as far as it holds.
    fn pass(&mut self, demand: Demand, out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<f64>>>) -> Receipt {
        match self.promise() {
            Some(promise) if demand != Demand::Done && self.passed.is_none_or(|passed| promise > passed) => {
                self.passed = Some(promise);
                Ok(demand.and(out.notice(Notice::Watermark(promise))?))
            }
            _ => Ok(demand),
        }
    }

    /// What is known when nothing follows.
    fn rest(&self) -> Option<Piece> {
        if self.interpolation == Interpolation::Cubic { self.cubic(None) } else { None }
    }
}

/// The values at the multiples of a step that lie behind one reading and not behind the next.
#[derive(Debug)]
struct Piece {
    segment: Segment,
    from: Reading,
    to: Reading,
    next: Option<i64>,
    step: i64,
}

impl Piece {
    fn simple(interpolation: Interpolation, from: Reading, to: Reading, step: i64) -> Self {
        let start = from.point(&from);
        let segment = match interpolation {
            Interpolation::Previous => Segment::Previous(start),
            _ => Segment::Linear(start, to.point(&from)),
        };
        Self::new(segment, from, to, step)
    }

    fn new(segment: Segment, from: Reading, to: Reading, step: i64) -> Self {
        let next = (from.nanos.div_euclid(step) + 1).checked_mul(step);
        Self { segment, from, to, next, step }
    }
}

impl Iterator for Piece {
    type Item = SensorEvent<f64>;
    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next.filter(|at| *at <= self.to.nanos)?;
        self.next = at.checked_add(self.step);
        if at == self.to.nanos {
            return Some(self.to.event());
        }
        let value = self.segment.at(seconds(self.from.nanos, at));
        Some(Reading { nanos: at, value, ..self.to }.event())
    }
}

impl<V: Number> Filter<SensorEvent<V>> for Resample {
    type Out = SensorEvent<f64>;
    fn on_next(&mut self, event: SensorEvent<V>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let value = event.val.to_mean().to_f64();
        if !value.is_finite() {
            return Ok(Demand::More);
        }
        let reading = Reading { sensor: event.sensor_id, nanos: event.ts.as_nanos(), value };
        let demand = out.send_all(self.take(reading))?;
        self.pass(demand, out)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.watermark = self.watermark.max(Some(watermark));
        let demand = out.send_all(self.close().into_iter().flatten())?;
        self.pass(demand, out)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.flush(self.rest().into_iter().flatten())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.flush_error(self.rest().into_iter().flatten(), error)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let mut held = core::mem::take(&mut self.recent);
        let mut items = SavedItems::of("readings", held.len(), state);
        while items.another(state) {
            let mut reading = held.pop_front().unwrap_or_else(Reading::blank);
            reading.on_state("reading", state);
            let follows = |last: &Reading| last.nanos < reading.nanos && self.follows(*last, reading);
            if self.recent.is_full() || !reading.value.is_finite() || !self.recent.back().is_none_or(follows) {
                state.refuse("readings");
                self.recent.clear();
            }
            let _ = if reading.value.is_finite() { self.recent.push_back(reading) } else { Ok(()) }; // there is room
        }
        self.watermark.on_state("watermark", state);
        self.passed.on_state("passed", state);
    }
}
