//! Which readings to trust: checks that mark events, and marks that travel with them.
//!
//! The checks are those of QARTOD, the manuals for sensors in the sea (U.S. IOOS, *Manual for Real-Time Quality Control of
//! In-situ Temperature and Salinity Data*, version 2.1, 2020), by their ordinary names, and the two usual ones against
//! outliers. Each is called for every reading, several as a tuple; the worst mark counts.
//!
//! | check | marks | QARTOD |
//! |---|---|---|
//! | [`Range`] | what the sensor cannot measure, and what it measures seldom | gross range test |
//! | [`RateOfChange`] | what changes faster than the thing can | rate of change test |
//! | [`FlatLine`] | a sensor that is stuck | flat line test |
//! | [`Hampel`] | an outlier, by the median of its neighbours | spike test |
//! | [`KSigma`] | an outlier, by mean and deviation of those before | |

mod check;
mod flat_line;
mod outlier;
mod qualify;
mod range;
mod rate_of_change;

pub use check::Check;
pub use flat_line::FlatLine;
pub(crate) use outlier::is_outlier;
pub use outlier::{Hampel, KSigma};
pub use qualify::{GoodOnly, OrMissing, Qualified, Qualify, Requalify};
pub use range::Range;
pub use rate_of_change::RateOfChange;

use core::fmt;

use thingflow_core::{Saved, StateVisitor};

/// How much a reading is to be trusted, from the best to the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// It has passed all checks.
    #[default]
    Good,
    /// It is unusual: fit for a plot, not for a decision.
    Suspect,
    /// It cannot be right.
    Bad,
    /// There is none.
    Missing,
}

impl Saved for Quality {
    fn blank() -> Self {
        Self::Good
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut code = self.code();
        code.on_state(name, state);
        match [Self::Good, Self::Suspect, Self::Bad, Self::Missing].into_iter().find(|quality| quality.code() == code) {
            Some(quality) => *self = quality,
            None => state.refuse(name),
        }
    }
}

impl Quality {
    /// The flag that files and databases of measurements use: 1 pass, 3 suspect, 4 fail, 9 missing (QARTOD, and the scheme
    /// of the Intergovernmental Oceanographic Commission that it follows).
    ///
    /// ```
    /// assert_eq!(thingflow_signals::quality::Quality::Bad.code(), 4);
    /// ```
    pub const fn code(self) -> u8 {
        match self {
            Self::Good => 1,
            Self::Suspect => 3,
            Self::Bad => 4,
            Self::Missing => 9,
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Good => "good",
            Self::Suspect => "suspect",
            Self::Bad => "bad",
            Self::Missing => "missing",
        })
    }
}
