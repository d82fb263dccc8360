//! What readers and writers of files have in common: files that grow, are rotated and damaged; their errors; the disk.

mod error;
mod growing;
mod syncing;
mod target;

pub use error::FileError;
pub(crate) use error::{Doing, Printable};
#[cfg(feature = "lines")]
pub(crate) use growing::is_same;
pub(crate) use growing::{GrowingFile, Moved};
pub(crate) use syncing::Syncing;
pub(crate) use target::{Target, report_cut};
