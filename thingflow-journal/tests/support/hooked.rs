//! [`Hooked`]: files in which something happens at a point that a test chooses.

use std::sync::Arc;
use std::{fmt, io};

use thingflow_journal::{Entry, File, Files, SyncPoint};

/// What happens: unless a test says otherwise, nothing.
pub(crate) trait Hooks: Send + Sync + 'static {
    /// Right after the files were listed.
    fn listed(&self) {}
    /// Right after a file was made, or could not be made.
    fn created(&self, _name: &str) {}
    /// Before what was written into a file is synced.
    fn syncs(&self, _point: SyncPoint) {}
}

/// The files.
pub(crate) struct Hooked<F, H> {
    files: F,
    hooks: Arc<H>,
}

impl<F: Files, H: Hooks> Hooked<F, H> {
    pub(crate) fn new(files: F, hooks: H) -> Self {
        Self { files, hooks: Arc::new(hooks) }
    }
    fn file(&self, file: Box<dyn File>) -> Box<dyn File> {
        Box::new(HookedFile(file, self.hooks.clone()))
    }
}

impl<F: fmt::Debug, H> fmt::Debug for Hooked<F, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(f)
    }
}

impl<F: Files, H: Hooks> Files for Hooked<F, H> {
    fn list(&self) -> io::Result<Vec<Entry>> {
        let listed = self.files.list();
        self.hooks.listed();
        listed
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        Ok(self.file(self.files.open(name)?))
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let created = self.files.create(name);
        self.hooks.created(name);
        Ok(self.file(created?))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.files.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name)
    }
    fn sync_folder(&self, point: SyncPoint) -> io::Result<()> {
        self.files.sync_folder(point)
    }
    fn folder_bytes(&self) -> io::Result<u64> {
        self.files.folder_bytes()
    }
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send>>> {
        self.files.lock(name)
    }
    fn describe(&self) -> String {
        self.files.describe()
    }
}

struct HookedFile<H>(Box<dyn File>, Arc<H>);

impl<H> fmt::Debug for HookedFile<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<H: Hooks> File for HookedFile<H> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.0.allocate(bytes)
    }
    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.0.truncate(bytes)
    }
    fn sync_data(&self, point: SyncPoint) -> io::Result<()> {
        self.1.syncs(point);
        self.0.sync_data(point)
    }
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn allocated(&self) -> io::Result<u64> {
        self.0.allocated()
    }
}
