//! [`Stream`]: bytes to and from a server, by TCP, by a Unix socket, with TLS or without.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use thingflow_core::Descriptor;

/// What carries the bytes.
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(bytes),
            Self::Unix(socket) => socket.read(bytes),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            Self::Unix(socket) => socket.write(bytes),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket {
    /// Whether the connection has been made. An error says why it cannot be.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        let (failed, connected) = match self {
            Self::Tcp(socket) => (socket.take_error()?, socket.peer_addr().map(drop)),
            Self::Unix(socket) => (socket.take_error()?, socket.peer_addr().map(drop)),
        };
        match (failed, connected) {
            (Some(error), _) => Err(error),
            (None, Ok(())) => Ok(true),
            (None, Err(error)) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            (None, Err(error)) => Err(error),
        }
    }

    fn end_sending(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Self::Unix(socket) => socket.shutdown(Shutdown::Write),
        }
    }
}

/// A connection that has been made. It never waits: `WouldBlock` says that the reactor will tell when it goes on.
pub(crate) struct Stream {
    pub(super) socket: Descriptor<Socket>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Box<rustls::ClientConnection>>,
}

impl Stream {
    /// Says that nothing more is sent, so that what was sent arrives although the connection is closed next.
    pub(crate) fn end(mut self) {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut self.socket);
        }
        let _ = self.socket.end_sending();
        let mut rest = [0; 4096]; // what is unread would make a reset of the end
        let _ = (0..64).try_for_each(|_| if matches!(self.socket.read(&mut rest), Ok(1..)) { Some(()) } else { None });
    }
}

#[cfg(feature = "tls")]
impl Stream {
    /// Sends what TLS has to say. Whether all of it has gone.
    pub(super) fn push(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(true) };
        while tls.wants_write() {
            match tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Takes in what has come. False if nothing has.
    pub(super) fn pull(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(false) };
        match tls.read_tls(&mut self.socket) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {
                let taken = tls.process_new_packets().map(drop);
                let _ = tls.write_tls(&mut self.socket); // an alert that says what is wrong
                taken.map_err(io::Error::other)?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read_tls(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(tls) = &mut self.tls else { return self.socket.read(bytes) };
            match tls.reader().read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.pull()? {
                        return Err(error);
                    }
                }
                read => return read,
            }
        }
    }

    fn write_tls(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.push()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let Some(tls) = &mut self.tls else { return self.socket.write(bytes) };
        let written = tls.writer().write(bytes)?;
        self.push()?;
        Ok(written)
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        return self.read_tls(bytes);
        #[cfg(not(feature = "tls"))]
        self.socket.read(bytes)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        return self.write_tls(bytes);
        #[cfg(not(feature = "tls"))]
        self.socket.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if !self.push()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    }
}
