//! [`PlaceLock`]: one program at a time sees to the file of a Unix socket.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;

/// What the name of the lock's file ends with, behind that of the socket.
const SUFFIX: &str = ".thingflow-lock";

/// A locked file next to a socket, from the look at what is there until the new socket listens. Without it two programs that find
/// the socket of one that was killed could each remove what the other has just bound, and a socket that does not listen yet looks
/// like one that was left. The kernel unlocks the file of a program that is killed.
pub(super) struct PlaceLock {
    file: File,
    path: PathBuf,
}

impl PlaceLock {
    /// # Errors
    /// Another program has it, which is about to listen there. The folder lets nobody in.
    pub(super) fn take(socket: &Path) -> io::Result<Self> {
        let mut path = socket.as_os_str().to_owned();
        path.push(SUFFIX);
        let path = PathBuf::from(path);
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        loop {
            let file = File::from(open(&path, flags, Mode::RUSR | Mode::WUSR)?);
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => {
                    return Err(crate::in_use("a program is about to listen there"));
                }
                // File systems that know no locks.
                Err(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            }
            // Whoever had it may have removed it meanwhile: then the next one locks another file.
            if file.metadata()?.nlink() > 0 {
                return Ok(Self { file, path });
            }
        }
    }
}

impl Drop for PlaceLock {
    fn drop(&mut self) {
        // A file that stays is locked by the next one. Unlocked by name, since a child may have a copy of the descriptor.
        let _ = std::fs::remove_file(&self.path);
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}
