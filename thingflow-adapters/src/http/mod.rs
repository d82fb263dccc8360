//! HTTP: events to a server, a web address as a sensor, long answers.
//!
//! - [`Writer`] posts events in batches, as JSON or as forms, and tells apart what a server answers. It is a
//!   [`Worker`](thingflow_core::Worker).
//! - [`Poll`] asks an address again and again and is a [`Sensor`](thingflow_core::Sensor); what has not changed costs no more
//!   than a question (`ETag`, `Last-Modified`).
//! - [`Pieces`] is a source of the pieces of one long answer, [`open`] a reader of it.
//!
//! All of them take an [`Endpoint`]: the address, and how to go there, by TLS if it begins with `https://`. They block, so a writer is given to
//! [`Scheduler::worker`](thingflow_core::Scheduler::worker), the others belong on an edge thread.
//!
//! ```no_run
//! use std::time::Duration;
//! use thingflow_adapters::http::{Endpoint, Poll, Writer};
//! use thingflow_adapters::net::Secret;
//! use thingflow_core::prelude::*;
//! use thingflow_core::{Delivery, Limit};
//! let scheduler = Scheduler::new()?;
//! let price = Poll::<f64>::json("price", Endpoint::new("http://127.0.0.1:8080/price"));
//! let price = scheduler.schedule_sensor_on_separate_thread(price, Duration::from_secs(60))?;
//! let hook = Endpoint::new("http://127.0.0.1:8080/events").token(Secret::file("/etc/gateway/token")).gzip();
//! let (hook, _refused) = scheduler.worker("hook", Writer::json_lines(hook), Delivery::within(Limit::block(1000)))?;
//! price.connect(hook);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod client;
mod endpoint;
mod error;
mod pieces;
mod poll;
mod scripted;
#[cfg(feature = "tls")]
mod secured;
mod writer;

#[cfg(feature = "influx")]
pub(crate) use client::Client;
pub use endpoint::Endpoint;
pub use error::HttpError;
pub use pieces::{Pieces, Response, open};
pub use poll::Poll;
#[doc(hidden)]
pub use scripted::{Answer, read_answer};
pub use writer::Writer;
#[cfg(feature = "influx")]
pub(crate) use writer::escape;
