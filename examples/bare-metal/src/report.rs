//! [`Report`]: sends events over a serial line that several flows share.

use core::cell::RefCell;
use core::marker::PhantomData;

use embedded_io::Write;
use thingflow::prelude::*;

use crate::TICK;
use crate::message::{Message, send};

/// Sends each event as a message. A line that takes nothing is reported; lamp and blind are worth more than it.
pub(crate) struct Report<'a, T, W> {
    sensor: u16,
    line: &'a RefCell<W>,
    events: PhantomData<T>,
}

impl<'a, T, W: Write> Report<'a, T, W> {
    pub(crate) fn new(sensor: u16, line: &'a RefCell<W>) -> Self {
        Self { sensor, line, events: PhantomData }
    }
}

impl<T: Into<f32>, W: Write> Sink for Report<'_, T, W> {
    type Event = T;
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let ticks = cx.now().as_nanos() / TICK.as_nanos() as u64;
        let message = Message { sensor: self.sensor, ticks: ticks as u32, value: event.into() };
        if !send(&mut *self.line.borrow_mut(), &message) {
            cx.report("serial line", &StreamError::new("a message is lost: the line does not take it"));
        }
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}
