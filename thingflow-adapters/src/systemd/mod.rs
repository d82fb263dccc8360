//! The service manager systemd: told when the program is up, and from then on that its loop turns.
//!
//! One line before the run is all a program needs; started by hand, it does nothing:
//!
//! ```
//! use thingflow_adapters::systemd;
//! use thingflow_core::prelude::*;
//! let mut scheduler = Scheduler::new()?;
//! // … sensors, filters, pins …
//! systemd::notify(&scheduler)?;
//! scheduler.run_forever()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In the service's unit, `Type=notify` has systemd wait until the program is up. `WatchdogSec=10` has it end the program
//! when nothing was heard for 10 s, since a handler blocks the loop; `Restart=on-failure` starts it again. The loop is
//! heard twice in that time, so no handler may take half of it.
//!
//! Own code: what there is to say is one datagram.

mod error;
mod manager;
mod watchdog;

pub use error::SystemdError;
pub use manager::Manager;
pub use watchdog::{Watchdog, notify};
