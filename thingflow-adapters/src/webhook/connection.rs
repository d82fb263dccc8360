//! [`Connection`]: one client: it reads a request, waits for what becomes of it, writes the answer.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use thingflow_core::Instant;

use super::budget::Share;
use super::decoder::{Decoder, Step};
use super::request::Request;
use super::server::HookStats;
use crate::framing::Buffer;
use crate::net::Stream;
use crate::requests::Answer;

/// How long a connection may be silent between two requests.
const IDLE: Duration = Duration::from_secs(60);
/// Bytes read by one call.
const BYTES: usize = 4096;
/// So many calls read before others have their turn: a body may come in chunks of one byte.
const READS: usize = 4;

pub(super) struct Connection {
    pub(super) stream: Stream,
    decoder: Decoder,
    share: Share,
    read: Buffer,
    unsent: Buffer,
    state: State,
    /// When the state has lasted for too long.
    pub(super) due: Instant,
    read_timeout: Duration,
}

enum State {
    /// For a request, or the rest of one.
    Reading { begun: bool },
    /// For what becomes of its events.
    Waiting { stays: bool },
    /// Until all is written. If the request has not been read whole, the client may be sending still.
    Closing { is_read: bool },
    /// Until the client has closed it too. What it still sends is thrown away: a client that is sending would take the reset by which a
    /// closed connection answers for an answer, and not read ours (RFC 9112, section 9.6).
    Draining,
}

/// What a call has come to.
pub(super) enum News {
    Nothing,
    /// Part of a request, and there may be more.
    Again,
    Request(Request),
    /// The connection has ended.
    Gone,
}

impl Connection {
    pub(super) fn new(stream: Stream, share: Share, read_timeout: Duration, now: Instant) -> Self {
        let (decoder, read, unsent) = (Decoder::default(), Buffer::default(), Buffer::default());
        let state = State::Reading { begun: false };
        Self { stream, decoder, share, read, unsent, state, due: now + read_timeout, read_timeout }
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// Goes on as far as it can.
    pub(super) fn advance(
        &mut self,
        most: usize,
        check: impl Fn(&Request) -> Result<(), Answer>,
        stats: &mut HookStats,
        now: Instant,
    ) -> News {
        if self.push().is_err() {
            return News::Gone;
        }
        for _ in 0..READS {
            let State::Reading { begun } = self.state else {
                return self.close();
            };
            // Who does not read answers is asked nothing more.
            if self.has_unsent() {
                return News::Nothing;
            }
            match self.decoder.next(&mut self.read, most, &mut self.share, &check) {
                Step::More => {}
                Step::Continue => {
                    self.unsent.extend(b"HTTP/1.1 100 Continue\r\n\r\n");
                    if self.push().is_err() {
                        return News::Gone;
                    }
                    continue;
                }
                Step::Request(request, stays) => {
                    self.state = State::Waiting { stays };
                    return News::Request(request);
                }
                Step::Refused(answer) => {
                    stats.count(&answer);
                    self.answer(answer, now);
                    continue;
                }
            }
            let is_idle = self.decoder.is_idle() && self.read.is_empty();
            if !begun && !is_idle {
                self.state = State::Reading { begun: true };
                self.due = now + self.read_timeout; // for the whole of it, however slowly it comes
            }
            let mut piece = [0; BYTES];
            match self.stream.read(&mut piece) {
                Ok(0) => return News::Gone,
                Ok(n) => self.read.extend(&piece[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return News::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return News::Gone,
            }
        }
        News::Again
    }

    /// Goes on with the end of the connection, if it has come to that.
    fn close(&mut self) -> News {
        if self.is_waiting() || self.has_unsent() {
            return News::Nothing;
        }
        match self.state {
            State::Closing { is_read: true } => return News::Gone,
            State::Closing { is_read: false } => {
                self.stream.end_sending();
                self.state = State::Draining;
            }
            _ => {}
        }
        let mut rest = [0; BYTES];
        for _ in 0..READS {
            match self.stream.read(&mut rest) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return News::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return News::Gone,
            }
        }
        News::Again
    }

    /// Whether the system has not taken all of the answers.
    fn has_unsent(&self) -> bool {
        !self.unsent.is_empty() || (self.stream.is_greeted() && self.stream.has_unsent())
    }

    /// For how long the graph may take.
    pub(super) fn wait_until(&mut self, due: Instant) {
        self.due = due;
    }

    /// Answers the request that waits, or the bytes that are none.
    pub(super) fn answer(&mut self, answer: Answer, now: Instant) {
        let stays = match self.state {
            State::Waiting { stays } => stays && !answer.closes,
            _ => !answer.closes,
        };
        self.share.release();
        let mut bytes = Vec::new();
        let answer = if stays { answer } else { answer.closing() };
        answer.write(&mut bytes);
        self.unsent.extend(&bytes);
        let is_read = self.is_waiting();
        self.state = if stays { State::Reading { begun: false } } else { State::Closing { is_read } };
        self.due = now + if stays { IDLE.max(self.read_timeout) } else { self.read_timeout };
        let _ = self.push(); // what is wrong is told by the next call
    }

    /// Whether the state has lasted for too long. A request that comes too slowly is answered so.
    pub(super) fn is_late(&mut self, stats: &mut HookStats, now: Instant) -> bool {
        if now < self.due {
            return false;
        }
        if let State::Reading { begun: true } = self.state {
            let answer = Answer::new(408, "the request has come too slowly").closing();
            stats.count(&answer);
            self.answer(answer, now);
        }
        true
    }

    /// Sends as much of what waits as it takes now.
    fn push(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() && self.stream.is_greeted() {
            match self.stream.write(self.unsent.bytes()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => drop(self.unsent.take(n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match self.stream.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            flushed => flushed,
        }
    }
}
