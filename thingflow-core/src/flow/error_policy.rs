//! [`ErrorPolicy`]: what an operator does when its function fails.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::Cell;
use core::fmt;
use core::time::Duration;

use super::dead_letter::DeadLetter;
use crate::backoff::Backoff;
use crate::clock::Instant;
use crate::context::Context;
use crate::error::StreamError;
use crate::kit::SideBranch;
use crate::limit::Limit;
use crate::notice::{Notice, Question};
use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, InputThing, Receipt};

/// What becomes of an event for which the function of an operator fails: how often it is tried again, and what happens
/// when that did not help. For the failures of a source see [`OnFailure`](crate::OnFailure).
///
/// ```
/// use core::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_core::{Backoff, flow::ErrorPolicy};
/// let parse = |text: &&str| text.parse::<u8>();
/// let numbers = from_iter(["1", "x", "3"]).try_map_with(ErrorPolicy::skip(), parse).collect_now();
/// assert_eq!(numbers, [1, 3]);
/// # let policy: ErrorPolicy<()> =
/// ErrorPolicy::fatal().retry(5, Backoff::new(Duration::from_secs(1), Duration::from_secs(60))) // tries five times
/// # ; let _ = policy;
/// ```
#[must_use]
pub struct ErrorPolicy<T> {
    verdict: Verdict<T>,
    pub(super) attempts: u32,
    backoff: Backoff,
    breaker: Option<(u32, Duration)>,
    pub(super) limit: Limit,
    meter: ErrorMeter,
}

/// What becomes of an event that has failed for good.
enum Verdict<T> {
    Fail,
    Skip,
    Fatal,
    DeadLetter(SideBranch<Box<dyn InputThing<DeadLetter<T>>>>),
}

impl<T> ErrorPolicy<T> {
    fn new(verdict: Verdict<T>) -> Self {
        Self {
            verdict,
            attempts: 1,
            backoff: Backoff::constant(Duration::ZERO),
            breaker: None,
            limit: Limit::default(),
            meter: ErrorMeter::default(),
        }
    }

    /// The stream ends by the error.
    pub fn fail() -> Self {
        Self::new(Verdict::Fail)
    }

    /// The error is reported, and the stream goes on without the event.
    pub fn skip() -> Self {
        Self::new(Verdict::Skip)
    }

    /// The error ends the run.
    pub fn fatal() -> Self {
        Self::new(Verdict::Fatal)
    }

    /// The event goes to `thing` together with the error, and the stream goes on. Several operators may send to clones of
    /// one port, so `thing` is not told when the stream ends. If it wants no more, and as
    /// long as nobody listens to the port, events are skipped.
    pub fn dead_letter(thing: impl InputThing<DeadLetter<T>> + 'static) -> Self {
        Self::new(Verdict::DeadLetter(SideBranch::new(Box::new(thing))))
    }

    /// The function is called up to `attempts` times for an event, with the waits of `backoff` between the calls. Meanwhile the
    /// source is paused, and the events behind wait, so the order is kept.
    pub fn retry(self, attempts: u32, backoff: Backoff) -> Self {
        Self { attempts: attempts.max(1), backoff, ..self }
    }

    /// What may wait behind an event that is tried again. By default 1024 events.
    pub fn limit(self, limit: Limit) -> Self {
        Self { limit, ..self }
    }

    /// A circuit breaker: after so many failures in a row the circuit opens for `cool_down`, and all events fail without a
    /// call. The event after that is a trial: it closes the circuit, or opens it again. Only the opening is reported.
    #[doc(alias = "circuit_breaker")]
    pub fn break_after(self, failures: u32, cool_down: Duration) -> Self {
        Self { breaker: Some((failures.max(1), cool_down)), ..self }
    }

    /// Counts in `meter` what failed and what was lost.
    pub fn metered(self, meter: &ErrorMeter) -> Self {
        Self { meter: meter.clone(), ..self }
    }

    /// How long to wait after so many failures of one event.
    pub(super) fn backoff(&self, failures: u32) -> Duration {
        self.backoff.wait_after(failures)
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut ErrorStats)) {
        let mut stats = self.meter.0.get();
        count(&mut stats);
        self.meter.0.set(stats);
    }

    /// Gives an event up, and names the operator in a report if there is one to be made. An error is to end the stream.
    pub(super) fn give_up(
        &mut self,
        event: T,
        error: StreamError,
        report: Option<&str>,
        cx: &mut Context<'_>,
    ) -> Result<Receipt, StreamError> {
        match &mut self.verdict {
            Verdict::Fail => return Err(error),
            Verdict::Fatal => return Ok(Err(cx.fatal(error))),
            Verdict::DeadLetter(letters) if letters.ask(Question::Open) => {
                let receipt = letters.next(DeadLetter { event, error }, cx);
                self.count(|stats| stats.lost += 1);
                return Ok(receipt.map(unless_done));
            }
            Verdict::DeadLetter(_) | Verdict::Skip => {}
        }
        self.count(|stats| stats.lost += 1);
        if let Some(operator) = report {
            cx.report(operator, &error);
        }
        Ok(Ok(Demand::More))
    }

    /// The branch of the dead letters, if there is one.
    pub(super) fn letters(&self) -> Option<&SideBranch<Box<dyn InputThing<DeadLetter<T>>>>> {
        if let Verdict::DeadLetter(letters) = &self.verdict { Some(letters) } else { None }
    }

    /// Tells the Thing that gets the dead letters.
    pub(super) fn tell_letters(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        let Verdict::DeadLetter(letters) = &mut self.verdict else { return Ok(Demand::More) };
        letters.notice(notice, cx).map(unless_done)
    }

    pub(super) fn breaker(&self) -> Breaker {
        Breaker { rule: self.breaker, in_a_row: 0, open_until: Instant::ZERO }
    }
}

impl<T> fmt::Debug for ErrorPolicy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Fail => "fail",
            Verdict::Skip => "skip",
            Verdict::Fatal => "fatal",
            Verdict::DeadLetter(_) => "dead_letter",
        };
        write!(f, "ErrorPolicy({verdict}, {} attempts)", self.attempts)
    }
}

/// Closed, open until a time, or half open after it.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    rule: Option<(u32, Duration)>,
    in_a_row: u32,
    open_until: Instant,
}

impl Breaker {
    pub(super) fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.in_a_row.on_state("failures in a row", state);
        self.open_until.on_state("open until", state);
    }

    pub(super) fn is_open(&self, now: Instant) -> bool {
        now < self.open_until
    }

    pub(super) fn succeeded(&mut self) {
        self.in_a_row = 0;
    }

    /// Whether the circuit opens by this failure.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        let Some((failures, cool_down)) = self.rule else { return false };
        self.in_a_row = self.in_a_row.saturating_add(1);
        let opens = self.in_a_row >= failures;
        if opens {
            self.open_until = now + cool_down;
        }
        opens
    }
}

/// What the function of an operator has failed at so far.
///
/// ```
/// let stats = thingflow_core::flow::ErrorStats::default();
/// assert_eq!((stats.failed, stats.lost, stats.opened), (0, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorStats {
    /// Calls that failed, those that were tried again included.
    pub failed: u64,
    /// Events that were skipped or became dead letters.
    pub lost: u64,
    /// How often the circuit opened.
    pub opened: u64,
}

/// Shows from outside what an operator fails at: give it to [`ErrorPolicy::metered`] and keep it.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::flow::{ErrorMeter, ErrorPolicy};
/// let meter = ErrorMeter::default();
/// let even = |x: &i32| if *x < 3 { Ok(x % 2 == 0) } else { Err("too large") };
/// let policy = ErrorPolicy::skip().metered(&meter);
/// assert_eq!(from_iter(0..5).try_filter_with(policy, even).collect_now(), [0, 2]);
/// assert_eq!(meter.stats().lost, 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ErrorMeter(Rc<Cell<ErrorStats>>);

impl ErrorMeter {
    /// What has failed so far.
    pub fn stats(&self) -> ErrorStats {
        self.0.get()
    }
}

/// A branch that wants no more is no reason to stop.
fn unless_done(demand: Demand) -> Demand {
    if demand == Demand::Done { Demand::More } else { demand }
}
