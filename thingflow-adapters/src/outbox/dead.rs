//! Dead letters: events that a reader has refused for good, in a journal beside that of the outbox.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use thingflow_core::tracking::Tracked;
use thingflow_core::{Closed, Context, DeadLetter, Demand, Receipt};
use thingflow_core::{Sink, StreamError, Timestamp};
use thingflow_journal::{PushError, Writer};

use super::stored::Stored;
use crate::journaling::code::CodeError;

/// The first byte of a dead letter. Those of events are other ones, see [`code`](super::code).
const DEAD_LETTER: u8 = 2;

/// A dead letter as it is stored: the event, and why it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetterRecord {
    /// The outlet whose reader has refused it.
    pub outlet: String,
    /// Its number in the outbox.
    pub number: u64,
    /// When the outbox took it.
    pub taken: Timestamp,
    /// Why it was refused.
    pub reason: String,
    /// The event as the outbox had stored it. Empty if it was too long for a dead letter.
    pub event: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    outlet: String,
    number: u64,
    taken: i64,
    reason: String,
}

impl DeadLetterRecord {
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), CodeError> {
        let Self { outlet, number, taken, reason, event } = self;
        let head = Head { outlet: outlet.clone(), number: *number, taken: taken.as_nanos(), reason: reason.clone() };
        bytes.push(DEAD_LETTER);
        rmp_serde::encode::write_named(bytes, &head).map_err(CodeError::Encode)?;
        bytes.extend_from_slice(event);
        Ok(())
    }

    /// Reads a record of a journal of dead letters; `None` if it is none.
    ///
    /// # Errors
    /// [`CodeError::Decode`] if it is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, CodeError> {
        let Some((&DEAD_LETTER, mut rest)) = bytes.split_first() else { return Ok(None) };
        let mut head = rmp_serde::Deserializer::new(&mut rest);
        let head = Head::deserialize(&mut head).map_err(CodeError::Decode)?;
        let Head { outlet, number, taken, reason } = head;
        let taken = Timestamp::from_nanos(taken);
        Ok(Some(Self { outlet, number, taken, reason, event: rest.to_vec() }))
    }
}

/// Takes what a [`Worker`](thingflow_core::Worker) has refused, see
/// [`Outbox::dead_letters`](super::Outbox::dead_letters).
#[derive(Debug)]
pub struct DeadLetters<T>(std::marker::PhantomData<fn(T)>);

impl<T> DeadLetters<T> {
    pub(super) fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T> Sink for DeadLetters<T> {
    type Event = DeadLetter<Tracked<T, Stored>>;
    fn on_next(&mut self, letter: Self::Event, _: &mut Context<'_>) -> Receipt {
        letter.event.fail(letter.error);
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("the dead letters of an outbox", &error);
        Ok(())
    }
}

/// What is on its way to the dead letters of one outlet. Until a letter is on the disk, its event is not done.
pub(super) struct Undertaker {
    writer: Writer,
    bytes: Vec<u8>,
    /// Numbers in the dead letters, and in the outbox.
    waiting: VecDeque<(u64, u64)>,
    /// What the journal of the dead letters had no room for: number in the outbox, time, letter.
    unburied: VecDeque<(u64, i64, Vec<u8>)>,
}

impl Undertaker {
    pub(super) fn new(writer: Writer) -> Self {
        Self { writer, bytes: Vec::new(), waiting: VecDeque::new(), unburied: VecDeque::new() }
    }

    pub(super) fn bury(&mut self, mut refused: DeadLetterRecord) -> Result<(), StreamError> {
        let encode = |refused: &DeadLetterRecord, bytes: &mut Vec<u8>| {
            bytes.clear();
            refused.encode(bytes).map_err(|error| StreamError::caused("cannot keep a dead letter", error))
        };
        encode(&refused, &mut self.bytes)?;
        let time = refused.taken.as_nanos();
        let mut pushed = self.writer.push(time, &self.bytes);
        if matches!(pushed, Err(PushError::TooLong { .. })) {
            refused.event.clear();
            refused.reason = refused.reason.chars().take(1000).collect();
            encode(&refused, &mut self.bytes)?;
            pushed = self.writer.push(time, &self.bytes);
        }
        match pushed {
            Ok(number) => self.waiting.push_back((number, refused.number)),
            Err(PushError::Closed) => {} // it is refused again by the next run
            Err(_) => self.unburied.push_back((refused.number, time, self.bytes.clone())),
        }
        Ok(())
    }

    /// Gives the number of an event whose letter is on the disk.
    pub(super) fn buried(&mut self, durable: u64) -> Option<u64> {
        while let Some((number, time, bytes)) = self.unburied.front() {
            let Ok(letter) = self.writer.push(*time, bytes) else { break };
            self.waiting.push_back((letter, *number));
            self.unburied.pop_front();
        }
        let (_, number) = self.waiting.front().filter(|(letter, _)| *letter <= durable)?;
        let number = *number;
        self.waiting.pop_front();
        Some(number)
    }

    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.unburied.is_empty()
    }
}
