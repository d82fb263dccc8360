//! `with_latest_at(other, oldest, times, limit)`: sends each event with the latest of another stream at its event time.
//!
//! Holds up to `limit` events an input.

use alloc::boxed::Box;
use core::time::Duration;

use super::Join;
use super::rule::{At, Rule, Takes};
use super::timeline::{Placed, Timeline};
use crate::clock::{Timestamp, nanos};
use crate::error::StreamError;
use crate::kit::SideBranch;
use crate::limit::{Limit, QueueState};
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Made by [`with_latest_at`](super::Joins::with_latest_at).
///
/// It sends each event of the first input with the latest one of the second, of the same key, whose time is at or before its own and no
/// more than `oldest` before it; with `None` if there is none: a reading with the position, the calibration, the state of the
/// machine that it was taken at. It does so when the watermark has passed the event's time, in the order of the times. So both
/// inputs need [watermarks](crate::Timing::watermarks); one behind the watermark is late, is counted and reported, and goes to where
/// [`late_to`](Join::late_to) says.
///
/// It completes when the first input has ended and nothing of it waits. When the run is stopped, what waits goes out.
///
/// ```
/// # use core::time::Duration;
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let at = |(second, _): &(i64, char)| Timestamp::from_secs(*second);
/// let (reading, mode, seen) = (Port::new(), Port::new(), Recorder::new());
/// let marked = |port: &Port<_>| port.watermarks(at, Duration::ZERO);
/// marked(&reading).with_latest_at(marked(&mode), Duration::from_secs(60), (at, at), Limit::drop_oldest(100)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// mode.emit((1, 'm'), cx)?;
/// reading.emit((3, 'a'), cx)?;
/// reading.emit((70, 'b'), cx)?;
/// mode.emit((80, 'n'), cx)?; // now nothing of second 3 or 70 can follow
/// reading.emit((90, 'c'), cx)?;
/// assert_eq!(seen.events(), [((3, 'a'), Some((1, 'm'))), ((70, 'b'), None)]); // what was of second 1 is too old
/// # Ok::<(), FatalError>(())
/// ```
pub struct WithLatestAt<A, B, K = ()> {
    oldest: Duration,
    first: Timeline<A, K>,
    second: Timeline<B, K>,
    watermark: Option<Timestamp>,
}

impl<A, B> WithLatestAt<A, B> {
    #[track_caller]
    pub(super) fn new<F, G>(oldest: Duration, (mut first, mut second): (F, G), limit: &Limit) -> Self
    where
        F: FnMut(&A) -> Timestamp + 'static,
        G: FnMut(&B) -> Timestamp + 'static,
    {
        Self {
            oldest,
            first: Timeline::new(Box::new(move |event| ((), first(event))), limit.clone()),
            second: Timeline::new(Box::new(move |event| ((), second(event))), limit.clone()),
            watermark: None,
        }
    }
}

impl<I, A: 'static, B: 'static> Join<I, WithLatestAt<A, B>> {
    /// Sends each event with the latest one of the same key.
    pub fn by_key<K, F, G>(self, mut first: F, mut second: G) -> Join<I, WithLatestAt<A, B, K>>
    where
        K: Ord + Clone + 'static,
        F: FnMut(&A) -> K + 'static,
        G: FnMut(&B) -> K + 'static,
    {
        let WithLatestAt { oldest, first: mut a, second: mut b, watermark } = self.rule;
        let mut time = core::mem::replace(&mut a.reads, Box::new(|_| ((), Timestamp::UNIX_EPOCH)));
        let a = a.keyed(Box::new(move |event: &A| (first(event), time(event).1)));
        let mut time = core::mem::replace(&mut b.reads, Box::new(|_| ((), Timestamp::UNIX_EPOCH)));
        let b = b.keyed(Box::new(move |event: &B| (second(event), time(event).1)));
        Join { inputs: self.inputs, rule: WithLatestAt { oldest, first: a, second: b, watermark }, filter: self.filter }
    }
}

impl<I, A, B, K> Join<I, WithLatestAt<A, B, K>> {
    /// Sends events that come behind the watermark to other Things, those of the first input to one and those of the second to another.
    pub fn late_to(self, first: impl InputThing<A> + 'static, second: impl InputThing<B> + 'static) -> Self {
        self.with(|mut rule| {
            rule.first.late = SideBranch::new(Box::new(first));
            rule.second.late = SideBranch::new(Box::new(second));
            rule
        })
    }
}

type Pair<A, B> = (A, Option<B>);

impl<A, B: Clone, K: Ord + Clone> WithLatestAt<A, B, K> {
    /// Sends the events that the watermark has passed, or all.
    fn send(&mut self, all: bool, out: &mut Emitter<'_, '_, impl InputThing<Pair<A, B>>>) -> Receipt {
        let mut demand = Demand::More;
        let is_due =
            |at: Timestamp, watermark: Option<Timestamp>| all || watermark.is_some_and(|watermark| at < watermark);
        while demand != Demand::Done && self.first.earliest().is_some_and(|at| is_due(at, self.watermark)) {
            let Some((key, at, placed)) = self.first.take_first() else { break };
            let oldest = Timestamp::from_nanos(at.as_nanos().saturating_sub_unsigned(nanos(self.oldest)));
            let latest = self.second.latest(&key, at).filter(|(found, _)| *found >= oldest);
            let latest = latest.map(|(_, event)| event.clone());
            demand = demand.and(out.next((placed.event, latest))?);
        }
        self.first.resume(out.context());
        Ok(demand)
    }

    /// Lets go of events of the second input that are too old for all that may come.
    fn prune(&mut self, cx: &crate::context::Context<'_>) {
        let is_old = |at: Timestamp, watermark: Option<Timestamp>| {
            watermark.is_some_and(|watermark| at + self.oldest < watermark)
        };
        while self.second.earliest().is_some_and(|at| is_old(at, self.watermark)) {
            self.second.pop();
        }
        self.second.resume(cx);
    }

    fn tell(&mut self, mut notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<Pair<A, B>>>) -> Receipt {
        self.first.late.notice(notice.reborrow(), out.context())?;
        self.second.late.notice(notice, out.context()).map(|_| Demand::More)
    }

    fn finish_if_over(&mut self, demand: Demand, out: &mut Emitter<'_, '_, impl InputThing<Pair<A, B>>>) -> Receipt {
        if demand == Demand::Done || !self.first.is_ended || !self.first.is_empty() {
            return Ok(demand);
        }
        self.tell(Notice::Completed, out)?;
        out.finish()
    }
}

impl<A, B: Clone, K: Ord + Clone> Rule for WithLatestAt<A, B, K> {
    type Out = Pair<A, B>;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        if input == 0 {
            self.first.is_ended = true;
        } else {
            self.second.is_ended = true;
        }
        let demand = self.send(self.first.is_ended && self.second.is_ended, out)?;
        self.finish_if_over(demand, out)
    }
    fn on_error(
        &mut self,
        _: usize,
        error: StreamError,
        out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>,
    ) -> Receipt {
        if self.send(true, out)? == Demand::Done {
            return Ok(Demand::Done);
        }
        self.tell(Notice::Error(error.clone()), out)?;
        out.fail(error)
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.tell(Notice::Start, out)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.tell(Notice::Wake, out)
    }
    fn on_notice(&mut self, mut notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.tell(notice.reborrow(), out)?;
        let Notice::Watermark(watermark) = notice else { return out.notice(notice) };
        self.watermark = Some(watermark);
        let demand = self.send(false, out)?;
        self.prune(out.context());
        let demand = self.finish_if_over(demand, out)?;
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(notice)?)) }
    }
    fn on_stop(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.send(true, out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.watermark.on_state("watermark", state);
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        see(self.first.state());
        see(self.second.state());
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind && if input == 0 { self.first.has_room() } else { self.second.has_room() }
    }
}

impl<A: Saved, B: Clone + Saved, K: Ord + Clone> SavedEvents for WithLatestAt<A, B, K> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.on_state(state);
        self.first.on_events("with_latest_at", state);
        self.second.on_events("with_latest_at", state);
    }
}

impl<A, B: Clone, K: Ord + Clone> Takes<At<0>, A> for WithLatestAt<A, B, K> {
    fn on_next(&mut self, _: At<0>, event: A, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (key, at) = (self.first.reads)(&event);
        if let Some(watermark) = self.watermark.filter(|watermark| at < *watermark) {
            return self.first.take_late(event, at, watermark, "with_latest_at", out.context());
        }
        match self.first.push((key, at), Placed { event, is_paired: false }, "with_latest_at", &mut drop) {
            Ok(full) => Ok(full),
            Err(error) => self.on_error(0, error, out),
        }
    }
}

impl<A, B: Clone, K: Ord + Clone> Takes<At<1>, B> for WithLatestAt<A, B, K> {
    fn on_next(&mut self, _: At<1>, event: B, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (key, at) = (self.second.reads)(&event);
        if let Some(watermark) = self.watermark {
            if at < watermark {
                return self.second.take_late(event, at, watermark, "with_latest_at", out.context());
            }
            self.second.keep_latest(&key, watermark);
        }
        match self.second.push((key, at), Placed { event, is_paired: false }, "with_latest_at", &mut drop) {
            Ok(full) => Ok(full),
            Err(error) => self.on_error(1, error, out),
        }
    }
}

impl<A, B, K> core::fmt::Debug for WithLatestAt<A, B, K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WithLatestAt").field("oldest", &self.oldest).finish_non_exhaustive()
    }
}
