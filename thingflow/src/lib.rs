//! Sensors, filters and actuators on one thread of a small Linux board: one dependency for a whole program.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use std::time::Duration;
//! use thingflow::prelude::*;
//! use thingflow::sensors::simulated::Sine;
//! use thingflow::testing::Recorder;
//!
//! let room = SensorOutput::new(Sine::new("room", 60).amplitude(5.0).offset(20.0)); // here: your sensor
//! let fan = Recorder::new(); // here: your pin
//! room.map(|event| event.val).running_avg(5).map(|celsius| celsius > 22.0).dedup().connect(fan.clone());
//!
//! let mut scheduler = Scheduler::virtual_time()?; // in real time: Scheduler::new()?
//! scheduler.schedule_periodic(room, Duration::from_secs(1))?;
//! scheduler.run_for(Duration::from_secs(60))?;
//! assert_eq!(fan.timed_text(), "false@1 true@7 false@30");
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate has no code of its own, but for the command-line tool `thingflow` (feature `cli`), which looks into outboxes,
//! recordings and running programs. It re-exports the others:
//!
//! | here | crate | contents |
//! |---|---|---|
//! | the root and [`prelude`] | [`thingflow_core`] | events, operators, ports, the scheduler |
//! | [`sensors`] | [`thingflow_sensors`] | simulated sensors, what Linux knows of its machine, drivers of chips |
#![cfg_attr(
    feature = "std",
    doc = "| [`adapters`] | [`thingflow_adapters`] | files, networks, databases, pins, actuators, the log, systemd |"
)]
#![cfg_attr(
    not(feature = "std"),
    doc = "| `adapters`, with the feature `std` | | files, networks, databases, pins, actuators, the log, systemd |"
)]
#![cfg_attr(
    feature = "signals",
    doc = "| [`signals`] | [`thingflow_signals`] | filters, spectra, estimators, controllers, quality and gaps |"
)]
#![cfg_attr(
    not(feature = "signals"),
    doc = "| `signals`, with the feature `signals` | | filters, spectra, estimators, controllers, quality and gaps |"
)]
#![cfg_attr(feature = "page", doc = "| [`page`] | [`thingflow_page`] | a live page, metrics, health |")]
#![cfg_attr(not(feature = "page"), doc = "| `page`, with the feature `page` | | a live page, metrics, health |")]
//!
//! A library that adds an operator, a sensor or an adapter depends on the crate that it extends; a program depends on
//! this one.
//!
#![doc = include_str!("../features.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

/// The traits of buses and pins that sensors and actuators are written against.
#[doc(no_inline)]
pub use embedded_hal;
/// Files, networks, databases, pins, actuators, the log and the service manager; a module and a feature for each.
#[cfg(feature = "std")]
#[doc(no_inline)]
pub use thingflow_adapters as adapters;
// A glob, so that what the core gains is here without a second list.
#[doc(no_inline)]
pub use thingflow_core::*;
/// A ring of records in the flash of a microcontroller.
#[cfg(feature = "flash")]
#[doc(no_inline)]
pub use thingflow_flash as flash;
/// A live page of the running flow, metrics and health.
#[cfg(feature = "page")]
#[doc(no_inline)]
pub use thingflow_page as page;
/// Simulated sensors, what Linux knows of its machine, and drivers of chips; a module and a feature for most.
#[doc(no_inline)]
pub use thingflow_sensors as sensors;
/// Filters, spectra, estimators, controllers, and what is known of readings besides their value.
#[cfg(feature = "signals")]
#[doc(no_inline)]
pub use thingflow_signals as signals;

/// The names that a program needs.
pub mod prelude {
    #[doc(no_inline)]
    pub use thingflow_core::prelude::*;
    #[cfg(feature = "signals")]
    #[doc(no_inline)]
    pub use thingflow_signals::prelude::*;
}

#[cfg(all(doctest, feature = "csv", feature = "gpio"))]
#[doc = include_str!("../tests/compile-fail.md")]
mod compile_fail {}
