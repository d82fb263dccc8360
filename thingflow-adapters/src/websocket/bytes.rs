//! [`Bytes`]: a WebSocket as a stream of bytes, for a protocol that goes through one, such as MQTT.

use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use thingflow_core::Instant;
use tungstenite::handshake::client::generate_key;
use tungstenite::protocol::Role;

use super::address::Target;
use super::handshake::Invitation;
use super::message::Message;
use super::talk::{Encoder, Side, Talk};
use crate::framing::Buffer;
use crate::net::Stream;
use crate::tcp::{Conversation, Heard};

/// So many things that are no message are read by one call.
const MOST_SIGNS: usize = 64;

/// The client's side of a WebSocket whose binary messages are pieces of a stream. It never waits; until the handshake is made nothing is
/// read, and nothing written is taken. A reading that is interrupted is to be tried again when others have had their turn.
pub(crate) struct Bytes {
    talk: Talk,
    encoder: Encoder,
    is_open: bool,
    heard: Buffer,
    unsent: Buffer,
}

impl Bytes {
    /// Begins the handshake.
    pub(crate) fn new(stream: Stream, target: &Target, subprotocol: &str, max_message: usize) -> io::Result<Self> {
        let invitation = Invitation {
            host: target.host(),
            path: target.path.clone(),
            headers: Vec::new(),
            token: None,
            subprotocol: Some(subprotocol.to_owned()),
        };
        let talk = Talk::new(stream, Side::Client(Rc::new(invitation), generate_key()), max_message)?;
        let (heard, unsent) = (Buffer::default(), Buffer::default());
        Ok(Self { talk, encoder: Encoder::new(Role::Client), is_open: false, heard, unsent })
    }

    /// Says goodbye.
    pub(crate) fn end(mut self) {
        let _ = self.push();
        self.talk.end(self.unsent.is_empty());
    }

    /// Goes on with the handshake. Whether it is made.
    fn greet(&mut self) -> io::Result<bool> {
        if !self.is_open {
            self.is_open = self.talk.greet(Instant::ZERO).map_err(io::Error::other)?;
        }
        Ok(self.is_open)
    }

    /// Sends what waits. Whether all of it has gone.
    fn push(&mut self) -> io::Result<bool> {
        if !self.greet()? {
            return Ok(false);
        }
        if self.unsent.is_empty() {
            self.talk.take_words(&mut self.unsent);
        }
        while !self.unsent.is_empty() {
            match self.talk.stream().write(self.unsent.bytes()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => drop(self.unsent.take(n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match self.talk.stream().flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            flushed => flushed.map(|()| true),
        }
    }
}

impl Read for Bytes {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if !self.greet()? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut signs = 0;
        while self.heard.is_empty() {
            match self.talk.next() {
                Heard::Frame(Message::Binary(piece)) => self.heard.extend(&piece),
                Heard::Frame(Message::Text(_)) => {
                    return Err(io::Error::new(ErrorKind::InvalidData, "the server sends a text where bytes are due"));
                }
                Heard::Sign | Heard::Again | Heard::LeftOut(_) if signs < MOST_SIGNS => signs += 1,
                Heard::Sign | Heard::Again | Heard::LeftOut(_) => {
                    self.push()?; // answers
                    return Err(ErrorKind::Interrupted.into());
                }
                Heard::Nothing => {
                    self.push()?; // answers
                    return Err(ErrorKind::WouldBlock.into());
                }
                Heard::Nonsense(error) => return Err(io::Error::new(ErrorKind::InvalidData, error)),
                Heard::End(None) => return Ok(0),
                Heard::End(Some(error)) => return Err(io::Error::new(ErrorKind::ConnectionAborted, error)),
            }
        }
        let piece = self.heard.take(bytes.len());
        bytes[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.push()? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut frame = Vec::new();
        self.encoder.encode(&Message::Binary(bytes.to_vec()), &mut frame);
        self.unsent.extend(&frame);
        self.push()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_open && !self.push()? {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(())
    }
}
