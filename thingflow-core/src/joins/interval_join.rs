//! `interval_join(other, reach, times, limit)`: pairs the events of two streams whose event times are close.
//!
//! Holds up to `limit` events an input: those that may still find a partner.

use alloc::boxed::Box;
use core::time::Duration;

use super::Join;
use super::rule::{At, Rule, Takes};
use super::timeline::{Branch, Placed, Timeline, tell_branch};
use crate::clock::{Timestamp, nanos};
use crate::context::Context;
use crate::error::StreamError;
use crate::kit::SideBranch;
use crate::limit::{Limit, QueueState};
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// How far the time of a partner may be from that of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    before: Duration,
    after: Duration,
}

impl Reach {
    /// From `before` earlier to `after` later; both ends belong to it.
    pub const fn new(before: Duration, after: Duration) -> Self {
        Self { before, after }
    }

    /// As far in both directions.
    pub const fn within(distance: Duration) -> Self {
        Self::new(distance, distance)
    }

    /// As seen from the partner.
    const fn turned(self) -> Self {
        Self::new(self.after, self.before)
    }

    fn around(self, at: Timestamp) -> core::ops::RangeInclusive<Timestamp> {
        back(at, self.before)..=at + self.after
    }
}

fn back(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_nanos(at.as_nanos().saturating_sub_unsigned(nanos(by)))
}

/// Made by [`interval_join`](super::Joins::interval_join).
///
/// It sends each pair of an event of the first and an event of the second input, of one key, where the time of the second is at most so
/// much earlier or later than that of the first, when the one that arrives later does. Which pairs there are does not depend on the order
/// of arrival: both inputs need [watermarks](crate::Timing::watermarks), events come out of order as far as these say, and one
/// behind the watermark is late, finds no partner, is counted and reported, and goes to where [`late_to`](Join::late_to) says. An event
/// is let go when the watermark says that no partner can follow; the watermark that is passed on is no later than the earliest event
/// that is held.
///
/// It completes when no pair can follow: both inputs have ended, or one has and nothing of it waits.
///
/// ```
/// # use core::time::Duration;
/// use thingflow_core::joins::Reach;
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let at = |(second, _): &(i64, char)| Timestamp::from_secs(*second);
/// let (command, answer, seen) = (Port::new(), Port::new(), Recorder::new());
/// let marked = |port: &Port<_>| port.watermarks(at, Duration::from_secs(60));
/// let in_ten = Reach::new(Duration::ZERO, Duration::from_secs(10));
/// marked(&command).interval_join(marked(&answer), in_ten, (at, at), Limit::drop_oldest(100)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// answer.emit((104, 'x'), cx)?;
/// command.emit((100, 'a'), cx)?; // was sent first, and came later
/// command.emit((90, 'b'), cx)?;
/// assert_eq!(seen.events(), [((100, 'a'), (104, 'x'))]);
/// # Ok::<(), FatalError>(())
/// ```
pub struct IntervalJoin<A, B, K = ()> {
    reach: Reach,
    first: Timeline<A, K>,
    second: Timeline<B, K>,
    watermark: Option<Timestamp>,
    passed: Option<Timestamp>,
    unpaired: Branch<A>,
}

impl<A, B> IntervalJoin<A, B> {
    #[track_caller]
    pub(super) fn new<F, G>(reach: Reach, (mut first, mut second): (F, G), limit: &Limit) -> Self
    where
        F: FnMut(&A) -> Timestamp + 'static,
        G: FnMut(&B) -> Timestamp + 'static,
    {
        Self {
            reach,
            first: Timeline::new(Box::new(move |event| ((), first(event))), limit.clone()),
            second: Timeline::new(Box::new(move |event| ((), second(event))), limit.clone()),
            watermark: None,
            passed: None,
            unpaired: SideBranch::none(),
        }
    }
}

impl<I, A: 'static, B: 'static> Join<I, IntervalJoin<A, B>> {
    /// Pairs only events of which both have the same key.
    pub fn by_key<K, F, G>(self, mut first: F, mut second: G) -> Join<I, IntervalJoin<A, B, K>>
    where
        K: Ord + Clone + 'static,
        F: FnMut(&A) -> K + 'static,
        G: FnMut(&B) -> K + 'static,
    {
        let IntervalJoin { reach, first: mut a, second: mut b, watermark, passed, unpaired } = self.rule;
        let mut time = core::mem::replace(&mut a.reads, Box::new(|_| ((), Timestamp::UNIX_EPOCH)));
        let a = a.keyed(Box::new(move |event: &A| (first(event), time(event).1)));
        let mut time = core::mem::replace(&mut b.reads, Box::new(|_| ((), Timestamp::UNIX_EPOCH)));
        let b = b.keyed(Box::new(move |event: &B| (second(event), time(event).1)));
        let rule = IntervalJoin { reach, first: a, second: b, watermark, passed, unpaired };
        Join { inputs: self.inputs, rule, filter: self.filter }
    }
}

impl<I, A, B, K> Join<I, IntervalJoin<A, B, K>> {
    /// Sends events that come behind the watermark to other Things, those of the first input to one and those of the second to another.
    pub fn late_to(self, first: impl InputThing<A> + 'static, second: impl InputThing<B> + 'static) -> Self {
        self.with(|mut rule| {
            rule.first.late = SideBranch::new(Box::new(first));
            rule.second.late = SideBranch::new(Box::new(second));
            rule
        })
    }

    /// Sends the events of the first input that have found no partner to a Thing, once none can follow: a command that nobody has
    /// confirmed. Also those that a full queue drops.
    pub fn unpaired_to(self, unpaired: impl InputThing<A> + 'static) -> Self {
        self.with(|rule| IntervalJoin { unpaired: SideBranch::new(Box::new(unpaired)), ..rule })
    }
}

impl<A: Clone, B: Clone, K: Ord + Clone> IntervalJoin<A, B, K> {
    /// Tells all side branches.
    fn tell(&mut self, mut notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.unpaired.notice(notice.reborrow(), cx)?;
        self.first.late.notice(notice.reborrow(), cx)?;
        self.second.late.notice(notice, cx)?;
        Ok(Demand::More)
    }

    fn let_go(&mut self, placed: Placed<A>, cx: &mut Context<'_>) -> Receipt {
        if placed.is_paired { Ok(Demand::More) } else { tell_branch(&mut self.unpaired, placed.event, cx) }
    }

    /// Lets go of what can find no partner from the watermark on, or of all of the first input.
    fn prune(&mut self, all_of_first: bool, cx: &mut Context<'_>) -> Receipt {
        let Reach { before, after } = self.reach;
        let is_over = |at: Option<Timestamp>, reach: Duration, watermark: Option<Timestamp>| matches!((at, watermark), (Some(at), Some(watermark)) if at + reach < watermark);
        while all_of_first || is_over(self.first.earliest(), after, self.watermark) {
            let Some(placed) = self.first.pop() else { break };
            self.let_go(placed, cx)?;
        }
        while is_over(self.second.earliest(), before, self.watermark) {
            self.second.pop();
        }
        self.first.resume(cx);
        self.second.resume(cx);
        Ok(Demand::More)
    }

    /// Ends the join if no pair can follow, nor an event that is alone.
    fn finish_if_over(&mut self, demand: Demand, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        let first = self.first.is_ended && self.first.is_empty();
        let second = self.second.is_ended && self.second.is_empty() && !self.unpaired.is_connected();
        if !(first || second || self.first.is_ended && self.second.is_ended) {
            return Ok(demand);
        }
        self.tell(Notice::Completed, out.context())?;
        out.finish()
    }

    fn pass(&mut self, demand: Demand, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        let held = self.first.earliest().into_iter().chain(self.second.earliest());
        let Some(least) = self.watermark.map(|watermark| held.fold(watermark, Timestamp::min)) else {
            return Ok(demand);
        };
        if demand == Demand::Done || self.passed.is_some_and(|passed| passed >= least) {
            return Ok(demand);
        }
        self.passed = Some(least);
        Ok(demand.and(out.notice(Notice::Watermark(least))?))
    }
}

/// Sends the pairs of an event with those that are held of the other input; whether there were any.
fn pair<T: Clone, U: Clone, K: Ord + Clone, P>(
    (event, key): (&T, &K),
    range: core::ops::RangeInclusive<Timestamp>,
    others: &mut Timeline<U, K>,
    out: &mut Emitter<'_, '_, impl InputThing<P>>,
    make: impl Fn(T, U) -> P,
) -> Result<(Demand, bool), crate::error::FatalError> {
    let (mut demand, mut is_paired) = (Demand::More, false);
    for other in others.within(key, range) {
        (other.is_paired, is_paired) = (true, true);
        demand = demand.and(out.next(make(event.clone(), other.event.clone()))?);
        if demand == Demand::Done {
            break;
        }
    }
    Ok((demand, is_paired))
}

impl<A: Clone, B: Clone, K: Ord + Clone> Rule for IntervalJoin<A, B, K> {
    type Out = (A, B);
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        let is_first = input == 0;
        if is_first {
            self.first.is_ended = true;
            while self.second.pop().is_some() {}
            self.second.resume(out.context());
        } else {
            self.second.is_ended = true;
        }
        let all = self.second.is_ended; // nobody is left to pair the first with
        self.prune(all, out.context())?;
        self.finish_if_over(Demand::More, out)
    }
    fn on_error(
        &mut self,
        _: usize,
        error: StreamError,
        out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>,
    ) -> Receipt {
        self.prune(true, out.context())?;
        self.tell(Notice::Error(error.clone()), out.context())?;
        out.fail(error)
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        self.tell(Notice::Start, out.context())
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        self.tell(Notice::Wake, out.context())
    }
    fn on_notice(&mut self, mut notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        self.tell(notice.reborrow(), out.context())?;
        let Notice::Watermark(watermark) = notice else { return out.notice(notice) };
        self.watermark = Some(watermark);
        self.prune(false, out.context())?;
        let demand = self.finish_if_over(Demand::More, out)?;
        self.pass(demand, out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.watermark.on_state("watermark", state);
        self.passed.on_state("passed", state);
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        see(self.first.state());
        see(self.second.state());
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind && if input == 0 { self.first.has_room() } else { self.second.has_room() }
    }
}

impl<A: Clone + Saved, B: Clone + Saved, K: Ord + Clone> SavedEvents for IntervalJoin<A, B, K> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.on_state(state);
        self.first.on_events("interval_join", state);
        self.second.on_events("interval_join", state);
    }
}

impl<A: Clone, B: Clone, K: Ord + Clone> Takes<At<0>, A> for IntervalJoin<A, B, K> {
    fn on_next(&mut self, _: At<0>, event: A, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        let (key, at) = (self.first.reads)(&event);
        if let Some(watermark) = self.watermark.filter(|watermark| at < *watermark) {
            return self.first.take_late(event, at, watermark, "interval_join", out.context());
        }
        let range = self.reach.around(at);
        let (demand, is_paired) = pair((&event, &key), range, &mut self.second, out, |event, other| (event, other))?;
        let placed = Placed { event, is_paired };
        if demand == Demand::Done {
            return Ok(demand);
        }
        if self.second.is_ended {
            self.let_go(placed, out.context())?;
            return self.finish_if_over(demand, out);
        }
        let mut gone = None;
        match self.first.push((key, at), placed, "interval_join", &mut |placed| gone = Some(placed)) {
            Ok(full) => {
                if let Some(placed) = gone {
                    self.let_go(placed, out.context())?;
                }
                Ok(demand.and(full))
            }
            Err(error) => self.on_error(0, error, out),
        }
    }
}

impl<A: Clone, B: Clone, K: Ord + Clone> Takes<At<1>, B> for IntervalJoin<A, B, K> {
    fn on_next(&mut self, _: At<1>, event: B, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        let (key, at) = (self.second.reads)(&event);
        if let Some(watermark) = self.watermark.filter(|watermark| at < *watermark) {
            return self.second.take_late(event, at, watermark, "interval_join", out.context());
        }
        let range = self.reach.turned().around(at);
        let (demand, is_paired) = pair((&event, &key), range, &mut self.first, out, |event, other| (other, event))?;
        if demand == Demand::Done || self.first.is_ended {
            return Ok(demand);
        }
        let placed = Placed { event, is_paired };
        match self.second.push((key, at), placed, "interval_join", &mut drop) {
            Ok(full) => Ok(demand.and(full)),
            Err(error) => self.on_error(1, error, out),
        }
    }
}

impl<A, B, K> core::fmt::Debug for IntervalJoin<A, B, K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IntervalJoin").field("reach", &self.reach).finish_non_exhaustive()
    }
}
