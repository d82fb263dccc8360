//! [`SimulatedPwm`]: a PWM output without hardware.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use embedded_hal::pwm::{Error, ErrorKind, ErrorType, SetDutyCycle};

/// A PWM output without hardware, for tests and desks: it remembers what was written, and can be broken. Clones are the
/// same output.
///
/// ```
/// use embedded_hal::pwm::SetDutyCycle;
/// use thingflow_adapters::actuators::SimulatedPwm;
/// let mut fan = SimulatedPwm::new(1000);
/// fan.set_duty_cycle_percent(40)?;
/// assert_eq!((fan.duty(), fan.writes()), (0.4, vec![400]));
/// # Ok::<(), thingflow_adapters::actuators::PwmFault>(())
/// ```
#[derive(Clone, Debug)]
pub struct SimulatedPwm {
    max: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    writes: Vec<u16>,
    broken: Option<&'static str>,
}

impl SimulatedPwm {
    /// An output with so many steps.
    pub fn new(max: u16) -> Self {
        Self { max, state: Arc::default() }
    }

    /// The duty, from 0 to 1.
    pub fn duty(&self) -> f64 {
        f64::from(self.state().writes.last().copied().unwrap_or(0)) / f64::from(self.max)
    }

    /// What has been written so far, in steps.
    pub fn writes(&self) -> Vec<u16> {
        self.state().writes.clone()
    }

    /// Has all writes fail, for this reason.
    pub fn break_with(&self, why: &'static str) {
        self.state().broken = Some(why);
    }

    /// Mends the output.
    pub fn mend(&self) {
        self.state().broken = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ErrorType for SimulatedPwm {
    type Error = PwmFault;
}

impl SetDutyCycle for SimulatedPwm {
    fn max_duty_cycle(&self) -> u16 {
        self.max
    }
    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), PwmFault> {
        let mut state = self.state();
        if let Some(why) = state.broken {
            return Err(PwmFault(why));
        }
        state.writes.push(duty);
        Ok(())
    }
}

/// Why a [`SimulatedPwm`] failed, as it was told to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PwmFault(pub &'static str);

impl fmt::Debug for PwmFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for PwmFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for PwmFault {}

impl Error for PwmFault {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}
