//! [`Files`] and [`File`]: all that a journal asks of an operating system, so that tests can be another one.

mod folder;
mod whole;

use std::fmt;
use std::io;

pub use folder::Folder;
pub(crate) use whole::{Gone, read_around, read_up_to, remove, write_all};

/// One folder of files, without folders inside.
///
/// Names are plain file names. [`Folder`] is the real one; a test brings its own, or takes the model of the feature
/// `model`. A call may fail with any error and may be interrupted; the journal copes with it.
pub trait Files: fmt::Debug + Send + Sync {
    /// All files, in any order.
    fn list(&self) -> io::Result<Vec<Entry>>;
    /// Opens a file that is there, to read and write.
    fn open(&self, name: &str) -> io::Result<Box<dyn File>>;
    /// Makes a file that must not be there yet.
    fn create(&self, name: &str) -> io::Result<Box<dyn File>>;
    /// Gives a file another name, which replaces a file of that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Returns when the names of all files are on the disk.
    fn sync_folder(&self, point: SyncPoint) -> io::Result<()>;
    /// Bytes that the folder itself takes on the disk.
    fn folder_bytes(&self) -> io::Result<u64>;
    /// Locks a file that is there against other processes, until the guard is dropped. `None` if another has it.
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send>>>;
    /// What errors call the folder.
    fn describe(&self) -> String;
}

/// An open file.
pub trait File: fmt::Debug + Send {
    /// Reads at `offset`; fewer bytes than asked for are no error, zero is the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at `offset`; fewer bytes than asked for are no error.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Reserves the disk's space for the first `bytes` of the file, which is then that long at least.
    /// [`io::ErrorKind::StorageFull`] if there is not enough.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    /// Cuts the file.
    fn truncate(&self, bytes: u64) -> io::Result<()>;
    /// Returns when contents and size are on the disk.
    fn sync_data(&self, point: SyncPoint) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Bytes that it takes on the disk, as `du` counts.
    fn allocated(&self) -> io::Result<u64>;
    /// Whether it is of no length.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }
}

/// A file in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The file's name.
    pub name: String,
    /// Bytes that it takes on the disk, as `du` counts.
    pub allocated: u64,
}

/// The places where the journal waits for the disk. Each is there for a reason, which a test shows by leaving it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SyncPoint {
    /// The records of a commit, before they are acknowledged or delivered.
    Batch,
    /// The name of a new segment, before its records are acknowledged or delivered.
    NewSegment,
    /// The loss of a segment's old name, before its file is written for another.
    Reuse,
    /// The end of a segment that was cut off, before its space is used for another.
    Cut,
    /// A consumer's position, before the records below it are removed.
    Retire,
    /// A consumer's position, within a second of its change, and at the close.
    Position,
    /// That a consumer begins to take records, before it does: after a crash they carry a mark.
    Reach,
    /// The contents of a new file of a position.
    NewPosition,
    /// The name of a new file of a position, or that it is gone.
    PositionName,
    /// The contents of a new file of clocks, before it replaces the old one.
    NewClocks,
    /// The name of a new file of clocks, before the journal goes on.
    ClocksName,
    /// What a killed process has left in the newest segment, before it is delivered.
    Recover,
    /// The names that a killed process has left, before what they name is delivered.
    RecoverNames,
    /// The positions that a killed process has left, before anything relies on them.
    RecoverPosition,
}

impl SyncPoint {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Batch,
        Self::NewSegment,
        Self::Reuse,
        Self::Cut,
        Self::Retire,
        Self::Position,
        Self::Reach,
        Self::NewPosition,
        Self::PositionName,
        Self::NewClocks,
        Self::ClocksName,
        Self::Recover,
        Self::RecoverNames,
        Self::RecoverPosition,
    ];
}
