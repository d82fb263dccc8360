//! The names a program needs: `use thingflow_core::prelude::*;`

pub use crate::backoff::Backoff;
pub use crate::chain::{Chain, Pipe, pipe};
pub use crate::clock::{Instant, Timestamp};
pub use crate::context::Context;
pub use crate::elementwise::{DynEmitter, Elementwise, Transducer, filter_fn};
pub use crate::ends::Ends;
pub use crate::error::{Failure, FatalError, RunError, StreamError};
pub use crate::event::{SensorEvent, SensorId};
pub use crate::flow::FlowControl;
pub use crate::joins::Joins;
pub use crate::limit::{Limit, Overflow};
pub use crate::notice::{Notice, Question};
pub use crate::output::{Flow, OutputThing, Source};
pub use crate::reduce::Reducing;
pub use crate::select::Selecting;
pub use crate::sensor::{SampleError, Sensor};
pub use crate::sinks::*;
pub use crate::sources::*;
pub use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt, Sink};
pub use crate::timing::Timing;
pub use crate::windows::{Smoothing, Window, Windows};

#[cfg(feature = "alloc")]
pub use crate::{
    flow::ErrorPolicy,
    limit::QueueMeter,
    output::{Output, PortSource, Ports},
    port::{Connection, Port, PortRef},
    sensor::SensorOutput,
    splitting::Splitting,
    tracking::{Tracked, Tracker, Tracking},
};

#[cfg(feature = "alloc")]
pub use crate::diagram::Tracing;
#[cfg(feature = "std")]
pub use crate::scheduler::{Descriptor, EventThing, OnFailure, Periodic, Remote, ScheduleHandle, Scheduler};
#[cfg(feature = "alloc")]
pub use crate::shared::Shared;
