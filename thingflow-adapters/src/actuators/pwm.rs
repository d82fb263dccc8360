//! [`Pwm`]: a PWM output whose duty is what it is told.

use std::fmt;
use std::ops::RangeInclusive;

use embedded_hal::pwm::SetDutyCycle;
use thingflow_core::Instant;

use super::on_change::OnChange;
use super::span::Span;
use super::{Actuator, ActuatorError};

/// A PWM output: the brightness of a lamp, the speed of a fan, the power of a heater.
///
/// - Unit: the duty, 0 (off) to 1 (always on), in as many steps as the output has. Written when the step changes.
/// - Values outside are clamped, or refused by choice. What is no number is always refused.
/// - Safe state: duty 0, unless [`safe`](Self::safe) says otherwise.
/// - Hazards: an output of a board drives a transistor, never a motor or a lamp; a motor wants a diode across it. An
///   output stays as it is when its process is killed, and most run on while the machine hangs.
///
/// ```
/// use thingflow_adapters::actuators::{ActuatorInput, SimulatedPwm, pwm::Pwm};
/// use thingflow_core::prelude::*;
/// let pin = SimulatedPwm::new(1000);
/// let fan = ActuatorInput::new("fan", Pwm::new(pin.clone()));
/// let celsius = [20.0, 45.0, 90.0];
/// pipe().map(|celsius: f64| (celsius - 30.0) / 50.0).to(fan).feed(celsius)?;
/// assert_eq!(pin.writes(), [0, 300, 1000, 0]); // off at 30 degrees, full at 80, off at the end
/// # Ok::<(), RunError>(())
/// ```
///
/// Driver: any [`SetDutyCycle`], such as those of [`sysfs_pwm`](super::sysfs_pwm) and `pca9685`.
pub struct Pwm<P> {
    output: OnChange<P>,
    duties: Span,
    safe: f64,
}

impl<P: SetDutyCycle> Pwm<P> {
    /// An output, which is not touched yet.
    pub fn new(output: P) -> Self {
        Self { output: OnChange::new(output), duties: Span::new(0.0..=1.0, "duty"), safe: 0.0 }
    }

    /// Keeps the duty within limits: a lamp that would be too bright, a fan that would stand still below 0.2. The safe
    /// state is not bound by them.
    ///
    /// # Panics
    /// If they are not within 0 and 1.
    #[must_use]
    #[track_caller]
    pub fn limits(mut self, duties: RangeInclusive<f64>) -> Self {
        self.duties.narrow(&duties);
        self
    }

    /// A duty outside of the limits is an error and changes nothing, instead of being clamped.
    #[must_use]
    pub fn refuse(mut self) -> Self {
        self.duties.refuse();
        self
    }

    /// Another duty than 0 for the safe state: a fan that shall cool when its thermometer fails.
    ///
    /// # Panics
    /// If it is not within 0 and 1.
    #[must_use]
    #[track_caller]
    pub fn safe(mut self, duty: f64) -> Self {
        Span::new(0.0..=1.0, "duty").assert_holds(duty);
        self.safe = duty;
        self
    }

    fn write(&mut self, duty: f64) -> Result<(), ActuatorError<P::Error>> {
        self.output.write(duty * self.output.max())
    }
}

impl<P: SetDutyCycle<Error: Send + Sync + 'static>> Actuator for Pwm<P> {
    type Command = f64;
    type Error = ActuatorError<P::Error>;

    fn act(&mut self, duty: f64, _: Instant) -> Result<(), Self::Error> {
        let duty = self.duties.admit(duty)?;
        self.write(duty)
    }
    fn make_safe(&mut self) -> Result<(), Self::Error> {
        self.write(self.safe)
    }
}

impl<P> fmt::Debug for Pwm<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pwm").field("duties", &self.duties).field("safe", &self.safe).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actuators::{ActuatorInput, SimulatedPwm};
    use embedded_hal_mock::eh1::{
        MockError,
        pwm::{Mock, Transaction},
    };
    use std::io::ErrorKind;
    use thingflow_core::{Limit, Scheduler, from_iter, pipe, prelude::Chain};

    #[test]
    fn writes_on_changes_only() {
        let mut talk = vec![Transaction::max_duty_cycle(255)];
        talk.extend([0, 128, 255, 0].map(Transaction::set_duty_cycle));
        let mut output = Mock::new(&talk);
        let lamp = ActuatorInput::new("lamp", Pwm::new(output.clone()));
        pipe().to(lamp).feed([-0.0, 0.5, 0.501, 1.0, 7.5]).unwrap();
        output.done();
    }

    #[test]
    fn limits_bind_commands_and_not_the_safe_state() {
        let output = SimulatedPwm::new(100);
        let fan = Pwm::new(output.clone()).limits(0.2..=0.8).safe(1.0);
        pipe().to(ActuatorInput::new("fan", fan)).feed([0.0, 0.5, 0.9]).unwrap();
        assert_eq!(output.writes(), [100, 20, 50, 80, 100]);
    }

    #[test]
    fn refuses_by_choice_and_leaves_the_output_as_it_is() {
        let output = SimulatedPwm::new(100);
        let heater = ActuatorInput::new("heater", Pwm::new(output.clone()).refuse());
        let error = pipe().to(heater).feed([0.5, 1.5]).unwrap_err().to_string();
        assert_eq!(error, "actuator `heater`: it was told duty 1.5 and takes 0 to 1");
        assert_eq!(output.writes(), [0, 50, 0]);
    }

    #[test]
    fn writes_again_after_a_failure() {
        let lost = Transaction::set_duty_cycle(50).with_error(MockError::Io(ErrorKind::TimedOut));
        let mut output = Mock::new(&[Transaction::max_duty_cycle(100), lost, Transaction::set_duty_cycle(50)]);
        let mut lamp = Pwm::new(output.clone());
        let error = lamp.act(0.5, Instant::ZERO).unwrap_err().to_string();
        assert!(error.ends_with("; check the wiring, and that no other program uses the pin or its bus"), "{error}");
        lamp.act(0.5, Instant::ZERO).unwrap();
        output.done();
    }

    #[test]
    fn works_on_a_thread_of_its_own() {
        let output = SimulatedPwm::new(100);
        let lamp = ActuatorInput::new("lamp", Pwm::new(output.clone()));
        let mut scheduler = Scheduler::new().unwrap();
        let sink = scheduler.edge_sink("lamp", lamp, Limit::block(4)).unwrap();
        scheduler.schedule_recurring(from_iter([0.5, 1.0]).connect(sink)).unwrap();
        scheduler.run_forever().unwrap();
        drop(scheduler);
        assert_eq!(output.writes(), [0, 50, 100, 0]);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let output = SimulatedPwm::new(100);
        pipe().to(ActuatorInput::new("fan", Pwm::new(output.clone()))).feed([f64::NAN]).unwrap_err();
        assert_eq!(output.writes(), [0]);
    }
}
