//! How strong a signal is at which frequency.
//!
//! [`Goertzel`] watches one frequency, in fixed memory; [`Spectra`], with the feature `fft`, sees all of them.

#[cfg(feature = "fft")]
mod fft;
mod goertzel;
mod taper;

#[cfg(feature = "fft")]
pub use fft::{Spectra, Spectrum};
pub use goertzel::Goertzel;
pub use taper::Taper;
