//! The inputs of a recording: [`RecordedStream`] and [`Trigger`].

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use thingflow_core::{Closed, Context, Demand, Instant, Receipt, Sink, StreamError, Timestamp};

use super::NAME;
use super::entry::{Entry, What};
use crate::journaling::code::{self, CodeError};
use crate::journaling::inlet::{Inlet, Put};
use crate::journaling::open::Open;

/// What all streams of a recording share: when the run began, and what is kept in memory until a trigger.
pub(super) struct Taken {
    inlet: Rc<RefCell<Inlet>>,
    begun: Option<Instant>,
    around: Option<Around>,
    bytes: Vec<u8>,
}

/// The time around triggers.
struct Around {
    before: Duration,
    after: Duration,
    most: usize,
    /// Until then everything is recorded.
    until: Option<Instant>,
    held: VecDeque<Held>,
    bytes: usize,
    /// Memory that is used again.
    empty: Vec<Vec<u8>>,
}

struct Held {
    at: Instant,
    time: i64,
    bytes: Vec<u8>,
}

impl Around {
    /// Drops what is too old or too much.
    fn prune(&mut self, now: Instant) {
        while let Some(first) = self.held.front()
            && (now.since(first.at) > self.before || self.bytes > self.most)
        {
            self.bytes -= first.bytes.len() + size_of::<Held>();
            if let Some(Held { bytes, .. }) = self.held.pop_front() {
                self.empty.push(bytes);
            }
        }
    }

    fn hold(&mut self, at: Instant, time: i64, bytes: &[u8]) {
        let mut kept = self.empty.pop().unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(bytes);
        self.bytes += kept.len() + size_of::<Held>();
        self.held.push_back(Held { at, time, bytes: kept });
        self.prune(at);
        self.empty.truncate(4);
    }
}

impl Taken {
    pub(super) fn new(inlet: Rc<RefCell<Inlet>>) -> Self {
        Self { inlet, begun: None, around: None, bytes: Vec::new() }
    }

    pub(super) fn record_around(&mut self, before: Duration, after: Duration, most: usize) {
        let (held, empty) = (VecDeque::new(), Vec::new());
        self.around = Some(Around { before, after, most, until: None, held, bytes: 0, empty });
    }

    /// The run begins, if it has not.
    pub(super) fn begin(&mut self, cx: &Context<'_>) {
        if self.begun.is_some() {
            return;
        }
        self.begun = Some(cx.now());
        self.bytes.clear();
        Entry::encode_head(What::Began, Duration::ZERO, "", &mut self.bytes);
        let _ = self.inlet.borrow_mut().put_bytes(cx.timestamp().as_nanos(), &self.bytes);
    }

    /// Records what came, or keeps it until a trigger.
    pub(super) fn put(
        &mut self,
        what: What,
        stream: &str,
        cx: &Context<'_>,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), CodeError>,
    ) -> Result<Put, CodeError> {
        self.begin(cx);
        let now = cx.now();
        let at = now.since(self.begun.unwrap_or(now));
        self.bytes.clear();
        Entry::encode_head(what, at, stream, &mut self.bytes);
        encode(&mut self.bytes)?;
        let time = cx.timestamp().as_nanos();
        if let Some(around) = &mut self.around
            && around.until.is_none_or(|until| now > until)
        {
            around.hold(now, time, &self.bytes);
            return Ok(Put::Dropped);
        }
        let mut inlet = self.inlet.borrow_mut();
        let put = inlet.put_bytes(time, &self.bytes);
        inlet.wait_for_thread();
        Ok(put)
    }

    fn trigger(&mut self, cx: &Context<'_>) {
        let Some(around) = &mut self.around else { return };
        let now = cx.now();
        around.prune(now);
        around.until = Some(now + around.after);
        let mut inlet = self.inlet.borrow_mut();
        for Held { time, bytes, .. } in around.held.drain(..) {
            let _ = inlet.put_bytes(time, &bytes); // it was fit when it came, or it is reported then
        }
        around.bytes = 0;
        inlet.wait_for_thread();
    }
}

/// A stream of a recording, see [`Recording::stream`](super::Recording::stream).
#[must_use = "a stream records nothing until it is connected"]
pub struct RecordedStream<T> {
    name: String,
    open: Open,
    taken: Rc<RefCell<Taken>>,
    event: PhantomData<fn(T)>,
}

impl<T> RecordedStream<T> {
    pub(super) fn new(name: &str, inlet: &Rc<RefCell<Inlet>>, taken: &Rc<RefCell<Taken>>) -> Self {
        let open = Open::new(NAME, inlet);
        Self { name: name.into(), open, taken: taken.clone(), event: PhantomData }
    }

    fn put(
        &mut self,
        what: What,
        cx: &Context<'_>,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), CodeError>,
    ) -> Demand {
        let put = self.taken.borrow_mut().put(what, &self.name, cx, encode);
        let error = match put {
            Ok(Put::Stored(_) | Put::Dropped) => return Demand::More,
            Ok(Put::Later(_)) => return Demand::Full,
            Ok(Put::Closed) => return Demand::Done,
            Ok(Put::Unfit(error)) => error,
            Err(error) => StreamError::caused("cannot record an event", error),
        };
        cx.report(NAME, &error);
        Demand::More
    }
}

impl<T: Serialize> Sink for RecordedStream<T> {
    type Event = T;
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.taken.borrow_mut().begin(cx);
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        Ok(self.put(What::Event, cx, |bytes| code::encode(&event, bytes)))
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        Ok(self.put(What::Event, cx, |bytes| code::encode(event, bytes)))
    }
    fn on_watermark(&mut self, watermark: Timestamp, cx: &mut Context<'_>) -> Receipt {
        Ok(self.put(What::Watermark, cx, |bytes| {
            bytes.extend(watermark.as_nanos().to_le_bytes());
            Ok(())
        }))
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        let _ = self.put(What::Completed, cx, |_| Ok(())); // nothing follows
        self.open.end();
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        let _ = self.put(What::Error, cx, |bytes| {
            bytes.extend(error.to_string().into_bytes());
            Ok(())
        });
        self.open.end();
        Ok(())
    }
    fn has_room(&self) -> bool {
        self.open.has_room()
    }
}

impl<T> fmt::Debug for RecordedStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedStream").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Takes triggers, see [`Recording::trigger`](super::Recording::trigger).
#[must_use = "a trigger does nothing until it is connected"]
pub struct Trigger<E> {
    taken: Rc<RefCell<Taken>>,
    event: PhantomData<fn(E)>,
}

impl<E> Trigger<E> {
    pub(super) fn new(taken: &Rc<RefCell<Taken>>) -> Self {
        Self { taken: taken.clone(), event: PhantomData }
    }
}

impl<E> Sink for Trigger<E> {
    type Event = E;
    fn on_next(&mut self, _: E, cx: &mut Context<'_>) -> Receipt {
        self.taken.borrow_mut().trigger(cx);
        Ok(Demand::More)
    }
    fn on_next_ref(&mut self, _: &E, cx: &mut Context<'_>) -> Receipt
    where
        E: Clone,
    {
        self.taken.borrow_mut().trigger(cx);
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report(NAME, &error);
        Ok(())
    }
}

impl<E> fmt::Debug for Trigger<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trigger").finish_non_exhaustive()
    }
}
