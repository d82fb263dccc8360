//! An append-only journal on disk.

mod batch;
mod bytes;
mod counts;
mod error;
mod files;
pub mod format;
pub mod inspect;
mod journal;
mod log;
#[cfg(feature = "model")]
pub mod model;
mod options;
mod position;
mod quarantine;
mod record;
mod report;
mod scan;
mod store;

pub use counts::{Counts, Dropped};
pub use error::{Error, Full, PushError};
pub use files::{Entry, File, Files, Folder, SyncPoint};
pub use journal::{Consumer, Journal, Writer};
pub use options::{Options, Policy, Window};
pub use record::Record;
pub use report::Report;
pub use store::{Range, Start, Store};
