//! Events at calendar times: cron expressions in a time zone.
//!
//! ```
//! use thingflow_adapters::cron;
//! use thingflow_core::VirtualClock;
//! use thingflow_core::prelude::*;
//! # use thingflow_core::testing::Recorder;
//! # let seen = Recorder::new();
//! let friday = Timestamp::from_secs(1_774_569_600); // 2026-03-27 in UTC, the weekend on which summer time begins
//! let mut scheduler = Scheduler::with_clock(VirtualClock::starting_at(friday))?;
//! let mornings = cron::at("30 6 * * *", "Europe/Berlin")?.take(4).map(|time| time.to_string());
//! scheduler.schedule_recurring(mornings.connect(seen.clone()))?;
//! scheduler.run_forever()?;
//! let expected = ["2026-03-27T05:30:00Z", "2026-03-28T05:30:00Z", "2026-03-29T04:30:00Z", "2026-03-30T04:30:00Z"];
//! assert_eq!(seen.events(), expected);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod reader;

pub use error::CronError;
pub use reader::{Cron, at, at_local};
