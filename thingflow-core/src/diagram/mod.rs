//! Drawings of the live graph: as text, DOT, Mermaid and SVG, with the number of events on each connection.
//!
//! ```
//! use thingflow_core::diagram::Graph;
//! use thingflow_core::prelude::*;
//! use thingflow_core::testing::ListSensor;
//! let lux = SensorOutput::new(ListSensor::new("lux", [20.0, 30.0]));
//! lux.connect(call(drop));
//! lux.map(|e| e.val).running_avg(5).connect(call(drop));
//! let graph = Graph::of(&lux);
//! assert_eq!(graph.to_string(), "lux -> call\nlux -> map -> running_avg -> call\n");
//! ```

mod clean;
mod dot;
mod hops;
mod layout;
mod mermaid;
mod node;
mod order;
mod svg;
mod text;
mod trace;
mod walk;

pub(crate) use clean::called;
pub use hops::Trace;
pub(crate) use hops::{Hop, Shows};
pub use node::{Edge, Node, NodeKind};
pub use svg::Note;
pub use trace::{Traced, Tracing};
#[cfg(feature = "std")]
pub(crate) use walk::Met;
pub use walk::{Graph, Root};
