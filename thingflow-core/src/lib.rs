//! Sensors, filters, ports and schedules on one reactor thread; the same filters without `std` or an allocator.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
// The scheduler of `std` is the only one to close graphs and to name who panicked.
#![cfg_attr(not(feature = "std"), allow(dead_code))]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod bare;
mod chain;
mod clock;
mod context;
#[cfg(feature = "alloc")]
pub mod diagram;
mod error;
mod event;
pub mod filters;
pub mod flow;
pub mod joins;
mod limit;
mod measure;
mod output;
#[cfg(feature = "alloc")]
mod port;
pub mod prelude;
mod receipts;
#[cfg(feature = "alloc")]
mod reports;
#[cfg(feature = "std")]
mod scheduler;
mod sensor;
#[cfg(feature = "alloc")]
mod shared;
pub mod sinks;
mod size;
mod sources;
#[cfg(feature = "alloc")]
pub mod splitting;
#[cfg(feature = "alloc")]
pub mod testing;
mod thing;
mod ticker;
pub mod timing;
#[cfg(feature = "alloc")]
pub mod tracking;
mod visit;
pub mod windows;

pub use chain::{Chain, Connected, Identity, Pipe, Then, pipe};
pub use clock::{Clock, Instant, Timestamp};
pub use context::Context;
pub use error::{Failure, FatalError, RunError, StreamError};
pub use event::{SensorEvent, SensorId};
pub use filters::Filters;
pub use flow::FlowControl;
pub use joins::Joins;
#[cfg(feature = "alloc")]
pub use limit::QueueMeter;
pub use limit::{Limit, Overflow, QueueStats};
pub use measure::{Float, Measured};
pub use output::{ConnectedFlow, Flow, OutputThing, Source};
#[cfg(feature = "alloc")]
pub use reports::Report;
#[cfg(feature = "std")]
pub use scheduler::{
    EdgeOutput, EdgeSink, EventSource, EventThing, Interest, OnFailure, Periodic, PoolInput, PostError, Registry,
    Remote, ScheduleError, ScheduleHandle, ScheduleStats, Scheduler, StopToken, Stopper, SystemClock, VirtualClock,
};
pub use sensor::{DriverError, OrMissing, SampleError, Sampled, Sensor};
#[cfg(feature = "alloc")]
pub use shared::{Shared, SharedInput};
pub use sinks::{Call, Sinks, call};
pub use size::Size;
pub use sources::*;
pub use thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};
pub use timing::Timing;
pub use visit::{Visitor, short_name};
pub use windows::Windows;
#[cfg(feature = "alloc")]
pub use {
    output::Output,
    port::{Branch, Connection, ConnectionInfo, Port, PortChain, PortRef, WeakPort},
    sensor::SensorOutput,
    splitting::{Routes, Splitting, UnknownPort},
    tracking::{Tracked, Tracker, Tracking},
};

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../tests/compile-fail.md")]
mod compile_fail {}
