//! The model as [`Files`] and [`File`].

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::faults::{Course, Operation, stopped};
use super::folder::BLOCK;
use super::inode::{Inode, SECTOR};
use super::{Disk, Model};
use crate::files::{Entry, File, Files, SyncPoint};

/// What is written or not as one, when a process is killed.
const PAGE: usize = 4096;

impl Model {
    /// Does something to the disk, as a process of the present life.
    fn act<T>(&self, operation: Operation, act: impl FnOnce(&mut Disk) -> io::Result<T>) -> io::Result<T> {
        let mut disk = self.disk();
        let life = disk.life;
        match disk.begin(life, operation)? {
            // A change of a name is done whole or not at all.
            Course::Stops if disk.draw.once_in(2) => act(&mut disk).and_then(|_| stopped()),
            Course::Stops => stopped(),
            _ => act(&mut disk),
        }
    }

    fn handle(&self, disk: &Disk, inode: u64) -> Box<dyn File> {
        Box::new(Handle { disk: self.disk.clone(), life: disk.life, inode })
    }
}

fn find(disk: &Disk, name: &str) -> io::Result<u64> {
    disk.names.live().get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
}

impl Files for Model {
    fn list(&self) -> io::Result<Vec<Entry>> {
        self.act(Operation::Look, |disk| {
            let names = disk.names.live().iter();
            let entry = |(name, inode): (&String, &u64)| Entry {
                name: name.clone(),
                allocated: disk.inodes[inode].allocated(),
            };
            Ok(names.map(entry).collect())
        })
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.act(Operation::Look, |disk| Ok(self.handle(disk, find(disk, name)?)))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.act(Operation::Change, |disk| {
            if find(disk, name).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let inode = disk.add_inode(Inode::default());
            disk.names.set(name, Some(inode));
            Ok(self.handle(disk, inode))
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.act(Operation::Change, |disk| {
            let inode = find(disk, from)?;
            disk.names.set(from, None);
            disk.names.set(to, Some(inode));
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.act(Operation::Change, |disk| {
            find(disk, name)?;
            disk.names.set(name, None);
            Ok(())
        })
    }

    fn sync_folder(&self, point: SyncPoint) -> io::Result<()> {
        self.act(Operation::SyncFolder, |disk| {
            if !disk.ignores(point) {
                disk.names.sync();
            }
            Ok(())
        })
    }

    fn folder_bytes(&self) -> io::Result<u64> {
        Ok(BLOCK)
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send>>> {
        self.act(Operation::Look, |disk| {
            find(disk, name)?;
            let is_free = disk.locked != Some(disk.life);
            disk.locked = Some(disk.life);
            Ok(is_free.then_some(disk.life))
        })
        // The guard locks the disk when it is dropped, so it must not be made above.
        .map(|life| life.map(|life| Box::new(Guard { disk: self.disk.clone(), life }) as Box<dyn Send>))
    }

    fn describe(&self) -> String {
        "the model".into()
    }
}

struct Guard {
    disk: Arc<Mutex<Disk>>,
    life: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        disk.locked.take_if(|life| *life == self.life);
    }
}

/// An open file.
struct Handle {
    disk: Arc<Mutex<Disk>>,
    life: u64,
    inode: u64,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inode {}", self.inode)
    }
}

impl Handle {
    fn act<T>(&self, operation: Operation, act: impl FnOnce(&mut Disk, Course) -> io::Result<T>) -> io::Result<T> {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        let course = disk.begin(self.life, operation)?;
        let done = act(&mut disk, course);
        if course == Course::Stops { stopped() } else { done }
    }

    /// How much of a transfer is done.
    fn part(disk: &mut Disk, course: Course, len: usize) -> usize {
        match course {
            Course::Well => len,
            Course::Short => disk.draw.index(len).map_or(0, |index| index + 1),
            Course::Stops => disk.draw.below(len as u64 + 1) as usize,
        }
    }

    fn resize(&self, disk: &mut Disk, len: usize, reserved: u64) -> io::Result<()> {
        let grows = reserved.saturating_sub(disk.inodes[&self.inode].allocated());
        if grows > 0 && disk.faults.capacity.is_some_and(|capacity| disk.used() + grows > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.inodes.entry(self.inode).and_modify(|inode| inode.resize(len, reserved));
        Ok(())
    }
}

impl File for Handle {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.act(Operation::Read, |disk, course| {
            let wanted = Self::part(disk, course, buffer.len());
            let live = disk.inodes[&self.inode].live();
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(live.len());
            let part = &live[start..(start + wanted).min(live.len())];
            buffer[..part.len()].copy_from_slice(part);
            Ok(part.len())
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.act(Operation::Write, |disk, course| {
            let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
            // What lies within a sector is written as one.
            let is_small = bytes.len() <= SECTOR - offset % SECTOR && course == Course::Short;
            let mut count = if is_small { bytes.len() } else { Self::part(disk, course, bytes.len()) };
            if course == Course::Stops && count < bytes.len() {
                // A killed process leaves whole pages.
                count = ((offset + count) / PAGE * PAGE).saturating_sub(offset);
            }
            let bytes = &bytes[..count];
            let end = offset + bytes.len();
            let inode = &disk.inodes[&self.inode];
            if end > inode.live().len() {
                let reserved = inode.reserved_for(end);
                self.resize(disk, end, reserved)?;
            }
            disk.inodes.entry(self.inode).and_modify(|inode| inode.write(bytes, offset));
            Ok(bytes.len())
        })
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.act(Operation::Allocate, |disk, course| {
            if course == Course::Stops && disk.draw.once_in(2) {
                return Ok(());
            }
            let inode = &disk.inodes[&self.inode];
            let len = inode.live().len().max(bytes as usize);
            let reserved = inode.reserved_for(len);
            self.resize(disk, len, reserved)
        })
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.act(Operation::Change, |disk, course| {
            if course == Course::Stops && disk.draw.once_in(2) {
                return Ok(());
            }
            self.resize(disk, bytes as usize, bytes.next_multiple_of(BLOCK))
        })
    }

    fn sync_data(&self, point: SyncPoint) -> io::Result<()> {
        let synced = self.act(Operation::Sync, |disk, course| {
            if course == Course::Well && !disk.ignores(point) {
                disk.inodes.entry(self.inode).and_modify(Inode::sync);
            }
            Ok(())
        });
        if synced.is_err() {
            let mut guard = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
            let disk = &mut *guard;
            if !disk.stopped && disk.life == self.life {
                let draw = &mut disk.draw;
                disk.inodes.entry(self.inode).and_modify(|inode| inode.fail_sync(draw));
            }
        }
        synced
    }

    fn len(&self) -> io::Result<u64> {
        self.act(Operation::Look, |disk, _| Ok(disk.inodes[&self.inode].live().len() as u64))
    }

    fn allocated(&self) -> io::Result<u64> {
        self.act(Operation::Look, |disk, _| Ok(disk.inodes[&self.inode].allocated()))
    }
}
