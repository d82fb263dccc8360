//! [`Folder`]: a folder of the operating system.

use std::fs;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};

use super::{Entry, File, Files, SyncPoint};

/// A folder on a real file system.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    handle: fs::File,
    is_linked: bool,
}

impl Folder {
    /// Opens the folder, and makes it first if it is not there, with all folders above it; those are on the disk when
    /// this returns.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        make(path)?;
        Self::open_existing(path)
    }

    /// Opens the folder, which must be there.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn open_existing(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let handle = fs::File::open(path)?;
        if !handle.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { path: path.into(), is_linked: is_linked(&handle)?, handle })
    }
}

/// Makes the folder and those above it, each synced into its parent.
fn make(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    make(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        other => other?,
    }
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    uninterrupted(|| fs::File::open(parent)?.sync_all())
}

fn is_forbidden(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Calls again as long as a signal came in between.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

impl Files for Folder {
    fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            match entry.metadata() {
                Ok(meta) if meta.is_file() => entries.push(Entry { name, allocated: meta.blocks() * 512 }),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let path = self.path.join(name);
        let file = match fs::File::options().read(true).write(true).open(&path) {
            // Who may only read can look at a journal.
            Err(error) if is_forbidden(&error) => {
                return Ok(Box::new(OnDisk::new(fs::File::open(&path)?, Some(error))?));
            }
            other => other?,
        };
        Ok(Box::new(OnDisk::new(file, None)?))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let file = fs::File::options().read(true).write(true).create_new(true).open(self.path.join(name))?;
        Ok(Box::new(OnDisk::new(file, None)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_folder(&self, _: SyncPoint) -> io::Result<()> {
        self.handle.sync_all()?;
        still_there(&self.handle, self.is_linked)
    }

    fn folder_bytes(&self) -> io::Result<u64> {
        Ok(self.handle.metadata()?.blocks() * 512)
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send>>> {
        let path = self.path.join(name);
        let file = match fs::File::options().read(true).write(true).open(&path) {
            Err(error) if is_forbidden(&error) => fs::File::open(&path)?,
            other => other?,
        };
        let lock = |file: &fs::File| uninterrupted(|| Ok(flock(file, FlockOperation::NonBlockingLockExclusive)?));
        // Somebody may remove the file, taking it for a left one; the folder stays. Where folders cannot be locked (NFS) the file
        // alone counts.
        let handle = self.handle.try_clone()?;
        if lock(&handle).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            return Ok(None);
        }
        let locked = Locked(file, handle);
        match lock(&locked.0) {
            Ok(()) => Ok(Some(Box::new(locked))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }
}

/// A lock belongs to the open file, and a process that is just being started by this one has that open too, until it has become
/// another program. So it is given up, and not only closed.
struct Locked(fs::File, fs::File);

impl Drop for Locked {
    fn drop(&mut self) {
        for locked in [&self.0, &self.1] {
            let _ = uninterrupted(|| Ok(flock(locked, FlockOperation::Unlock)?)); // else the last one that closes it gives it up
        }
    }
}

/// Whether a file, or a folder, has a name. Some file systems never say so.
fn is_linked(file: &fs::File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() > 0)
}

/// What has lost its name will be gone, whatever is written to it.
fn still_there(file: &fs::File, was_linked: bool) -> io::Result<()> {
    if was_linked && !is_linked(file)? {
        return Err(io::Error::new(io::ErrorKind::NotFound, "somebody has removed it"));
    }
    Ok(())
}

#[derive(Debug)]
struct OnDisk {
    file: fs::File,
    is_linked: bool,
    /// Why it cannot be written to.
    forbidden: Option<io::ErrorKind>,
}

impl OnDisk {
    fn new(file: fs::File, forbidden: Option<io::Error>) -> io::Result<Self> {
        Ok(Self { is_linked: is_linked(&file)?, file, forbidden: forbidden.map(|error| error.kind()) })
    }
}

impl File for OnDisk {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match self.forbidden {
            Some(kind) => Err(kind.into()),
            None => self.file.write_at(bytes, offset),
        }
    }

    /// Where the file system cannot reserve space (vfat, NFS), zeros are written.
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        match uninterrupted(|| Ok(fallocate(&self.file, FallocateFlags::empty(), 0, bytes)?)) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => fill(self, bytes),
            other => other,
        }
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn sync_data(&self, _: SyncPoint) -> io::Result<()> {
        self.file.sync_data()?;
        still_there(&self.file, self.is_linked)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn allocated(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.blocks() * 512)
    }
}

fn fill(file: &OnDisk, bytes: u64) -> io::Result<()> {
    let zeros = [0; 4096];
    let mut at = file.len()?;
    while at < bytes {
        let count = zeros.len().min(usize::try_from(bytes - at).unwrap_or(zeros.len()));
        super::write_all(file, &zeros[..count], at)?;
        at += count as u64;
    }
    Ok(())
}
