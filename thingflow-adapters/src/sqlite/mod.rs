//! Tables of SQLite: the store of a board, one file that people can open.
//!
//! A [`Writer`] is a [`Worker`](thingflow_core::Worker): a thread of its own writes batches, each in one transaction that is
//! on the disk (`synchronous=FULL`, write-ahead log) before its events count as delivered. A [`Reader`] gives the rows by
//! their number.
//!
//! The columns are the record's [`fields`](crate::fields):
//!
//! | a field that is | is in its column |
//! |---|---|
//! | a `bool` | `BOOLEAN`: 0 or 1 |
//! | a whole number | `INTEGER`; one beyond 2^63 - 1 is refused |
//! | a number | `REAL`; `NaN` is `NULL` |
//! | a text | `TEXT` |
//! | a time | `TIMESTAMP`: the nanoseconds since 1970, an integer |
//! | missing | `NULL` |
//!
//! `datetime(timestamp / 1000000000, 'unixepoch')` shows a time to people.
//!
//! ```
//! use thingflow_adapters::sqlite;
//! use thingflow_core::prelude::*;
//! use thingflow_core::{Delivery, Limit};
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("board.db");
//! let mut scheduler = Scheduler::virtual_time()?;
//! let writer = sqlite::Writer::new(&path, "lux").create_table();
//! let (store, _refused) = scheduler.worker("board.db", writer, Delivery::within(Limit::block(1000)))?;
//! let events = (1..=3).map(|n| SensorEvent::new("lux-1", Timestamp::from_secs(n), n as f64));
//! scheduler.schedule_recurring(from_iter(events).connect(store))?;
//! scheduler.run_forever()?;
//!
//! let rows = sqlite::Reader::<SensorEvent<f64>>::open(&path, "lux")?.flow().collect_now();
//! assert_eq!(rows.iter().map(|row| (row.id, row.record.val)).collect::<Vec<_>>(), [(1, 1.0), (2, 2.0), (3, 3.0)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod damage;
mod error;
mod insert;
mod open;
mod reader;
mod retention;
mod writer;

pub use crate::tables::Row;
pub use error::SqliteError;
pub use reader::Reader;
pub use writer::Writer;
