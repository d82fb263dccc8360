//! [`Saving`]: a stage whose events are part of the state that is saved.

use crate::chain::{Identity, by_notice_and_ask, drains};
use crate::clock::Timestamp;
use crate::error::StreamError;
use crate::notice::{Notice, Question};
use crate::state::{SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};
use crate::visit::Visitor;

/// A stage, or a pipe of such stages, that hold events which can be saved: then they are part of the [state](crate::SavedState) of the
/// graph, and go on in the program that runs next. To be given to [`pipe`](crate::Chain::pipe).
///
/// What most stages remember are numbers, which are saved without it. Those that hold events hold them of any type, and say so to
/// [`SavedState::unsaved`](crate::SavedState::unsaved).
///
/// ```
/// # #[cfg(feature = "std")] {
/// use std::time::Duration;
/// use thingflow_core::{prelude::*, testing::Recorder};
/// use thingflow_core::{SavedState, Saving};
/// let (second, seen) = (Duration::from_secs(1), Recorder::new());
/// let stage = || pipe().pipe(Saving(pipe::<i32>().throttle(10 * second)));
/// let mut before = stage().to(Recorder::new());
/// let cx = &mut Context::detached(Instant::ZERO);
/// before.next(1, cx)?;
/// before.next(2, cx)?; // waits until ten seconds are over
/// let state = SavedState::of(&mut before, cx)?;
/// assert!(state.unsaved().is_empty());
///
/// let mut after = stage().to(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO + 10 * second);
/// state.restore(&mut after, cx)?;
/// after.notice(Notice::Wake, cx)?; // by a scheduler, when it is due
/// assert_eq!(seen.events(), [2]);
/// # }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Saving<F>(pub F);

impl<In, F: Filter<In> + SavedEvents> Filter<In> for Saving<F> {
    type Out = F::Out;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        out.watch.rename::<F>();
        self.0.on_next(event, out)
    }
    fn notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        out.watch.rename::<F>();
        match notice {
            Notice::State(visitor) => {
                self.0.on_events(visitor);
                Ok(Demand::More)
            }
            Notice::Start => {
                let now = out.now();
                out.wake_at(now); // what was restored may wait for a time: then it asks for it
                self.0.notice(Notice::Start, out)
            }
            notice => self.0.notice(notice, out),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_events(state);
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        self.0.describe(visitor);
    }
    fn ask(&self, question: Question<'_>, behind: &dyn Fn(Question<'_>) -> bool) -> bool {
        self.0.ask(question, behind)
    }
    by_notice_and_ask!(F::Out);
}

impl SavedEvents for Identity {
    fn on_events(&mut self, _: &mut dyn StateVisitor) {}
}
