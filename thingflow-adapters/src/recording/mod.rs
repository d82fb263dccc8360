//! Recordings: what came through any ports of a graph, in its order and with its times, and the replay that gives the same
//! results.
//!
//! ```
//! use std::time::Duration;
//! use thingflow_adapters::recording::{CommitWindow, Options, Recording, Replay};
//! use thingflow_core::prelude::*;
//! use thingflow_core::testing::{ListSensor, Recorder};
//!
//! /// The graph: the same for the live run and for the replay.
//! fn graph(lux: &Port<SensorEvent<f64>>) -> Recorder<f64> {
//!     let seen = Recorder::new();
//!     lux.map(|event| event.val).running_avg(2).connect(seen.clone());
//!     seen
//! }
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let mut scheduler = Scheduler::virtual_time()?;
//! let recording = Recording::open(folder, Options::new(64 << 20, CommitWindow::default()))?;
//! let lux = SensorOutput::new(ListSensor::new("lux", [20.0, 30.0, 60.0]));
//! lux.connect(recording.stream("lux")?); // first, so that it sees an event before what follows from it
//! let live = graph(lux.port());
//! scheduler.schedule_on_main_event_loop(recording)?;
//! scheduler.schedule_periodic(lux, Duration::from_secs(1))?;
//! scheduler.run_forever()?;
//!
//! let mut replay = Replay::open(folder)?;
//! let again = graph(&replay.port("lux")?);
//! let mut scheduler = Scheduler::with_clock(replay.clock())?;
//! scheduler.schedule_recurring(replay)?;
//! scheduler.run_forever()?;
//! assert_eq!(again.timed_text(), "20.0@1 25.0@2 45.0@3 |@4");
//! assert_eq!(again.timed_text(), live.timed_text());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod entry;
mod error;
mod recorder;
mod replay;
mod several;
mod streams;

pub use crate::journaling::code;
pub use entry::{Entry, What};
pub use error::RecordingError;
pub use recorder::Recording;
pub use replay::Replay;
pub use several::RecordedPorts;
pub use streams::{ClockInput, RecordedStream, Trigger};
pub use thingflow_journal::{CommitWindow, Options, Policy};

/// What reports call it.
const NAME: &str = "recording";
