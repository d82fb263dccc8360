//! The inputs of an outbox: [`OutboxInput`] for events, [`TrackedInput`] for those that are acknowledged upstream.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use serde::Serialize;
use thingflow_core::tracking::{Ack, Tracked};
use thingflow_core::{Closed, Context, Demand, Receipt, Sink, StreamError};

use super::NAME;
use crate::journaling::code;
use crate::journaling::inlet::{AckQueue, Inlet, Put};
use crate::journaling::open::Open;

/// Takes events into an outbox, see [`Outbox::input`](super::Outbox::input).
#[must_use = "an input does nothing until it is connected"]
pub struct OutboxInput<T> {
    inlet: Open,
    event: PhantomData<fn(T)>,
}

impl<T> OutboxInput<T> {
    pub(super) fn new(inlet: &Rc<RefCell<Inlet>>) -> Self {
        Self { inlet: Open::new(NAME, inlet), event: PhantomData }
    }
}

impl<T: Serialize> Sink for OutboxInput<T> {
    type Event = T;
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.on_next_ref_of(&event, cx)
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        self.on_next_ref_of(event, cx)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.inlet.end();
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.inlet.fail(&error, cx);
        Ok(())
    }
    fn has_room(&self) -> bool {
        self.inlet.has_room()
    }
}

impl<T: Serialize> OutboxInput<T> {
    fn on_next_ref_of(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        match self.inlet.put(|bytes| code::encode(event, bytes), cx) {
            Put::Stored(_) | Put::Dropped => Ok(Demand::More),
            Put::Later(_) => Ok(Demand::Full),
            Put::Closed => Ok(Demand::Done),
            Put::Unfit(error) => {
                cx.report(NAME, &error);
                Ok(Demand::More)
            }
        }
    }
}

impl<T> fmt::Debug for OutboxInput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboxInput").finish_non_exhaustive()
    }
}

/// Takes tracked events into an outbox, see [`Outbox::tracked_input`](super::Outbox::tracked_input).
#[must_use = "an input does nothing until it is connected"]
pub struct TrackedInput<T, M> {
    inlet: Open,
    acks: Rc<AckQueue<M>>,
    event: PhantomData<fn(T)>,
}

impl<T, M: 'static> TrackedInput<T, M> {
    pub(super) fn new(inlet: &Rc<RefCell<Inlet>>) -> Self {
        let acks = inlet.borrow_mut().acknowledges();
        Self { inlet: Open::new(NAME, inlet), acks, event: PhantomData }
    }

    fn put(&mut self, put: Put, ack: Ack<M>, cx: &Context<'_>) -> Demand {
        match put {
            Put::Stored(number) => self.acks.known(number, ack),
            Put::Later(number) => {
                self.acks.later(number, ack);
                return Demand::Full;
            }
            Put::Dropped => ack.done(),
            Put::Unfit(error) => {
                cx.report(NAME, &error);
                ack.fail(&error);
            }
            Put::Closed => {
                ack.abandon();
                return Demand::Done;
            }
        }
        Demand::More
    }
}

impl<T: Serialize, M: 'static> Sink for TrackedInput<T, M> {
    type Event = Tracked<T, M>;
    fn on_next(&mut self, event: Tracked<T, M>, cx: &mut Context<'_>) -> Receipt {
        let (value, ack) = event.split();
        let put = self.inlet.put(|bytes| code::encode(&value, bytes), cx);
        Ok(self.put(put, ack, cx))
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.inlet.end();
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.inlet.fail(&error, cx);
        Ok(())
    }
    fn has_room(&self) -> bool {
        self.inlet.has_room()
    }
}

impl<T, M> fmt::Debug for TrackedInput<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrackedInput").finish_non_exhaustive()
    }
}
