//! `switch()`: follows the latest port of a stream of ports.
//!
//! Holds one connection.

use super::nested::{Nested, Nests};
use super::rule::{At, Rule, Takes};
use crate::error::StreamError;
use crate::port::Port;
use crate::state::StateVisitor;
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Made by [`switch`](super::Joins::switch).
///
/// It sends the events of the port that came last. The one before is disconnected at once, so that its source may stop.
/// It completes when both the stream of ports and the latest of them have ended.
///
/// ```
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let (choice, radio, record, seen) = (Port::new(), Port::new(), Port::new(), Recorder::new());
/// choice.switch().connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// choice.emit(radio.clone(), cx)?;
/// radio.emit("news", cx)?;
/// choice.emit(record.clone(), cx)?;
/// record.emit("song", cx)?;
/// assert_eq!(seen.events(), ["news", "song"]);
/// assert!(!radio.is_listened());
/// # Ok::<(), FatalError>(())
/// ```
#[derive(Debug)]
pub struct Switch<T>(Nested<T>);

impl<T> Switch<T> {
    pub(super) fn new() -> Self {
        Self(Nested::default())
    }
}

impl<T> Nests<T> for Switch<T> {
    fn ports(&mut self) -> &mut Nested<T> {
        &mut self.0
    }
}

impl<T> Rule for Switch<T> {
    type Out = T;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.0.end(input);
        if self.0.is_over() { out.finish() } else { Ok(Demand::More) }
    }
    fn on_error(&mut self, input: usize, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if input == 0 || self.0.has(input) { out.fail(error) } else { Ok(Demand::More) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state("switch", state);
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind || input == 0
    }
}

impl<T> Takes<At<0>, Port<T>> for Switch<T> {
    fn on_next(&mut self, _: At<0>, port: Port<T>, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.0.clear();
        self.0.add(&port);
        Ok(Demand::More)
    }
}

impl<T> Takes<usize, T> for Switch<T> {
    #[inline]
    fn on_next(&mut self, input: usize, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.0.has(input) { out.next(event) } else { Ok(Demand::More) }
    }
}
