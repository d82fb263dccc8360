//! Sensors, filters, ports and schedules on one reactor thread; the same filters without `std` or an allocator.
//!
//! A program says where events come from, what happens to them and where they go; a scheduler runs it on one thread:
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use std::time::Duration;
//! use thingflow_core::prelude::*;
//! use thingflow_core::testing::{ListSensor, Recorder};
//!
//! let lux = SensorOutput::new(ListSensor::new("lux", [40.0, 24.0, 8.0])); // here: the driver of your sensor
//! let lamp = Recorder::new(); // here: a pin
//! lux.map(|event| event.val).running_avg(2).map(|lux| lux < 20.0).connect(lamp.clone());
//!
//! let mut scheduler = Scheduler::virtual_time()?; // in real time: Scheduler::new()?
//! scheduler.schedule_periodic(lux, Duration::from_secs(60))?;
//! scheduler.run_forever()?;
//! assert_eq!(lamp.timed_text(), "false@60 false@120 true@180 |@240");
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you look for | it is in |
//! |---|---|
//! | all the names that a program needs | [`prelude`] |
//! | one event at a time: `map`, `scan`, `pairwise`, `hysteresis` … | [`Elementwise`], [`elementwise`] |
//! | some of the events: `filter`, `take`, `dedup`, `deadband` … | [`Selecting`], [`select`] |
//! | one result of all: `fold`, `max`, `any`, `top_k` … | [`Reducing`], [`reduce`] |
//! | how a stream begins and ends: `start_with`, `catch`, `finalize` … | [`Ends`], [`ends`] |
//! | windows: the last five events, each five minutes | [`Windows`], [`windows`] |
//! | operators with time: `debounce`, `throttle`, `delay` … | [`Timing`], [`timing`] |
//! | several inputs: `merge`, `zip`, `combine_latest` … | [`Joins`], [`joins`] |
#![cfg_attr(
    feature = "alloc",
    doc = "| several outputs: `dispatch`, `group_by`, `partition`, `split` … | [`Splitting`], [`splitting`] |"
)]
//! | queues and errors in a chain: `buffer`, `latest`, `try_map_with` … | [`FlowControl`], [`flow`] |
#![cfg_attr(
    feature = "alloc",
    doc = "| what became of an event: delivered, failed, left to the next run | [`Tracking`], [`tracking`] |"
)]
#![cfg_attr(feature = "alloc", doc = "| the last events in memory, for any number of readers | [`history`] |")]
//! | sources: `from_iter`, `interval`, `retry` … | [`Flow`], and the functions below |
//! | sinks: `call`, `tee`, `print` … | [`Sinks`], [`sinks`] |
#![cfg_attr(feature = "alloc", doc = "| sensors | [`Sensor`], [`SensorOutput`] |")]
#![cfg_attr(
    feature = "alloc",
    doc = "| branches, and a graph that changes while it runs | [`Port`], [`Output`], [`Connection`] |"
)]
#![cfg_attr(
    feature = "std",
    doc = "| when things run: schedules, descriptors, signals, other threads | [`Scheduler`], [`Periodic`], [`Remote`] |"
)]
#![cfg_attr(feature = "std", doc = "| what may block or go away: a database, a server | [`Worker`], [`EdgeSink`] |")]
#![cfg_attr(feature = "std", doc = "| what a running graph is doing, seen from another thread | [`Inspector`] |")]
//! | a scheduler for microcontrollers | [`bare`] |
//! | custom Things | [`Filter`], [`Sink`], [`Source`]; [`InputThing`] and [`OutputThing`] for wrappers |
#![cfg_attr(feature = "alloc", doc = "| tests without hardware and without waiting | [`testing`] |")]
#![cfg_attr(feature = "alloc", doc = "| drawings and traces of the graph | [`diagram`] |")]
//!
//! Drivers are in `thingflow-sensors`; files, networks, databases, pins, actuators and the log in `thingflow-adapters`. The [book] begins with a
//! tutorial; there is a [template] for your own program.
//!
//! Features: `std`, on by default, is the scheduler, for Linux. `alloc` alone has ports and everything that grows, without an
//! operating system. Without both, what has a fixed size is left, and needs no allocator. `serde` makes records of sensor
//! events, with any of these.
//!
#![doc = concat!("[book]: ", env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/src/SUMMARY.md")]
#![doc = concat!("[template]: ", env!("CARGO_PKG_REPOSITORY"), "/tree/main/template")]
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// The scheduler of `std` is the only one to close graphs and to name who panicked.
#![cfg_attr(not(feature = "std"), allow(dead_code))]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "alloc")]
mod arrivals;
mod backoff;
pub mod bare;
mod chain;
mod clock;
mod context;
#[cfg(feature = "alloc")]
pub mod diagram;
pub mod elementwise;
pub mod ends;
mod error;
mod event;
pub mod flow;
#[cfg(feature = "alloc")]
pub mod history;
#[cfg(feature = "alloc")]
mod identity;
pub mod joins;
pub mod kit;
#[cfg(feature = "alloc")]
mod lent;
mod limit;
#[cfg(feature = "alloc")]
mod lock;
mod measure;
mod moment;
mod notice;
mod output;
#[cfg(feature = "alloc")]
mod port;
pub mod prelude;
mod receipts;
#[cfg(feature = "serde")]
pub mod records;
pub mod reduce;
#[cfg(feature = "alloc")]
mod reports;
#[cfg(feature = "alloc")]
mod saved_state;
mod saving;
#[cfg(feature = "std")]
mod scheduler;
pub mod select;
mod sensor;
#[cfg(feature = "alloc")]
mod shared;
pub mod sinks;
mod size;
mod sources;
#[cfg(feature = "alloc")]
pub mod splitting;
mod state;
pub mod storage;
#[cfg(feature = "alloc")]
mod tap;
#[cfg(feature = "alloc")]
pub mod testing;
mod thing;
pub mod timing;
#[cfg(feature = "alloc")]
pub mod tracking;
mod visit;
#[cfg(feature = "alloc")]
mod watermarks;
pub mod windows;
mod witness;

pub use backoff::{Attempts, Backoff};
pub use chain::{Chain, Connected, Identity, Pipe, Then, pipe};
pub use clock::{Clock, Instant, Timestamp, TimestampError};
pub use context::Context;
pub use elementwise::Elementwise;
pub use ends::Ends;
pub use error::{Failure, FatalError, RunError, StreamError, fmt_chain};
#[cfg(feature = "std")]
pub use event::TooManyNames;
pub use event::{SensorEvent, SensorId};
#[cfg(feature = "alloc")]
pub use flow::DeadLetter;
pub use flow::FlowControl;
#[cfg(feature = "alloc")]
pub use identity::{NodeId, UnknownNodeId};
pub use joins::Joins;
#[cfg(feature = "alloc")]
pub use limit::QueueMeter;
pub use limit::{Limit, Overflow, QueueState, QueueStats};
pub use measure::{Float, Measured};
pub use moment::{BootId, Dated, InvalidBootId, Moment, WallClock};
pub use notice::{Notice, Question, Receipts};
pub use output::{ConnectedFlow, Flow, OutputThing, Source};
pub use reduce::Reducing;
#[cfg(feature = "alloc")]
pub use reports::Report;
#[cfg(feature = "alloc")]
pub use saved_state::{SavedState, StateError};
pub use saving::Saving;
#[cfg(feature = "std")]
pub use scheduler::{
    Batch, ClockChange, Delivery, DeliveryMeter, DeliveryStats, Descriptor, EdgeOutput, EdgeSink, EventThing,
    IntoPeriodic, NotScheduled, OnFailure, OnSetup, Overrun, Periodic, PoolInput, PostError, Readiness, Ready, Refusal,
    Registry, Rejection, Remote, ScheduleError, ScheduleHandle, ScheduleStats, Scheduler, StopSignal, StopToken,
    Stopper, SystemClock, VirtualClock, Worker,
};
#[cfg(feature = "std")]
pub use scheduler::{
    CallTimes, Control, InspectError, Inspector, Lateness, Reported, ScheduleInfo, ScheduleKind, ScheduleState, Seen,
    Snapshot, Spot, TapEvents, TapSettings, TurnTimes,
};
// Of mio: its pages link to others of its own.
#[cfg(feature = "std")]
#[doc(no_inline)]
pub use scheduler::Interest;
pub use select::Selecting;
pub use sensor::{DriverError, OrMissing, SampleError, Sampled, Sensor};
#[cfg(feature = "alloc")]
pub use shared::{Shared, SharedInput};
pub use sinks::{Call, Sinks, call};
pub use size::Size;
pub use sources::*;
pub use state::{Saved, SavedEvents, SavedItems, StateVisitor};
pub use thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt, Sink};
pub use timing::Timing;
pub use visit::{Visitor, short_name};
pub use windows::{Smoothing, Windows};
#[cfg(feature = "alloc")]
pub use {
    output::{Output, PortSource, Ports},
    port::{Branch, Connection, ConnectionInfo, Feeder, Port, PortChain, PortRef, WeakPort},
    sensor::SensorOutput,
    splitting::{Routes, Splitting, UnknownPort},
    tracking::{Tracked, Tracker, Tracking},
};

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../tests/compile-fail.md")]
mod compile_fail {}
