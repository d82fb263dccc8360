//! PostgreSQL, and what speaks as it does: TimescaleDB.
//!
//! - [`Writer`] writes events as rows, in batches. It is a [`Worker`](thingflow_core::Worker).
//! - [`Reader`] is a source of rows, ordered by their number.
//! - [`Listener`] hears what is notified in the database (`LISTEN`, `NOTIFY`).
//!
//! All of them go to a [`Database`]. The columns are the record's [`fields`](crate::fields): `boolean`, `bigint`, `double
//! precision`, `text` and `timestamp with time zone`, which has microseconds, in a table that the writer makes; a table that
//! exists may have any types whose texts PostgreSQL understands. What is missing is `NULL`, or the column's default.
//!
//! ```no_run
//! use thingflow_adapters::net::Secret;
//! use thingflow_adapters::postgres::{Database, Writer};
//! use thingflow_core::prelude::*;
//! use thingflow_core::{Delivery, Limit};
//! let mut scheduler = Scheduler::new()?;
//! let database = Database::new("postgresql://gateway@127.0.0.1/home").password(Secret::credential("postgres"));
//! let writer = Writer::new(database, "lux").create_table();
//! let (store, _refused) = scheduler.worker("postgres", writer, Delivery::within(Limit::block(10_000)))?;
//! scheduler.schedule_recurring(from_iter([SensorEvent::new("lux-1", Timestamp::from_secs(1), 25.5)]).connect(store))?;
//! scheduler.run_forever()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cells;
mod database;
mod error;
mod listener;
mod reader;
mod rows;
#[cfg(feature = "postgres-tls")]
mod secured;
mod session;
mod writer;

pub use crate::tables::Row;
pub use database::Database;
pub use error::PostgresError;
pub use listener::{Heard, Listener};
pub use reader::Reader;
pub use writer::Writer;
