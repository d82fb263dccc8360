//! The files of a folder, each once: those that are there, and those that come.
//!
//! ```
//! use std::fs;
//! use thingflow_adapters::folder;
//! use thingflow_core::prelude::*;
//! # use thingflow_core::testing::Recorder;
//! # let dir = tempfile::tempdir()?;
//! # let inbox = dir.path();
//! fs::write(inbox.join("monday.csv"), "")?;
//! let files = folder::watch(inbox).matching(|name| name.ends_with(".csv"));
//! # let seen = Recorder::new();
//! files.port().filter_map(|path| path.file_name().map(|name| name.to_owned())).take(2).connect(seen.clone());
//! let mut scheduler = Scheduler::new()?;
//! scheduler.schedule_on_main_event_loop(files)?;
//! # let thread = std::thread::spawn({ let inbox = inbox.to_owned(); move || {
//! // Another program:
//! fs::write(inbox.join("tuesday.part"), "")?;
//! fs::rename(inbox.join("tuesday.part"), inbox.join("tuesday.csv"))?;
//! # Ok::<(), std::io::Error>(()) }});
//! scheduler.run_forever()?;
//! assert_eq!(seen.events(), ["monday.csv", "tuesday.csv"]);
//! # thread.join().expect("writes")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod watch;

pub use watch::{Watch, watch};
