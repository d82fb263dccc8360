//! [`Listener`]: where clients come from: the network, or this machine.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use thingflow_unix::SocketFile;

use crate::net::Socket;

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
        Ok(self.file.path().to_owned())
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
    file: SocketFile,
}

impl UnixSocket {
    /// Binds it so that only the program's own user can connect, or others too as `mode` says.
    pub(super) fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        let (listener, file) = thingflow_unix::bind(path, mode)?;
        Ok(Self { listener, file })
    }
}

impl AsFd for UnixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_has_no_number_here_is_said_to_have_none() {
        assert_eq!(Program::known(7, 1000).to_string(), "process 7 of user 1000");
        let beyond = Program::known(0, 1000);
        assert_eq!((beyond.process, &*beyond.to_string()), (None, "a process of user 1000, beyond this container"));
    }
}
