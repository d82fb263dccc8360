//! [`BootClock`]: what is known of the wall clock of a boot, and the file that keeps it.

use std::io;

use crate::error::Error;
use crate::files::{File, Files, SyncPoint, read_up_to, write_all};
use crate::format::{Bad, CLOCKS_BYTES, StoreId, decode_clocks, encode_clocks};

/// The file's name.
pub(crate) const CLOCKS: &str = "clocks";

/// Bytes that it takes on the disk.
pub(crate) const FILE_BYTES: u64 = 4096;

/// So many boots are kept, the latest ones.
pub(crate) const MOST_BOOTS: usize = 16;

/// What is known of the wall clock of one boot of the machine.
///
/// A program that stores records before the wall clock has been set notes its boot, and notes it again when the clock is set.
/// From then on the wall time of all records of that boot follows from their monotonic time: in this process, in a later one,
/// and in a later boot too. The journal itself reads no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootClock {
    /// Which boot: any number but 0, such as the kernel's boot id.
    pub boot: u128,
    /// A reading of the monotonic clock of that boot, in nanoseconds.
    pub monotonic: u64,
    /// The wall time at that reading, in nanoseconds since 1970 UTC; `None` as long as the clock has not been set.
    pub time: Option<i64>,
}

impl BootClock {
    /// The wall time at another reading of the monotonic clock of that boot, both in nanoseconds, if it is known.
    ///
    /// ```
    /// use thingflow_journal::BootClock;
    /// let clock = BootClock { boot: 7, monotonic: 50, time: Some(1_050) };
    /// assert_eq!(clock.time_at(20), Some(1_020));
    /// ```
    pub fn time_at(&self, monotonic: u64) -> Option<i64> {
        let time = i128::from(self.time?) + i128::from(monotonic) - i128::from(self.monotonic);
        i64::try_from(time.clamp(i64::MIN.into(), i64::MAX.into())).ok()
    }
}

/// Adds a note to those that are kept: one for each boot, the latest last. Says whether that changes anything.
pub(crate) fn add(clocks: &mut Vec<BootClock>, note: BootClock) -> bool {
    let known = clocks.iter().position(|clock| clock.boot == note.boot);
    let is_news = known.is_none_or(|at| clocks[at].time.is_none() && note.time.is_some());
    if note.boot == 0 || !is_news {
        return false;
    }
    if let Some(at) = known {
        clocks.remove(at);
    }
    clocks.push(note);
    let excess = clocks.len().saturating_sub(MOST_BOOTS);
    clocks.drain(..excess);
    true
}

/// What a file says; `Err` as the other files of a journal if that is nothing.
pub(crate) fn read(file: &dyn File) -> io::Result<Result<(StoreId, Vec<BootClock>), Bad>> {
    let mut bytes = vec![0; CLOCKS_BYTES];
    let len = read_up_to(file, &mut bytes, 0)?;
    Ok(decode_clocks(&bytes[..len]))
}

/// Replaces the file: after a crash there is the old one or the new one.
pub(crate) fn write(files: &dyn Files, id: StoreId, clocks: &[BootClock]) -> Result<(), Error> {
    let unfinished = format!("{CLOCKS}.new");
    let written = replace(files, &unfinished, &encode_clocks(id, clocks));
    if written.is_err() {
        // It is removed at the next try, or when the journal is opened.
        let _ = files.remove(&unfinished);
    }
    written.map_err(Error::io(format!("write {CLOCKS}")))
}

fn replace(files: &dyn Files, unfinished: &str, bytes: &[u8]) -> io::Result<()> {
    match files.remove(unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = files.create(unfinished)?;
    write_all(&*file, bytes, 0)?;
    file.sync_data(SyncPoint::NewClocks)?;
    files.rename(unfinished, CLOCKS)?;
    files.sync_folder(SyncPoint::ClocksName)
}
