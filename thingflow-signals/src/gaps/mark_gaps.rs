//! [`MarkGaps`]: a `None` for each silence.

use core::time::Duration;

use thingflow_core::{
    Demand, Emitter, Filter, InputThing, Instant, Notice, Receipt, Saved, SensorEvent, SensorId, StateVisitor,
    Timestamp,
};

use crate::time::on_line;

/// Made by [`mark_gaps`](crate::DataQuality::mark_gaps).
#[derive(Clone, Debug)]
pub struct MarkGaps {
    period: Duration,
    last: Option<Last>,
    /// The latest watermark that has come, and the latest that has been passed on.
    watermark: Option<Timestamp>,
    passed: Option<Timestamp>,
}

/// The last reading.
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
    pub(crate) fn new(period: Duration) -> Self {
        assert!(!period.is_zero(), "mark_gaps(0 s): a sensor sends less than infinitely often");
        Self { period, last: None, watermark: None, passed: None }
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
        let (now, patience) = (out.now(), self.patience());
        if let Some(last) = self.last.as_mut().filter(|last| !last.is_marked) {
            last.came = last.came.min(now); // restored, perhaps from another clock
            out.wake_at(last.came + patience);
        }
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: SensorEvent<V>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (now, time) = (out.now(), event.ts);
        let mark = self.mark(|last, patience| on_line(time).since(on_line(last.time)) >= patience);
        let demand = out.send_all(mark)?;
        if demand == Demand::Done {
            return Ok(demand);
        }
        self.last = Some(Last { sensor: event.sensor_id, time, came: now, is_marked: false });
        out.wake_at(now + self.patience());
        let demand = demand.and(out.next(event.map(Some))?);
        self.pass(demand, out)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let now = out.now();
        let mark = self.mark(|last, patience| now.since(last.came) >= patience);
        if let (None, Some(last)) = (&mark, self.last.filter(|last| !last.is_marked)) {
            out.wake_at(last.came + self.patience());
        }
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
