//! `tee((a, b, …))`: several Things at the end of one chain.
//!
//! Holds nothing.

use core::fmt;

use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::Visitor;

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
            type Open = ($(Option<$thing>,)+);
            #[allow(non_snake_case)]
            fn open(self) -> Self::Open {
                let ($($thing,)+) = self;
                ($(Some($thing),)+)
            }
        }

        #[allow(non_snake_case)]
        impl<T: Clone, $($thing: InputThing<T>),+> InputThing<T> for Tee<($(Option<$thing>,)+)> {
            #[inline]
            fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
                self.on_next_ref(&event, cx)
            }
            #[inline]
            fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
                let ($($thing,)+) = &mut self.0;
                let mut sum = Sum::default();
                $(sum.add($thing, cx, |thing, cx| thing.on_next_ref(event, cx))?;)+
                sum.receipt()
            }
            fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
                let ($($thing,)+) = &mut self.0;
                cx.without_draining(|cx| {
                    $($thing.take().map_or(Ok(()), |mut thing| thing.on_completed(cx))?;)+
                    Ok(())
                })
            }
            fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
                let ($($thing,)+) = &mut self.0;
                cx.without_draining(|cx| {
                    $($thing.take().map_or(Ok(()), |mut thing| thing.on_error(error.clone(), cx))?;)+
                    Ok(())
                })
            }
            fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
                let ($($thing,)+) = &mut self.0;
                let mut sum = Sum::default();
                $(sum.add($thing, cx, |thing, cx| thing.on_start(cx))?;)+
                sum.receipt()
            }
            fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
                let ($($thing,)+) = &mut self.0;
                let mut sum = Sum::default();
                $(sum.add($thing, cx, |thing, cx| thing.on_wake(cx))?;)+
                sum.receipt()
            }
            fn is_open(&self) -> bool {
                let ($($thing,)+) = &self.0;
                $($thing.as_ref().is_some_and(|thing| thing.is_open()))||+
            }
            fn has_room(&self) -> bool {
                let ($($thing,)+) = &self.0;
                $($thing.as_ref().is_none_or(|thing| thing.has_room()))&&+
            }
            fn describe(&self, visitor: &mut dyn Visitor) {
                let ($($thing,)+) = &self.0;
                visitor.filter("tee");
                $(if let Some(thing) = $thing {
                    visitor.branch(&|visitor| thing.describe(visitor));
                })+
            }
        }
    };
}
tee!(A, B);
tee!(A, B, C);
tee!(A, B, C, D);

/// The receipts of the branches as one.
#[derive(Default)]
struct Sum {
    open: bool,
    full: bool,
}

impl Sum {
    #[inline]
    fn add<N>(
        &mut self,
        branch: &mut Option<N>,
        cx: &mut Context<'_>,
        call: impl FnOnce(&mut N, &mut Context<'_>) -> Receipt,
    ) -> Closed {
        let Some(thing) = branch else { return Ok(()) };
        match cx.without_draining(|cx| call(thing, cx))? {
            Demand::Done => *branch = None,
            demand => {
                self.open = true;
                self.full |= demand == Demand::Full;
            }
        }
        Ok(())
    }

    #[inline]
    fn receipt(self) -> Receipt {
        Ok(match self {
            Self { open: false, .. } => Demand::Done,
            Self { full: true, .. } => Demand::Full,
            _ => Demand::More,
        })
    }
}

impl<O> fmt::Debug for Tee<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tee")
    }
}
