//! `merge_all()`: send the events of all ports of a stream of ports.
//!
//! Holds one connection an open port.

use super::nested::{Nested, Nests};
use super::rule::{At, Rule, Takes};
use crate::port::Port;
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Made by [`merge_all`](super::Joins::merge_all).
///
/// Every port is connected when it comes. It completes when the stream of ports and all of them have ended.
///
/// ```
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let (rooms, hall, attic, seen) = (Port::new(), Port::new(), Port::new(), Recorder::new());
/// rooms.merge_all().connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// rooms.emit(hall.clone(), cx)?;
/// hall.emit(19, cx)?;
/// rooms.emit(attic.clone(), cx)?;
/// attic.emit(14, cx)?;
/// hall.emit(20, cx)?;
/// assert_eq!(seen.events(), [19, 14, 20]);
/// # Ok::<(), FatalError>(())
/// ```
#[derive(Debug)]
pub struct MergeAll<T>(Nested<T>);

impl<T> MergeAll<T> {
    pub(super) fn new() -> Self {
        Self(Nested::default())
    }
}

impl<T> Nests<T> for MergeAll<T> {
    fn ports(&mut self) -> &mut Nested<T> {
        &mut self.0
    }
}

impl<T> Rule for MergeAll<T> {
    type Out = T;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.0.end(input);
        if self.0.is_over() { out.finish() } else { Ok(Demand::More) }
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind || input == 0
    }
}

impl<T> Takes<At<0>, Port<T>> for MergeAll<T> {
    fn on_next(&mut self, _: At<0>, port: Port<T>, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.0.add(&port);
        Ok(Demand::More)
    }
}

impl<T> Takes<usize, T> for MergeAll<T> {
    #[inline]
    fn on_next(&mut self, _: usize, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
}
