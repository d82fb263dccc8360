//! [`Listener`]: where clients come from: the network, or this machine.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::place_lock::PlaceLock;
use crate::net::{Socket, connect_unix};

/// Where clients come from: a port of TCP, or a Unix socket. Nothing else is one.
pub trait Listener: AsFd + sealed::Sealed + 'static {
    /// What is known of a client.
    type Client: Clone + fmt::Debug + fmt::Display + 'static;
    /// Where it is.
    type Place: Clone + fmt::Debug + 'static;

    #[doc(hidden)]
    fn accept_client(&self) -> io::Result<(Accepted, Self::Client)>;
    #[doc(hidden)]
    fn place(&self) -> io::Result<Self::Place>;
    #[doc(hidden)]
    fn name(place: &Self::Place) -> String;
}

/// A connection that a client has made.
#[doc(hidden)]
#[derive(Debug)]
pub struct Accepted(pub(crate) Socket);

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::TcpListener {}
    impl Sealed for super::UnixSocket {}
}

impl Listener for TcpListener {
    type Client = SocketAddr;
    type Place = SocketAddr;

    fn accept_client(&self) -> io::Result<(Accepted, SocketAddr)> {
        self.accept().map(|(socket, address)| (Accepted(Socket::Tcp(socket)), address))
    }
    fn place(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
    fn name(place: &SocketAddr) -> String {
        format!("tcp {place}")
    }
}

impl Listener for UnixSocket {
    type Client = Program;
    type Place = PathBuf;

    fn accept_client(&self) -> io::Result<(Accepted, Program)> {
        let (socket, _) = self.listener.accept()?;
        let program = Program::of(&socket)?;
        Ok((Accepted(Socket::Unix(socket)), program))
    }
    fn place(&self) -> io::Result<PathBuf> {
        Ok(self.path.clone())
    }
    fn name(place: &PathBuf) -> String {
        format!("unix {}", crate::printable::printable(&place.to_string_lossy()))
    }
}

/// The program at the other end of a Unix socket, as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Program {
    /// Its process; `None` for one that has no number here, since it runs beyond the containers that this program knows of.
    pub process: Option<i32>,
    /// Its user.
    pub user: u32,
}

impl Program {
    fn of(socket: &UnixStream) -> io::Result<Self> {
        let known = getsockopt(socket, PeerCredentials)?;
        Ok(Self::known(known.pid(), known.uid()))
    }

    fn known(process: i32, user: u32) -> Self {
        Self { process: Some(process).filter(|process| *process > 0), user }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process {
            Some(process) => write!(f, "process {process} of user {}", self.user),
            None => write!(f, "a process of user {}, beyond this container", self.user),
        }
    }
}

/// A Unix socket that is listened to. Its file is removed when it is dropped.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    /// By which the file is known, so that no other one is removed.
    inode: u64,
}

/// As many connections wait to be accepted.
const WAITING: i32 = 128;

impl UnixSocket {
    /// Binds it so that only the program's own user can connect, or others too as `mode` says.
    pub(super) fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        let address = SocketAddrUnix::new(path)?;
        let _lock = PlaceLock::take(path)?; // until it listens
        remove_if_deserted(path)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::net::bind(&socket, &address)?;
        // Nobody can connect before it listens.
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        let inode = std::fs::symlink_metadata(path)?.ino();
        let bound = Self { listener: socket.into(), path: path.to_owned(), inode };
        rustix::net::listen(&bound.listener, WAITING)?;
        Ok(bound)
    }
}

/// Removes the socket of a program that was killed. One that has no room for a client at the moment is alive.
fn remove_if_deserted(path: &Path) -> io::Result<()> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if is_socket && connect_unix(path).is_err_and(refused) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

impl AsFd for UnixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path); // a next start takes it away
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    /// A server that accepts nobody for a while, and has as many who wait as it lets wait, is alive.
    #[test]
    fn a_process_that_has_no_number_here_is_said_to_have_none() {
        assert_eq!(Program::known(7, 1000).to_string(), "process 7 of user 1000");
        let beyond = Program::known(0, 1000);
        assert_eq!((beyond.process, &*beyond.to_string()), (None, "a process of user 1000, beyond this container"));
    }

    #[test]
    fn a_server_whose_queue_is_full_is_neither_waited_for_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("busy.sock");
        let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&socket, 0).unwrap();
        let _waits = UnixStream::connect(&path).unwrap();
        let (told, said) = mpsc::channel();
        let place = path.clone();
        thread::spawn(move || told.send(UnixSocket::bind(&place, 0o600).map(drop)));
        let bound = said.recv_timeout(Duration::from_secs(10)).expect("it does not wait");
        assert_eq!(bound.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(path.exists());
    }

    #[test]
    fn the_socket_of_a_program_that_was_killed_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("left.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        drop(UnixSocket::bind(&path, 0o600).unwrap());
        assert!(!path.exists());
    }
}
