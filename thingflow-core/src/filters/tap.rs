//! `tap(thing)`: send each event to a side branch first, then pass it on.
//!
//! Holds nothing.

use crate::error::StreamError;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};
use crate::visit::Visitor;

/// Made by [`tap`](super::Filters::tap).
///
/// The branch sees each event, and the end, before the rest of the chain. A branch that wants no more is dropped, the
/// rest goes on. If the rest wants no more, the branch completes.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::testing::Recorder;
/// let side = Recorder::new();
/// let rest = from_iter(1..=3).tap(pipe().map(|x| x * 10).to(side.clone())).filter(|x| x % 2 == 1).collect_now();
/// assert_eq!(side.text(), "10 20 30 |");
/// assert_eq!(rest, [1, 3]);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tap<B>(pub(super) Option<B>);

impl<B> Tap<B> {
    /// Keeps the branch unless it wants no more. The rest of the chain always goes on.
    #[inline]
    fn after(&mut self, demand: Demand) -> Demand {
        if demand == Demand::Done {
            self.0 = None;
            return Demand::More;
        }
        demand
    }
}

impl<T: Clone, B: InputThing<T>> Filter<T> for Tap<B> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let Some(branch) = &mut self.0 else { return out.next(event) };
        let demand = out.context().without_draining(|cx| branch.on_next_ref(&event, cx))?;
        let demand = self.after(demand);
        match out.next(event)? {
            Demand::Done => {
                self.on_end(out)?;
                Ok(Demand::Done)
            }
            rest => Ok(demand.and(rest)),
        }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        self.on_end(out)?;
        out.completed()
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if let Some(mut branch) = self.0.take() {
            out.context().without_draining(|cx| branch.on_error(error.clone(), cx))?;
        }
        out.error(error)
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let Some(branch) = &mut self.0 else { return Ok(Demand::More) };
        let demand = out.context().without_draining(|cx| branch.on_start(cx))?;
        Ok(self.after(demand))
    }
    fn has_room(&self, behind: bool) -> bool {
        behind && self.0.as_ref().is_none_or(InputThing::has_room)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter("Tap");
        if let Some(branch) = &self.0 {
            visitor.branch(&|visitor| branch.describe(visitor));
        }
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let Some(branch) = &mut self.0 else { return Ok(Demand::More) };
        let demand = out.context().without_draining(|cx| branch.on_wake(cx))?;
        Ok(self.after(demand))
    }
}

impl<B> Tap<B> {
    fn on_end<T, N>(&mut self, out: &mut Emitter<'_, '_, N>) -> Closed
    where
        B: InputThing<T>,
    {
        let Some(mut branch) = self.0.take() else { return Ok(()) };
        out.context().without_draining(|cx| branch.on_completed(cx))
    }
}
