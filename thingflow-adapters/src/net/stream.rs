//! [`Stream`]: bytes to and from a server, by TCP, by a Unix socket, with TLS or without.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use thingflow_core::Descriptor;

/// What carries the bytes.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// A serial line.
    #[cfg(feature = "uart")]
    Line(super::line::Line),
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
            #[cfg(feature = "uart")]
            Self::Line(line) => line.as_fd(),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(bytes),
            Self::Unix(socket) => socket.read(bytes),
            #[cfg(feature = "uart")]
            Self::Line(line) => line.read(bytes),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            Self::Unix(socket) => socket.write(bytes),
            #[cfg(feature = "uart")]
            Self::Line(line) => line.write(bytes),
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
            #[cfg(feature = "uart")]
            Self::Line(_) => return Ok(true),
        };
        match (failed, connected) {
            (Some(error), _) => Err(error),
            (None, Ok(())) => Ok(true),
            (None, Err(error)) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            (None, Err(error)) => Err(error),
        }
    }

    /// Has the system ask after a peer that says nothing: one that has lost its power says no goodbye. It is given up after some
    /// two minutes, and so is one that acknowledges nothing of what was sent.
    pub(crate) fn watch(&self) -> io::Result<()> {
        use rustix::net::sockopt;
        let Self::Tcp(socket) = self else { return Ok(()) };
        sockopt::set_socket_keepalive(socket, true)?;
        #[cfg(target_os = "linux")]
        {
            sockopt::set_tcp_keepidle(socket, Duration::from_secs(60))?;
            sockopt::set_tcp_keepintvl(socket, Duration::from_secs(20))?;
            sockopt::set_tcp_keepcnt(socket, 3)?;
            sockopt::set_tcp_user_timeout(socket, 120_000)?;
        }
        // A small packet does not wait for the next one.
        socket.set_nodelay(true)
    }

    fn end_sending(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Self::Unix(socket) => socket.shutdown(Shutdown::Write),
            #[cfg(feature = "uart")]
            Self::Line(_) => Ok(()),
        }
    }
}

/// A connection that has been made. It never waits: `WouldBlock` says that the reactor will tell when it goes on.
pub(crate) struct Stream {
    socket: Descriptor<Socket>,
    #[cfg(feature = "tls")]
    tls: Option<Box<rustls::Connection>>,
}

impl Stream {
    /// A connection without TLS that somebody has made.
    pub(crate) fn plain(socket: Descriptor<Socket>) -> Self {
        Self {
            socket,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Before it is closed without regard to what has not been sent.
    pub(crate) fn abandon(&self) {
        #[cfg(feature = "uart")]
        if let Socket::Line(line) = &*self.socket {
            line.abandon();
        }
    }

    /// Its descriptor, to be registered.
    pub(crate) fn descriptor(&mut self) -> &mut Descriptor<Socket> {
        &mut self.socket
    }

    /// Whether it is made: the other side has said who it is, if it has to.
    #[cfg(any(feature = "tls", feature = "webhook"))]
    pub(crate) fn is_greeted(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.as_ref().is_none_or(|tls| !tls.is_handshaking());
        #[cfg(not(feature = "tls"))]
        true
    }

    /// Goes on with the handshake of TLS, if there is one. True when it is made.
    pub(crate) fn greet(&mut self) -> io::Result<bool> {
        #[cfg(feature = "tls")]
        loop {
            self.push()?;
            if self.is_greeted() {
                return Ok(true);
            }
            if !self.pull()? {
                return Ok(false);
            }
        }
        #[cfg(not(feature = "tls"))]
        Ok(true)
    }

    /// Whether TLS holds bytes that were written, and has not handed them to the system yet. [`flush`](Write::flush) goes on with them.
    pub(crate) fn has_unsent(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.as_ref().is_some_and(|tls| tls.wants_write());
        #[cfg(not(feature = "tls"))]
        false
    }

    /// Says that nothing more is sent. The other side may still send.
    pub(crate) fn end_sending(&mut self) {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = self.push();
        }
        let _ = self.socket.end_sending();
    }

    /// Says that nothing more is sent, so that what was sent arrives although the connection is closed next.
    pub(crate) fn end(mut self) {
        self.end_sending();
        let mut rest = [0; 4096]; // what is unread would make a reset of the end
        let _ = (0..64).try_for_each(|_| if matches!(self.socket.read(&mut rest), Ok(1..)) { Some(()) } else { None });
    }
}

#[cfg(feature = "tls")]
impl Stream {
    /// A connection that a client has made, by TLS if a server has that.
    pub(crate) fn accepted(socket: Socket, tls: Option<&super::Tls>) -> io::Result<Self> {
        let tls = tls.map(super::Tls::accept).transpose()?.map(|tls| Box::new(tls.into()));
        Ok(Self { socket: Descriptor::new(socket), tls })
    }

    /// A connection by TLS, whose handshake has begun.
    pub(crate) fn by_tls(socket: Descriptor<Socket>, tls: rustls::Connection) -> Self {
        Self { socket, tls: Some(Box::new(tls)) }
    }

    /// Sends what TLS has to say. Whether all of it has gone.
    fn push(&mut self) -> io::Result<bool> {
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
    fn pull(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(false) };
        match tls.read_tls(&mut self.socket) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {
                let taken = tls.process_new_packets().map(drop);
                let answered = self.push(); // of a refusal, the alert that says what is wrong
                taken.map_err(io::Error::other)?;
                answered.and(Ok(true))
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
