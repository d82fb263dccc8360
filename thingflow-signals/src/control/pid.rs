//! [`Pid`]: the usual controller.

use core::ops::RangeInclusive;
use core::time::Duration;

use thingflow_core::{Instant, StateVisitor};

use crate::processor::Processor;
use crate::remembered::finite;
use crate::time::Elapsed;

/// A controller by the difference from a setpoint, its sum and its slope. Samples are what is measured; it sends the output.
///
/// - The output stays within its limits, and the sum does not grow while the output is at a limit and the sum would push it
///   further: no windup.
/// - The slope is taken of what is measured, not of the difference, so that a new setpoint makes no kick; a low pass calms it.
/// - A change by hand goes without a bump: [`follow`](Self::follow) tells the controller what the output is meanwhile.
/// - After a silence that is longer than [`longest_gap`](Self::longest_gap) the sum and the slope begin anew with the next
///   sample: who knows what has happened meanwhile.
///
/// Time is that of the samples: of sensor events their own. Where the wall clock may be set while a machine runs, send plain
/// numbers, which have the scheduler's time: `.map(|event| event.val)`.
///
/// ```
/// use thingflow_core::Instant;
/// use thingflow_signals::{control::Pid, prelude::*};
/// // A heater of 0 to 100 %, a room that loses a part of its warmth each second.
/// let mut heater = Pid::new(8.0, 0.4, 0.0, 0.0..=100.0).setpoint(21.0);
/// let mut room = 15.0;
/// for second in 0..2000 {
///     let percent = heater.process(room, Instant::from_nanos(second * 1_000_000_000)).unwrap();
///     room += 0.002 * percent - 0.01 * (room - 10.0);
/// }
/// assert!((room - 21.0).abs() < 0.01);
/// ```
#[derive(Clone, Debug)]
pub struct Pid {
    proportional: f64,
    integral: f64,
    derivative: f64,
    limits: RangeInclusive<f64>,
    setpoint: f64,
    smoothing: f64,
    longest_gap: Duration,
    sum: f64,
    slope: f64,
    before: Option<f64>,
    elapsed: Elapsed,
}

impl Pid {
    /// Gains: `proportional` in output a unit of what is measured, `integral` the same in a second, `derivative` the same times
    /// seconds (the parallel form; of the standard form with Ti and Td they are Kp, Kp / Ti, Kp · Td). All are positive where
    /// more output raises what is measured, and negative where it lowers it, as for cooling. The setpoint is 0.
    ///
    /// # Panics
    /// If a gain is not finite, or the range of the output is empty.
    #[track_caller]
    pub fn new(proportional: f64, integral: f64, derivative: f64, limits: RangeInclusive<f64>) -> Self {
        let gains = [proportional, integral, derivative];
        assert!(gains.iter().all(|gain| gain.is_finite()), "the gains of a controller are finite, not {gains:?}");
        assert!(limits.start() <= limits.end(), "an output of {limits:?} is none: the lower limit comes first");
        Self {
            proportional,
            integral,
            derivative,
            limits,
            setpoint: 0.0,
            smoothing: 0.0,
            longest_gap: Duration::MAX,
            sum: 0.0,
            slope: 0.0,
            before: None,
            elapsed: Elapsed::default(),
        }
    }

    /// Where what is measured ought to be.
    #[must_use]
    pub fn setpoint(mut self, setpoint: f64) -> Self {
        self.set(setpoint);
        self
    }

    /// Smooths the slope by a low pass with this time constant; a tenth of derivative / proportional is usual.
    #[must_use]
    pub fn smoothing(self, time_constant: Duration) -> Self {
        Self { smoothing: time_constant.as_secs_f64(), ..self }
    }

    /// How long a silence may be.
    #[must_use]
    pub fn longest_gap(self, longest_gap: Duration) -> Self {
        Self { longest_gap, ..self }
    }

    /// Changes the setpoint while the controller runs. One that is not finite is left out.
    pub fn set(&mut self, setpoint: f64) {
        if setpoint.is_finite() {
            self.setpoint = setpoint;
        }
    }

    /// Tells the controller the output that is in force, by hand or by another controller, with what is measured now: it goes
    /// on from there. Numbers that are not finite are left out.
    pub fn follow(&mut self, output: f64, measured: f64, at: Instant) {
        if !output.is_finite() || !measured.is_finite() {
            return;
        }
        self.observe(measured, at);
        let sum = self.limit(output) - self.proportional * (self.setpoint - measured) + self.derivative * self.slope;
        if sum.is_finite() {
            self.sum = sum;
        }
    }

    /// Takes what is measured; gives the seconds since the last sample, if they count.
    fn observe(&mut self, measured: f64, at: Instant) -> f64 {
        let seconds = self.elapsed.since_last(at).filter(|seconds| *seconds <= self.longest_gap.as_secs_f64());
        let Some((before, seconds)) = self.before.replace(measured).zip(seconds) else {
            self.slope = 0.0;
            return 0.0;
        };
        if seconds > 0.0 {
            let slope = (measured - before) / seconds;
            self.slope += seconds / (self.smoothing + seconds) * (slope - self.slope);
        }
        if !self.slope.is_finite() {
            self.slope = 0.0; // beyond the range of a float: it begins anew
        }
        seconds
    }

    fn limit(&self, output: f64) -> f64 {
        output.clamp(*self.limits.start(), *self.limits.end())
    }
}

impl Processor for Pid {
    type Out = f64;
    fn process(&mut self, value: f64, at: Instant) -> Option<f64> {
        let seconds = self.observe(value, at);
        let error = self.setpoint - value;
        let rest = self.proportional * error - self.derivative * self.slope;
        let grown = self.sum + self.integral * error * seconds;
        let wanted = rest + grown;
        if wanted.is_nan() {
            return None; // an infinite share against another one: nobody knows the sum
        }
        let is_windup =
            (wanted > *self.limits.end() && grown > self.sum) || (wanted < *self.limits.start() && grown < self.sum);
        if !is_windup && grown.is_finite() {
            self.sum = grown;
        }
        Some(self.limit(rest + self.sum))
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        finite(state, "setpoint", &mut self.setpoint);
        finite(state, "sum", &mut self.sum);
        finite(state, "slope", &mut self.slope);
        // Not the last sample and its time: while the program was down nothing was controlled, and nothing is summed up.
    }
}
