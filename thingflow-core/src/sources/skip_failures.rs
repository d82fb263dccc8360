//! `skip_failures()`: reports a sampling that fails, and goes on with the next.
//!
//! Holds one number.

use crate::clock::Instant;
use crate::context::Context;
use crate::error::Failure;
use crate::output::{Flow, Source};

/// How many failures in a row are passed over, unless [`Flow::skip_failures_up_to`] says otherwise.
const MANY: usize = 1000;

impl<S: Source> Flow<S> {
    /// Reports a sampling that fails and tries the next one, at once: so a recording goes on behind a row that cannot be
    /// read, and behind a value that is missing. After 1000 failures in a row it gives up: the next one is for the policy of
    /// the schedule, as each is without this stage.
    ///
    /// For a sensor, which fails now and then and is to be left in peace till its next sampling, the policy is
    #[cfg_attr(feature = "std", doc = "[`OnFailure::Skip`](crate::OnFailure::Skip).")]
    #[cfg_attr(not(feature = "std"), doc = "`OnFailure::Skip`.")]
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// let rows = ["1", "", "3"].map(|row| row.parse::<i32>());
    /// assert_eq!(try_from_iter(rows).skip_failures().collect_now(), [1, 3]);
    /// # }
    /// ```
    #[doc(alias = "on_error_resume_next")]
    pub fn skip_failures(self) -> Flow<SkipFailures<S>> {
        self.skip_failures_up_to(MANY)
    }

    /// As [`skip_failures`](Self::skip_failures), of at most `in_a_row` failures in a row.
    #[track_caller]
    pub fn skip_failures_up_to(self, in_a_row: impl Into<crate::Size>) -> Flow<SkipFailures<S>> {
        let in_a_row = in_a_row.into().get();
        self.over(|source| SkipFailures { source, in_a_row })
    }
}

/// Made by [`skip_failures`](Flow::skip_failures).
#[derive(Clone, Debug)]
pub struct SkipFailures<S> {
    source: S,
    in_a_row: usize,
}

impl<S: Source> Source for SkipFailures<S> {
    type Item = S::Item;
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        let mut left = self.in_a_row;
        loop {
            match self.source.pull(cx) {
                Err(Failure::Sample(error)) if left > 0 => {
                    left -= 1;
                    cx.report(self.source.name(), &error);
                    if self.source.due(cx).is_some_and(|due| due > cx.now()) {
                        return Err(Failure::NotYet);
                    }
                }
                outcome => return outcome,
            }
        }
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.source.due(cx)
    }
    fn name(&self) -> &str {
        self.source.name()
    }
}
