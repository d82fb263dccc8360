//! [`SideBranch`]: a Thing that another one sends to besides its own chain.

use crate::context::Context;
use crate::notice::{Notice, Question};
use crate::thing::{Demand, InputThing, Receipt};

/// A Thing that gets events beside the main way of a chain: of an `also_to`, a `tee`, dead letters, late events. It is dropped when
/// it wants no more, and at its end. It cannot drain, for its owner drops it at the end: what it holds it sends then.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::kit::SideBranch;
/// let mut sum = 0;
/// let mut branch = SideBranch::new(pipe::<i32>().take(2).to(call(|x| sum += x)));
/// let cx = &mut Context::detached(Instant::ZERO);
/// assert_eq!(branch.next_ref(&1, cx)?, Demand::More);
/// assert_eq!(branch.next_ref(&2, cx)?, Demand::Done);
/// assert_eq!(branch.notice(Notice::Completed, cx)?, Demand::Done);
/// assert!(!branch.is_connected());
/// # drop(branch);
/// assert_eq!(sum, 3);
/// # Ok::<(), FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SideBranch<N>(Option<N>);

impl<N> SideBranch<N> {
    /// A branch to a Thing.
    pub const fn new(thing: N) -> Self {
        Self(Some(thing))
    }

    /// No branch.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Whether the branch still wants events.
    pub fn is_connected(&self) -> bool {
        self.0.is_some()
    }

    /// Calls the Thing; `Done` if there is none any more.
    #[inline]
    fn call(&mut self, cx: &mut Context<'_>, call: impl FnOnce(&mut N, &mut Context<'_>) -> Receipt) -> Receipt {
        let Some(thing) = &mut self.0 else { return Ok(Demand::Done) };
        let demand = cx.without_draining(|cx| call(thing, cx))?;
        if demand == Demand::Done {
            self.0 = None;
            // It may have asked a source to pause. Without an allocator flash counts for more: there a source that such a branch
            // has paused, and that leaves by a wake-up, stays paused.
            if cfg!(feature = "alloc") {
                cx.resume();
            }
        }
        Ok(demand)
    }

    /// Sends an event to the branch.
    ///
    /// # Errors
    /// The fatal error of a Thing in the branch.
    #[inline]
    pub fn next<T>(&mut self, event: T, cx: &mut Context<'_>) -> Receipt
    where
        N: InputThing<T>,
    {
        self.call(cx, |thing, cx| thing.next(event, cx))
    }

    /// Sends an event to the branch by reference.
    ///
    /// # Errors
    /// The fatal error of a Thing in the branch.
    #[inline]
    pub fn next_ref<T: Clone>(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        N: InputThing<T>,
    {
        self.call(cx, |thing, cx| thing.next_ref(event, cx))
    }

    /// Passes a notice to the branch, and drops the branch if that was the end.
    ///
    /// # Errors
    /// The fatal error of a Thing in the branch.
    pub fn notice<T>(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt
    where
        N: InputThing<T>,
    {
        let is_end = notice.is_end();
        self.call(cx, |thing, cx| {
            let demand = thing.notice(notice, cx);
            if is_end { demand.map(|_| Demand::Done) } else { demand }
        })
    }

    /// Asks the branch. One that is gone is never in the way: it has room, and is nothing else. It shows itself to a walk as a
    /// branch.
    pub fn ask<T>(&self, question: Question<'_>) -> bool
    where
        N: InputThing<T>,
    {
        match (question, &self.0) {
            #[cfg(feature = "alloc")]
            (Question::Describe(visitor), Some(thing)) => {
                visitor.branch(&|visitor| {
                    thing.ask(Question::Describe(visitor));
                });
                true
            }
            #[cfg(feature = "alloc")]
            (Question::Describe(visitor), None) => {
                visitor.branch(&|_| {}); // it is counted: the ids of those beside it stay
                true
            }
            (Question::Draining, _) => false,
            (question, Some(thing)) => thing.ask(question),
            (question, None) => question.asks_all(),
        }
    }
}

impl<N> Default for SideBranch<N> {
    fn default() -> Self {
        Self::none()
    }
}
