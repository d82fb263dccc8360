//! `skip_until(trigger)`: leaves out the events until another stream has one.
//!
//! Holds nothing.

use core::marker::PhantomData;

use super::rule::{At, Rule, Takes};
use crate::error::StreamError;
use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use crate::port::Connection;

/// Made by [`skip_until`](super::Joins::skip_until), or by `default` without an allocator.
///
/// The value of the trigger does not matter, nor does what follows its first event: it is let go. A trigger that completes
/// without an event completes the stream, for nothing could ever pass; its error ends the stream.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let (levels, ready, seen) = (Port::new(), Port::new(), Recorder::new());
/// levels.skip_until(&ready).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// levels.emit(1, cx)?;
/// ready.emit((), cx)?;
/// levels.emit(2, cx)?;
/// levels.complete(cx)?;
/// assert_eq!((seen.text(), ready.is_listened()), ("2 |".into(), false));
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SkipUntil<T> {
    passes: bool,
    #[cfg(feature = "alloc")]
    trigger: Option<Connection>,
    events: PhantomData<fn(T)>,
}

impl<T> Default for SkipUntil<T> {
    fn default() -> Self {
        Self {
            passes: false,
            #[cfg(feature = "alloc")]
            trigger: None,
            events: PhantomData,
        }
    }
}

impl<T> Rule for SkipUntil<T> {
    type Out = T;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if input == 1 && self.passes { Ok(Demand::More) } else { out.finish() }
    }
    fn on_error(&mut self, input: usize, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if input == 1 && self.passes { Ok(Demand::More) } else { out.fail(error) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.passes.on_state("skip_until", state);
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind || input == 1 || !self.passes
    }
    #[cfg(feature = "alloc")]
    fn connected(&mut self, inputs: &[Connection]) {
        self.trigger = inputs.get(1).cloned();
    }
}

impl<T> Takes<At<0>, T> for SkipUntil<T> {
    #[inline]
    fn on_next(&mut self, _: At<0>, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.passes { out.next(event) } else { Ok(Demand::More) }
    }
}

impl<T, U> Takes<At<1>, U> for SkipUntil<T> {
    fn on_next(&mut self, _: At<1>, _: U, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.passes = true;
        #[cfg(feature = "alloc")]
        if let Some(trigger) = self.trigger.take() {
            trigger.disconnect();
        }
        Ok(Demand::More)
    }
}
