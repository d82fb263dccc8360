//! `aggregate(Window::event_time(length, time), a)`: windows by the time that stands in the events.
//!
//! Holds what gathers the events of each window that is open.
//!
//! Invariants: a window is sent when the watermark has reached its end, in the order of the ends, and never again but as a correction; an
//! event is in all of its windows or in none; a window that is gone is not opened again; nothing depends on the time of arrival, but for
//! early results.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::bounds::{Pane, Tally, Windowed};
use super::by_key::Keying;
use super::event_window::EventWindow;
use super::framing::{Frame, Framing, OpenWindows};
use super::gather::{Gather, Peek};
use super::merge::Merge;
use crate::clock::{Instant, Timestamp, nanos};
use crate::context::Context;
use crate::error::StreamError;
use crate::kit::SideBranch;
use crate::limit::QueueStats;
use crate::notice::Notice;
use crate::state::{Saved, SavedItems, StateVisitor, shown_or_unsaved};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};
use crate::watermarks::Late;

/// Made by [`aggregate`](super::Windows::aggregate) and [`window`](super::Windows::window) with
/// [`Window::event_time`](super::Window::event_time), [`Window::calendar`](super::Window::calendar) or
/// [`Window::session`](super::Window::session).
pub struct ByEventTime<T, F, C, Q: Keying<T>, G: Gather<T>> {
    rule: EventWindow<T, F, C, Q>,
    gather: G,
    open: OpenWindows<Q::Key, Gathered<T, G>>,
    watermark: Option<Timestamp>,
    /// This window and those before it in their order are gone.
    gone: Option<Frame<Q::Key>>,
    /// The last watermark that was passed on.
    passed: Option<Timestamp>,
    late: SideBranch<Box<dyn InputThing<T>>>,
    stats: QueueStats,
    lateness: Late,
    next_early: Instant,
}

/// What a window that is open has gathered.
pub struct Gathered<T, G: Gather<T>> {
    gather: G,
    rest: Option<G::Rest>,
    tally: Tally,
    /// The watermark has reached its end.
    is_ended: bool,
    /// A result of it has been sent that was not an early one.
    was_sent: bool,
    is_changed: bool,
}

impl<T, G: Gather<T>> Gathered<T, G> {
    fn new(gather: G) -> Self {
        Self { gather, rest: None, tally: Tally::default(), is_ended: false, was_sent: false, is_changed: false }
    }

    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let Self { gather, rest, tally, is_ended, was_sent, is_changed } = self;
        tally.count.on_state("count", state);
        tally.missing.on_state("missing", state);
        is_ended.on_state("is_ended", state);
        was_sent.on_state("was_sent", state);
        is_changed.on_state("is_changed", state);
        G::on_rest(rest, state);
        shown_or_unsaved("window", true, |state| gather.on_state(state), state);
    }
}

impl<T, G: Gather<T> + Merge> Merge for Gathered<T, G> {
    fn merge(&mut self, later: Self) {
        self.gather.merge(later.gather);
        self.rest = later.rest.or_else(|| self.rest.take());
        self.tally.merge(later.tally);
        self.was_sent |= later.was_sent;
        self.is_changed |= later.is_changed;
    }
}

type Sent<T, G> = <G as Gather<T>>::Sent<Windowed<<G as Gather<T>>::Made>>;

impl<T, F, C, Q, G> ByEventTime<T, F, C, Q, G>
where
    F: FnMut(&T) -> Timestamp,
    C: Framing<Gathered<T, G>>,
    Q: Keying<T>,
    G: Peek<T>,
    G::Kept: Clone,
{
    pub(super) fn new(mut rule: EventWindow<T, F, C, Q>, gather: G) -> Self {
        let late = rule.late.take().map_or(SideBranch::none(), SideBranch::new);
        Self {
            rule,
            gather,
            open: OpenWindows::new(),
            watermark: None,
            gone: None,
            passed: None,
            late,
            stats: QueueStats::default(),
            lateness: Late::default(),
            next_early: Instant::NEVER,
        }
    }

    fn has_ended(&self, end: Timestamp) -> bool {
        self.watermark.is_some_and(|watermark| end <= watermark)
    }

    fn is_gone(&self, frame: &Frame<Q::Key>) -> bool {
        let kept_to = |watermark: Timestamp| {
            Timestamp::from_nanos(watermark.as_nanos().saturating_sub_unsigned(nanos(self.rule.kept)))
        };
        self.gone.as_ref().is_some_and(|gone| frame <= gone)
            || self.watermark.is_some_and(|watermark| frame.0 <= kept_to(watermark))
    }

    /// The result of a window as it is; an early one of a window that goes on.
    fn made(&mut self, frame: &Frame<Q::Key>, is_early: bool) -> Option<Sent<T, G>> {
        let window = self.open.get_mut(frame)?;
        let pane = match (is_early, window.was_sent) {
            (true, _) => Pane::Early,
            (_, true) => Pane::Correction,
            _ => Pane::Final,
        };
        (window.was_sent, window.is_changed) = (window.was_sent || !is_early, false);
        let value = window.gather.so_far()?;
        let Tally { count, missing } = window.tally;
        let &(end, start, _) = frame;
        let windowed = Windowed { start, end, count: count as u64, missing: missing as u64, pane, value };
        Some(G::sent(window.rest.clone()?, windowed))
    }

    /// The result of a window that ends now, unless it has ended before.
    fn end(&mut self, frame: &Frame<Q::Key>) -> Option<Sent<T, G>> {
        let window = self.open.get_mut(frame)?;
        if core::mem::replace(&mut window.is_ended, true) { None } else { self.made(frame, false) }
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
            if self.is_gone(&frame) {
                self.open.remove(&frame);
            }
        }
        Ok(demand)
    }

    /// Passes the watermark on, as far as no window that is held begins earlier.
    fn pass(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Sent<T, G>>>) -> Receipt {
        let mut starts = self.open.keys().map(|(_, start, _)| *start);
        let earliest = if C::STARTS_RISE { starts.next() } else { starts.min() };
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
            self.gone = self.gone.take().max(Some(frame));
            if let Some(made) = made {
                demand = demand.and(out.next(made)?);
            }
        }
        Ok(demand)
    }

    #[cold]
    fn take_late(&mut self, event: T, at: Timestamp, cx: &mut Context<'_>) -> Receipt {
        let gone = self.gone.as_ref().map(|(end, ..)| *end);
        self.lateness.note("event_time", Some(at), self.watermark.or(gone).unwrap_or_default(), cx);
        self.stats.dropped = self.lateness.count();
        self.late.next(event, cx).map(|demand| if demand == Demand::Done { Demand::More } else { demand })
    }

    /// Puts an event into its windows; whether one of them has ended, and is to be corrected.
    fn put(&mut self, event: T, at: Timestamp, key: &Q::Key) -> Result<bool, StreamError> {
        let (kept, rest) = G::part(event);
        let missing = usize::from(self.gather.is_missing(&kept));
        let (mut kept, mut is_correction) = (Some(kept), false);
        let mut spans = self.rule.framing.spans(at);
        while let Some((start, end)) = spans.next() {
            let frame = self.rule.framing.settle((end, start, key.clone()), &mut self.open);
            let is_ended = self.has_ended(frame.0);
            let window = self.open.entry(frame).or_insert_with(|| Gathered::new(self.gather.fresh()));
            // One that is late and the first in its window is told as a correction, too: of an empty one.
            (window.is_ended, window.is_changed) = (is_ended, true);
            window.was_sent |= is_ended;
            window.tally.add(missing);
            window.rest = Some(rest.clone());
            is_correction |= is_ended;
            let one = if spans.is_last() { kept.take() } else { kept.clone() };
            if let Some(kept) = one {
                window.gather.absorb(kept)?;
            }
        }
        self.stats.high_water = self.stats.high_water.max(self.open.len());
        Ok(is_correction)
    }

    /// Sends what changed of the windows that have ended, or of those that have not.
    fn send_changed(&mut self, ended: bool, out: &mut Emitter<'_, '_, impl InputThing<Sent<T, G>>>) -> Receipt {
        let is_changed =
            |(_, window): &(&Frame<Q::Key>, &Gathered<T, G>)| window.is_changed && window.is_ended == ended;
        let changed: Vec<_> = self.open.iter().filter(is_changed).map(|(frame, _)| frame.clone()).collect();
        let mut demand = Demand::More;
        for frame in changed {
            if demand != Demand::Done
                && let Some(made) = self.made(&frame, !ended)
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

    /// Whether an event would be in a window that is gone: then it is in none.
    fn is_late(&self, at: Timestamp, key: &Q::Key) -> bool {
        let first = self.rule.framing.spans(at).next();
        first.is_some_and(|(start, end)| {
            let frame = (end, start, key.clone());
            self.is_gone(&frame) && !self.rule.framing.touches(&frame, &self.open)
        })
    }
}

impl<T, F, C, Q, G> Filter<T> for ByEventTime<T, F, C, Q, G>
where
    F: FnMut(&T) -> Timestamp,
    C: Framing<Gathered<T, G>>,
    Q: Keying<T>,
    G: Peek<T>,
    G::Kept: Clone,
{
    type Out = Sent<T, G>;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.late.notice(Notice::Start, out.context()).map(|_| Demand::More)
    }
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (at, key) = ((self.rule.time)(&event), self.rule.key.key(&event));
        self.stats.posted += 1;
        let demand = if self.is_late(at, &key) {
            self.take_late(event, at, out.context())?
        } else {
            let corrected = match self.put(event, at, &key) {
                Ok(true) => self.send_changed(true, out)?,
                Ok(false) => Demand::More,
                Err(full) => {
                    self.on_error(full, out)?;
                    return Ok(Demand::Done);
                }
            };
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
        self.late.notice(Notice::Watermark(watermark), out.context())?;
        Ok(demand.and(self.pass(out)?))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.late.notice(Notice::Wake, out.context())?;
        if out.now() < self.next_early {
            out.wake_at(self.next_early);
            return Ok(Demand::More);
        }
        self.next_early = Instant::NEVER; // the next event asks again
        self.send_changed(false, out)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = self.send_changed(false, out)?;
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(Notice::Flush)?)) }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        self.late.notice(Notice::Completed, out.context())?;
        if self.shrink(0, out)? == Demand::Done { Ok(()) } else { out.completed() }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        self.late.notice(Notice::Error(error.clone()), out.context())?;
        if self.shrink(0, out)? == Demand::Done { Ok(()) } else { out.error(error) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.watermark.on_state("watermark", state);
        self.passed.on_state("passed", state);
        if self.rule.early.is_some() {
            self.next_early.on_state("next_early", state);
        }
        if !Q::IS_SAVED {
            if !self.open.is_empty() {
                state.unsaved("windows by key");
            }
            return; // what is open stays as it is
        }
        let mut gone = self.gone.take().into_iter();
        let mut items = SavedItems::of("gone", gone.len(), state);
        while items.another(state) {
            self.gone = self.gone.take().max(frame_on_state::<T, Q>(gone.next(), state));
        }
        let mut held = core::mem::take(&mut self.open).into_iter();
        let mut items = SavedItems::of("windows", held.len(), state);
        while items.another(state) {
            let (frame, window) = held.next().unzip();
            let frame = frame_on_state::<T, Q>(frame, state);
            let mut window = window.unwrap_or_else(|| Gathered::new(self.gather.fresh()));
            window.on_state(state);
            match frame.filter(|frame| self.open.len() < self.rule.most && !self.open.contains_key(frame)) {
                Some(frame) => drop(self.open.insert(frame, window)),
                None => state.refuse("windows"),
            }
        }
    }
}

/// Shows a window's end, start and key to a walk that saves or restores them. `None` is one that is to be restored.
fn frame_on_state<T, Q: Keying<T>>(
    frame: Option<Frame<Q::Key>>,
    state: &mut dyn StateVisitor,
) -> Option<Frame<Q::Key>> {
    let (mut end, mut start, mut key) = match frame {
        Some((end, start, key)) => (end, start, Some(key)),
        None => (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH, None),
    };
    end.on_state("end", state);
    start.on_state("start", state);
    Q::on_key(&mut key, state);
    key.map(|key| (end, start, key))
}

impl<T, F, C, Q: Keying<T>, G: Gather<T>> fmt::Debug for ByEventTime<T, F, C, Q, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ByEventTime");
        shown.field("open", &self.open.len()).field("watermark", &self.watermark).finish_non_exhaustive()
    }
}

impl<T, G: Gather<T>> fmt::Debug for Gathered<T, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathered").field("tally", &self.tally).field("is_ended", &self.is_ended).finish_non_exhaustive()
    }
}
