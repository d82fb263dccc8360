//! [`ClockWatch`]: notices that the wall clock has been set, for whom a certificate was not valid yet.

use std::time::Duration;

use thingflow_core::Context;

/// The clock has been set if it has jumped by so much; how often that is looked at.
const STEP: Duration = Duration::from_secs(1);

/// Waits for the wall clock to be set, from [`begin`](Self::begin) on.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch {
    /// How far the wall clock was ahead of the other one.
    before: Option<i128>,
}

impl ClockWatch {
    pub(crate) fn begin(&mut self, cx: &Context<'_>) {
        self.before = Some(offset(cx));
    }

    pub(crate) fn stop(&mut self) {
        self.before = None;
    }

    /// True once, when the clock has been set.
    pub(crate) fn is_set(&mut self, cx: &Context<'_>) -> bool {
        let is_set = self.before.is_some_and(|before| (offset(cx) - before).abs() > STEP.as_nanos() as i128);
        if is_set {
            self.stop();
        }
        is_set
    }

    /// When to look again: said at the end of each turn.
    pub(crate) fn make_wish(&self, cx: &mut Context<'_>) {
        if self.before.is_some() {
            cx.wake_at(cx.now() + STEP);
        }
    }
}

fn offset(cx: &Context<'_>) -> i128 {
    i128::from(cx.timestamp().as_nanos()) - i128::from(cx.now().as_nanos())
}
