//! `race(inputs)`: follows the input that is the first to send something, and lets the others go.
//!
//! Holds nothing.

use core::marker::PhantomData;

use super::rule::{Index, Rule, Takes};
use crate::error::StreamError;
use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use {
    super::{Inputs, Join, Wire},
    crate::port::Connection,
    alloc::vec::Vec,
};

/// Sends the events of the input that is the first to send one, or to end. The others are disconnected at once. One that is
/// gone without an end, because its source was cancelled or its connection disconnected, is out of the race: the others go on
/// without it, and only when all are gone has the join completed.
///
/// ```
/// use thingflow_core::{joins, prelude::*, testing::Recorder};
/// let (main, spare, seen) = (Port::new(), Port::new(), Recorder::new());
/// joins::race([&main, &spare]).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// spare.emit(1, cx)?;
/// main.emit(2, cx)?;
/// spare.emit(3, cx)?;
/// spare.complete(cx)?;
/// assert_eq!(seen.text(), "1 3 |");
/// # Ok::<(), FatalError>(())
/// ```
#[cfg(feature = "alloc")]
pub fn race<I, T>(inputs: I) -> Join<I, Race<T>>
where
    I: Inputs + Wire<Race<T>>,
{
    Join::of(inputs, Race::default())
}

/// Made by [`race`](super::Joins::race), or by `default` without an allocator. There the others are not disconnected, but
/// their events are left out.
#[derive(Clone, Debug)]
pub struct Race<T> {
    winner: Option<usize>,
    #[cfg(feature = "alloc")]
    connections: Vec<Connection>,
    /// How many are out of the race.
    #[cfg(feature = "alloc")]
    gone: usize,
    events: PhantomData<T>,
}

impl<T> Default for Race<T> {
    fn default() -> Self {
        Self {
            winner: None,
            #[cfg(feature = "alloc")]
            connections: Vec::new(),
            #[cfg(feature = "alloc")]
            gone: 0,
            events: PhantomData,
        }
    }
}

impl<T> Race<T> {
    /// Whether this input is the one. If there was none yet, it is.
    #[inline]
    fn follows(&mut self, input: usize) -> bool {
        if self.winner.is_none() {
            self.win(input);
        }
        self.winner == Some(input)
    }

    /// Whether there is such an input, as far as that is known.
    fn is_there(&self, _input: usize) -> bool {
        #[cfg(feature = "alloc")]
        return self.connections.is_empty() || _input < self.connections.len();
        #[cfg(not(feature = "alloc"))]
        true
    }

    #[cold]
    fn win(&mut self, input: usize) {
        self.winner = Some(input);
        #[cfg(feature = "alloc")]
        for (other, connection) in core::mem::take(&mut self.connections).into_iter().enumerate() {
            if other != input {
                connection.disconnect();
            }
        }
    }
}

impl<T> Rule for Race<T> {
    type Out = T;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.follows(input) { out.finish() } else { Ok(Demand::More) }
    }
    fn on_error(&mut self, input: usize, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.follows(input) { out.fail(error) } else { Ok(Demand::More) }
    }
    #[cfg(feature = "alloc")]
    fn on_gone(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.gone += 1;
        let is_over = self.winner.map_or(self.gone == self.connections.len(), |winner| winner == input);
        if is_over { out.finish() } else { Ok(Demand::More) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let mut winner = self.winner;
        winner.on_state("winner", state);
        match winner {
            _ if winner == self.winner => {}
            Some(input) if self.winner.is_none() && self.is_there(input) => self.win(input),
            _ => state.refuse("race"),
        }
    }
    #[cfg(feature = "alloc")]
    fn connected(&mut self, inputs: &[Connection]) {
        self.connections = inputs.to_vec();
    }
}

impl<I: Index, T> Takes<I, T> for Race<T> {
    #[inline]
    fn on_next(&mut self, input: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.follows(input.number()) { out.next(event) } else { Ok(Demand::More) }
    }
}
