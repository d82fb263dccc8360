//! Unix sockets whose file belongs to one program at a time.
//!
//! A Unix socket is bound to a file, which stays when its program is killed, and hinders the next start. [`bind`] takes the place of
//! such a file, and of no other: not of a socket that somebody listens at, not of a file of another kind, and, of several programs
//! that find the same socket at the same moment, one gets it.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("lux.sock");
//! let (listener, file) = thingflow_unix::bind(&path, 0o600)?; // for this user only
//! assert!(thingflow_unix::connect(&path).is_ok());
//! assert!(thingflow_unix::bind(&path, 0o600).is_err(), "somebody listens there");
//! drop((listener, file));
//! assert!(!path.exists());
//! # Ok::<_, std::io::Error>(())
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod place_lock;

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use place_lock::PlaceLock;

/// As many connections wait to be accepted.
const BACKLOG: i32 = 128;

/// The file of a socket that is listened to. Dropping it removes the file, unless another program has put its own there.
#[must_use = "the file is gone when this is dropped"]
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// By which the file is known.
    inode: u64,
}

impl SocketFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            let _ = fs::remove_file(&self.path); // a next start takes it away
        }
    }
}

/// Listens at a Unix socket, without blocking: `accept` answers [`WouldBlock`](ErrorKind::WouldBlock) while there is nobody. `mode`
/// says who may connect, whatever the umask: `0o600` the user of the program, `0o660` those of its group too; nobody can before it
/// is set. The file that a killed program has left is replaced.
///
/// While it binds, it holds a lock (`flock`) on the file `PATH.thingflow-lock`, which it removes before it returns.
///
/// # Errors
/// Those of the operating system, and [`AddrInUse`](ErrorKind::AddrInUse): somebody listens there, or is about to;
/// [`AlreadyExists`](ErrorKind::AlreadyExists): there is a file of another kind; [`InvalidFilename`](ErrorKind::InvalidFilename): the
/// path has more than 107 bytes. There is no such folder, or nothing may be written there.
pub fn bind(path: impl AsRef<Path>, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    let path = path.as_ref();
    let address = SocketAddrUnix::new(path)?;
    let _lock = PlaceLock::take(path)?; // until it listens
    remove_if_deserted(path)?;
    let listener = socket()?;
    rustix::net::bind(&listener, &address)?;
    let inode = fs::symlink_metadata(path)?.ino();
    let file = SocketFile { path: path.to_owned(), inode }; // from here on the file is removed if something fails
    fs::set_permissions(path, Permissions::from_mode(mode))?; // nobody can connect before it listens
    rustix::net::listen(&listener, BACKLOG)?;
    Ok((listener.into(), file))
}

/// Connects to a Unix socket, without blocking: made at once, or refused.
///
/// # Errors
/// Those of the operating system: nobody listens there ([`ConnectionRefused`](ErrorKind::ConnectionRefused)), there is no such
/// file, it is not for this user. [`WouldBlock`](ErrorKind::WouldBlock): who listens has no room for a client at the moment.
pub fn connect(path: impl AsRef<Path>) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path.as_ref())?;
    let socket = socket()?;
    rustix::net::connect(&socket, &address)?;
    Ok(socket.into())
}

fn socket() -> io::Result<std::os::fd::OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

/// Removes the socket of a program that was killed. One that has no room for a client at the moment is alive.
fn remove_if_deserted(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(file) if !file.file_type().is_socket() => {
            let advice = "a file is there that is not a socket: remove it, or choose another path";
            return Err(io::Error::new(ErrorKind::AlreadyExists, advice));
        }
        Ok(_) => {}
    }
    let Err(error) = connect(path) else { return Err(in_use("a program listens there")) };
    match error.kind() {
        ErrorKind::ConnectionRefused => fs::remove_file(path),
        ErrorKind::NotFound => Ok(()), // it has just been removed
        ErrorKind::WouldBlock => Err(in_use("a program listens there, and is busy")),
        _ => Err(error),
    }
}

fn in_use(why: &str) -> io::Error {
    io::Error::new(ErrorKind::AddrInUse, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    /// A server that accepts nobody for a while, and has as many who wait as it lets wait, is alive.
    #[test]
    fn a_program_whose_queue_is_full_is_neither_waited_for_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("busy.sock");
        let busy = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&busy, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&busy, 0).unwrap();
        let _waits = UnixStream::connect(&path).unwrap();
        let (told, said) = mpsc::channel();
        let place = path.clone();
        thread::spawn(move || told.send(bind(&place, 0o600).map(drop)));
        let error = said.recv_timeout(Duration::from_secs(10)).expect("it does not wait").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(path.exists());
    }

    #[test]
    fn the_socket_of_a_program_that_was_killed_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("left.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let (listener, file) = bind(&path, 0o660).unwrap();
        assert_eq!(fs::metadata(file.path()).unwrap().mode() & 0o777, 0o660);
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_socket_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("readings.csv");
        fs::write(&path, "21.5").unwrap();
        let error = bind(&path, 0o600).unwrap_err();
        assert_eq!((error.kind(), fs::read_to_string(&path).unwrap().as_str()), (ErrorKind::AlreadyExists, "21.5"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nor is a lock left there");
    }
}
