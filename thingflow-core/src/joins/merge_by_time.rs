//! `merge_by_time(inputs, time, limit)`: sends the events of all inputs in the order of their times.
//!
//! Holds up to `limit` events an input.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Add;

use super::held::{Held, Queue};
use super::rule::{Index, Rule, Takes};
use super::timeline::check_limit;
use super::{Inputs, Join, Wire};
use crate::clock::Timestamp;
use crate::error::StreamError;
use crate::kit::{Marks, SideBranch};
use crate::limit::{Limit, QueueState};
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, SavedItems, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};
use crate::watermarks::Late;

/// Sends the events of all inputs in the order of the times that `time` reads from them; of two events of one time that of
/// the earlier input first.
///
/// An event waits until every input that has not ended has shown a time as late as its own. So a silent input holds up the
/// others, unless [`lookahead`](Join::lookahead) says how far they may be ahead. Events of one input that come out of
/// order are put in order as far as they still wait. An event that comes when a later one has gone out is reported and
/// dropped, or goes to where [`late_to`](Join::late_to) says. Inputs with watermarks are better merged
/// [by these](Join::by_watermarks). It completes when all have ended; what waits goes out first,
/// also before an error, and when the run is stopped.
///
/// ```
/// use thingflow_core::{joins, prelude::*, testing::Recorder};
/// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
/// joins::merge_by_time([&a, &b], |(time, _)| *time, Limit::block(100)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// a.emit((1, 'a'), cx)?;
/// a.emit((4, 'b'), cx)?;
/// b.emit((2, 'x'), cx)?;
/// b.emit((5, 'y'), cx)?;
/// assert_eq!(seen.events(), [(1, 'a'), (2, 'x'), (4, 'b')]); // b may still send events of time 5
/// # Ok::<(), FatalError>(())
/// ```
pub fn merge_by_time<I, T, K, F>(inputs: I, time: F, limit: Limit) -> Join<I, MergeByTime<T, K, F>>
where
    I: Inputs<First = T> + Wire<MergeByTime<T, K, F>>,
    K: Ord + Clone,
    F: FnMut(&T) -> K,
{
    let lanes = (0..inputs.count()).map(|input| Lane::new(input, limit.clone())).collect();
    Join::of(
        inputs,
        MergeByTime {
            time,
            lanes,
            limit,
            last: 0,
            marks: Marks::default(),
            sent: None,
            reach: None,
            settles: None,
            watermark: None,
            lateness: Late::default(),
            late: SideBranch::none(),
            drop_on_error: false,
        },
    )
}

/// Made by [`merge_by_time`](super::Joins::merge_by_time).
pub struct MergeByTime<T, K, F> {
    time: F,
    /// In the order of their numbers.
    lanes: Vec<Lane<T, K>>,
    /// Of each input.
    limit: Limit,
    /// The number of the last event that came.
    last: u64,
    marks: Marks,
    /// The time of the last event that was sent.
    sent: Option<K>,
    /// The time that another input must have shown so that an event of the given time need not wait for the rest.
    reach: Option<Reach<K>>,
    /// Whether no event before a time can follow a watermark, if that is what decides.
    settles: Option<fn(&K, Timestamp) -> bool>,
    /// The least watermark of all inputs.
    watermark: Option<Timestamp>,
    lateness: Late,
    late: SideBranch<Box<dyn InputThing<T>>>,
    drop_on_error: bool,
}

type Reach<K> = Box<dyn Fn(&K) -> K>;

/// One input.
struct Lane<T, K> {
    input: usize,
    /// In the order of their times, each with its number.
    held: Held<(K, u64, T)>,
    newest: Option<K>,
}

impl<T, K> Lane<T, K> {
    fn new(input: usize, limit: Limit) -> Self {
        Self { input, held: Held::new(limit), newest: None }
    }
}

impl<I, T, K: Clone + 'static, F> Join<I, MergeByTime<T, K, F>> {
    /// Sends an event, without waiting for the slower inputs, as soon as any has shown a time later by `ahead`. Events of
    /// an earlier time that a slower input then sends are late.
    pub fn lookahead<D: Clone + 'static>(self, ahead: D) -> Self
    where
        K: Add<D, Output = K>,
    {
        let reach = move |time: &K| time.clone() + ahead.clone();
        self.with(|rule| MergeByTime { reach: Some(Box::new(reach)), ..rule })
    }

    /// Sends the events that come too late to a Thing, a port for instance, instead of dropping them.
    pub fn late_to(self, late: impl InputThing<T> + 'static) -> Self {
        self.with(|rule| MergeByTime { late: SideBranch::new(Box::new(late)), ..rule })
    }

    /// Drops what is held when a stream ends with an error.
    pub fn drop_on_error(self) -> Self {
        self.with(|rule| MergeByTime { drop_on_error: true, ..rule })
    }
}

impl<I, T, F> Join<I, MergeByTime<T, Timestamp, F>> {
    /// Lets the [watermarks](crate::Timing::watermarks) of the inputs decide, and not what the other inputs have shown: an event goes on
    /// when the least of them has passed its time. So what comes out of order within the lateness is put in order, in one input too,
    /// and an input that is [idle](crate::Timing::watermarks_or_idle) holds nobody back. An event behind the watermark is late. Each
    /// input needs watermarks; without them its events wait for the end.
    ///
    /// ```
    /// # use core::time::Duration;
    /// use thingflow_core::{joins, prelude::*, testing::Recorder};
    /// let (a, b, seen) = (Port::<i64>::new(), Port::<i64>::new(), Recorder::new());
    /// let time = |second: &i64| Timestamp::from_secs(*second);
    /// let marked = [&a, &b].map(|port| port.watermarks(time, Duration::from_secs(10)));
    /// joins::merge_by_time(marked, time, Limit::drop_oldest(100)).by_watermarks().connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// for (port, second) in [(&a, 5), (&a, 2), (&b, 4), (&a, 20), (&b, 30)] {
    ///     port.emit(second, cx)?;
    /// }
    /// assert_eq!(seen.events(), [2, 4, 5]); // before second 10 nothing can follow
    /// # Ok::<(), FatalError>(())
    /// ```
    ///
    /// # Panics
    /// If the limit is one that blocks: what makes room is the watermark, which comes with the events.
    #[track_caller]
    pub fn by_watermarks(self) -> Self {
        check_limit(&self.rule.limit);
        self.with(|rule| MergeByTime { settles: Some(|time, watermark| *time < watermark), ..rule })
    }
}

impl<T, K: Ord + Clone, F: FnMut(&T) -> K> MergeByTime<T, K, F> {
    /// Where the lane of an input is. One that is gone has none.
    fn at(&self, input: usize) -> Option<usize> {
        self.lanes.binary_search_by_key(&input, |lane| lane.input).ok()
    }

    /// The place of the lane that has the earliest event, if that may go.
    fn next_lane(&self, all: bool) -> Option<usize> {
        let fronts = self.lanes.iter().enumerate().filter_map(|(at, lane)| Some((&lane.held.front()?.0, at)));
        let (time, at) = fronts.min()?;
        (all || self.is_settled(time)).then_some(at)
    }

    /// Whether the watermark says that nothing of an earlier time can follow; `None` if it does not decide.
    fn is_passed(&self, time: &K) -> Option<bool> {
        let settles = self.settles?;
        Some(self.watermark.is_some_and(|watermark| settles(time, watermark)))
    }

    fn is_settled(&self, time: &K) -> bool {
        if let Some(is_passed) = self.is_passed(time) {
            return is_passed || self.lanes.iter().all(|lane| lane.held.is_ended());
        }
        let has_shown = |lane: &Lane<T, K>, time: &K| lane.newest.as_ref().is_some_and(|newest| newest >= time);
        if self.lanes.iter().all(|lane| lane.held.is_ended() || has_shown(lane, time)) {
            return true;
        }
        let Some(reach) = &self.reach else { return false };
        let reached = reach(time);
        self.lanes.iter().any(|lane| has_shown(lane, &reached))
    }

    /// Sends what may go, or `all`.
    fn send(&mut self, all: bool, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let (mut demand, mut room) = (Demand::More, false);
        while let Some(at) = self.next_lane(all) {
            let Some((time, number, event)) = self.lanes[at].held.pop() else { break };
            room |= self.lanes[at].held.take_room();
            self.sent = Some(time);
            demand = demand.and(out.next(event)?);
            self.marks.left_by(number);
            demand = self.marks.follow(demand, out)?;
            if demand == Demand::Done {
                return Ok(demand);
            }
        }
        if room {
            out.context().resume();
        }
        self.marks.follow(demand, out)
    }

    /// Goes on when an input has ended.
    fn go_on(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send(false, out)?;
        if demand == Demand::Done || !self.lanes.iter().all(|lane| lane.held.is_ended()) {
            return Ok(demand);
        }
        self.late.notice(Notice::Completed, out.context())?;
        out.finish()
    }

    #[cold]
    fn take_late(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if let (Some(_), Some(watermark)) = (self.settles, self.watermark) {
            self.lateness.note("merge_by_time", None, watermark, out.context());
        } else if !self.late.is_connected() {
            let error = StreamError::new("an event came too late and was dropped");
            out.context().report("merge_by_time", &error);
        }
        let demand = self.late.next(event, out.context())?;
        Ok(if demand == Demand::Done { Demand::More } else { demand })
    }
}

impl<T, K: Ord + Clone, F: FnMut(&T) -> K> Rule for MergeByTime<T, K, F> {
    type Out = T;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if let Some(at) = self.at(input) {
            self.lanes[at].held.end();
        }
        self.go_on(out)
    }
    fn on_added(&mut self, input: usize) {
        self.lanes.push(Lane::new(input, self.limit.clone())); // numbers ascend
    }
    fn on_removed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if let Some(at) = self.at(input) {
            for (_, number, _) in self.lanes.remove(at).held.events.drain() {
                self.marks.left_by(number);
            }
        }
        self.go_on(out)
    }
    fn on_error(&mut self, _: usize, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if !self.drop_on_error && self.send(true, out)? == Demand::Done {
            return Ok(Demand::Done);
        }
        self.late.notice(Notice::Error(error.clone()), out.context())?;
        out.fail(error)
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.late.notice(Notice::Start, out.context()).map(|_| Demand::More)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.late.notice(Notice::Wake, out.context()).map(|_| Demand::More)
    }
    fn on_notice(&mut self, mut notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.late.notice(notice.reborrow(), out.context())?;
        let Notice::Watermark(watermark) = notice else { return out.notice(notice) };
        self.watermark = Some(watermark);
        if self.settles.is_some() {
            let demand = self.send(false, out)?;
            return if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(notice)?)) };
        }
        let held = self.lanes.iter().map(|lane| lane.held.events.len()).sum();
        self.marks.come_before(watermark, held, self.last + 1, out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.watermark.on_state("watermark", state);
        if self.sent.is_some() || self.lanes.iter().any(|lane| lane.newest.is_some()) {
            state.unsaved("merge_by_time");
        }
    }
    fn on_stop(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.send(true, out)
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        self.lanes.iter().for_each(|lane| see(lane.held.state()));
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind && self.at(input).is_none_or(|at| self.lanes[at].held.has_room())
    }
}

/// The times of what waits are read from it anew. A watermark that waits is not shown: another one follows.
impl<T: Saved, K: Ord + Clone + Saved, F: FnMut(&T) -> K> SavedEvents for MergeByTime<T, K, F> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.watermark.on_state("watermark", state);
        self.sent.on_state("sent", state);
        for lane in &mut self.lanes {
            lane.newest.on_state("newest", state);
            let most = self.limit.restores(usize::MAX).max(lane.held.events.len());
            let mut held: Vec<_> = lane.held.events.drain().collect();
            let shown = held.len();
            let mut held = held.drain(..);
            let mut items = SavedItems::of("events", shown, state);
            while items.another(state) {
                let (number, mut event) =
                    held.next().map_or_else(|| (None, T::blank()), |(_, n, event)| (Some(n), event));
                event.on_state("event", state);
                self.last += u64::from(number.is_none());
                let placed = ((self.time)(&event), number.unwrap_or(self.last), event);
                if !lane.held.events.put_back(placed, most) {
                    state.refuse("merge_by_time");
                }
                lane.held.events.sort_newest(|before, newest| before.0 > newest.0);
            }
        }
        if self.lanes.iter().all(|lane| lane.held.is_empty()) {
            self.marks = Marks::default();
        }
    }
}

impl<I: Index, T, K: Ord + Clone, F: FnMut(&T) -> K> Takes<I, T> for MergeByTime<T, K, F> {
    fn on_next(&mut self, input: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let time = (self.time)(&event);
        if self.is_passed(&time).unwrap_or_else(|| self.sent.as_ref().is_some_and(|sent| time < *sent)) {
            return self.take_late(event, out);
        }
        let Some(at) = self.at(input.number()) else { return Ok(Demand::More) };
        let lane = &mut self.lanes[at];
        if lane.newest.as_ref().is_none_or(|newest| *newest < time) {
            lane.newest = Some(time.clone());
        }
        self.last += 1;
        let oldest = |lane: &Lane<T, K>| lane.held.front().map(|(_, number, _)| *number);
        let before = oldest(lane);
        let full = match lane.held.push((time, self.last, event), "merge_by_time") {
            Ok(full) => full,
            Err(error) => return self.on_error(input.number(), error, out),
        };
        if let Some(number) = before.filter(|_| oldest(lane) != before) {
            self.marks.left_by(number); // it made room
        }
        lane.held.events.sort_newest(|before, newest| before.0 > newest.0);
        Ok(full.and(self.send(false, out)?))
    }
}

impl<T, K, F> fmt::Debug for MergeByTime<T, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeByTime").field("inputs", &self.lanes.len()).finish_non_exhaustive()
    }
}
