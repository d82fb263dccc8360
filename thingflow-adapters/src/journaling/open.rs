//! [`Open`]: an input of a Thing that keeps events in a journal.

use std::cell::RefCell;
use std::rc::Rc;

use thingflow_core::{Context, StreamError};

use super::code::CodeError;
use super::inlet::{Inlet, Put};

/// An input whose stream has not ended: the Thing waits for what may still come.
pub(crate) struct Open {
    /// What reports call the Thing.
    name: &'static str,
    inlet: Rc<RefCell<Inlet>>,
    ended: bool,
}

impl Open {
    pub(crate) fn new(name: &'static str, inlet: &Rc<RefCell<Inlet>>) -> Self {
        inlet.borrow_mut().open += 1;
        Self { name, inlet: inlet.clone(), ended: false }
    }

    pub(crate) fn put(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), CodeError>, cx: &Context<'_>) -> Put {
        let mut inlet = self.inlet.borrow_mut();
        let put = inlet.put(encode, cx);
        inlet.wait_for_thread();
        put
    }

    pub(crate) fn has_room(&self) -> bool {
        self.inlet.borrow().has_room()
    }

    pub(crate) fn fail(&mut self, error: &StreamError, cx: &Context<'_>) {
        cx.report(self.name, error);
        self.end();
    }

    pub(crate) fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let mut inlet = self.inlet.borrow_mut();
        inlet.open -= 1;
        if let Some(registry) = &inlet.registry {
            registry.call_soon();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end();
    }
}
