//! How often a Thing is sampled, and what happens when it cannot be.

use std::time::Duration;

use super::handle::ScheduleError;
use crate::backoff::Backoff;
use crate::clock::nanos;

/// When a periodic schedule runs. A `Duration` converts into the plain one: first after one period, at a fixed rate, missed
/// ticks skipped and counted, and a failed sampling ends the stream.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::{OnFailure, Periodic};
/// let timing = Periodic::every(Duration::from_secs(60)).starting_now().on_failure(OnFailure::Skip);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Periodic {
    pub(super) period: Duration,
    pub(super) first: First,
    pub(super) missed: Missed,
    pub(super) slack: Option<Duration>,
    pub(super) on_failure: OnFailure,
}

/// What a schedule looks at with each tick. In nanoseconds, since a hundred thousand schedules have one each.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Beat {
    period: u64,
    /// Greater than any that can be asked for: that of the scheduler.
    slack: u64,
    pub(super) missed: Missed,
}

impl Beat {
    const NO_SLACK: u64 = u64::MAX;

    pub(super) fn period(&self) -> Duration {
        Duration::from_nanos(self.period)
    }

    pub(super) fn slack(&self) -> Option<Duration> {
        (self.slack != Self::NO_SLACK).then(|| Duration::from_nanos(self.slack))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    AfterOnePeriod,
    After(Duration),
}

/// What becomes of the ticks that passed while a sampling, or something else, took long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    Skip,
    CatchUp,
    Delay,
}

impl Periodic {
    /// Rejects a zero period and unbounded retries without a delay: both would spin.
    pub(super) fn check(&self) -> Result<(), ScheduleError> {
        match self.on_failure {
            _ if self.period.is_zero() => Err(ScheduleError::ZeroPeriod),
            OnFailure::Retry { backoff, attempts: u32::MAX } if backoff.is_zero() => Err(ScheduleError::ZeroRetry),
            _ => Ok(()),
        }
    }

    pub(super) fn beat(&self) -> Beat {
        let slack = self.slack.map_or(Beat::NO_SLACK, |slack| nanos(slack).min(Beat::NO_SLACK - 1));
        Beat { period: nanos(self.period), slack, missed: self.missed }
    }

    /// Every `period`, at a fixed rate.
    pub fn every(period: Duration) -> Self {
        Self { period, first: First::AfterOnePeriod, missed: Missed::Skip, slack: None, on_failure: OnFailure::Stop }
    }

    /// Runs for the first time at once, not after one period.
    pub fn starting_now(self) -> Self {
        self.first_after(Duration::ZERO)
    }

    /// Runs for the first time after `delay`, and keeps this phase. Otherwise the schedule joins the phase of one with an
    /// equal or harmonic period, so that they share wake-ups.
    pub fn first_after(self, delay: Duration) -> Self {
        Self { first: First::After(delay), ..self }
    }

    /// Missed ticks are made up for, back to back.
    pub fn catch_up(self) -> Self {
        Self { missed: Missed::CatchUp, ..self }
    }

    /// The next tick comes one period after the last one has been served: the rate is not kept.
    pub fn fixed_delay(self) -> Self {
        Self { missed: Missed::Delay, ..self }
    }

    /// How late a tick may come, so that it can share a wake-up with others. By default none while the scheduler serves
    /// fewer than 2,000 ticks a second, and 1.9 milliseconds above. `Duration::ZERO` is always precise.
    pub fn slack(self, slack: Duration) -> Self {
        Self { slack: Some(slack), ..self }
    }

    /// What happens when a sampling fails.
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        Self { on_failure, ..self }
    }
}

/// What says how often something runs: a [`Duration`], which is the period, or a [`Periodic`] for more.
///
/// A plain number is refused by the compiler, since it does not say its unit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how often",
    label = "expected a `Duration` or a `Periodic`",
    note = "a period has a unit: `Duration::from_secs(60)`, `Duration::from_millis(10)`",
    note = "for a first tick at once, or a policy for failures: `Periodic::every(period).starting_now().on_failure(..)`"
)]
pub trait IntoPeriodic {
    /// The timing.
    fn into_periodic(self) -> Periodic;
}

impl IntoPeriodic for Periodic {
    fn into_periodic(self) -> Periodic {
        self
    }
}

impl IntoPeriodic for Duration {
    fn into_periodic(self) -> Periodic {
        Periodic::every(self)
    }
}

/// What happens when a sampling fails. To receive failures as readings, see [`OrMissing`](crate::OrMissing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFailure {
    /// The stream ends with the error, and the schedule with it.
    #[default]
    Stop,
    /// The error is reported, and the next sampling comes in its time.
    Skip,
    /// The error ends the run.
    Fatal,
    /// The error is reported and the sampling tried again after a wait, which grows from failure to failure. After `attempts`
    /// failures in a row the stream ends with the error.
    Retry {
        /// The waits.
        backoff: Backoff,
        /// How many failures in a row are too many. `u32::MAX`: never give up, which needs a wait above zero.
        attempts: u32,
    },
}

impl OnFailure {
    /// How long to wait for the next try, after so many failures in a row.
    pub(super) fn wait_after(self, failures: u32) -> Option<Duration> {
        match self {
            Self::Retry { backoff, .. } if failures > 0 => Some(backoff.wait_after(failures)),
            _ => None,
        }
    }
}
