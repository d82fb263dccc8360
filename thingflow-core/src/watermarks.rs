//! [`Watermarks`]: the least watermark of several inputs; [`Late`]: what is said of events behind it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::error::StreamError;
use crate::state::{Saved, SavedItems, StateVisitor};

/// Of late events at most one is reported in this time.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Counts late events, and reports them at a bounded rate.
#[derive(Debug, Default)]
pub(crate) struct Late {
    count: u64,
    reported: Option<Instant>,
}

impl Late {
    /// An event has come behind the watermark, of a time if that is known.
    #[cold]
    pub(crate) fn note(&mut self, operator: &str, at: Option<Timestamp>, watermark: Timestamp, cx: &mut Context<'_>) {
        self.count += 1;
        if self.reported.is_some_and(|last| cx.now() - last < REPORT_EVERY) {
            return;
        }
        self.reported = Some(cx.now());
        let count = self.count;
        let of = at.map_or_else(String::new, |at| format!(" of {at}"));
        let text = format!("an event{of} came when the watermark was {watermark}: {count} were too late so far");
        cx.report(operator, &StreamError::msg(text));
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

/// What each of several inputs has said, and what follows for the stream that they are made into.
#[derive(Debug, Default)]
pub(crate) struct Watermarks {
    /// The inputs that go on, by their numbers.
    inputs: Vec<(usize, Option<Timestamp>)>,
    sent: Option<Timestamp>,
}

impl Watermarks {
    /// Counts an input in: until it has said something there is no watermark.
    pub(crate) fn join(&mut self, input: usize) {
        if !self.inputs.iter().any(|(number, _)| *number == input) {
            self.inputs.push((input, None));
        }
    }

    /// Takes the watermark of an input: the least of all inputs, if that has risen.
    pub(crate) fn rise(&mut self, input: usize, to: Timestamp) -> Option<Timestamp> {
        self.join(input);
        for (_, mark) in self.inputs.iter_mut().filter(|(number, _)| *number == input) {
            *mark = (*mark).max(Some(to));
        }
        self.risen()
    }

    /// An input has ended and holds nobody back any more.
    pub(crate) fn leave(&mut self, input: usize) -> Option<Timestamp> {
        self.forget(input);
        self.risen()
    }

    /// An input is gone, and nobody is there to be told what follows: it is seen when another one rises.
    pub(crate) fn forget(&mut self, input: usize) {
        self.inputs.retain(|(number, _)| *number != input);
    }

    /// Shows what each input has said, by its number, and what followed.
    pub(crate) fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let mut said = self.inputs.clone().into_iter();
        let mut items = SavedItems::of("watermarks", said.len(), state);
        while items.another(state) {
            let (mut input, mut mark) = said.next().unwrap_or((usize::MAX, None));
            input.on_state("input", state);
            mark.on_state("watermark", state);
            self.inputs.iter_mut().filter(|(number, _)| *number == input).for_each(|(_, own)| *own = mark);
        }
        self.sent.on_state("passed", state);
    }

    fn risen(&mut self) -> Option<Timestamp> {
        let least = self.inputs.iter().map(|(_, mark)| *mark).min()??;
        if self.sent.is_some_and(|sent| sent >= least) {
            return None;
        }
        self.sent = Some(least);
        Some(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_watermark_is_the_least_of_the_inputs_and_only_rises(steps in proptest::collection::vec((0_usize..3, 0_i64..50, 0_u8..10), 0..60)) {
            let mut marks = Watermarks::default();
            let mut model = [Some(None), Some(None), Some(None)];
            (0..3).for_each(|input| marks.join(input));
            let mut sent = None;
            for (input, time, what) in steps {
                let Some(mark) = &mut model[input] else { continue };
                let risen = if what == 0 {
                    model[input] = None;
                    marks.leave(input)
                } else {
                    *mark = (*mark).max(Some(time));
                    marks.rise(input, Timestamp::from_nanos(time))
                };
                let least = model.iter().flatten().copied().min().flatten();
                let expected = least.filter(|least| sent.is_none_or(|sent| *least > sent));
                sent = expected.or(sent);
                prop_assert_eq!(risen, expected.map(Timestamp::from_nanos));
            }
        }
    }
}
