//! A client of a server: its socket and what waits for it.

use std::fmt;
use std::io::{self, ErrorKind, Write};

use thingflow_core::Instant;

use crate::framing::{Buffer, Framed, Framing};
use crate::net::Stream;

/// A connection of a client: another one for each, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) u64);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub(super) struct Peer<F, A> {
    pub(super) id: ClientId,
    pub(super) address: A,
    pub(super) socket: Framed<Stream, F>,
    /// Until when it must have said who it is.
    pub(super) greets_by: Instant,
    unsent: Buffer,
}

impl<F: Framing, A> Peer<F, A> {
    pub(super) fn new(id: ClientId, address: A, socket: Stream, framing: F, greets_by: Instant) -> Self {
        Self { id, address, socket: Framed::new(socket, framing), greets_by, unsent: Buffer::default() }
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
        while !self.unsent.is_empty() && self.socket.stream.is_greeted() {
            match self.socket.stream.write(self.unsent.bytes()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => drop(self.unsent.take(n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match self.socket.stream.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            flushed => flushed,
        }
    }
}
