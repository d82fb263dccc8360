//! `tee((a, b, …))`: several Things at the end of one chain.
//!
//! Holds nothing.

use core::fmt;

use crate::context::Context;
use crate::kit::SideBranch;
use crate::notice::{Notice, Question, Receipts};
use crate::thing::{InputThing, Receipt};

/// Sends each event to each of two to four Things, in their order. One that wants no more is dropped, the others go on.
///
/// It needs no allocator. For branches that come and go while the graph runs, use a `Port`.
///
/// ```
/// # use thingflow_core::prelude::*;
/// let (mut sum, mut max) = (0, 0);
/// let both = tee((call(|x| sum += x), pipe().take(2).to(call(|x| max = max.max(x)))));
/// pipe::<i32>().to(both).feed([3, 1, 5])?;
/// assert_eq!((sum, max), (9, 3)); // the second branch took two events only
/// # Ok::<(), RunError>(())
/// ```
#[doc(alias = "parallel")]
#[doc(alias = "fan_out")]
pub fn tee<B: Branches>(branches: B) -> Tee<B::Open> {
    Tee(branches.open())
}

/// Made by [`tee`].
#[derive(Clone)]
pub struct Tee<O>(O);

/// Two to four Things, as a tuple.
pub trait Branches {
    /// The same, each until it wants no more.
    type Open;
    /// All of them open.
    fn open(self) -> Self::Open;
}

macro_rules! tee {
    ($($thing:ident),+) => {
        impl<$($thing),+> Branches for ($($thing,)+) {
            type Open = ($(SideBranch<$thing>,)+);
            #[allow(non_snake_case)]
            fn open(self) -> Self::Open {
                let ($($thing,)+) = self;
                ($(SideBranch::new($thing),)+)
            }
        }

        #[allow(non_snake_case)]
        impl<T: Clone, $($thing: InputThing<T>),+> InputThing<T> for Tee<($(SideBranch<$thing>,)+)> {
            #[inline]
            fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
                self.next_ref(&event, cx)
            }
            #[inline]
            fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
                let ($($thing,)+) = &mut self.0;
                let mut receipts = Receipts::default();
                $(receipts.add($thing.next_ref(event, cx)?);)+
                Ok(receipts.sum())
            }
            fn notice(&mut self, mut notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
                let ($($thing,)+) = &mut self.0;
                let mut receipts = Receipts::default();
                $(receipts.add($thing.notice(notice.reborrow(), cx)?);)+
                Ok(receipts.sum())
            }
            fn ask(&self, mut question: Question<'_>) -> bool {
                let ($($thing,)+) = &self.0;
                #[cfg(feature = "alloc")]
                if let Question::Describe(visitor) = &mut question {
                    visitor.filter("tee");
                }
                let all = question.asks_all();
                let answers = [$($thing.ask(question.reborrow())),+];
                if all { answers.iter().all(|yes| *yes) } else { answers.iter().any(|yes| *yes) }
            }
        }
    };
}
tee!(A, B);
tee!(A, B, C);
tee!(A, B, C, D);

impl<O> fmt::Debug for Tee<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tee")
    }
}
