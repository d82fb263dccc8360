//! Queues on disk: what is pushed is synced, what is taken is acknowledged.

mod fjall;
mod hand;
mod ours;
mod redb;
mod sqlite;

use std::path::Path;

use crate::Result;

pub use fjall::Fjall;
pub use hand::Plain;
pub use ours::Segments;
pub use redb::Redb;
pub use sqlite::Sqlite;

/// A queue that survives power cuts, as far as its own documents say how.
pub trait Queue: Sized {
    /// Opens the queue in a folder, and makes it if there is none.
    fn open(folder: &Path) -> Result<Self>;
    /// Pushes all records, and returns when they are synced.
    fn push(&mut self, records: &[Vec<u8>]) -> Result<()>;
    /// Takes up to `count` records and acknowledges them; gives the sum of their bytes.
    fn take(&mut self, count: usize) -> Result<usize>;
}
