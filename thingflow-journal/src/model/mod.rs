//! A model of a file system that keeps on disk only what was synced, and tears the rest: for tests of what stands on a
//! journal. Feature `model`.
//!
//! A power cut leaves of every sector the version that was synced last or any that was written since, of sizes and of the
//! names in the folder likewise, each by itself. A kill leaves everything as it was written. A failed sync drops what it
//! should have written, and later syncs succeed all the same. Everything is drawn from a seed.
//!
//! ```
//! use thingflow_journal::model::Model;
//! use thingflow_journal::{CommitWindow, Options, Start, Store};
//!
//! let disk = Model::new(1);
//! let options = Options::new(1 << 20, CommitWindow::default());
//! let mut store = Store::open(disk.clone(), options.clone())?;
//! store.push(0, b"kept")?;
//! store.commit()?;
//! store.push(0, b"never acknowledged")?;
//! disk.cut_power();
//!
//! let mut store = Store::open(disk.clone(), options)?;
//! store.open_consumer("all", Start::Oldest)?;
//! assert_eq!(store.next("all", 1024)?[0].payload, b"kept");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod draw;
mod faults;
mod folder;
mod inode;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use draw::Draw;
pub use faults::{Faults, Operation};

use folder::Names;
use inode::Inode;

use crate::files::SyncPoint;

/// A disk with one folder, which outlives crashes. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct Model {
    disk: Arc<Mutex<Disk>>,
}

/// The state of the disk and of the operating system above it.
#[derive(Debug)]
struct Disk {
    inodes: BTreeMap<u64, Inode>,
    names: Names,
    next_inode: u64,
    /// Handles of an earlier life fail.
    life: u64,
    /// The life that has the lock.
    locked: Option<u64>,
    /// Whether a crash has stopped all operations.
    stopped: bool,
    faults: Faults,
    operations: u64,
    writes: u64,
    draw: Draw,
}

impl Model {
    /// An empty disk, whose tearing and faults are drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        let disk = Disk {
            inodes: BTreeMap::new(),
            names: Names::default(),
            next_inode: 1,
            life: 1,
            locked: None,
            stopped: false,
            faults: Faults::default(),
            operations: 0,
            writes: 0,
            draw: Draw::new(seed),
        };
        Self { disk: Arc::new(Mutex::new(disk)) }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets faults.
    pub fn faults(&self, set: impl FnOnce(&mut Faults)) {
        set(&mut self.disk().faults);
    }

    /// Ends the process in the middle: the operation after the next `operations` is done in part or not at all, and all
    /// later ones fail until [`kill`](Self::kill) or [`cut_power`](Self::cut_power).
    pub fn stop_after(&self, operations: u64) {
        let mut disk = self.disk();
        disk.faults.stop_at = Some(disk.operations + operations);
    }

    /// Whether a crash that was set has happened.
    pub fn is_stopped(&self) -> bool {
        self.disk().stopped
    }

    /// Ends the process: open files and locks are gone, what was written stays.
    pub fn kill(&self) {
        self.disk().begin_anew();
    }

    /// Ends the process, and what was not synced is torn.
    pub fn cut_power(&self) {
        let mut guard = self.disk();
        let disk = &mut *guard;
        disk.names.cut_power(&mut disk.draw);
        for inode in disk.inodes.values_mut() {
            inode.cut_power(&mut disk.draw);
        }
        disk.begin_anew();
    }

    /// All operations since the begin, reads and failures too.
    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// Operations that changed something, since the begin: writes, reservations, cuts, new names, removals.
    pub fn changes(&self) -> u64 {
        self.disk().writes
    }

    /// Bytes on the disk, the folder's own block included.
    pub fn disk_bytes(&self) -> u64 {
        folder::BLOCK + self.disk().used()
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<String> {
        self.disk().names.live().keys().cloned().collect()
    }

    /// The contents of a file.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let disk = self.disk();
        let inode = disk.names.live().get(name)?;
        Some(disk.inodes[inode].live().to_vec())
    }

    /// Puts a file on the disk, or replaces it, synced.
    pub fn put(&self, name: &str, contents: &[u8]) {
        let mut disk = self.disk();
        let inode = disk.add_inode(Inode::of(contents));
        disk.names.set(name, Some(inode));
        disk.names.sync();
    }

    /// Damages a file: flips the bits of `mask` in one byte. Bytes behind the end are none.
    pub fn damage(&self, name: &str, offset: usize, mask: u8) {
        let mut disk = self.disk();
        if let Some(inode) = disk.names.live().get(name).copied() {
            disk.inodes.entry(inode).and_modify(|inode| inode.damage(offset, mask));
        }
    }

    /// A disk in the same state that goes its own way from here on.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new(0);
        for name in self.names() {
            copy.put(&name, &self.contents(&name).unwrap_or_default());
        }
        copy
    }
}

impl Disk {
    fn add_inode(&mut self, inode: Inode) -> u64 {
        let number = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(number, inode);
        number
    }

    fn begin_anew(&mut self) {
        self.life += 1;
        self.locked = None;
        self.stopped = false;
        self.faults.stop_at = None;
    }

    /// Bytes that all files with a name take.
    fn used(&self) -> u64 {
        let inodes: BTreeSet<u64> = self.names.live().values().copied().collect();
        inodes.iter().map(|inode| self.inodes[inode].allocated()).sum()
    }

    fn ignores(&self, point: SyncPoint) -> bool {
        self.faults.ignored == Some(point)
    }
}
