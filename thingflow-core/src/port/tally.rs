//! [`Tally`]: how many events a port has sent, what is to be done before or after the next dispatch, and whether the port
//! has ended.

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

/// Where the bits begin. What is below counts: at ten million events a second it is full after two hundred years.
const BITS: u32 = u64::BITS - u8::BITS;

/// A count and bits in one word, so that an event is counted and sees what is pending by one look. The two lowest bits are
/// free for a receipt.
#[derive(Debug, Default)]
pub(super) struct Tally(Cell<u64>);

impl Tally {
    /// Whether all is as usual: an event goes its way at once.
    #[inline(always)]
    pub(super) fn is_usual(&self) -> bool {
        self.bits() == 0
    }

    fn bits(&self) -> u8 {
        (self.0.get() >> BITS) as u8
    }

    /// How many events were counted.
    pub(super) fn events(&self) -> u64 {
        self.0.get() & !(u64::from(u8::MAX) << BITS)
    }

    /// Counts an event that has been sent. What is pending, with the bits of its receipt: the usual one has none.
    #[inline(always)]
    pub(super) fn count(&self, receipt: &Receipt) -> u64 {
        let counted = self.0.get() + 1;
        self.0.set(counted);
        let receipt = match receipt {
            Ok(Demand::More) => 0,
            Ok(Demand::Full) => 1,
            Ok(Demand::Done) => 2,
            Err(_) => 3,
        };
        receipt | counted >> BITS
    }

    /// Whether something is to be done.
    pub(super) fn is_any(&self) -> bool {
        self.bits() & !CLOSED != 0
    }

    pub(super) fn has(&self, bit: u8) -> bool {
        self.bits() & bit != 0
    }

    pub(super) fn note(&self, bit: u8) {
        self.0.set(self.0.get() | u64::from(bit) << BITS);
    }

    /// What is to be done, which from now on is done.
    pub(super) fn take(&self) -> u8 {
        let bits = self.bits();
        self.0.set(self.0.get() & !(u64::from(!CLOSED) << BITS));
        bits & !CLOSED
    }

    pub(super) fn close(&self) {
        self.note(CLOSED);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.has(CLOSED)
    }
}

/// The receipt among bits.
pub(super) fn receipt(bits: u64) -> Receipt {
    match bits & 3 {
        0 => Ok(Demand::More),
        1 => Ok(Demand::Full),
        2 => Ok(Demand::Done),
        _ => Err(FatalError(())),
    }
}
