//! [`ActuatorError`]: why a device did not do as it was told.

use std::error::Error;
use std::fmt;

use thingflow_core::DriverError;

/// Why a device did not do as it was told. `E` is the error of its bus or pin.
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ActuatorError<E> {
    /// The bus or the pin failed, mostly because nobody answered.
    Bus(DriverError<E>),
    /// The device was told something that it cannot do.
    Refused {
        /// What it was told.
        value: f64,
        /// The least it can do.
        from: f64,
        /// The most it can do.
        to: f64,
        /// What these are numbers of.
        unit: &'static str,
    },
}

impl<E> ActuatorError<E> {
    /// The bus or the pin failed.
    pub const fn bus(error: E) -> Self {
        Self::Bus(DriverError(error))
    }
}

impl<E: fmt::Debug> fmt::Display for ActuatorError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => {
                write!(f, "{error}; check the wiring, and that no other program uses the pin or its bus")
            }
            Self::Refused { value, from, to, unit } => {
                write!(f, "it was told {unit} {value} and takes {from} to {to}")
            }
        }
    }
}

/// As `Display`.
impl<E: fmt::Debug> fmt::Debug for ActuatorError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// If the bus or the pin failed, [`source`](Error::source) is its error as a [`DriverError`].
impl<E: fmt::Debug + 'static> Error for ActuatorError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Bus(error) => Some(error),
            Self::Refused { .. } => None,
        }
    }
}
