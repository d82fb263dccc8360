//! A [`SavedState`] in a file, which is whole or the one before.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::string::ToString;
use std::vec::Vec;

use super::{Kind, SavedState, StateError};

impl SavedState {
    /// Writes the state to a file, in place of the one that is there: under another name, `path` and `.partial`, synced, and then renamed. So
    /// a kill or a power cut leaves a whole state, this one or the one before.
    ///
    /// It waits for the disk, which may take an SD card a second.
    ///
    /// ```
    /// use thingflow_core::{SavedState, prelude::*};
    /// # let path = std::env::temp_dir().join(format!("thingflow-state-{}", std::process::id()));
    /// let chain = || pipe::<i32>().skip(3).to(call(drop));
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// assert!(SavedState::read_from(&path)?.is_none()); // the first time
    /// let mut before = chain();
    /// before.next(1, cx)?;
    /// SavedState::of(&mut before, cx)?.write_to(&path)?;
    ///
    /// if let Some(saved) = SavedState::read_from(&path)? {
    ///     saved.restore(&mut chain(), cx)?;
    /// }
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be written. What was there before is still there, unless the folder alone could not be synced.
    pub fn write_to(&self, path: impl AsRef<Path>) -> Result<(), StateError> {
        let path = path.as_ref();
        let mut partial = path.to_owned().into_os_string();
        partial.push(".partial");
        let bytes: Vec<u8> = self.clone().into_words().into_iter().flat_map(u64::to_le_bytes).collect();
        let written = write_whole(&bytes, Path::new(&partial), path);
        written.map_err(|error| {
            let _ = fs::remove_file(&partial); // it says nothing, and there may be none
            FileError::state("write", path, error)
        })
    }

    /// Reads what [`write_to`](Self::write_to) has written; `None` if there is no such file, as when a program runs for the first time.
    ///
    /// # Errors
    /// If the file cannot be read, or is damaged.
    pub fn read_from(path: impl AsRef<Path>) -> Result<Option<Self>, StateError> {
        let path = path.as_ref();
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::state("read", path, error)),
        };
        let (words, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(StateError { kind: Kind::Damaged });
        }
        Self::from_words(words.iter().map(|word| u64::from_le_bytes(*word)).collect()).map(Some)
    }
}

fn write_whole(bytes: &[u8], partial: &Path, path: &Path) -> io::Result<()> {
    let mut file = File::create(partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(partial, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A file that cannot be written or read.
pub(super) struct FileError {
    doing: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl FileError {
    fn state(doing: &'static str, path: &Path, error: io::Error) -> StateError {
        StateError { kind: Kind::File(Self { doing, path: path.to_owned(), error }) }
    }

    pub(super) fn cause(&self) -> &(dyn std::error::Error + 'static) {
        &self.error
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} the state `{}`", self.doing, self.path.display().to_string().escape_debug())
    }
}
