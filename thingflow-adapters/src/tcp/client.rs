//! A client of a server: its socket and what waits for it.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use thingflow_core::Descriptor;

use crate::framing::{Buffer, Framed, Framing};

/// A connection of a client: another one for each, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) u64);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub(super) struct Client<F> {
    pub(super) id: ClientId,
    pub(super) address: SocketAddr,
    pub(super) socket: Framed<Descriptor<TcpStream>, F>,
    unsent: Buffer,
}

impl<F: Framing> Client<F> {
    pub(super) fn new(id: ClientId, address: SocketAddr, socket: TcpStream, framing: F) -> Self {
        Self { id, address, socket: Framed::new(Descriptor::new(socket), framing), unsent: Buffer::default() }
    }

    /// How many bytes wait for it.
    pub(super) fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Sends as much as it takes now; the rest waits.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsent.extend(bytes);
        self.push()
    }

    /// Sends as much of what waits as it takes now.
    pub(super) fn push(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.stream.write(self.unsent.bytes()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => drop(self.unsent.take(n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
