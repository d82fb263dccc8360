//! `aggregate(Window::event_time(length, time), a)`: windows by the time that stands in the events.
//!
//! Holds what gathers the events of each window that is open.
//!
//! Invariants: a window is sent when the watermark has reached its end, in the order of the ends, and never again but as a correction; an
//! event is in all of its windows or in none; a window that is gone is not opened again; nothing depends on the time of arrival, but for
//! early results.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::bounds::{Pane, Tally, Windowed};
use super::event_window::{Calendar, EventWindow};
use super::gather::{Gather, Slide};
use crate::clock::{Instant, Timestamp, nanos};
use crate::context::Context;
use crate::error::StreamError;
use crate::kit::SideBranch;
use crate::limit::QueueStats;
use crate::notice::Notice;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Of late events at most one is reported in this time.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// The end and the start of a window, and its key: windows are in the order in which they end.
type Frame<K> = (Timestamp, Timestamp, K);

/// Made by [`aggregate`](super::Windows::aggregate) and [`window`](super::Windows::window) with
/// [`Window::event_time`](super::Window::event_time) or [`Window::calendar`](super::Window::calendar).
pub struct ByEventTime<T, F, C, Q, K, G: Gather<T>> {
    rule: EventWindow<T, F, C, Q>,
    gather: G,
    open: BTreeMap<Frame<K>, Open<T, G>>,
    watermark: Option<Timestamp>,
    /// Windows that end here or before are gone.
    gone: Option<Timestamp>,
    /// The last watermark that was passed on.
    passed: Option<Timestamp>,
    late: SideBranch<alloc::boxed::Box<dyn InputThing<T>>>,
    stats: QueueStats,
    reported: Option<Instant>,
    next_early: Instant,
}

struct Open<T, G: Gather<T>> {
    gather: G,
    rest: Option<G::Rest>,
    tally: Tally,
    is_sent: bool,
    is_changed: bool,
}

type Sent<T, G> = <G as Gather<T>>::Sent<Windowed<<G as Gather<T>>::Made>>;

impl<T, F, C, Q, K, G> ByEventTime<T, F, C, Q, K, G>
where
    F: FnMut(&T) -> Timestamp,
    C: Calendar,
    Q: FnMut(&T) -> K,
    K: Ord + Clone,
    G: Slide<T, Kept: Clone>,
{
    pub(super) fn new(mut rule: EventWindow<T, F, C, Q>, gather: G) -> Self {
        let late = rule.late.take().map_or(SideBranch::none(), SideBranch::new);
        Self {
            rule,
            gather,
            open: BTreeMap::new(),
            watermark: None,
            gone: None,
            passed: None,
            late,
            stats: QueueStats::default(),
            reported: None,
            next_early: Instant::NEVER,
        }
    }

    /// The windows that a time lies in, the first to end first.
    fn frames(&self, at: Timestamp, key: &K) -> Vec<Frame<K>> {
        let (start, end) = self.rule.calendar.period(at);
        let Some(step) = self.rule.step else { return Vec::from([(end, start, key.clone())]) };
        let (step, length) = (nanos(step).max(1), nanos(end - start));
        // The last window to begin is the one that begins at the step before.
        let first = at.as_nanos().saturating_sub(at.as_nanos().rem_euclid(i64::try_from(step).unwrap_or(i64::MAX)));
        let back = |n: u64| Timestamp::from_nanos(first.saturating_sub_unsigned(n * step));
        (0..length / step).rev().map(|n| (back(n) + (end - start), back(n), key.clone())).collect()
    }

    fn is_gone(&self, end: Timestamp) -> bool {
        let kept_to = |watermark: Timestamp| {
            Timestamp::from_nanos(watermark.as_nanos().saturating_sub_unsigned(nanos(self.rule.kept)))
        };
        self.gone.is_some_and(|gone| end <= gone) || self.watermark.is_some_and(|watermark| end <= kept_to(watermark))
    }

    /// The result of a window as it is.
    fn made(&mut self, frame: &Frame<K>, pane: Pane) -> Option<Sent<T, G>> {
        let window = self.open.get_mut(frame)?;
        (window.is_sent, window.is_changed) = (window.is_sent || pane != Pane::Early, false);
        let value = window.gather.value(core::iter::empty())?;
        let Tally { count, missing } = window.tally;
        let &(end, start, _) = frame;
        let windowed = Windowed { start, end, count: count as u64, missing: missing as u64, pane, value };
        Some(G::sent(window.rest.clone()?, windowed))
    }

    /// The result of a window that ends now, unless it was sent before.
    fn end(&mut self, frame: &Frame<K>) -> Option<Sent<T, G>> {
        let is_due = self.open.get(frame).is_some_and(|window| !window.is_sent);
        if is_due { self.made(frame, Pane::Final) } else { None }
    }

    /// Sends the windows that the watermark has reached, and forgets those that are not to be corrected.
    fn close(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Sent<T, G>>>) -> Receipt {
        let mut demand = Demand::More;
        let Some(watermark) = self.watermark else { return Ok(demand) };
        let ended = self.open.keys().take_while(|(end, ..)| *end <= watermark).cloned();
        for frame in ended.collect::<Vec<_>>() {
            if let Some(made) = self.end(&frame) {
                demand = demand.and(out.next(made)?);
                if demand == Demand::Done {
                    return Ok(demand);
                }
            }
            if self.is_gone(frame.0) {
                self.open.remove(&frame);
            }
        }
        Ok(demand)
    }

    /// Passes the watermark on, as far as no window that is held begins earlier.
    fn pass(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Sent<T, G>>>) -> Receipt {
        let earliest = self.open.keys().map(|(_, start, _)| *start).min();
        let least = earliest.into_iter().chain(self.watermark).min();
        match least.filter(|least| self.watermark.is_some() && self.passed.is_none_or(|passed| passed < *least)) {
            Some(least) => {
                self.passed = Some(least);
                out.notice(Notice::Watermark(least))
            }
            None => Ok(Demand::More),
        }
    }

    /// Sends the windows that end first and forgets them, until no more than so many are left.
    fn shrink(&mut self, to: usize, out: &mut Emitter<'_, '_, impl InputThing<Sent<T, G>>>) -> Receipt {
        let mut demand = Demand::More;
        while demand != Demand::Done && self.open.len() > to {
            let Some(frame) = self.open.keys().next().cloned() else { break };
            let made = self.end(&frame);
            self.open.remove(&frame);
            self.gone = self.gone.max(Some(frame.0));
            if let Some(made) = made {
                demand = demand.and(out.next(made)?);
            }
        }
        Ok(demand)
    }

    #[cold]
    fn take_late(&mut self, event: T, at: Timestamp, cx: &mut Context<'_>) -> Receipt {
        self.stats.dropped += 1;
        if self.reported.is_none_or(|last| cx.now() - last >= REPORT_EVERY) {
            self.reported = Some(cx.now());
            let (dropped, watermark) = (self.stats.dropped, self.watermark.or(self.gone).unwrap_or_default());
            let text =
                format!("an event of {at} came when the watermark was {watermark}: {dropped} were too late so far");
            cx.report("event_time", &StreamError::message(text));
        }
        self.late.next(event, cx).map(|demand| if demand == Demand::Done { Demand::More } else { demand })
    }

    /// Puts an event into its windows.
    fn put(&mut self, event: T, frames: Vec<Frame<K>>) -> Result<(), StreamError> {
        let (kept, rest) = G::part(event);
        let missing = usize::from(self.gather.is_missing(&kept));
        for frame in frames {
            let is_sent = self.watermark.is_some_and(|watermark| frame.0 <= watermark);
            let fresh = || Open {
                gather: self.gather.fresh(),
                rest: None,
                tally: Tally::default(),
                is_sent,
                is_changed: false,
            };
            let window = self.open.entry(frame).or_insert_with(fresh);
            window.tally.add(missing);
            window.gather.absorb(kept.clone())?;
            window.rest = Some(rest.clone());
            window.is_changed = true;
        }
        self.stats.high_water = self.stats.high_water.max(self.open.len());
        Ok(())
    }

    /// Sends what changed of the windows that have, or have not, been sent.
    fn send_changed(
        &mut self,
        sent: bool,
        pane: Pane,
        out: &mut Emitter<'_, '_, impl InputThing<Sent<T, G>>>,
    ) -> Receipt {
        let is_changed = |(_, window): &(&Frame<K>, &Open<T, G>)| window.is_changed && window.is_sent == sent;
        let changed: Vec<Frame<K>> = self.open.iter().filter(is_changed).map(|(frame, _)| frame.clone()).collect();
        let mut demand = Demand::More;
        for frame in changed {
            if demand != Demand::Done
                && let Some(made) = self.made(&frame, pane)
            {
                demand = demand.and(out.next(made)?);
            }
        }
        Ok(demand)
    }

    fn ask_for_early(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Sent<T, G>>>) {
        let Some(interval) = self.rule.early else { return };
        if self.next_early == Instant::NEVER {
            self.next_early = out.now() + interval;
        }
        out.wake_at(self.next_early);
    }
}

impl<T, F, C, Q, K, G> Filter<T> for ByEventTime<T, F, C, Q, K, G>
where
    F: FnMut(&T) -> Timestamp,
    C: Calendar,
    Q: FnMut(&T) -> K,
    K: Ord + Clone,
    G: Slide<T, Kept: Clone>,
{
    type Out = Sent<T, G>;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.late.tell(Notice::Start, out.context()).map(|_| Demand::More)
    }
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (at, key) = ((self.rule.time)(&event), (self.rule.key)(&event));
        let frames = self.frames(at, &key);
        self.stats.posted += 1;
        let demand = if frames.iter().any(|frame| self.is_gone(frame.0)) {
            self.take_late(event, at, out.context())?
        } else if let Err(full) = self.put(event, frames) {
            return out.fail(full);
        } else {
            let corrected = self.send_changed(true, Pane::Correction, out)?;
            if corrected == Demand::Done { corrected } else { corrected.and(self.shrink(self.rule.most, out)?) }
        };
        self.rule.meter.set(self.stats);
        self.ask_for_early(out);
        Ok(demand)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.watermark = self.watermark.max(Some(watermark));
        let demand = self.close(out)?;
        if demand == Demand::Done {
            return Ok(demand);
        }
        self.late.tell(Notice::Watermark(watermark), out.context())?;
        Ok(demand.and(self.pass(out)?))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.late.tell(Notice::Wake, out.context())?;
        if out.now() < self.next_early {
            out.wake_at(self.next_early);
            return Ok(Demand::More);
        }
        self.next_early = Instant::NEVER; // the next event asks again
        self.send_changed(false, Pane::Early, out)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = self.send_changed(false, Pane::Early, out)?;
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(Notice::Flush)?)) }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        self.late.tell(Notice::Completed, out.context())?;
        if self.shrink(0, out)? == Demand::Done { Ok(()) } else { out.completed() }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        self.late.tell(Notice::Error(error.clone()), out.context())?;
        if self.shrink(0, out)? == Demand::Done { Ok(()) } else { out.error(error) }
    }
}

impl<T, F, C, Q, K, G: Gather<T>> fmt::Debug for ByEventTime<T, F, C, Q, K, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ByEventTime");
        shown.field("open", &self.open.len()).field("watermark", &self.watermark).finish_non_exhaustive()
    }
}
