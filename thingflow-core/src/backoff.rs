//! [`Backoff`]: how long to wait before the next try, and [`Attempts`], which counts them.

use core::time::Duration;

use crate::clock::Instant;

/// The waits between tries: the first, then twice as long each time, up to the longest.
///
/// With [`jitter`](Self::jitter) each wait is shorter by a random part, so that a thousand devices whose server comes back do
/// not all knock at once. The same seed gives the same waits.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::Backoff;
/// let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
/// let waits: Vec<u128> = (1..=5).map(|failures| backoff.wait_after(failures).as_millis()).collect();
/// assert_eq!(waits, [100, 200, 400, 800, 1000]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    jitter: u8,
    seed: Option<u64>,
    lasting: Duration,
}

impl Backoff {
    /// From `first` to `longest`, without jitter.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, jitter: 0, seed: None, lasting: Duration::from_secs(60) }
    }

    /// The same wait each time.
    pub const fn constant(wait: Duration) -> Self {
        Self::new(wait, wait)
    }

    /// Makes each wait shorter by up to `percent` of it, at random; more than 100 is 100.
    pub const fn jitter(self, percent: u8) -> Self {
        Self { jitter: if percent > 100 { 100 } else { percent }, ..self }
    }

    /// Where the random part begins. A fleet gives each device its own, such as a hash of its name.
    pub const fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Where the random part begins if nothing else was said.
    #[cfg(feature = "std")]
    pub(crate) fn or_seed(self, seed: u64) -> Self {
        Self { seed: self.seed.or(Some(seed)), ..self }
    }

    /// How long a connection must have lasted for the waits to begin with the first again: a minute unless told otherwise. A
    /// server that accepts and hangs up at once is not asked again at once.
    pub const fn lasting(self, lasting: Duration) -> Self {
        Self { lasting, ..self }
    }

    /// How long to wait after so many failures in a row. After none: not at all.
    pub fn wait_after(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(1) else { return Duration::ZERO };
        let full = self.first.saturating_mul(1 << doublings.min(30)).min(self.longest);
        if self.jitter == 0 {
            return full;
        }
        let thousandths = random(self.seed.unwrap_or(0), failures) % (u64::from(self.jitter) * 10 + 1);
        full - full.mul_f64(thousandths as f64 / 1000.0)
    }

    /// Whether the next try follows at once.
    #[cfg(feature = "std")]
    pub(crate) fn is_zero(&self) -> bool {
        self.first.min(self.longest).is_zero()
    }

    /// Counts tries from now on.
    pub const fn attempts(self) -> Attempts {
        Attempts { backoff: self, failures: 0, connected: None }
    }
}

/// Counts failures in a row, and says how long to wait after each.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::{Backoff, Instant};
/// let second = Duration::from_secs(1);
/// let mut attempts = Backoff::new(second, 60 * second).attempts();
/// let mut now = Instant::ZERO;
/// assert_eq!(attempts.failed(now), second);
/// attempts.connected(now);
/// now = now + second;
/// assert_eq!(attempts.failed(now), 2 * second); // the connection lasted only a second
/// attempts.connected(now);
/// now = now + 60 * second;
/// assert_eq!(attempts.failed(now), second); // this one lasted
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    backoff: Backoff,
    failures: u32,
    connected: Option<Instant>,
}

impl Attempts {
    /// Counts a failure, of a try or of a connection: how long to wait before the next try.
    pub fn failed(&mut self, now: Instant) -> Duration {
        if let Some(since) = self.connected.take()
            && now.since(since) >= self.backoff.lasting
        {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        self.backoff.wait_after(self.failures)
    }

    /// Notes that a try has been successful. The failures are forgotten when the connection has lasted.
    pub fn connected(&mut self, now: Instant) {
        self.connected.get_or_insert(now);
    }

    /// How many failures there have been since the last connection that lasted.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

/// `SplitMix64`, a step for each failure (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
fn random(seed: u64, step: u32) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(u64::from(step)));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_shortens_within_its_part_and_is_the_same_for_the_same_seed() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(64)).jitter(25);
        let waits = |seed| [1, 2, 3, 4, 5, 6, 7, 8, 9, 30].map(|n| backoff.seed(seed).wait_after(n));
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
        let plain = Backoff::new(Duration::from_secs(1), Duration::from_secs(64));
        for (wait, n) in waits(7).into_iter().zip(1..9) {
            let full = plain.wait_after(n);
            assert!(wait <= full && wait >= full.mul_f64(0.75), "{wait:?} of {full:?}");
        }
    }

    #[test]
    fn no_number_of_failures_is_too_large() {
        let backoff = Backoff::new(Duration::MAX, Duration::MAX).jitter(200);
        assert!(backoff.wait_after(u32::MAX) <= Duration::MAX);
        assert_eq!(Backoff::constant(Duration::from_secs(3)).wait_after(u32::MAX), Duration::from_secs(3));
        let mut attempts = Backoff::constant(Duration::ZERO).attempts();
        attempts.failures = u32::MAX;
        attempts.failed(Instant::ZERO);
        assert_eq!(attempts.failures(), u32::MAX);
    }
}
