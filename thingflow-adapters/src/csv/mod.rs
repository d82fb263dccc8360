//! Events to and from CSV files.
//!
//! A file has a header and one row for each event:
//!
//! ```text
//! timestamp,datetime,sensor_id,value
//! 1420110060.5,2015-01-01T11:01:00.500Z,lux-1,25.5
//! ```
//!
//! `timestamp` is in seconds since 1970 UTC with up to nine decimals, so nothing is lost; `datetime` says the same to
//! people and is not read back. What is written is read back equal. A reading of several values has a column for each of
//! them instead of `value`; see [`Columns`](thingflow_core::Columns).
//!
//! Other columns come by a [`Mapping`], made of names and a closure by [`columns`] to write and by [`from_columns`] to
//! read, or written by hand.
//!
//! A writer ends a chain, or stands beside it: `.tap(csv::write(path)?)` writes the events and passes them on.
//!
//! ```
//! use thingflow_adapters::csv;
//! use thingflow_core::prelude::*;
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("lux.csv");
//! let lux = [(0, 20.0), (60, 30.25)].map(|(s, v)| SensorEvent::new("lux-1", Timestamp::from_secs(s), v));
//! pipe::<SensorEvent<f64>>().to(csv::write(&path)?).feed(lux)?;
//! let again = csv::read::<f64>(&path)?.collect_now();
//! assert_eq!(again.iter().map(|e| e.val).collect::<Vec<_>>(), [20.0, 30.25]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod columns;
mod error;
mod header;
mod mapping;
mod reader;
mod rolling;
mod sensor_rows;
pub(crate) mod watched;
mod writer;

pub use columns::{ColumnsOf, FromColumnsOf, columns, from_columns};
pub use error::{CsvError, RowError};
pub use mapping::{BadColumn, FromRow, Mapping, Row, RowBuilder, ToRow};
pub use reader::{Reader, open, read};
pub use rolling::{DailyWriter, write_daily};
pub use sensor_rows::{SensorRows, Stamped, Values};
pub use writer::{Writer, append, write};
