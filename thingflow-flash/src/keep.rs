//! [`Keep`]: the sink that keeps events in flash.

use core::cell::RefCell;
use core::fmt;
use core::marker::PhantomData;

use embedded_storage::nor_flash::NorFlash;
use thingflow_core::{Closed, Context, Demand, FatalError, Receipt, Sink, StreamError};

use crate::error::FlashError;
use crate::ring::FlashRing;

/// Keeps the events of a stream in a ring that others read: whoever sends the records when the host is there.
///
/// An event that does not fit is reported and left out. Flash that fails ends the run.
pub struct Keep<'r, T, F: NorFlash, const N: usize, E> {
    ring: &'r RefCell<FlashRing<F, N>>,
    encode: E,
    event: PhantomData<fn(T)>,
}

impl<'r, T, F: NorFlash, const N: usize, E: FnMut(&T, &mut [u8]) -> Option<usize>> Keep<'r, T, F, N, E> {
    /// A sink into a ring. `encode` writes an event into a buffer and says how long it is, or that it does not fit.
    pub const fn new(ring: &'r RefCell<FlashRing<F, N>>, encode: E) -> Self {
        Self { ring, encode, event: PhantomData }
    }

    fn keep(&mut self, event: &T, cx: &mut Context<'_>) -> Result<(), FatalError> {
        let Ok(mut ring) = self.ring.try_borrow_mut() else {
            return Err(cx.fatal("cannot keep an event in flash: the ring is being read; read it between two rounds"));
        };
        match ring.push_with(|buffer| (self.encode)(event, buffer)) {
            Ok(()) => Ok(()),
            Err(FlashError::TooLarge) => {
                cx.report("Keep", &StreamError::new("cannot keep an event in flash: it is too large for the ring"));
                Ok(())
            }
            Err(FlashError::Corrupted) => Err(cx.fatal("invalid contents of the flash: erase the ring")),
            Err(FlashError::Flash(_) | FlashError::Range) => Err(cx.fatal("cannot write to the flash")),
        }
    }
}

impl<T, F: NorFlash, const N: usize, E: FnMut(&T, &mut [u8]) -> Option<usize>> Sink for Keep<'_, T, F, N, E> {
    type Event = T;
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.keep(&event, cx)?;
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("Keep", &error);
        Ok(())
    }
}

impl<T, F: NorFlash, const N: usize, E> fmt::Debug for Keep<'_, T, F, N, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keep")
    }
}
