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
/// The order of the methods does not matter. What does not fit together is refused: at the call, or by
/// [`start`](Actuator::start) if it does not fit the travel of a servo that is not calibrated.
///
/// Source: data sheets of the SG90 (Tower Pro) and the HS-422 (Hitec): a period of 20 ms, 1.5 ms for the middle. Driver:
/// any [`SetDutyCycle`].
pub struct Servo<P> {
    output: OnChange<P>,
    /// The period of the output in microseconds.
    period: f64,
    /// Two angles in degrees with their pulses in microseconds, if they have been measured.
    calibrated: Option<Travel>,
    limits: Option<RangeInclusive<f64>>,
    park: Option<f64>,
    refuses: bool,
}

/// Two angles in degrees with their pulses in microseconds.
type Travel = [(f64, f64); 2];
const USUAL: Travel = [(0.0, 1000.0), (180.0, 2000.0)];

impl<P: SetDutyCycle> Servo<P> {
    /// A servo on an output of that period, mostly 20 ms. An output that knows its period makes a servo by itself:
    /// [`SysfsPwm::servo`](super::sysfs_pwm::SysfsPwm::servo), `Pca9685::servo`.
    ///
    /// # Panics
    /// If pulses of 2 ms do not fit into the period.
    #[track_caller]
    pub fn new(output: P, period: Duration) -> Self {
        let servo = Self {
            output: OnChange::new(output),
            period: micros(period),
            calibrated: None,
            limits: None,
            park: None,
            refuses: false,
        };
        servo.assert_fits();
        servo
    }

    /// Two angles in degrees with the pulses that lead to them, the smaller angle first; the others lie on the line
    /// through both. They are the ends of its travel. The longer pulse may be at the smaller angle, for a servo that turns
    /// the other way.
    ///
    /// # Panics
    /// If the second angle is not larger than the first, a pulse does not fit into the period, or the limits or the angle
    /// to park at are not within the travel.
    #[must_use]
    #[track_caller]
    pub fn calibrated(mut self, first: (f64, Duration), second: (f64, Duration)) -> Self {
        assert!(first.0 < second.0, "the second angle is larger than the first, unlike {} and {}", first.0, second.0);
        self.calibrated = Some([(first.0, micros(first.1)), (second.0, micros(second.1))]);
        self.assert_fits();
        self.assert_agrees();
        self
    }

    /// Limits in degrees, narrower than the travel of the servo: where the mechanics end.
    ///
    /// # Panics
    /// If they are not within the travel, or the angle to park at is not within them.
    #[must_use]
    #[track_caller]
    pub fn limits(mut self, angles: RangeInclusive<f64>) -> Self {
        assert!(angles.start() <= angles.end(), "limits of the angle are from one to a larger one, unlike {angles:?}");
        self.limits = Some(angles);
        self.assert_agrees();
        self
    }

    /// An angle outside of the limits is an error and moves nothing, instead of being clamped.
    #[must_use]
    pub fn refuse(mut self) -> Self {
        self.refuses = true;
        self
    }

    /// The safe state is this angle, and not to let go. The pulses go on as long as the output works.
    ///
    /// # Panics
    /// If it is not within the limits, or the travel.
    #[must_use]
    #[track_caller]
    pub fn park(mut self, angle: f64) -> Self {
        self.park = Some(angle);
        self.assert_agrees();
        self
    }

    #[track_caller]
    fn assert_fits(&self) {
        let [(_, first), (_, second)] = self.travel();
        let longest = first.max(second);
        assert!(longest <= self.period, "a pulse of {longest} µs does not fit into a period of {} µs", self.period);
    }

    /// Looks at what has been said so far, in whatever order. The usual travel has not been said: it may be calibrated yet.
    #[track_caller]
    fn assert_agrees(&self) {
        let limits = self.limits.clone().or(self.calibrated.as_ref().map(ends));
        let limits = limits.unwrap_or(f64::NEG_INFINITY..=f64::INFINITY);
        let travel = self.calibrated.as_ref().map_or(limits.clone(), ends);
        if let Err(wrong) = self.check(&limits, &travel) {
            panic!("{wrong}");
        }
    }

    fn check(&self, limits: &RangeInclusive<f64>, travel: &RangeInclusive<f64>) -> Result<(), ActuatorError<P::Error>> {
        let within = |value: f64, range: &RangeInclusive<f64>, unit| {
            let (from, to) = (*range.start(), *range.end());
            if range.contains(&value) { Ok(()) } else { Err(ActuatorError::Refused { value, from, to, unit }) }
        };
        within(*limits.start(), travel, "the limit")?;
        within(*limits.end(), travel, "the limit")?;
        self.park.map_or(Ok(()), |angle| within(angle, limits, "to park at"))
    }

    fn travel(&self) -> Travel {
        self.calibrated.unwrap_or(USUAL)
    }

    /// The angles to which it may go.
    fn angles(&self) -> Result<Span, ActuatorError<P::Error>> {
        let travel = ends(&self.travel());
        let limits = self.limits.clone().unwrap_or_else(|| travel.clone());
        self.check(&limits, &travel)?;
        let mut angles = Span::new(limits, "angle");
        if self.refuses {
            angles.refuse();
        }
        Ok(angles)
    }

    fn go_to(&mut self, angle: f64) -> Result<(), ActuatorError<P::Error>> {
        let [(from, shortest), (to, longest)] = self.travel();
        let pulse = shortest + (longest - shortest) * (angle - from) / (to - from);
        self.output.write(pulse / self.period * self.output.max())
    }
}

fn ends([(from, _), (to, _)]: &Travel) -> RangeInclusive<f64> {
    *from..=*to
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

impl<P: SetDutyCycle<Error: Send + Sync + 'static>> Actuator for Servo<P> {
    type Command = f64;
    type Error = ActuatorError<P::Error>;

    fn start(&mut self, _: Instant) -> Result<(), Self::Error> {
        self.angles()?;
        self.make_safe()
    }
    fn act(&mut self, angle: f64, _: Instant) -> Result<(), Self::Error> {
        let angle = self.angles()?.admit(angle)?;
        self.go_to(angle)
    }
    fn make_safe(&mut self) -> Result<(), Self::Error> {
        match self.park {
            Some(angle) if self.angles().is_ok() => self.go_to(angle),
            _ => self.output.write(0.0),
        }
    }
}

impl<P> fmt::Debug for Servo<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servo").field("limits", &self.limits).field("park", &self.park).finish_non_exhaustive()
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

    type Method = fn(Servo<SimulatedPwm>) -> Servo<SimulatedPwm>;

    /// All orders of these methods.
    fn orders(methods: &[Method]) -> Vec<Vec<Method>> {
        if methods.is_empty() {
            return vec![vec![]];
        }
        let with_first = |first: usize| {
            let mut rest = methods.to_vec();
            let method = rest.remove(first);
            orders(&rest).into_iter().map(move |order| [vec![method], order].concat())
        };
        (0..methods.len()).flat_map(with_first).collect()
    }

    fn built(order: &[Method], output: &SimulatedPwm) -> Servo<SimulatedPwm> {
        order.iter().fold(Servo::new(output.clone(), PERIOD), |servo, method| method(servo))
    }

    /// What is written for angles far outside, in each order of the methods.
    fn writes(methods: &[Method]) -> Vec<Vec<u16>> {
        let of = |order: Vec<Method>| {
            let output = SimulatedPwm::new(20_000);
            let _ = pipe().to(ActuatorInput::new("arm", built(&order, &output))).feed([-999.0, 999.0]);
            output.writes()
        };
        orders(methods).into_iter().map(of).collect()
    }

    const CALIBRATED: Method = |servo| servo.calibrated((-90.0, us(600)), (90.0, us(2400)));
    const LIMITS: Method = |servo| servo.limits(-60.0..=45.0);
    const PARK: Method = |servo| servo.park(-30.0);
    const REFUSE: Method = Servo::refuse;

    #[test]
    fn the_order_of_the_methods_does_not_matter() {
        assert_eq!(writes(&[CALIBRATED, LIMITS]), vec![[0, 900, 1950, 0]; 2]);
        assert_eq!(writes(&[CALIBRATED, PARK]), vec![[1200, 600, 2400, 1200]; 2]);
        assert_eq!(
            writes(&[|servo| servo.limits(20.0..=90.0), |servo| servo.park(90.0)]),
            [[1500, 1111, 1500], [1500, 1111, 1500]]
        );
        assert_eq!(writes(&[CALIBRATED, LIMITS, PARK]), vec![[1200, 900, 1950, 1200]; 6]);
        assert_eq!(writes(&[CALIBRATED, LIMITS, PARK, REFUSE]), vec![[1200]; 24]); // the first angle ends it
    }

    #[test]
    fn what_does_not_fit_together_is_refused_in_each_order() {
        let wrong: [(&[Method], &str); 3] = [
            (&[|servo| servo.park(170.0), |servo| servo.limits(0.0..=90.0)], "to park at 170 and takes 0 to 90"),
            (&[|servo| servo.park(100.0), CALIBRATED, REFUSE], "to park at 100 and takes -90 to 90"),
            (&[|servo| servo.limits(0.0..=100.0), CALIBRATED], "the limit 100 and takes -90 to 90"),
        ];
        for (methods, text) in wrong {
            for order in orders(methods) {
                let output = SimulatedPwm::new(20_000);
                let panicked = std::panic::catch_unwind(|| built(&order, &output)).unwrap_err();
                assert_eq!(panicked.downcast_ref::<String>(), Some(&format!("it was told {text}")));
            }
        }
    }

    #[test]
    fn what_does_not_fit_the_usual_travel_is_refused_at_the_start_and_moves_nothing() {
        for method in [(|servo| servo.park(200.0)) as Method, |servo| servo.limits(90.0..=200.0)] {
            let output = SimulatedPwm::new(20_000);
            let error = pipe().to(ActuatorInput::new("arm", method(built(&[], &output)))).feed([90.0]).unwrap_err();
            assert!(error.to_string().ends_with(" 200 and takes 0 to 180"), "{error}");
            assert_eq!(output.writes(), [0]);
        }
    }

    #[test]
    #[should_panic(expected = "a pulse of 2000 µs does not fit into a period of 1000 µs")]
    fn a_period_that_is_too_short_is_refused() {
        Servo::new(SimulatedPwm::new(255), Duration::from_millis(1));
    }
}
