//! [`MarkGaps`]: a `None` for each silence.

use core::time::Duration;

use thingflow_core::{
    Demand, Emitter, Filter, InputThing, Instant, Notice, Receipt, Saved, SensorEvent, SensorId, StateVisitor,
    Timestamp,
};

use crate::time::on_line;

/// Made by [`mark_gaps`](crate::DataQuality::mark_gaps) and [`mark_gaps_by_time`](crate::DataQuality::mark_gaps_by_time).
#[derive(Clone, Debug)]
pub struct MarkGaps {
    period: Duration,
    /// Whether a silence is seen by the scheduler's clock, too.
    by_clock: bool,
    last: Option<Last>,
    /// The latest watermark that has come, and the latest that has been passed on.
    watermark: Option<Timestamp>,
    passed: Option<Timestamp>,
}

/// The reading of the latest time, and when the last one came.
#[derive(Clone, Copy, Debug)]
struct Last {
    sensor: SensorId,
    time: Timestamp,
    came: Instant,
    /// Whether the gap behind it has been marked.
    is_marked: bool,
}

impl Saved for Last {
    fn blank() -> Self {
        Self { sensor: SensorId::blank(), time: Timestamp::blank(), came: Instant::blank(), is_marked: false }
    }
    fn on_state(&mut self, _: &str, state: &mut dyn StateVisitor) {
        self.sensor.on_state("sensor", state);
        self.time.on_state("time", state);
        self.came.on_state("came", state);
        self.is_marked.on_state("is marked", state);
    }
}

impl MarkGaps {
    #[track_caller]
    pub(crate) fn new(period: Duration, by_clock: bool) -> Self {
        assert!(!period.is_zero(), "mark_gaps(0 s): a sensor sends less than infinitely often");
        Self { period, by_clock, last: None, watermark: None, passed: None }
    }

    /// Notes a reading. One of an earlier time than another leaves the gap behind that as it is.
    fn note(&mut self, sensor: SensorId, time: Timestamp, came: Instant) {
        match &mut self.last {
            Some(last) if time <= last.time => last.came = came,
            last => *last = Some(Last { sensor, time, came, is_marked: false }),
        }
    }

    /// Asks to be woken when the reading that is awaited is overdue.
    fn watch<T>(&self, out: &mut Emitter<'_, '_, impl InputThing<T>>) {
        if let Some(last) = self.last.filter(|last| self.by_clock && !last.is_marked) {
            out.wake_at(last.came + self.patience());
        }
    }

    /// How long a silence is before it is a gap.
    fn patience(&self) -> Duration {
        self.period.saturating_add(self.period / 2)
    }

    /// The mark behind the last reading, if it is due and has not been sent.
    fn mark<V>(&mut self, is_due: impl FnOnce(&Last, Duration) -> bool) -> Option<SensorEvent<Option<V>>> {
        let patience = self.patience();
        let last = self.last.as_mut().filter(|last| !last.is_marked && is_due(last, patience))?;
        last.is_marked = true;
        Some(SensorEvent::new(last.sensor, later(last.time, self.period), None))
    }

    /// Passes the watermark on, but not beyond a mark that is still to come.
    fn pass<V>(
        &mut self,
        demand: Demand,
        out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<Option<V>>>>,
    ) -> Receipt {
        let mark = self.last.filter(|last| !last.is_marked).map(|last| later(last.time, self.period));
        let promise = self.watermark.map(|watermark| mark.map_or(watermark, |mark| watermark.min(mark)));
        match promise {
            Some(promise) if demand != Demand::Done && self.passed.is_none_or(|passed| promise > passed) => {
                self.passed = Some(promise);
                Ok(demand.and(out.notice(Notice::Watermark(promise))?))
            }
            _ => Ok(demand),
        }
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let nanos = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(time.as_nanos().saturating_add(nanos))
}

impl<V> Filter<SensorEvent<V>> for MarkGaps {
    type Out = SensorEvent<Option<V>>;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let now = out.now();
        if let Some(last) = &mut self.last {
            last.came = last.came.min(now); // restored, perhaps from another clock
        }
        self.watch(out);
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: SensorEvent<V>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let time = event.ts;
        let mark = self.mark(|last, patience| on_line(time).since(on_line(last.time)) >= patience);
        let demand = out.send_all(mark)?;
        if demand == Demand::Done {
            return Ok(demand);
        }
        self.note(event.sensor_id, time, out.now());
        self.watch(out);
        let demand = demand.and(out.next(event.map(Some))?);
        self.pass(demand, out)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (now, by_clock) = (out.now(), self.by_clock);
        let mark = self.mark(|last, patience| by_clock && now.since(last.came) >= patience);
        self.watch(out);
        let demand = out.send_all(mark)?;
        self.pass(demand, out)
    }
    /// No reading is earlier any more: one that should have come has not.
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.watermark = self.watermark.max(Some(watermark));
        let mark = self.mark(|last, patience| on_line(watermark).since(on_line(last.time)) >= patience);
        let demand = out.send_all(mark)?;
        self.pass(demand, out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.last.on_state("last reading", state);
        self.watermark.on_state("watermark", state);
        self.passed.on_state("passed", state);
    }
}
