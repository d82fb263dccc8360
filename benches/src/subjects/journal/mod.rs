//! Queues on disk: what is pushed is synced, what is taken is acknowledged.

mod fjall;
mod hand;
mod ours;
pub mod packed;
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

/// The reading of a sensor in a second of the recorded day.
pub fn reading(sensor: u32, second: u32) -> f64 {
    f64::from(second) / 8.0 + f64::from(sensor)
}

/// The average of the last sixty readings: of whole eighths, so that it is the same however it is summed up.
#[derive(Clone, Debug, Default)]
pub struct Sixty {
    window: std::collections::VecDeque<f64>,
    sum: f64,
}

impl Sixty {
    /// Takes one reading, gives the average including it.
    pub fn push(&mut self, val: f64) -> f64 {
        if self.window.len() == 60 {
            self.sum -= self.window.pop_front().unwrap_or_default();
        }
        self.window.push_back(val);
        self.sum += val;
        self.sum / self.window.len() as f64
    }
}
