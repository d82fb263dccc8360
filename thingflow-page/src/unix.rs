//! [`UnixPage`]: the page at a Unix socket, for those who may open files of the program.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};

use crate::server::Running;

/// Only the program's own user, and root.
const MODE: u32 = 0o600;
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 64;

/// A page that is being served at a Unix socket. Dropping it ends that, and removes the socket.
#[must_use = "the page is gone when this is dropped"]
#[derive(Debug)]
pub struct UnixPage {
    socket: Socket,
    _running: Running,
}

impl UnixPage {
    pub(crate) fn new(socket: Socket, running: Running) -> Self {
        Self { socket, _running: running }
    }

    /// Where the socket is.
    pub fn path(&self) -> &Path {
        &self.socket.path
    }
}

/// A socket's file, which goes with it.
#[derive(Debug)]
pub(crate) struct Socket {
    path: PathBuf,
    /// Of the file: another program may have put its own in the same place.
    inode: u64,
}

impl Socket {
    /// Makes the socket, in place of one that a program has left behind; nobody else may open it at any time.
    pub(crate) fn bind(path: PathBuf) -> io::Result<(Self, UnixListener)> {
        remove_left_behind(&path)?;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // Linux gives the file the mode that the socket has when it is bound.
        let file = File::from(socket);
        file.set_permissions(Permissions::from_mode(MODE))?;
        let socket = OwnedFd::from(file);
        bind(&socket, &SocketAddrUnix::new(&path)?)?;
        let inode = fs::symlink_metadata(&path)?.ino();
        let bound = Self { path, inode }; // from here on the file is removed if something fails
        listen(&socket, BACKLOG)?;
        Ok((bound, UnixListener::from(socket)))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes a socket at which nobody listens any more, and nothing else.
fn remove_left_behind(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(file) if !file.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file there that is not a socket: remove it, or choose another path",
            ));
        }
        Ok(_) => {}
    }
    match connect_at_once(path) {
        Ok(()) => Err(io::Error::new(io::ErrorKind::AddrInUse, "a program listens there")),
        // It has no room for a client at the moment.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(io::Error::new(io::ErrorKind::AddrInUse, "a program listens there, and is busy"))
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

/// Connects, or says why that cannot be done now.
fn connect_at_once(path: &Path) -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    Ok(rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn a_program_whose_queue_is_full_is_neither_waited_for_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("busy.sock");
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        bind(&socket, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        listen(&socket, 0).unwrap();
        let _waits = UnixStream::connect(&path).unwrap();
        let (told, said) = mpsc::channel();
        let place = path.clone();
        thread::spawn(move || told.send(Socket::bind(place).map(drop)));
        let error = said.recv_timeout(Duration::from_secs(10)).expect("it does not wait").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(path.exists());
    }
}
