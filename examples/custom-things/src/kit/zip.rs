//! `zip`: a rule with two inputs, each with a queue within a limit.

use thingflow::joins::{At, Rule, Takes};
use thingflow::prelude::*;
use thingflow::storage::Backlog;

/// Pairs the events of two inputs: the first with the first, the second with the second.
pub(crate) struct Zip<A, B> {
    left: Backlog<A>,
    right: Backlog<B>,
    ended: [bool; 2],
}

impl<A, B> Zip<A, B> {
    pub(crate) fn new(limit: &Limit) -> Self {
        Self { left: Backlog::new(limit.clone()), right: Backlog::new(limit.clone()), ended: [false; 2] }
    }

    /// One input has ended, and nothing of it waits: no pair can follow.
    fn is_over(&self) -> bool {
        self.ended[0] && self.left.is_empty() || self.ended[1] && self.right.is_empty()
    }

    fn send(&mut self, room: Demand, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        if self.left.is_empty() || self.right.is_empty() {
            return Ok(room);
        }
        let Some(pair) = self.left.pop().zip(self.right.pop()) else { return Ok(room) };
        if self.left.take_room() | self.right.take_room() {
            out.context().resume();
        }
        let demand = out.next(pair)?;
        if demand != Demand::Done && self.is_over() { out.finish() } else { Ok(demand) }
    }
}

impl<A, B> Rule for Zip<A, B> {
    type Out = (A, B);
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        self.ended[input] = true;
        if self.is_over() { out.finish() } else { Ok(Demand::More) }
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind && if input == 0 { self.left.has_room() } else { self.right.has_room() }
    }
}

impl<A, B> Takes<At<0>, A> for Zip<A, B> {
    fn on_next(&mut self, _: At<0>, event: A, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        match self.left.push(event, "zip") {
            Ok(room) => self.send(room, out),
            Err(full) => out.fail(full),
        }
    }
}

impl<A, B> Takes<At<1>, B> for Zip<A, B> {
    fn on_next(&mut self, _: At<1>, event: B, out: &mut Emitter<'_, '_, impl InputThing<(A, B)>>) -> Receipt {
        match self.right.push(event, "zip") {
            Ok(room) => self.send(room, out),
            Err(full) => out.fail(full),
        }
    }
}
