//! The inputs of a recording: [`RecordedStream`] and [`Trigger`].

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use thingflow_core::{
    ClockChange, Closed, Context, Demand, Instant, Moment, Receipt, Sink, StreamError, Timestamp, WallClock,
};

use super::NAME;
use super::entry::{Entry, What};
use crate::journaling::code::{self, CodeError};
use crate::journaling::inlet::{Inlet, Put};
use crate::journaling::open::Open;

/// What all streams of a recording share: when the run began, and what is kept in memory until a trigger.
pub(super) struct Taken {
    inlet: Rc<RefCell<Inlet>>,
    begun: Option<Instant>,
    /// What was recorded of the wall clock: how often it was stepped, and whether it was set.
    clock: (u64, bool),
    /// Records since the last one that said so.
    since_clock: u32,
    around: Option<Around>,
    bytes: Vec<u8>,
}

/// While the wall clock is not set, one of so many records says so.
const UNSET_EACH: u32 = 256;

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
        Self { inlet, begun: None, clock: (0, true), since_clock: 0, around: None, bytes: Vec::new() }
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
        self.record_clock(What::Began, Duration::ZERO, &cx.wall_clock());
    }

    /// Records what is known of the wall clock, beside what is around triggers.
    fn record_clock(&mut self, what: What, at: Duration, clock: &WallClock) {
        let stepped = what == What::Clock && clock.steps != self.clock.0;
        (self.clock, self.since_clock) = ((clock.steps, clock.is_set), 0);
        self.bytes.clear();
        Entry::encode_head(what, at, "", &mut self.bytes);
        Entry::encode_moment(&Moment::of(clock), stepped, &mut self.bytes);
        let mut inlet = self.inlet.borrow_mut();
        inlet.has_unknown_times |= !clock.is_set;
        let _ = inlet.put_bytes(clock.time.as_nanos(), &self.bytes);
    }

    /// Records that the wall clock has changed. While it is not set that is said now and then, as the begin of a recording may
    /// be dropped to make room.
    pub(super) fn follow_clock(&mut self, cx: &Context<'_>) {
        let Some(begun) = self.begun else { return };
        self.since_clock = self.since_clock.saturating_add(1);
        let clock = cx.wall_clock();
        let is_due = self.since_clock > UNSET_EACH && self.around.is_none();
        if (clock.steps, clock.is_set) != self.clock || !clock.is_set && is_due {
            self.record_clock(What::Clock, clock.at.since(begun), &clock);
        }
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
        self.follow_clock(cx);
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

/// Takes changes of the wall clock, see [`Recording::clock_changes`](super::Recording::clock_changes).
#[must_use = "it records nothing until it is connected"]
pub struct ClockInput {
    taken: Rc<RefCell<Taken>>,
}

impl ClockInput {
    pub(super) fn new(taken: &Rc<RefCell<Taken>>) -> Self {
        Self { taken: taken.clone() }
    }
}

impl Sink for ClockInput {
    type Event = ClockChange;
    fn on_next(&mut self, _: ClockChange, cx: &mut Context<'_>) -> Receipt {
        self.taken.borrow_mut().follow_clock(cx);
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

impl fmt::Debug for ClockInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClockInput").finish_non_exhaustive()
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
