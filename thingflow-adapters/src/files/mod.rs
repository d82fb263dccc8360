//! What readers and writers of files have in common: files that grow, are rotated and damaged; their errors; the disk.

mod error;
mod growing;
mod syncing;
mod target;

pub(crate) use error::Doing;
pub use error::FileError;
#[cfg(feature = "lines")]
pub(crate) use growing::is_same;
pub(crate) use growing::{GrowingFile, Moved};
pub(crate) use syncing::Syncing;
pub(crate) use target::{Target, report_cut};
