//! [`Pending`]: what is to be done before or after the next dispatch, and whether the port has ended.

use core::cell::Cell;

use crate::error::FatalError;
use crate::thing::{Demand, Receipt};

pub(super) const START: u8 = 1 << 2;
pub(super) const WAITING: u8 = 1 << 3;
pub(super) const JOINED: u8 = 1 << 4;
pub(super) const LEFT: u8 = 1 << 5;
pub(super) const FULL: u8 = 1 << 6;
/// The port has ended. It stays.
const CLOSED: u8 = 1 << 7;

/// Bits, in one byte so that one test serves all of them. The two lowest are free for a receipt.
#[derive(Debug, Default)]
pub(super) struct Pending(Cell<u8>);

impl Pending {
    /// Whether all is as usual: an event goes its way at once.
    #[inline(always)]
    pub(super) fn is_usual(&self) -> bool {
        self.0.get() == 0
    }

    /// All bits, with those of a receipt. The usual receipt has none.
    #[inline(always)]
    pub(super) fn with(&self, receipt: &Receipt) -> usize {
        let receipt = match receipt {
            Ok(Demand::More) => 0,
            Ok(Demand::Full) => 1,
            Ok(Demand::Done) => 2,
            Err(_) => 3,
        };
        receipt | usize::from(self.0.get())
    }

    /// Whether something is to be done.
    pub(super) fn is_any(&self) -> bool {
        self.0.get() & !CLOSED != 0
    }

    pub(super) fn has(&self, bit: u8) -> bool {
        self.0.get() & bit != 0
    }

    pub(super) fn note(&self, bit: u8) {
        self.0.set(self.0.get() | bit);
    }

    /// What is to be done, which from now on is done.
    pub(super) fn take(&self) -> u8 {
        self.0.replace(self.0.get() & CLOSED) & !CLOSED
    }

    pub(super) fn close(&self) {
        self.note(CLOSED);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.has(CLOSED)
    }
}

/// The receipt among bits.
pub(super) fn receipt(bits: usize) -> Receipt {
    match bits & 3 {
        0 => Ok(Demand::More),
        1 => Ok(Demand::Full),
        2 => Ok(Demand::Done),
        _ => Err(FatalError(())),
    }
}
