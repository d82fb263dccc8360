//! [`Servo`]: a servo on a PWM output.
//!
//! Own code: a pulse is one multiplication, and what drivers there are want a chip of their own behind it.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use embedded_hal::pwm::SetDutyCycle;
use thingflow_core::Instant;

use super::on_change::OnChange;
use super::span::Span;
use super::{Actuator, ActuatorError};

/// A servo: it goes to an angle, which the length of a pulse tells it, and holds it as long as pulses come.
///
/// - Unit: degrees. By default 0 to 180 are pulses of 1000 to 2000 µs, which every servo survives; see
///   [`calibrated`](Self::calibrated) for the full travel of yours.
/// - Resolution: the period divided by the steps of the output. At 20 ms a PCA9685 has steps of 4.9 µs (0.9 degrees by
///   default), the kernel's of 0.3 µs, an output with 8 bits of 78 µs: too few.
/// - Angles outside of the limits are clamped, or refused by choice. What is no number is always refused.
/// - Safe state: no pulses. A servo then lets go, and what it held may fall. See [`park`](Self::park).
/// - Hazards: it goes to the first angle at full speed from wherever it stands. At a stop it draws its full current
///   (an SG90 0.7 A) and gets hot: give it a supply of its own, never the board's, and limits within its travel.
///
/// ```
/// use std::time::Duration;
/// use thingflow_adapters::actuators::{ActuatorInput, SimulatedPwm, servo::Servo};
/// use thingflow_core::prelude::*;
/// let pin = SimulatedPwm::new(20_000); // steps of a microsecond
/// let servo = Servo::new(pin.clone(), Duration::from_millis(20)).limits(0.0..=90.0);
/// pipe().to(ActuatorInput::new("flap", servo)).feed([0.0, 45.0, 170.0])?;
/// assert_eq!(pin.writes(), [0, 1000, 1250, 1500, 0]); // no more than 90 degrees, released at the end
/// # Ok::<(), RunError>(())
/// ```
///
/// Source: data sheets of the SG90 (Tower Pro) and the HS-422 (Hitec): a period of 20 ms, 1.5 ms for the middle. Driver:
/// any [`SetDutyCycle`].
pub struct Servo<P> {
    output: OnChange<P>,
    /// The period of the output in microseconds.
    period: f64,
    /// Two angles in degrees with their pulses in microseconds.
    known: [(f64, f64); 2],
    angles: Span,
    park: Option<f64>,
}

impl<P: SetDutyCycle> Servo<P> {
    /// A servo on an output of that period, mostly 20 ms.
    ///
    /// # Panics
    /// If pulses of 2 ms do not fit into the period.
    #[track_caller]
    pub fn new(output: P, period: Duration) -> Self {
        let servo = Self {
            output: OnChange::new(output),
            period: micros(period),
            known: [(0.0, 1000.0), (180.0, 2000.0)],
            angles: Span::new(0.0..=180.0, "angle"),
            park: None,
        };
        servo.assert_fits();
        servo
    }

    /// Two angles in degrees with the pulses that lead to them, the smaller angle first; the others lie on the line
    /// through both. They are the new limits. The longer pulse may be at the smaller angle, for a servo that turns the
    /// other way.
    ///
    /// # Panics
    /// If the second angle is not larger than the first, or a pulse does not fit into the period.
    #[must_use]
    #[track_caller]
    pub fn calibrated(mut self, first: (f64, Duration), second: (f64, Duration)) -> Self {
        assert!(first.0 < second.0, "the second angle is larger than the first, unlike {} and {}", first.0, second.0);
        self.known = [(first.0, micros(first.1)), (second.0, micros(second.1))];
        self.assert_fits();
        self.angles.set_range(first.0..=second.0);
        self
    }

    /// Limits in degrees, narrower than those of the servo: where the mechanics end.
    ///
    /// # Panics
    /// If they are not within the limits so far.
    #[must_use]
    #[track_caller]
    pub fn limits(mut self, angles: RangeInclusive<f64>) -> Self {
        self.angles.narrow(&angles);
        self
    }

    /// An angle outside of the limits is an error and moves nothing, instead of being clamped.
    #[must_use]
    pub fn refuse(mut self) -> Self {
        self.angles.refuse();
        self
    }

    /// The safe state is this angle, and not to let go. The pulses go on as long as the output works.
    ///
    /// # Panics
    /// If it is not within the limits.
    #[must_use]
    #[track_caller]
    pub fn park(mut self, angle: f64) -> Self {
        self.angles.assert_holds(angle);
        self.park = Some(angle);
        self
    }

    #[track_caller]
    fn assert_fits(&self) {
        let longest = self.known[0].1.max(self.known[1].1);
        assert!(longest <= self.period, "a pulse of {longest} µs does not fit into a period of {} µs", self.period);
    }

    fn go_to(&mut self, angle: f64) -> Result<(), ActuatorError<P::Error>> {
        let [(from, shortest), (to, longest)] = self.known;
        let pulse = shortest + (longest - shortest) * (angle - from) / (to - from);
        self.output.write(pulse / self.period * self.output.max())
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

impl<P: SetDutyCycle> Actuator for Servo<P> {
    type Command = f64;
    type Error = ActuatorError<P::Error>;

    fn act(&mut self, angle: f64, _: Instant) -> Result<(), Self::Error> {
        let angle = self.angles.admit(angle)?;
        self.go_to(angle)
    }
    fn make_safe(&mut self) -> Result<(), Self::Error> {
        match self.park {
            Some(angle) => self.go_to(angle),
            None => self.output.write(0.0),
        }
    }
}

impl<P> fmt::Debug for Servo<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servo").field("angles", &self.angles).field("park", &self.park).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actuators::{ActuatorInput, SimulatedPwm};
    use embedded_hal_mock::eh1::pwm::{Mock, Transaction};
    use thingflow_core::pipe;

    const PERIOD: Duration = Duration::from_millis(20);
    const fn us(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn pulses_of_1000_to_2000_microseconds_and_none_at_the_ends() {
        let mut talk = vec![Transaction::max_duty_cycle(4096)];
        talk.extend([0, 205, 307, 410, 0].map(Transaction::set_duty_cycle)); // 1.0, 1.5 and 2.0 ms of 20 ms
        let mut output = Mock::new(&talk);
        let servo = ActuatorInput::new("arm", Servo::new(output.clone(), PERIOD));
        pipe().to(servo).feed([0.0, 90.0, 180.0, 270.0]).unwrap();
        output.done();
    }

    #[test]
    fn a_calibrated_servo_that_turns_the_other_way_and_parks() {
        let output = SimulatedPwm::new(20_000);
        let servo = Servo::new(output.clone(), PERIOD).calibrated((-90.0, us(2400)), (90.0, us(600))).park(0.0);
        pipe().to(ActuatorInput::new("arm", servo)).feed([-90.0, 90.0, 45.0]).unwrap();
        assert_eq!(output.writes(), [1500, 2400, 600, 1050, 1500]);
    }

    #[test]
    fn refuses_by_choice() {
        let output = SimulatedPwm::new(20_000);
        let servo = Servo::new(output.clone(), PERIOD).limits(20.0..=160.0).refuse();
        let error = pipe().to(ActuatorInput::new("arm", servo)).feed([90.0, 170.0]).unwrap_err().to_string();
        assert_eq!(error, "actuator `arm`: it was told angle 170 and takes 20 to 160");
        assert_eq!(output.writes(), [0, 1500, 0]);
    }

    #[test]
    fn what_is_refused_stays_refused_when_it_is_calibrated() {
        let servo = Servo::new(SimulatedPwm::new(20_000), PERIOD).refuse().calibrated((0.0, us(500)), (90.0, us(1500)));
        assert!(servo.angles.admit::<()>(91.0).is_err());
    }

    #[test]
    #[should_panic(expected = "a pulse of 2000 µs does not fit into a period of 1000 µs")]
    fn a_period_that_is_too_short_is_refused() {
        Servo::new(SimulatedPwm::new(255), Duration::from_millis(1));
    }
}
