//! [`Talk`]: one WebSocket, of either side: the handshake, frames to messages, answers to pings, the goodbye.
//!
//! Invariant: messages go into the stream whole, and what the library says of its own, pongs and closes, between them.

use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use thingflow_core::{Instant, StreamError};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message as Raw};

use super::handshake::{Invitation, Reception};
use super::message::Message;
use crate::framing::Buffer;
use crate::net::Stream;
use crate::printable::printable;
use crate::tcp::{Conversation, Heard, explained};

/// Bytes read by one call.
const BYTES: usize = 4096;
/// So many bytes of pongs wait at most; of the pings that come meanwhile the last is answered.
const MOST_WORDS: usize = 4096;
/// So many calls read for one message, so that fragments without an end do not keep the thread.
const READS: usize = 4;

/// Whose turn it is to say what before the first message.
pub(super) enum Side {
    Client(Rc<Invitation>, String),
    Server(Rc<Reception>),
}

pub(crate) struct Talk {
    stream: Stream,
    phase: Phase,
    words: Vec<u8>,
    /// How many calls may read still, for the message that is asked for.
    reads: usize,
    /// Something has come by them.
    has_read: bool,
    max_message: usize,
    /// With what to close.
    goodbye: CloseCode,
}

enum Phase {
    Greeting {
        side: Side,
        unsent: Buffer,
        heard: Buffer,
        /// What comes when all is sent.
        verdict: Option<Result<(), StreamError>>,
    },
    Open(Box<WebSocketContext>),
}

impl Talk {
    /// Begins the handshake.
    pub(super) fn new(stream: Stream, side: Side, max_message: usize) -> io::Result<Self> {
        let mut unsent = Buffer::default();
        let goodbye = match &side {
            Side::Client(invitation, key) => {
                unsent.extend(&invitation.request(key)?);
                CloseCode::Normal
            }
            Side::Server(_) => CloseCode::Away,
        };
        let phase = Phase::Greeting { side, unsent, heard: Buffer::default(), verdict: None };
        Ok(Self { stream, phase, words: Vec::new(), reads: 0, has_read: false, max_message, goodbye })
    }

    /// Reads more of the handshake. False if nothing has come.
    fn read_greeting(&mut self) -> Result<bool, StreamError> {
        let Phase::Greeting { heard, .. } = &mut self.phase else { return Ok(false) };
        let mut piece = [0; BYTES];
        match self.stream.read(&mut piece) {
            Ok(0) => return Err(StreamError::msg("the other side has hung up in the handshake")),
            Ok(n) => heard.extend(&piece[..n]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(explained(error)),
        }
        Ok(true)
    }

    /// Looks whether the handshake has come whole.
    fn judge(&mut self, now: Instant) -> Result<(), StreamError> {
        let Phase::Greeting { side, unsent, heard, verdict } = &mut self.phase else { return Ok(()) };
        match side {
            Side::Client(invitation, key) => *verdict = invitation.read(key, heard)?.map(Ok),
            Side::Server(reception) => match reception.read(heard, now) {
                Ok(None) => {}
                Ok(Some(answer)) => {
                    unsent.extend(&answer);
                    *verdict = Some(Ok(()));
                }
                Err(answer) => {
                    let mut bytes = Vec::new();
                    let status = answer.status;
                    answer.closing().write(&mut bytes);
                    unsent.extend(&bytes);
                    let text = format!("the client is refused in the handshake, by {status}");
                    *verdict = Some(Err(StreamError::msg(text)));
                }
            },
        }
        Ok(())
    }

    /// Sends what the handshake has to say. False if not all of it has gone.
    fn push_greeting(&mut self) -> io::Result<bool> {
        let Phase::Greeting { unsent, .. } = &mut self.phase else { return Ok(true) };
        while !unsent.is_empty() {
            match self.stream.write(unsent.bytes()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => drop(unsent.take(n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match self.stream.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            flushed => flushed.map(|()| true),
        }
    }

    /// The handshake is over.
    fn open(&mut self) {
        let Phase::Greeting { side, heard, .. } = &mut self.phase else { return };
        let role = if matches!(side, Side::Client(..)) { Role::Client } else { Role::Server };
        let rest = heard.take(heard.len()).to_vec();
        let config = config(self.max_message, MOST_WORDS);
        self.phase = Phase::Open(Box::new(WebSocketContext::from_partially_read(rest, role, Some(config))));
    }

    /// Lets the library do something.
    fn with<R>(&mut self, act: impl FnOnce(&mut WebSocketContext, &mut Wire<'_>) -> R) -> Option<R> {
        let Phase::Open(context) = &mut self.phase else { return None };
        Some(act(
            context,
            &mut Wire {
                stream: &mut self.stream,
                words: &mut self.words,
                reads: &mut self.reads,
                has_read: &mut self.has_read,
            },
        ))
    }

    /// What an error of the library means.
    fn failed(&mut self, error: Error) -> Heard<Message> {
        let (code, error) = match error {
            // A part of a message is a sign of life, too: while it comes, no ping is answered.
            Error::Io(error) if error.kind() == ErrorKind::WouldBlock && self.has_read => return Heard::Sign,
            Error::Io(error) if error.kind() == ErrorKind::WouldBlock => return Heard::Nothing,
            Error::Io(error) => return Heard::End(Some(explained(error))),
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return Heard::End(None),
            Error::Capacity(_) => {
                let text = format!("invalid message: it is longer than {} bytes; see `max_message`", self.max_message);
                (CloseCode::Size, StreamError::msg(text))
            }
            Error::Utf8(_) => (CloseCode::Invalid, StreamError::msg("invalid message: it is a text, but no UTF-8")),
            error => (CloseCode::Protocol, StreamError::from_cause(error)),
        };
        self.goodbye = code;
        Heard::Nonsense(error)
    }
}

/// The library's own buffers are of this size; a message may be so long.
pub(super) fn config(max_message: usize, max_written: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(max_written)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

/// What the other side has closed with.
fn closed(frame: Option<CloseFrame>) -> StreamError {
    let Some(CloseFrame { code, reason }) = frame else {
        return StreamError::msg("the other side closes the connection");
    };
    let code = u16::from(code);
    StreamError::msg(format!("the other side closes the connection: {code} {}", printable(&reason)))
}

impl Conversation for Talk {
    type Frame = Message;

    fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    fn greet(&mut self, now: Instant) -> Result<bool, StreamError> {
        if !self.stream.greet().map_err(explained)? {
            return Ok(false);
        }
        loop {
            if !self.push_greeting().map_err(explained)? {
                return Ok(false);
            }
            let Phase::Greeting { verdict, .. } = &mut self.phase else { return Ok(true) };
            if let Some(verdict) = verdict.take() {
                verdict?;
                self.open();
                return Ok(true);
            }
            if !self.read_greeting()? {
                return Ok(false);
            }
            self.judge(now)?;
        }
    }

    fn next(&mut self) -> Heard<Message> {
        (self.reads, self.has_read) = (READS, false);
        match self.with(|context, wire| context.read(wire)) {
            None => Heard::Nothing,
            Some(Ok(Raw::Text(text))) => Heard::Frame(Message::Text(text.as_str().to_owned())),
            Some(Ok(Raw::Binary(bytes))) => Heard::Frame(Message::Binary(bytes.into())),
            Some(Ok(Raw::Ping(_) | Raw::Pong(_) | Raw::Frame(_))) => Heard::Sign,
            Some(Ok(Raw::Close(frame))) => Heard::End(Some(closed(frame))),
            Some(Err(Error::Io(error))) if error.kind() == ErrorKind::Interrupted => Heard::Sign,
            Some(Err(error)) => self.failed(error),
        }
    }

    fn take_words(&mut self, to: &mut Buffer) -> usize {
        self.with(|context, wire| context.flush(wire).is_ok()); // an answer that had no room
        to.extend(&self.words);
        let taken = self.words.len();
        self.words.clear();
        taken
    }

    fn ask(&mut self) {
        self.with(|context, wire| context.write(wire, Raw::Ping(Vec::new().into())).is_ok());
    }

    fn end(mut self, is_clear: bool) {
        if is_clear {
            let frame = CloseFrame { code: self.goodbye, reason: "".into() };
            self.with(|context, wire| context.close(wire, Some(frame)).is_ok()); // or the answer to the other side's
        }
        if is_clear && !self.words.is_empty() {
            let _ = self.stream.write(&self.words); // as far as that goes without waiting
            let _ = self.stream.flush();
        }
        self.stream.end();
    }
}

/// What the library reads from and writes to.
struct Wire<'t> {
    stream: &'t mut Stream,
    words: &'t mut Vec<u8>,
    reads: &'t mut usize,
    has_read: &'t mut bool,
}

impl Read for Wire<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        *self.reads = self.reads.checked_sub(1).ok_or(ErrorKind::WouldBlock)?;
        let read = self.stream.read(bytes);
        *self.has_read |= matches!(read, Ok(1..));
        read
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.words.len() >= MOST_WORDS {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.words.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes the bytes of messages: a client's are masked.
pub(crate) struct Encoder(WebSocketContext);

impl Encoder {
    pub(crate) fn new(role: Role) -> Self {
        Self(WebSocketContext::new(role, Some(config(0, usize::MAX).read_buffer_size(0))))
    }

    /// Appends the bytes of a message.
    pub(crate) fn encode(&mut self, message: &Message, to: &mut Vec<u8>) {
        let raw = match message {
            Message::Text(text) => Raw::text(text.as_str()),
            Message::Binary(bytes) => Raw::binary(bytes.clone()),
        };
        let written = self.0.write(&mut Page(to), raw);
        debug_assert!(written.is_ok(), "memory takes everything: {written:?}");
    }
}

/// Takes everything.
struct Page<'p>(&'p mut Vec<u8>);

impl Read for Page<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl Write for Page<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
