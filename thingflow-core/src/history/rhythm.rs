//! [`Rhythm`]: rate and jitter of a stream, and when the samples of a block were taken.

use core::fmt;
use core::time::Duration;

use crate::clock::Instant;
use crate::size::Size;

/// Measures the rhythm of samples from when they arrive, alone or in blocks: their period by our clock, the jitter of their
/// arrivals, and an estimate of when each sample was taken.
///
/// For a device with a clock of its own, which drifts against ours, and which hands out its samples in blocks: an ADC with a
/// FIFO, an audio card, a radio. No sample may be lost, or their number must be given all the same.
///
/// # The method
///
/// A straight line through the arrivals, by least squares: the number of samples so far against the time at which the last of
/// them had come. Older arrivals count less and less, with a memory of so many [arrivals](Self::over). The slope is the
/// period, whatever the device's clock says; the line is the time of a sample. All sums are taken relative to the last arrival,
/// so they lose no digits however long the stream is.
///
/// # Its error
///
/// - Jitter of the arrivals, if it is independent from one to the next: the standard error of a time is
///   `j · √(1/n + (x - m)²/S)`, with the jitter `j` (root mean square), the effective number of arrivals `n`, and the place of
///   the sample `x` among those of the arrivals, which have the mean `m` and the sum of squares `S`. [`Block::error`] is
///   this for the last sample. With a memory of 256 arrivals it is about `j / 8`.
/// - The mean delay between a sample and its arrival cannot be seen from the arrivals: all times are later by it. Subtract it,
///   if you know it.
/// - A change of the period shows after some memories of arrivals; until then times are off by up to the change times the
///   samples of a memory.
///
/// ```
/// use core::time::Duration;
/// use thingflow_core::Instant;
/// use thingflow_core::history::Rhythm;
/// let mut adc = Rhythm::over(64);
/// let mut arrived = Instant::ZERO;
/// for _ in 0..100 {
///     arrived = arrived + Duration::from_micros(32 * 1001); // 32 samples, by a clock that is slow by 0.1 %
///     let block = adc.arrived(arrived, 32);
///     assert_eq!(block.times().count(), 32);
/// }
/// let period = adc.period().unwrap();
/// assert!(period.abs_diff(Duration::from_micros(1001)) < Duration::from_nanos(2));
/// assert!(adc.jitter().unwrap() < Duration::from_nanos(100));
/// ```
#[derive(Clone, Debug)]
pub struct Rhythm {
    /// What is left of the weight of an arrival after the next one.
    fade: f64,
    nominal: Option<f64>,
    restart_after: Duration,
    last: Option<Instant>,
    samples: u64,
    fit: Fit,
}

/// A straight line through weighted points, whose origin is the last of them.
#[derive(Clone, Copy, Debug, Default)]
struct Fit {
    weight: f64,
    /// The sum of the squares of the weights.
    weight2: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Fit {
    /// Moves the origin by a step, and adds it as a point.
    fn add(&mut self, step: (f64, f64), fade: f64) {
        self.weight = self.weight * fade + 1.0;
        self.weight2 = self.weight2 * fade * fade + 1.0;
        // The mean moves towards the new point at the origin by its share of the weight.
        let (x, y) = (-(self.x - step.0), -(self.y - step.1));
        let share = 1.0 - 1.0 / self.weight;
        self.xx = self.xx * fade + x * x * share;
        self.xy = self.xy * fade + x * y * share;
        self.yy = self.yy * fade + y * y * share;
        (self.x, self.y) = (-x * share, -y * share);
    }

    fn slope(&self) -> Option<f64> {
        (self.xx > 0.0).then(|| self.xy / self.xx)
    }

    /// The mean square of the distances from the line.
    fn variance(&self, slope: f64) -> f64 {
        (self.yy - slope * self.xy).max(0.0) / self.weight
    }
}

impl Rhythm {
    /// With a memory of so many arrivals: the longer, the steadier, and the slower to follow a clock that changes.
    #[track_caller]
    pub fn over(arrivals: impl Into<Size>) -> Self {
        #[allow(clippy::cast_precision_loss)] // a memory of 2^53 arrivals
        let fade = 1.0 - 1.0 / arrivals.into().get() as f64;
        Self { fade, nominal: None, restart_after: Duration::MAX, last: None, samples: 0, fit: Fit::default() }
    }

    /// The period that the data sheet states: used until two arrivals have shown another one, and what
    /// [`drift`](Self::drift) is relative to.
    #[must_use]
    pub fn nominal(self, period: Duration) -> Self {
        Self { nominal: Some(period.as_secs_f64()), ..self }
    }

    /// Begins anew when nothing has arrived for longer than this: samples may have been lost.
    #[must_use]
    pub fn restart_after(self, silence: Duration) -> Self {
        Self { restart_after: silence, ..self }
    }

    /// Notes that `samples` samples arrived at `at`; the last of them is the newest.
    pub fn arrived(&mut self, at: Instant, samples: u32) -> Block {
        let silence = self.last.map_or(Duration::ZERO, |last| at.since(last));
        if silence > self.restart_after {
            (self.samples, self.last, self.fit) = (0, None, Fit::default());
        }
        let step = self.last.map_or((0.0, 0.0), |last| {
            (f64::from(samples), at.since(last).as_secs_f64() - last.since(at).as_secs_f64())
        });
        self.fit.add(step, self.fade);
        (self.last, self.samples) = (Some(at), self.samples + u64::from(samples));
        let period = self.period_secs();
        let offset = self.fit.y - period.unwrap_or(0.0) * self.fit.x;
        Block { at, samples, period: period.unwrap_or(0.0), offset, error: self.error_of_last() }
    }

    /// How many samples have arrived since the beginning.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// The time from one sample to the next by our clock; the nominal one while there has been but one arrival.
    pub fn period(&self) -> Option<Duration> {
        self.period_secs().and_then(|secs| Duration::try_from_secs_f64(secs).ok())
    }

    /// Samples a second, by our clock.
    #[doc(alias = "frequency")]
    pub fn rate(&self) -> Option<f64> {
        self.period_secs().filter(|period| *period > 0.0).map(f64::recip)
    }

    /// How much slower the device's clock is than its nominal period says, in parts per million; negative if it is faster.
    pub fn drift(&self) -> Option<f64> {
        Some((self.fit.slope()? / self.nominal? - 1.0) * 1e6)
    }

    /// How far arrivals are from an even rhythm: root mean square. From the third arrival on.
    pub fn jitter(&self) -> Option<Duration> {
        let secs = root(self.fit.variance(self.fit.slope()?));
        (self.effective() > 2.0 || self.fade == 0.0).then(|| Duration::try_from_secs_f64(secs).ok())?
    }

    fn period_secs(&self) -> Option<f64> {
        self.fit.slope().filter(|slope| *slope >= 0.0).or(self.nominal)
    }

    /// As many arrivals of equal weight would be as good.
    fn effective(&self) -> f64 {
        if self.fit.weight2 > 0.0 { self.fit.weight * self.fit.weight / self.fit.weight2 } else { 0.0 }
    }

    fn error_of_last(&self) -> Option<Duration> {
        let jitter = self.jitter()?.as_secs_f64();
        let share = 1.0 / self.effective() + self.fit.x * self.fit.x / self.fit.xx;
        Duration::try_from_secs_f64(jitter * root(share)).ok()
    }
}

/// The times of the samples that arrived together, as estimated when they did.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    at: Instant,
    samples: u32,
    period: f64,
    /// From the arrival to the last sample, in seconds.
    offset: f64,
    error: Option<Duration>,
}

impl Block {
    /// When a sample was taken, the first of them being 0.
    pub fn time(&self, sample: u32) -> Instant {
        let back = f64::from(self.samples.saturating_sub(1).saturating_sub(sample));
        moved(self.at, self.offset - back * self.period)
    }

    /// When each of the samples was taken, the oldest first.
    pub fn times(&self) -> impl Iterator<Item = Instant> + '_ {
        (0..self.samples).map(|sample| self.time(sample))
    }

    /// The standard error of the last time, see [`Rhythm`]. Not known before the third arrival.
    pub fn error(&self) -> Option<Duration> {
        self.error
    }
}

/// An instant so many seconds later, or earlier.
fn moved(at: Instant, secs: f64) -> Instant {
    let by = Duration::try_from_secs_f64(secs.abs()).unwrap_or(Duration::ZERO);
    if secs >= 0.0 {
        return at + by;
    }
    Instant::from_nanos(at.as_nanos().saturating_sub(crate::clock::nanos(by)))
}

/// A square root without `std`: Newton's method, to the last digits.
fn root(square: f64) -> f64 {
    if square <= 0.0 || !square.is_finite() {
        return 0.0;
    }
    // Half of the exponent is a first guess that is right to a factor of two.
    let guess = f64::from_bits((square.to_bits() >> 1) + (1023 << 51));
    (0..5).fold(guess, |guess, _| 0.5 * (guess + square / guess))
}

impl fmt::Display for Rhythm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.rate(), self.jitter()) {
            (Some(rate), Some(jitter)) => write!(f, "{rate:.3} samples a second, jitter {jitter:.1?}"),
            (Some(rate), None) => write!(f, "{rate:.3} samples a second"),
            (None, _) => f.write_str("not known yet"),
        }
    }
}
