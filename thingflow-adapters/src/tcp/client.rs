//! A client of a server: its socket, what it has sent and what waits for it.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use thingflow_core::Descriptor;

use crate::framing::{Buffer, FrameError, Framing};

/// A connection of a client: another one for each, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) u64);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What has been read of a client.
pub(super) enum Read1<T> {
    Frame(T),
    /// This frame is left out.
    Bad(FrameError),
    /// There is nothing more now.
    Nothing,
    /// It has hung up, or has to.
    Gone(Option<StreamFault>),
}

/// Why a connection is over.
pub(super) enum StreamFault {
    Io(io::Error),
    Frame(FrameError),
}

pub(super) struct Client<F> {
    pub(super) id: ClientId,
    pub(super) address: SocketAddr,
    pub(super) socket: Descriptor<TcpStream>,
    framing: F,
    heard: Buffer,
    unsent: Buffer,
    has_hung_up: bool,
}

/// Bytes read by one call.
const PIECE: usize = 4096;

impl<F: Framing> Client<F> {
    pub(super) fn new(id: ClientId, address: SocketAddr, socket: TcpStream, framing: F) -> Self {
        let socket = Descriptor::new(socket);
        Self { id, address, socket, framing, heard: Buffer::default(), unsent: Buffer::default(), has_hung_up: false }
    }

    /// The next frame that is there.
    pub(super) fn read(&mut self) -> Read1<F::Frame> {
        loop {
            match self.framing.decode(&mut self.heard) {
                Ok(Some(frame)) => return Read1::Frame(frame),
                Err(error) if error.is_fatal() => return Read1::Gone(Some(StreamFault::Frame(error))),
                Err(error) => return Read1::Bad(error),
                Ok(None) if self.has_hung_up => {
                    return match self.framing.finish(&mut self.heard) {
                        Ok(frame) => frame.map_or(Read1::Gone(None), Read1::Frame),
                        Err(error) => Read1::Bad(error),
                    };
                }
                Ok(None) => {}
            }
            let mut piece = [0; PIECE];
            match self.socket.read(&mut piece) {
                Ok(0) => self.has_hung_up = true,
                Ok(n) => self.heard.extend(&piece[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Read1::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Read1::Gone(Some(StreamFault::Io(error))),
            }
        }
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
            match self.socket.write(self.unsent.bytes()) {
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
