//! `zip_latest(inputs, limit)`: sends every event of the first input, with the latest of the others.
//!
//! Holds up to `limit` events of the first input until the others have one, then one event an input.

use super::held::{Held, Queue};
use super::row::{Get, Latest};
use super::rule::{At, Rule, Takes};
use super::{Inputs, Join};
use crate::limit::{Limit, QueueState};
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Sends every event of the first input together with the latest ones of the others. Its events wait until each of the
/// others has had one; [`with_latest_from`](super::with_latest_from()) drops them instead.
///
/// It completes when the first input has ended and nothing of it waits, or as soon as another one has ended without any
/// event. What waits for the first event of another one when the run is stopped is lost: it has no counterpart.
///
/// ```
/// use thingflow_core::{joins, prelude::*, testing::Recorder};
/// let (orders, price, seen) = (Port::new(), Port::new(), Recorder::new());
/// joins::zip_latest((&orders, &price), Limit::block(16)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// orders.emit("a", cx)?;
/// orders.emit("b", cx)?;
/// price.emit(10, cx)?;
/// price.emit(11, cx)?;
/// orders.emit("c", cx)?;
/// assert_eq!(seen.events(), [("a", 10), ("b", 10), ("c", 11)]);
/// # Ok::<(), FatalError>(())
/// ```
pub fn zip_latest<I: Inputs>(inputs: I, limit: Limit) -> Join<I, ZipLatest<I::First, I::Latest>> {
    let rule = ZipLatest { first: Held::new(limit), latest: inputs.latest() };
    Join::of(inputs, rule)
}

/// Made by [`zip_latest`](super::Joins::zip_latest).
#[derive(Clone, Debug)]
pub struct ZipLatest<T, L> {
    first: Held<T>,
    /// That of the first input is here only while it is sent.
    latest: L,
}

impl<T, L: Latest + Get<At<0>, Of = Option<T>>> ZipLatest<T, L> {
    fn has_others(&self) -> bool {
        (1..self.latest.count()).all(|input| self.latest.has(input))
    }

    fn send(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<L::Row>>) -> Receipt {
        *self.latest.at(At::<0>) = Some(event);
        let row = self.latest.row();
        *self.latest.at(At::<0>) = None;
        row.map_or(Ok(Demand::More), |row| out.next(row))
    }

    fn take_first(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<L::Row>>) -> Receipt {
        if self.has_others() {
            return self.send(event, out);
        }
        self.first.push(event, "zip_latest").or_else(|error| out.fail(error))
    }

    /// Sends what has waited for the first event of another input.
    fn send_waiting(&mut self, out: &mut Emitter<'_, '_, impl InputThing<L::Row>>) -> Receipt {
        if self.first.is_empty() || !self.has_others() {
            return Ok(Demand::More);
        }
        let mut demand = Demand::More;
        while let Some(event) = self.first.pop() {
            demand = demand.and(self.send(event, out)?);
            if demand == Demand::Done {
                return Ok(demand);
            }
        }
        if self.first.take_room() {
            out.context().resume();
        }
        if self.first.is_ended() { out.finish() } else { Ok(demand) }
    }
}

impl<T, L: Latest + Get<At<0>, Of = Option<T>>> Rule for ZipLatest<T, L> {
    type Out = L::Row;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<L::Row>>) -> Receipt {
        let over = if input == 0 {
            self.first.end();
            self.first.is_empty()
        } else {
            !self.latest.has(input)
        };
        if over { out.finish() } else { Ok(Demand::More) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.latest.has_any() {
            state.unsaved("zip_latest");
        }
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        see(self.first.state());
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind && (input != 0 || self.first.has_room())
    }
}

impl<T: Saved, L: Latest + Get<At<0>, Of = Option<T>> + SavedEvents> SavedEvents for ZipLatest<T, L> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.first.on_events(state);
        self.latest.on_events(state);
        *self.latest.at(At::<0>) = None;
        if self.has_others() && !self.first.is_empty() {
            self.first.events.clear(); // these would have gone out
            state.refuse("zip_latest");
        }
    }
}

impl<T, L: Latest + Get<At<0>, Of = Option<T>>> Takes<At<0>, T> for ZipLatest<T, L> {
    #[inline]
    fn on_next(&mut self, _: At<0>, event: T, out: &mut Emitter<'_, '_, impl InputThing<L::Row>>) -> Receipt {
        self.take_first(event, out)
    }
}

macro_rules! others {
    ($($i:literal)+) => {$(
        impl<T, U, L> Takes<At<$i>, U> for ZipLatest<T, L>
        where
            L: Latest + Get<At<0>, Of = Option<T>> + Get<At<$i>, Of = Option<U>>,
        {
            #[inline]
            fn on_next(&mut self, _: At<$i>, event: U, out: &mut Emitter<'_, '_, impl InputThing<L::Row>>) -> Receipt {
                *self.latest.at(At::<$i>) = Some(event);
                self.send_waiting(out)
            }
        }
    )+};
}
others!(1 2 3);

impl<T, L> Takes<usize, T> for ZipLatest<T, L>
where
    L: Latest + Get<At<0>, Of = Option<T>> + Get<usize, Of = Option<T>>,
{
    fn on_next(&mut self, input: usize, event: T, out: &mut Emitter<'_, '_, impl InputThing<L::Row>>) -> Receipt {
        if input == 0 {
            return self.take_first(event, out);
        }
        *self.latest.at(input) = Some(event);
        self.send_waiting(out)
    }
}
