//! `also_to(thing)`: sends each event to a side branch first, then passes it on.
//!
//! Holds nothing.

use crate::kit::SideBranch;
use crate::notice::{Notice, Question};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`also_to`](super::Elementwise::also_to).
#[derive(Clone, Debug)]
pub struct AlsoTo<B>(SideBranch<B>);

impl<B> AlsoTo<B> {
    pub(super) const fn new(branch: B) -> Self {
        Self(SideBranch::new(branch))
    }
}

/// The rest of the chain goes on without a branch that wants no more.
fn without(branch: Demand) -> Demand {
    if branch == Demand::Done { Demand::More } else { branch }
}

impl<T: Clone, B: InputThing<T>> Filter<T> for AlsoTo<B> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = without(self.0.next_ref(&event, out.context())?);
        match out.next(event)? {
            Demand::Done => self.0.notice(Notice::Completed, out.context()),
            rest => Ok(demand.and(rest)),
        }
    }
    fn notice(&mut self, mut notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = without(self.0.notice(notice.reborrow(), out.context())?);
        match notice {
            Notice::Start | Notice::Wake | Notice::State(_) => Ok(demand), // each stage is told by itself
            notice => Ok(demand.and(out.notice(notice)?)),
        }
    }
    fn ask(&self, mut question: Question<'_>, behind: &dyn Fn(Question<'_>) -> bool) -> bool {
        match &mut question {
            #[cfg(feature = "alloc")]
            Question::Describe(visitor) => visitor.filter_type("AlsoTo"),
            Question::Open => return behind(question), // the branch alone is no reason to go on
            _ => {}
        }
        let all = question.asks_all();
        let branch = self.0.ask(question.reborrow());
        let rest = behind(question);
        if all { branch && rest } else { branch || rest }
    }
}
