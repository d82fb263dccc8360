//! Flows of events and notices in an order of their own, by the word: [`script`] sends one, [`Heard`] hears it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use thingflow_core::prelude::*;
use thingflow_core::{Notice, Question, Timestamp};

/// What is sent, and what is heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Word<E> {
    Event(E),
    Watermark(i64),
    Flush,
    Completed,
}

/// Sends the words of a script to a Thing, one at each call, and completes.
pub(crate) struct Script<E, N> {
    words: VecDeque<Word<E>>,
    thing: N,
}

pub(crate) fn script<E: Copy, N: InputThing<E>>(words: &[Word<E>], thing: N) -> Script<E, N> {
    Script { words: words.iter().copied().collect(), thing }
}

impl<E, N: InputThing<E>> OutputThing for Script<E, N> {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        Ok(match self.words.pop_front() {
            Some(Word::Event(event)) => self.thing.next(event, cx)?,
            Some(Word::Watermark(at)) => self.thing.notice(Notice::Watermark(Timestamp::from_nanos(at)), cx)?,
            Some(Word::Flush) => self.thing.notice(Notice::Flush, cx)?,
            Some(Word::Completed) | None => {
                self.thing.notice(Notice::Completed, cx)?;
                Demand::Done
            }
        })
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.thing.notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.thing.ask(question)
    }
    fn due(&mut self, _: &mut Context<'_>) -> Option<Instant> {
        None
    }
    fn name(&self) -> &str {
        "script"
    }
}

/// What was heard, on whatever thread. No stream of words fails: an error ends the run.
#[derive(Clone, Debug)]
pub(crate) struct Heard<E>(Arc<Mutex<Vec<Word<E>>>>);

impl<E> Default for Heard<E> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<E: Copy> Heard<E> {
    pub(crate) fn words(&self) -> Vec<Word<E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub(crate) fn note(&self, word: Word<E>) -> Receipt {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(word);
        Ok(Demand::More)
    }
}

impl<E: Copy> Sink for Heard<E> {
    type Event = E;
    fn on_next(&mut self, event: E, _: &mut Context<'_>) -> Receipt {
        self.note(Word::Event(event))
    }
    fn on_watermark(&mut self, watermark: Timestamp, _: &mut Context<'_>) -> Receipt {
        self.note(Word::Watermark(watermark.as_nanos()))
    }
    fn on_flush(&mut self, _: &mut Context<'_>) -> Receipt {
        self.note(Word::Flush)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.note(Word::Completed).map(drop)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        Err(cx.fatal(error))
    }
}
