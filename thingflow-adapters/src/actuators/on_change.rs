//! [`OnChange`]: a PWM output that is written when its duty changes.

use embedded_hal::pwm::SetDutyCycle;

use super::ActuatorError;

/// A PWM output that is written when its duty changes, and after a failure.
pub(super) struct OnChange<P> {
    output: P,
    max: u16,
    last: Option<u16>,
}

impl<P: SetDutyCycle> OnChange<P> {
    pub(super) fn new(output: P) -> Self {
        Self { max: output.max_duty_cycle(), output, last: None }
    }

    /// How many steps there are.
    pub(super) fn max(&self) -> f64 {
        f64::from(self.max)
    }

    pub(super) fn write(&mut self, steps: f64) -> Result<(), ActuatorError<P::Error>> {
        let steps = steps.round() as u16;
        if self.last == Some(steps) {
            return Ok(());
        }
        self.last = None;
        self.output.set_duty_cycle(steps).map_err(ActuatorError::bus)?;
        self.last = Some(steps);
        Ok(())
    }
}
