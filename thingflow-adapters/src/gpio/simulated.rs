//! [`SimulatedPin`]: a pin without hardware.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use embedded_hal::digital::{Error, ErrorKind, ErrorType, InputPin, OutputPin, PinState, StatefulOutputPin};

/// A pin without hardware, for tests and desks: it remembers what was written, and can be set from outside or broken.
/// Clones are the same pin.
///
/// ```
/// use embedded_hal::digital::{InputPin, OutputPin};
/// use thingflow_adapters::gpio::SimulatedPin;
/// let mut pin = SimulatedPin::new();
/// pin.set_high()?;
/// assert_eq!((pin.level(), pin.writes()), (true, vec![true]));
/// pin.set_level(false); // from outside: a button is pressed
/// assert!(pin.is_low()?);
/// # Ok::<(), thingflow_adapters::gpio::PinFault>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SimulatedPin(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    level: bool,
    writes: Vec<bool>,
    broken: Option<&'static str>,
}

impl SimulatedPin {
    /// A low pin.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the pin is high.
    pub fn level(&self) -> bool {
        self.state().level
    }

    /// What has been written so far.
    pub fn writes(&self) -> Vec<bool> {
        self.state().writes.clone()
    }

    /// Sets the level from outside: what an input pin sees.
    pub fn set_level(&self, high: bool) {
        self.state().level = high;
    }

    /// Has all that is done with the pin fail, for this reason.
    pub fn break_with(&self, why: &'static str) {
        self.state().broken = Some(why);
    }

    /// Mends the pin.
    pub fn mend(&self) {
        self.state().broken = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn working(&self) -> Result<MutexGuard<'_, State>, PinFault> {
        let state = self.state();
        state.broken.map_or(Ok(state), |why| Err(PinFault(why)))
    }

    fn write(&self, high: bool) -> Result<(), PinFault> {
        let mut state = self.working()?;
        state.level = high;
        state.writes.push(high);
        Ok(())
    }
}

impl ErrorType for SimulatedPin {
    type Error = PinFault;
}

impl OutputPin for SimulatedPin {
    fn set_low(&mut self) -> Result<(), PinFault> {
        self.write(false)
    }
    fn set_high(&mut self) -> Result<(), PinFault> {
        self.write(true)
    }
    fn set_state(&mut self, state: PinState) -> Result<(), PinFault> {
        self.write(state.into())
    }
}

impl InputPin for SimulatedPin {
    fn is_high(&mut self) -> Result<bool, PinFault> {
        Ok(self.working()?.level)
    }
    fn is_low(&mut self) -> Result<bool, PinFault> {
        Ok(!self.working()?.level)
    }
}

impl StatefulOutputPin for SimulatedPin {
    fn is_set_high(&mut self) -> Result<bool, PinFault> {
        self.is_high()
    }
    fn is_set_low(&mut self) -> Result<bool, PinFault> {
        self.is_low()
    }
}

/// Why a [`SimulatedPin`] failed, as it was told to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PinFault(pub &'static str);

impl fmt::Debug for PinFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for PinFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for PinFault {}

impl Error for PinFault {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}
