//! Other programs: their lines as events, and events as lines for them.
//!
//! ```
//! use std::process::Command;
//! use thingflow_adapters::process;
//! use thingflow_core::prelude::*;
//! # use thingflow_core::testing::Recorder;
//!
//! // A program as a filter: events in by its standard input, out by its standard output.
//! let sort = process::run("sort", || { let mut sort = Command::new("sort"); sort.arg("-n"); sort });
//! # let seen = Recorder::new();
//! sort.output().connect(seen.clone());
//! let mut scheduler = Scheduler::new()?;
//! scheduler.schedule_recurring(from_iter([30, 4, 200]).map(|n: i32| n.to_string()).connect(sort.input()))?;
//! scheduler.schedule_on_main_event_loop(sort.thing())?;
//! scheduler.run_forever()?;
//! assert_eq!(seen.text(), r#""4" "30" "200" |"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The program is started when the scheduler runs, and killed if it still runs when the Thing is dropped. Nothing waits for it,
//! and no thread is needed.

mod child;
mod options;

pub use child::{Exit, Program};
pub use options::{Options, run};
