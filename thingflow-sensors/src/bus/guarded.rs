//! [`Guarded`]: an I2C bus that repeats disturbed transfers, counts them, and has itself freed when it is stuck.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::{Error, ErrorKind, ErrorType, I2c, Operation};
use thingflow_core::Instant;

/// An I2C bus with a guard. Everything is off until it is asked for.
///
/// ```
/// use embedded_hal::{delay::DelayNs, digital::OutputPin, i2c::I2c};
/// use thingflow_sensors::bus::Guarded;
/// /// A bus whose chips are off for a moment after three lost transfers in a row.
/// fn guarded<B: I2c>(bus: B, mut power: impl OutputPin, mut delay: impl DelayNs) -> impl I2c<Error = B::Error> {
///     Guarded::new(bus).retries(1).recover_after(3, move |_: &mut B| {
///         if power.set_low().is_ok() {
///             delay.delay_ms(100);
///         }
///         let _ = power.set_high(); // else it helps no more than before
///     })
/// }
/// ```
pub struct Guarded<B, H = NoHelp> {
    bus: B,
    retries: u8,
    limit: Option<Limit>,
    help: H,
    help_after: u32,
    stuck_in_a_row: u32,
    stats: BusStats,
}

/// What a [`Guarded`] bus has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusStats {
    /// Transfers asked for.
    pub transfers: u64,
    /// Attempts that failed, repeated ones included.
    pub failures: u64,
    /// Transfers that failed with all their repetitions.
    pub lost: u64,
    /// How often help was called.
    pub recoveries: u64,
    /// Attempts that took longer than the limit.
    pub slow: u64,
}

#[derive(Clone, Copy)]
struct Limit {
    longest: Duration,
    now: fn() -> Instant,
}

/// Frees a stuck bus. Every `FnMut(&mut B)` is one.
pub trait Help<B> {
    /// Frees it, or tries to.
    fn free(&mut self, bus: &mut B);
}

impl<B, F: FnMut(&mut B)> Help<B> for F {
    fn free(&mut self, bus: &mut B) {
        self(bus);
    }
}

/// Nobody to help.
#[derive(Clone, Copy, Debug)]
pub struct NoHelp;

impl<B> Help<B> for NoHelp {
    fn free(&mut self, _: &mut B) {}
}

impl<B: I2c> Guarded<B> {
    /// A bus that is watched only.
    pub fn new(bus: B) -> Self {
        let stats = BusStats::default();
        Self { bus, retries: 0, limit: None, help: NoHelp, help_after: u32::MAX, stuck_in_a_row: 0, stats }
    }
}

impl<B: I2c, H: Help<B>> Guarded<B, H> {
    /// Repeats a transfer that failed, at most so many times. What a failed read has taken off a chip's memory is lost
    /// all the same: sensors that give a [`Batch`](crate::Batch) say what that means for them.
    #[must_use]
    pub fn retries(self, retries: u8) -> Self {
        Self { retries, ..self }
    }

    /// Does not repeat a transfer whose attempts have taken longer than `longest`, and counts them. It cannot interrupt
    /// one. `now` reads a clock that does not go back: `|| SystemClock.now()` where there is `std`.
    #[must_use]
    pub fn timeout(self, longest: Duration, now: fn() -> Instant) -> Self {
        Self { limit: Some(Limit { longest, now }), ..self }
    }

    /// Calls `help` after so many lost transfers in a row. A chip that does not answer is no sign of a stuck bus and
    /// does not count. On Linux a pin that takes the chips' power away helps, or an adapter on USB is opened anew; what
    /// does not help, and why, says `bus::linux`. On a microcontroller see [`unstick`](super::unstick).
    #[must_use]
    pub fn recover_after<H2: FnMut(&mut B)>(self, lost_in_a_row: u32, help: H2) -> Guarded<B, H2> {
        let Self { bus, retries, limit, stuck_in_a_row, stats, .. } = self;
        Guarded { bus, retries, limit, help, help_after: lost_in_a_row.max(1), stuck_in_a_row, stats }
    }

    /// What it has seen so far.
    pub fn stats(&self) -> BusStats {
        self.stats
    }

    /// The bus itself.
    pub fn into_inner(self) -> B {
        self.bus
    }

    fn transfer(&mut self, mut attempt: impl FnMut(&mut B) -> Result<(), B::Error>) -> Result<(), B::Error> {
        self.stats.transfers += 1;
        let started = self.limit.map(|limit| (limit.now)());
        let mut left = self.retries;
        loop {
            let outcome = attempt(&mut self.bus);
            let in_time = self.is_in_time(started);
            self.stats.slow += u64::from(!in_time);
            match outcome {
                Ok(()) => {
                    self.stuck_in_a_row = 0;
                    return Ok(());
                }
                Err(error) => {
                    self.stats.failures += 1;
                    if left == 0 || !in_time {
                        self.lost(error.kind());
                        return Err(error);
                    }
                    left -= 1;
                }
            }
        }
    }

    fn is_in_time(&self, started: Option<Instant>) -> bool {
        match (self.limit, started) {
            (Some(limit), Some(started)) => (limit.now)().since(started) <= limit.longest,
            _ => true,
        }
    }

    fn lost(&mut self, kind: ErrorKind) {
        self.stats.lost += 1;
        if matches!(kind, ErrorKind::NoAcknowledge(_)) {
            self.stuck_in_a_row = 0; // somebody could say no: the lines move
            return;
        }
        self.stuck_in_a_row += 1;
        if self.stuck_in_a_row >= self.help_after {
            self.stuck_in_a_row = 0;
            self.stats.recoveries += 1;
            self.help.free(&mut self.bus);
        }
    }
}

impl<B: ErrorType, H> ErrorType for Guarded<B, H> {
    type Error = B::Error;
}

impl<B: I2c, H: Help<B>> I2c for Guarded<B, H> {
    fn read(&mut self, address: u8, read: &mut [u8]) -> Result<(), B::Error> {
        self.transfer(|bus| bus.read(address, read))
    }
    fn write(&mut self, address: u8, write: &[u8]) -> Result<(), B::Error> {
        self.transfer(|bus| bus.write(address, write))
    }
    fn write_read(&mut self, address: u8, write: &[u8], read: &mut [u8]) -> Result<(), B::Error> {
        self.transfer(|bus| bus.write_read(address, write, read))
    }
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), B::Error> {
        self.transfer(|bus| bus.transaction(address, operations))
    }
}

impl<B, H> fmt::Debug for Guarded<B, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("stats", &self.stats).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::i2c::NoAcknowledgeSource;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use std::cell::Cell;

    const STUCK: ErrorKind = ErrorKind::ArbitrationLoss;
    const NOBODY: ErrorKind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);

    fn read(outcome: Option<ErrorKind>) -> Transaction {
        let read = Transaction::write_read(0x48, vec![0], vec![7]);
        outcome.map_or(read.clone(), |error| read.with_error(error))
    }
    fn ask(bus: &mut impl I2c) -> bool {
        bus.write_read(0x48, &[0], &mut [0]).is_ok()
    }

    #[test]
    fn repeats_and_counts() {
        let mut mock = Mock::new(&[read(Some(STUCK)), read(None), read(Some(STUCK)), read(Some(NOBODY))]);
        let mut bus = Guarded::new(mock.clone()).retries(1);
        assert!(ask(&mut bus));
        assert!(!ask(&mut bus));
        assert_eq!(bus.stats(), BusStats { transfers: 2, failures: 3, lost: 1, ..BusStats::default() });
        mock.done();
    }

    #[test]
    fn calls_for_help_when_the_bus_is_stuck_and_not_for_a_missing_chip() {
        let outcomes = [Some(STUCK), Some(NOBODY), Some(STUCK), None, Some(STUCK), Some(STUCK), None];
        let mut mock = Mock::new(&outcomes.map(read));
        let called = Cell::new(0);
        let mut bus = Guarded::new(mock.clone()).recover_after(2, |_: &mut Mock| called.set(called.get() + 1));
        let answered = outcomes.map(|_| ask(&mut bus));
        assert_eq!(answered, [false, false, false, true, false, false, true]);
        assert_eq!((called.get(), bus.stats().recoveries, bus.stats().lost), (1, 1, 5));
        mock.done();
    }

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }

    /// Each look at the clock takes 40 ms.
    fn slow_clock() -> Instant {
        NOW.set(NOW.get() + 40_000_000);
        Instant::from_nanos(NOW.get())
    }

    #[test]
    fn does_not_repeat_what_has_taken_too_long() {
        let mut mock = Mock::new(&[read(Some(STUCK)), read(Some(STUCK)), read(Some(STUCK))]);
        let mut bus = Guarded::new(mock.clone()).retries(9).timeout(Duration::from_millis(100), slow_clock);
        assert!(!ask(&mut bus));
        assert_eq!(bus.stats(), BusStats { transfers: 1, failures: 3, lost: 1, slow: 1, ..BusStats::default() });
        mock.done();
    }
}
