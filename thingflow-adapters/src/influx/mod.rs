//! InfluxDB, and what takes the same lines: VictoriaMetrics, QuestDB, Telegraf.
//!
//! - [`Encoder`] makes lines of records.
//! - [`Writer`] sends them over HTTP, to InfluxDB 1, 2 or 3 or to VictoriaMetrics, [`UdpWriter`] over UDP. Both are
//!   [`Worker`](thingflow_core::Worker)s.
//! - [`Query`] is a source of the points that a query in InfluxQL gives.
//!
//! ```
//! use thingflow_adapters::influx::Encoder;
//! use thingflow_core::prelude::*;
//! let event = SensorEvent::new("attic 1", Timestamp::from_nanos(1_420_110_060_500_000_000), 25.5);
//! let mut encoder = Encoder::new("temperature");
//! assert_eq!(encoder.encode(&event)?, r"temperature,sensor_id=attic\ 1 value=25.5 1420110060500000000");
//! # Ok::<(), thingflow_adapters::influx::InfluxError>(())
//! ```

mod encoder;
mod error;
mod query;
mod udp;
mod writer;

pub use encoder::{Encoder, LeftOut};
pub use error::InfluxError;
pub use query::Query;
#[doc(hidden)]
pub use query::read_answer;
pub use udp::UdpWriter;
pub use writer::Writer;
