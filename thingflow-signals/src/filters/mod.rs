//! Smoothing, pass bands, slopes, envelopes, fewer samples: filters for samples at a fixed rate.
//!
//! | filter | for | state |
//! |---|---|---|
//! | [`Butterworth`] | a low or high pass of any steepness, with the flattest pass band | 2 numbers for each two orders |
//! | [`Notch`], [`BandPass`] | one frequency out, or only that: mains hum, a turning shaft | 2 numbers |
//! | [`Fir`], [`Fir::low_pass`] | exact delay, a shape of your own | as many numbers as taps |
//! | [`SavitzkyGolay`] | smoothing that keeps peaks, and slopes out of noise | the window |
//! | [`Hampel`] | outliers replaced by their neighbours' median | the window |
//! | [`Envelope`] | how strong an oscillation is | one number |
//! | [`Peaks`] | tops that stand out: pulses, strokes, waves | five numbers |
//! | `FindPeaks`, with the feature `alloc` | the same in a list of samples, by distance too | nothing |
//! | [`Decimate`] | fewer samples, without aliases | a low pass |
//!
//! Means and medians of windows are operators of the core: [`running_avg`](thingflow_core::Windows::running_avg),
//! [`ewma`](thingflow_core::Smoothing::ewma), and all aggregates.

mod butterworth;
mod decimate;
mod envelope;
#[cfg(feature = "alloc")]
mod find_peaks;
mod fir;
mod hampel;
mod peaks;
mod savitzky_golay;
mod second_order;

pub use butterworth::Butterworth;
pub use decimate::Decimate;
pub use envelope::Envelope;
#[cfg(feature = "alloc")]
pub use find_peaks::{FindPeaks, PeakAt};
pub use fir::Fir;
pub use hampel::Hampel;
pub use peaks::{Peak, Peaks};
pub use savitzky_golay::SavitzkyGolay;
pub(crate) use second_order::check_frequency;
pub use second_order::{BandPass, Notch};
