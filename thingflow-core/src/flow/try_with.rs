//! `try_map_with(policy, f)`, `try_filter_with(policy, p)`, `try_for_each_with(policy, f)`: as `try_map`, `try_filter` and
//! `try_for_each`, with a choice of what happens when the function fails.
//!
//! Holds what the policy's `Limit` allows, while an event is tried again; else nothing.

use core::fmt;

use super::error_policy::{Breaker, ErrorPolicy};
use crate::clock::{Instant, Timestamp};
use crate::error::{Cause, StreamError};
use crate::kit::{Ending, Gate, Marks};
use crate::limit::Backlog;
use crate::notice::{Notice, Question};
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt, notice_filter};
use crate::visit::Visitor;

/// Made by [`try_map_with`](super::FlowControl::try_map_with) and [`try_filter_with`](super::FlowControl::try_filter_with).
///
/// When the stream completes while an event is still to be tried again, the end waits until that is decided. At an error,
/// and at any end [where nobody wakes](crate::Context::drains), it is tried a last time, at once; those that wait behind
/// it are tried once.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::flow::{DeadLetter, ErrorPolicy};
/// # use thingflow_core::testing::Recorder;
/// let letters = Recorder::new();
/// let halves = |x: &i32| if x % 2 == 0 { Ok(x / 2) } else { Err("odd") };
/// let policy = ErrorPolicy::dead_letter(pipe().map(|dead: DeadLetter<i32>| dead.event).to(letters.clone()));
/// assert_eq!(from_iter(1..=4).try_map_with(policy, halves).collect_now(), [1, 2]);
/// assert_eq!(letters.events(), [1, 3]);
/// ```
pub struct TryWith<T, G> {
    function: G,
    policy: ErrorPolicy<T>,
    breaker: Breaker,
    retried: Option<Retried<T>>,
    waiting: Backlog<T>,
    /// Whether those downstream take what has waited.
    gate: Gate,
    marks: Marks,
    paused: bool,
    ending: Ending,
}

/// An event that waits to be tried again.
struct Retried<T> {
    event: T,
    failures: u32,
    due: Instant,
}

/// A function that gives the event back when it fails.
pub trait Fallible<T> {
    /// What it makes of an event.
    type Out;
    /// The name in reports.
    const NAME: &'static str;
    /// Works on an event.
    ///
    /// # Errors
    /// The event, and why it could not be worked on.
    fn work(&mut self, event: T) -> Result<Option<Self::Out>, (T, StreamError)>;
}

/// The function of `try_map_with`.
pub struct Mapping<F>(pub(super) F);

impl<T, U, E: Into<Cause>, F: FnMut(&T) -> Result<U, E>> Fallible<T> for Mapping<F> {
    type Out = U;
    const NAME: &'static str = "try_map";
    fn work(&mut self, event: T) -> Result<Option<U>, (T, StreamError)> {
        (self.0)(&event).map(Some).map_err(|error| (event, StreamError::from_cause(error)))
    }
}

/// The predicate of `try_filter_with`.
pub struct Filtering<P>(pub(super) P);

impl<T, E: Into<Cause>, P: FnMut(&T) -> Result<bool, E>> Fallible<T> for Filtering<P> {
    type Out = T;
    const NAME: &'static str = "try_filter";
    fn work(&mut self, event: T) -> Result<Option<T>, (T, StreamError)> {
        match (self.0)(&event) {
            Ok(passes) => Ok(passes.then_some(event)),
            Err(error) => Err((event, StreamError::from_cause(error))),
        }
    }
}

impl<F> fmt::Debug for Mapping<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mapping")
    }
}

impl<P> fmt::Debug for Filtering<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filtering")
    }
}

impl<T, G> TryWith<T, G> {
    /// Whether nothing is to be tried, again or for the first time.
    #[inline]
    fn is_idle(&self) -> bool {
        self.retried.is_none() && self.waiting.is_empty()
    }
}

impl<T, G: Fallible<T>> TryWith<T, G> {
    pub(super) fn new(function: G, policy: ErrorPolicy<T>) -> Self {
        let (breaker, waiting) = (policy.breaker(), Backlog::new(policy.limit.clone()));
        let (gate, marks, ending) = (Gate::default(), Marks::default(), Ending::default());
        Self { function, policy, breaker, retried: None, waiting, gate, marks, paused: false, ending }
    }

    /// Tries an event that has failed so often before.
    fn attempt(&mut self, event: T, before: u32, out: &mut Emitter<'_, '_, impl InputThing<G::Out>>) -> Receipt {
        if self.breaker.is_open(out.now()) {
            return self.give_up(event, StreamError::new("the circuit is open"), false, out);
        }
        match self.function.work(event) {
            Ok(made) => {
                self.breaker.succeeded();
                let Some(made) = made else { return Ok(Demand::More) };
                if self.paused { self.gate.send(made, out) } else { out.next(made) }
            }
            Err((event, error)) => self.failed(event, error, before.saturating_add(1), out),
        }
    }

    #[cold]
    fn failed(
        &mut self,
        event: T,
        error: StreamError,
        failures: u32,
        out: &mut Emitter<'_, '_, impl InputThing<G::Out>>,
    ) -> Receipt {
        self.policy.count(|stats| stats.failed += 1);
        if self.breaker.failed(out.now()) {
            self.policy.count(|stats| stats.opened += 1);
            out.context().report(G::NAME, &StreamError::caused("the circuit opens", error.clone()));
            return self.give_up(event, error, false, out);
        }
        if failures >= self.policy.attempts {
            return self.give_up(event, error, true, out);
        }
        let due = out.now() + self.policy.backoff(failures);
        self.retried = Some(Retried { event, failures, due });
        self.paused = true;
        out.wake_at(due);
        Ok(Demand::Full)
    }

    fn give_up(
        &mut self,
        event: T,
        error: StreamError,
        report: bool,
        out: &mut Emitter<'_, '_, impl InputThing<G::Out>>,
    ) -> Receipt {
        match self.policy.give_up(event, error, report.then_some(G::NAME), out.context()) {
            Ok(receipt) => receipt,
            Err(error) => out.fail(error),
        }
    }

    /// Tries the event again if its time has come, or in any case, and then what waits behind it.
    fn go_on(&mut self, in_any_case: bool, out: &mut Emitter<'_, '_, impl InputThing<G::Out>>) -> Receipt {
        let mut demand = Demand::More;
        while demand != Demand::Done {
            if !in_any_case && !self.is_idle() && !self.gate.is_open(out) {
                out.context().wake_on_resume();
                return Ok(Demand::Full);
            }
            let next = match self.retried.take() {
                Some(retried) if retried.due > out.now() && !in_any_case => {
                    out.wake_at(retried.due);
                    self.retried = Some(retried);
                    return Ok(demand.and(Demand::Full));
                }
                Some(retried) => Some((retried.event, retried.failures)),
                None => self.waiting.pop().map(|event| (event, 0)),
            };
            let Some((event, failures)) = next else { break };
            demand = demand.and(self.attempt(event, failures, out)?);
            if self.retried.is_none() {
                self.marks.left(1);
                demand = self.marks.follow(demand, out)?;
            }
        }
        if self.is_idle() {
            demand = self.marks.follow_all(demand, out)?; // those of events that were dropped for want of room
        }
        if self.is_idle() && core::mem::take(&mut self.paused) {
            self.gate.resume(out);
        }
        Ok(demand)
    }

    /// Tries everything a last time, at the end of the stream.
    fn finish(&mut self, out: &mut Emitter<'_, '_, impl InputThing<G::Out>>) -> Receipt {
        self.policy.attempts = 1;
        self.go_on(true, out)
    }
}

impl<T, G: Fallible<T>> Filter<T> for TryWith<T, G> {
    type Out = G::Out;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<G::Out>>) -> Receipt {
        if self.is_idle() {
            return self.attempt(event, 0, out);
        }
        if let Err(full) = self.waiting.push(event, G::NAME) {
            self.on_error(full, out)?;
            return Ok(Demand::Done);
        }
        self.go_on(false, out)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<G::Out>>) -> Receipt {
        if self.is_idle() {
            return Ok(Demand::More);
        }
        let demand = self.go_on(false, out)?;
        self.ending.follow(demand, self.is_idle(), out)
    }
    fn notice(&mut self, mut notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<G::Out>>) -> Receipt {
        if !notice.is_end() {
            // What is still tried may become a dead letter, which is not to come behind its watermark.
            let waits = !self.is_idle() && matches!(notice, Notice::Watermark(_));
            let letters = match waits {
                true => Demand::More,
                false => self.policy.tell_letters(notice.reborrow(), out.context())?,
            };
            return Ok(letters.and(notice_filter(self, notice, out)?));
        }
        // What is tried a last time may still become a dead letter.
        let end = notice.reborrow().keep();
        let demand = notice_filter(self, notice, out)?;
        if !self.is_draining()
            && let Some(end) = end
        {
            self.policy.tell_letters(end, out.context())?;
        }
        Ok(demand)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<G::Out>>) -> Receipt {
        let held = usize::from(self.retried.is_some()) + self.waiting.len();
        self.marks.come(watermark, held, out)
    }
    fn is_holding(&self) -> bool {
        let letters = self.policy.letters().is_some_and(|letters| letters.ask(Question::Holding));
        letters || !self.is_idle() || self.is_draining()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<G::Out>>) -> Closed {
        if !self.is_idle() && self.ending.may_wait(out.context()) {
            return self.on_wake(out).map(drop);
        }
        if self.finish(out)? == Demand::Done { Ok(()) } else { out.completed() }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<G::Out>>) -> Closed {
        if self.finish(out)? == Demand::Done { Ok(()) } else { out.error(error) }
    }
    fn has_room(&self, behind: bool) -> bool {
        let letters = self.policy.letters().is_none_or(|letters| letters.ask(Question::Room));
        behind && letters && self.is_idle()
    }
    fn is_draining(&self) -> bool {
        self.ending.waits()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter(G::NAME);
        if let Some(letters) = self.policy.letters() {
            letters.ask(Question::Describe(visitor));
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.breaker.on_state(state);
        if !self.is_idle() {
            state.unsaved(G::NAME);
        }
    }
}

impl<T: Saved, G> SavedEvents for TryWith<T, G> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.breaker.on_state(state);
        let retried = self.retried.take();
        let mut event = retried.map(|Retried { event, failures, due }| ((event, failures), due));
        event.on_state("retried", state);
        self.retried = event.map(|((event, failures), due)| Retried { event, failures, due });
        self.waiting.on_events("events", state);
        if self.is_idle() {
            self.marks = Marks::default();
        }
        self.paused |= !self.is_idle(); // it answers `Full` until that is settled
    }
}

impl<T, G> fmt::Debug for TryWith<T, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryWith").field("policy", &self.policy).field("retries", &self.retried.is_some()).finish()
    }
}
