//! `exhaust()`: follows one port of a stream of ports to its end, and drops those that come meanwhile.
//!
//! Holds one connection.

use super::nested::{Nested, Nests};
use super::rule::{At, Rule, Takes};
use crate::port::Port;
use crate::state::StateVisitor;
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Made by [`exhaust`](super::Joins::exhaust).
///
/// A port that comes while another one is followed is left out, and so is what is to be
/// [made on the spot](crate::Elementwise::begin_each) for it. It completes when the stream of ports and the one that is
/// followed have ended.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::{Recorder, timed};
/// # let second = Duration::from_secs(1);
/// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
/// let pressed = timed([(1.0, 'a'), (1.5, 'b'), (4.0, 'c')]).output(); // a button
/// pressed.begin_each(move |key| interval(second).take(2).map(move |n| (key, n))).exhaust().connect(seen.clone());
/// scheduler.schedule_recurring(pressed)?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "('a', 0)@2 ('a', 1)@3 ('c', 0)@5 ('c', 1)@6 |@6");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Exhaust<T>(Nested<T>);

impl<T> Exhaust<T> {
    pub(super) fn new() -> Self {
        Self(Nested::default())
    }
}

impl<T> Nests<T> for Exhaust<T> {
    fn ports(&mut self) -> &mut Nested<T> {
        &mut self.0
    }
}

impl<T> Rule for Exhaust<T> {
    type Out = T;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.0.end(input);
        if self.0.is_over() { out.finish() } else { Ok(Demand::More) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state("exhaust", state);
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind || input == 0
    }
}

impl<T> Takes<At<0>, Port<T>> for Exhaust<T> {
    fn on_next(&mut self, _: At<0>, port: Port<T>, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.0.count() == 0 {
            self.0.add(&port);
        }
        Ok(Demand::More)
    }
}

impl<T> Takes<usize, T> for Exhaust<T> {
    #[inline]
    fn on_next(&mut self, _: usize, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
}
