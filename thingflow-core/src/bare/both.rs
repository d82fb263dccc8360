//! `both(a, b)`: two branches without a port, so without an allocator.

use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::Visitor;

/// Gives each event to `a`, then to `b`. For more branches nest it. Where there is an allocator, use a port.
///
/// ```
/// use thingflow_core::bare::both;
/// use thingflow_core::prelude::*;
/// let (mut sum, mut max) = (0, 0);
/// pipe::<i32>().to(both(call(|x| sum += x), call(|x| max = max.max(x)))).feed([1, 5, 2])?;
/// assert_eq!((sum, max), (8, 5));
/// # Ok::<(), RunError>(())
/// ```
pub fn both<A, B>(a: A, b: B) -> Both<A, B> {
    Both { a: Branch { thing: a, done: false }, b: Branch { thing: b, done: false } }
}

/// Made by [`both`].
#[derive(Clone, Debug)]
pub struct Both<A, B> {
    a: Branch<A>,
    b: Branch<B>,
}

#[derive(Clone, Debug)]
struct Branch<N> {
    thing: N,
    done: bool,
}

impl<N> Branch<N> {
    /// Calls the Thing, unless it wants no more.
    fn call(&mut self, cx: &mut Context<'_>, call: impl FnOnce(&mut N, &mut Context<'_>) -> Receipt) -> Receipt {
        let receipt = if self.done { Ok(Demand::Done) } else { cx.without_draining(|cx| call(&mut self.thing, cx)) };
        self.done = matches!(receipt, Ok(Demand::Done));
        receipt
    }

    fn end(&mut self, cx: &mut Context<'_>, call: impl FnOnce(&mut N, &mut Context<'_>) -> Closed) -> Closed {
        if core::mem::replace(&mut self.done, true) {
            return Ok(());
        }
        cx.without_draining(|cx| call(&mut self.thing, cx))
    }

    fn is_open<T>(&self) -> bool
    where
        N: InputThing<T>,
    {
        !self.done && self.thing.is_open()
    }

    fn has_room<T>(&self) -> bool
    where
        N: InputThing<T>,
    {
        self.done || self.thing.has_room()
    }

    fn describe<T>(&self, visitor: &mut dyn Visitor)
    where
        N: InputThing<T>,
    {
        if !self.done {
            visitor.branch(&|visitor| self.thing.describe(visitor));
        }
    }
}

/// As the branches of a port: `Done` if both want no more, `Full` if one has to pause.
fn either(a: Demand, b: Demand) -> Demand {
    match (a, b) {
        (Demand::Done, Demand::Done) => Demand::Done,
        (Demand::Full, _) | (_, Demand::Full) => Demand::Full,
        _ => Demand::More,
    }
}

impl<T: Clone, A: InputThing<T>, B: InputThing<T>> InputThing<T> for Both<A, B> {
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let a = self.a.call(cx, |a, cx| a.on_next_ref(&event, cx))?;
        Ok(either(a, self.b.call(cx, |b, cx| b.on_next(event, cx))?))
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.a.end(cx, InputThing::on_completed)?;
        self.b.end(cx, InputThing::on_completed)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.a.end(cx, |a, cx| a.on_error(error.clone(), cx))?;
        self.b.end(cx, |b, cx| b.on_error(error, cx))
    }
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        let a = self.a.call(cx, InputThing::on_start)?;
        Ok(either(a, self.b.call(cx, InputThing::on_start)?))
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        let a = self.a.call(cx, InputThing::on_wake)?;
        Ok(either(a, self.b.call(cx, InputThing::on_wake)?))
    }
    fn is_open(&self) -> bool {
        self.a.is_open() || self.b.is_open()
    }
    fn has_room(&self) -> bool {
        self.a.has_room() && self.b.has_room()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter("both");
        self.a.describe::<T>(visitor);
        self.b.describe::<T>(visitor);
    }
}
