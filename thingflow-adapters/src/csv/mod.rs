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
//! people. What is written is read back equal, but zero bytes in a text, which become `\u{FFFD}`.
//!
//! Records are of `serde`: a reading that is `Serialize` has a column for each of its [`fields`](crate::fields) instead of
//! `value`, and a record of yours need not be a sensor event.
//!
//! A writer ends a chain, or stands beside it: `.also_to(csv::append(path)?)` writes the events and passes them on.
//!
//! ```
//! use thingflow_adapters::csv;
//! use thingflow_core::prelude::*;
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("lux.csv");
//! let lux = [(0, 20.0), (60, 30.25)].map(|(s, v)| SensorEvent::new("lux-1", Timestamp::from_secs(s), v));
//! pipe::<SensorEvent<f64>>().to(csv::append(&path)?).feed(lux)?;
//! let again = csv::read::<f64>(&path)?.collect_now();
//! assert_eq!(again.iter().map(|e| e.val).collect::<Vec<_>>(), [20.0, 30.25]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod daily;
mod error;
mod opening;
mod reader;
mod rows;
mod table;
mod unmarked;
mod writer;

pub use daily::{DailyWriter, write_daily};
pub use error::{CsvError, RowError};
pub use reader::{Reader, open, read};
#[cfg(feature = "influx")]
pub(crate) use rows::{Fault, Row, Rows};
pub use writer::{Writer, append, write};
