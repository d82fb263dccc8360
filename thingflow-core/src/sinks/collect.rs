//! `collect_into(list)`: keeps the events in a list that is shared.
//!
//! Holds all events, in the list.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, Receipt, Sink};

/// Keeps each event in `list`. An error is reported. A test wants a [`Recorder`](crate::testing::Recorder) instead.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use std::{cell::RefCell, rc::Rc};
/// let list = Rc::new(RefCell::new(Vec::new()));
/// pipe::<i32>().map(|x| x + 1).to(collect_into(&list)).feed([1, 2])?;
/// assert_eq!(*list.borrow(), [2, 3]);
/// # Ok::<(), RunError>(())
/// ```
#[doc(alias = "sink_to_list")]
pub fn collect_into<T>(list: &Rc<RefCell<Vec<T>>>) -> CollectInto<T> {
    CollectInto(list.clone())
}

/// Made by [`collect_into`].
pub struct CollectInto<T>(Rc<RefCell<Vec<T>>>);

impl<T> Sink for CollectInto<T> {
    type Event = T;
    fn on_next(&mut self, event: T, _: &mut Context<'_>) -> Receipt {
        self.0.borrow_mut().push(event);
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("collect_into", &error);
        Ok(())
    }
}

impl<T> fmt::Debug for CollectInto<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CollectInto")
    }
}
