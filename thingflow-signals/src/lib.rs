//! Filters, spectra, estimators, controllers and checks of data quality for streams of sensor readings.
//!
//! ```
//! use thingflow_core::prelude::*;
//! use thingflow_signals::prelude::*;
//! use thingflow_signals::filters::Butterworth;
//!
//! // 100 readings a second; what is faster than 5 Hz is noise.
//! let noisy = (0..400).map(|n| 20.0 + if n % 2 == 0 { 1.0 } else { -1.0 });
//! let smooth: Vec<f64> = from_iter(noisy).process(Butterworth::low_pass(2, 5.0, 100.0)).last().collect_now();
//! assert!((smooth[0] - 20.0).abs() < 1e-3);
//! ```
//!
//! Whatever turns one sample into another is a [`Processor`]: a struct that can be called by hand, be it on a
//! microcontroller, and that [`process`](Signals::process) makes a stage of a chain.
//!
//! | you look for | it is in |
//! |---|---|
//! | smoothing, pass bands, slopes, envelopes, fewer samples | [`filters`] |
//! | how strong a signal is at which frequency | [`spectrum`] |
//! | what is measured, out of noise: Kalman, alpha-beta, complementary | [`estimate`] |
//! | an output that keeps a value where it ought to be | [`control`] |
//! | units out of raw readings; dew point, altitude, density | [`convert`] |
//! | which readings to trust | [`quality`] |
//! | readings that are missing: gaps, holding, interpolation, a fixed rate | [`gaps`] |
//! | one value of several sensors of the same thing | [`fusion`] |
//! | when a value passes a level | [`edges`] |
//! | what learns while it runs, and says what is unusual | [`models`] |
//! | days and months of a time zone, for windows | `zones`, with the feature of that name |
//!
//! # Numbers and times
//!
//! Everything is computed in `f64`. Events may carry any number; what comes out carries an `f64`, or what the processor
//! makes.
//!
//! A NaN or an infinity is a reading that is missing. It never gets into the memory of a processor: `process` leaves it
//! out, [`qualify`](DataQuality::qualify) marks it.
//!
//! The time of a sensor event is its own; that of a plain number is the scheduler's at its arrival. A stream whose times go
//! back, since the wall clock was set, begins anew: no slope, no interval is computed over the step.
//!
//! Features: `std`, on by default; `alloc` alone has what grows, without an operating system; without both, what has a fixed
//! size is left. `fft`: spectra. `kalman`: filters with several states. `onnx`: models from ONNX files. `sketches`: quantiles and
//! counts of very many values. `zones`: the calendar of a time zone.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod chain;
pub mod control;
pub mod convert;
pub mod edges;
pub mod estimate;
pub mod filters;
pub mod fusion;
pub mod gaps;
pub mod models;
mod processor;
pub mod quality;
mod recent;
mod remembered;
#[cfg(feature = "sketches")]
pub mod sketches;
pub mod spectrum;
mod time;
#[cfg(feature = "zones")]
pub mod zones;

pub use chain::{DataQuality, Signals};
pub use processor::{Process, Processor};
pub use time::Timed;

/// The traits that give chains their methods.
pub mod prelude {
    pub use crate::chain::{DataQuality, Signals};
    pub use crate::processor::Processor;
}
