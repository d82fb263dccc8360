//! [`Protocol`]: what is spoken over streams; [`Conversation`]: over one of them. Plain frames are the simplest one.

use std::io;
use std::time::Duration;

use thingflow_core::{Instant, StreamError};

use crate::framing::{Buffer, FrameError, Framed, Framing, Piece};
use crate::net::Stream;

/// What is spoken over streams.
pub(crate) trait Protocol: 'static {
    /// A message.
    type Frame: Clone + 'static;
    /// One connection.
    type Talk: Conversation<Frame = Self::Frame>;

    /// Begins to speak over a stream.
    fn begin(&mut self, stream: Stream) -> io::Result<Self::Talk>;

    /// Appends the bytes of a frame.
    fn encode(&mut self, frame: &Self::Frame, to: &mut Vec<u8>);
}

/// One connection, whatever is spoken over it.
pub(crate) trait Conversation {
    /// A message.
    type Frame;

    fn stream(&mut self) -> &mut Stream;

    /// Goes on with what comes before the first frame; true when it is done.
    fn greet(&mut self, now: Instant) -> Result<bool, StreamError>;

    /// What has come next.
    fn next(&mut self) -> Heard<Self::Frame>;

    /// Moves what it has to say besides frames, such as answers, to what is to be sent. How many bytes those are.
    fn take_words(&mut self, _to: &mut Buffer) -> usize {
        0
    }

    /// Asks the other side for a sign of life, if there is a way to.
    fn ask(&mut self) {}

    /// Says goodbye, and that nothing more is sent. `is_clear`: no frame has been begun to be sent.
    fn end(self, is_clear: bool);
}

/// What has come.
pub(crate) enum Heard<T> {
    Frame(T),
    /// A sign of life that is no frame.
    #[cfg_attr(not(feature = "websocket"), allow(dead_code))] // plain frames have none
    Sign,
    /// A frame that is left out.
    LeftOut(FrameError),
    /// Part of a frame, and there may be more: others have their turn first.
    Again,
    /// Nothing more now.
    Nothing,
    /// What cannot be read, nor anything that follows.
    Nonsense(StreamError),
    /// Nothing more at all, and why, if that was no usual end.
    End(Option<StreamError>),
}

/// When a peer that says nothing is asked for a sign of life, and when it is given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulse {
    pub(crate) ask_after: Duration,
    pub(crate) idle_timeout: Duration,
}

impl Pulse {
    /// It may say nothing for ever.
    pub(crate) const NONE: Self = Self { ask_after: Duration::MAX, idle_timeout: Duration::MAX };
}

/// When something has come from a peer, and whether it has been asked since.
pub(crate) struct Silence {
    heard: Instant,
    asked: bool,
}

impl Silence {
    pub(crate) fn new(now: Instant) -> Self {
        Self { heard: now, asked: false }
    }

    pub(crate) fn hear(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// When to look again.
    pub(crate) fn due(&self, pulse: Pulse) -> Instant {
        let asks = if self.asked { Duration::MAX } else { pulse.ask_after };
        self.heard + asks.min(pulse.idle_timeout)
    }

    /// Whether it has lasted for too long.
    pub(crate) fn is_over(&self, pulse: Pulse, now: Instant) -> bool {
        now >= self.heard + pulse.idle_timeout
    }

    /// Whether the peer is to be asked, which happens once.
    pub(crate) fn is_to_be_asked(&mut self, pulse: Pulse, now: Instant) -> bool {
        let asks = !self.asked && now >= self.heard + pulse.ask_after;
        self.asked |= asks;
        asks
    }
}

impl<F: Framing + 'static> Protocol for F {
    type Frame = F::Frame;
    type Talk = Framed<Stream, F>;

    fn begin(&mut self, stream: Stream) -> io::Result<Self::Talk> {
        Ok(Framed::new(stream, self.clone()))
    }

    fn encode(&mut self, frame: &Self::Frame, to: &mut Vec<u8>) {
        Framing::encode(self, frame, to);
    }
}

impl<F: Framing> Conversation for Framed<Stream, F> {
    type Frame = F::Frame;

    fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    fn greet(&mut self, _: Instant) -> Result<bool, StreamError> {
        self.stream.greet().map_err(explained)
    }

    fn next(&mut self) -> Heard<F::Frame> {
        match Framed::next(self) {
            Piece::Frame(frame) => Heard::Frame(frame),
            Piece::Bad(error) if error.is_fatal() => Heard::Nonsense(StreamError::from_cause(error)),
            Piece::Bad(error) => Heard::LeftOut(error),
            Piece::Again => Heard::Again,
            Piece::Nothing => Heard::Nothing,
            Piece::End(fault) => Heard::End(fault.map(explained)),
        }
    }

    fn end(self, _: bool) {
        self.stream.end();
    }
}

/// With what TLS means by it.
pub(crate) fn explained(error: io::Error) -> StreamError {
    let meaning = crate::net::fault(&error).map_or("the connection has failed", crate::net::TlsFault::meaning);
    StreamError::caused(meaning, error)
}

/// Whether a certificate was not valid yet: tried again when the clock has been set.
pub(crate) fn is_too_early(error: &StreamError) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let fault = error.downcast_ref::<io::Error>().and_then(crate::net::fault);
        if fault == Some(crate::net::TlsFault::NotYetValid) {
            return true;
        }
        cause = error.source();
    }
    false
}
