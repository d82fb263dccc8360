//! Pictures of numbers, as SVG files: lines over time, and histograms.
//!
//! ```
//! use std::time::Duration;
//! use thingflow_adapters::plot::{Histogram, Plot};
//! use thingflow_core::prelude::*;
//! use thingflow_core::testing::ListSensor;
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let mut scheduler = Scheduler::virtual_time()?;
//! let plot = Plot::new(folder.join("lux.svg")).title("A desk").unit("lx").zone("Europe/Berlin")?;
//! let spread = Histogram::new(folder.join("spread.svg"), 0.0..=100.0, 20_usize);
//! scheduler.schedule_sensor(ListSensor::new("lux", [20.0, 30.0, 70.0, 40.0]), Duration::from_secs(60), |lux| {
//!     lux.connect(plot.series("measured"));
//!     lux.running_avg(2).connect(plot.series("average"));
//!     lux.map(|event| event.val).connect(spread.series("lux"));
//! })?;
//! scheduler.run_forever()?;
//! assert!(std::fs::read_to_string(folder.join("lux.svg"))?.contains("average"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A picture is written when all its series have ended, and at each flush, such as that of a stop: into a file beside it first, so that
//! whoever looks sees the old picture or the new one, whole. It takes a bounded amount of memory, however long it runs.

mod drawing;
mod error;
mod histogram;
mod lines;
mod series;
mod ticks;

pub use error::PlotError;
pub use histogram::Histogram;
pub use lines::Plot;
pub use series::{Plotted, Series};
