//! A client of a server: its socket and what waits for it.

use std::fmt;
use std::io::{self, ErrorKind, Write};

use thingflow_core::{Instant, StreamError};

use super::protocol::{Conversation, Heard, Pulse, Silence};
use crate::framing::Buffer;

/// A connection of a client: another one for each, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) u64);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Answers wait while more than so many bytes do, so that one who asks and does not read makes nothing grow.
const BEHIND: usize = 16 * 1024;

pub(super) struct Peer<T, A> {
    pub(super) id: ClientId,
    pub(super) address: A,
    pub(super) talk: T,
    state: State,
    unsent: Buffer,
}

enum State {
    /// Until when it must have said who it is.
    Greeting(Instant),
    Open(Silence),
}

impl<T: Conversation, A> Peer<T, A> {
    pub(super) fn new(id: ClientId, address: A, talk: T, greets_by: Instant) -> Self {
        Self { id, address, talk, state: State::Greeting(greets_by), unsent: Buffer::default() }
    }

    /// Whether frames may come and go.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Goes on with what comes before the first frame. True when that is done.
    pub(super) fn greet(&mut self, now: Instant) -> Result<bool, StreamError> {
        let is_done = self.talk.greet(now)?;
        if is_done {
            self.state = State::Open(Silence::new(now));
        }
        Ok(is_done)
    }

    /// What has come next. `None`: it has not said yet who it is.
    pub(super) fn hear(&mut self, now: Instant) -> Option<Heard<T::Frame>> {
        let State::Open(silence) = &mut self.state else { return None };
        let heard = self.talk.next();
        if matches!(heard, Heard::Frame(_) | Heard::Sign) {
            silence.hear(now);
        }
        Some(heard)
    }

    /// Whether it has not said in time who it is, or nothing for too long.
    pub(super) fn is_late(&self, pulse: Pulse, now: Instant) -> bool {
        match &self.state {
            State::Greeting(until) => now >= *until,
            State::Open(silence) => silence.is_over(pulse, now),
        }
    }

    /// It is not read, so it is not silent.
    pub(super) fn excuse(&mut self, now: Instant) {
        if let State::Open(silence) = &mut self.state {
            silence.hear(now);
        }
    }

    /// Asks it for a sign of life, if it is time to.
    pub(super) fn ask(&mut self, pulse: Pulse, now: Instant) -> bool {
        let State::Open(silence) = &mut self.state else { return false };
        let asks = silence.is_to_be_asked(pulse, now);
        if asks {
            self.talk.ask();
        }
        asks
    }

    /// When to look at the time again.
    pub(super) fn due(&self, pulse: Pulse) -> Instant {
        match &self.state {
            State::Greeting(until) => *until,
            State::Open(silence) => silence.due(pulse),
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
        if !self.is_open() {
            return Ok(());
        }
        if self.unsent.len() < BEHIND {
            self.talk.take_words(&mut self.unsent);
        }
        while !self.unsent.is_empty() {
            match self.talk.stream().write(self.unsent.bytes()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => drop(self.unsent.take(n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match self.talk.stream().flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            flushed => flushed,
        }
    }

    /// Parts with it.
    pub(super) fn end(self) {
        let is_clear = self.unsent.is_empty();
        self.talk.end(is_clear);
    }
}
