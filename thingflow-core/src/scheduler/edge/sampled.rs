//! Sources that are sampled on a thread of their own.
//!
//! The reactor keeps the time for them. When a tick is due it asks the thread for a sample; a thread that is still busy
//! misses the tick. So edge threads have the same rates, policies and virtual clock as everything else.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::super::Scheduler;
use super::super::engine::Engine;
use super::super::handle::{ScheduleError, ScheduleHandle};
use super::super::keyed::Id;
use super::super::periodic::{IntoPeriodic, OnFailure};
use super::super::remote::{self, Feed, Remote};
use super::threads::{StopToken, lock};
use super::{EdgeHost, EdgeOutput, Reported};
use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::error::{Failure, StreamError};
use crate::event::SensorEvent;
use crate::limit::Limit;
use crate::notice::{Notice, Question};
use crate::output::{OutputThing, Source};
use crate::port::Port;
use crate::sensor::{Sampled, Sensor};
use crate::thing::{Demand, InputThing, Receipt};

/// What an edge thread sends: an answer, after what has been reported meanwhile.
enum Message<T> {
    Report(Reported),
    Answer(Answer<T>),
}

/// An event, why there is none, or the end of its data.
enum Answer<T> {
    Event(T),
    Failed(StreamError),
    NotYet,
    Fatal(String),
    Ended,
}

/// One request at a time, from the reactor to an edge thread: sample now, at this time.
#[derive(Default)]
struct Request {
    at: Mutex<Option<(Instant, Timestamp)>>,
    asked: Condvar,
    stopped: AtomicBool,
}

impl Scheduler {
    /// Samples a source on a thread of its own, at a fixed rate, because sampling may block.
    ///
    /// # Errors
    /// [`ScheduleError::ZeroPeriod`], [`ScheduleError::ZeroRetry`], [`ScheduleError::Thread`].
    pub fn schedule_periodic_on_separate_thread<S>(
        &self,
        source: S,
        timing: impl IntoPeriodic,
    ) -> Result<EdgeOutput<S::Item>, ScheduleError>
    where
        S: Source + Send + 'static,
        S::Item: Clone + Send + 'static,
    {
        let timing = timing.into_periodic();
        timing.check()?;
        let engine = &self.engine;
        let (port, request) = (Port::new(), Arc::<Request>::default());
        let (asked, retry) = (Asked::new(engine), Rc::new(Retry::new(engine, timing.on_failure)));
        let mut answers = Answers { outstanding: Outstanding(asked.clone()), retry: retry.clone(), port: port.clone() };
        let name = source.name().to_owned();
        let feed = Feed { name: &name, limit: Limit::default(), shown: true };
        let (remote, receiver) = remote::open(engine, feed, &port, move |message, cx| answers.take(message, cx))?;
        engine.with_schedule(receiver.id, |schedule| schedule.on_failure = timing.on_failure);
        let ticker = Ticker { request: request.clone(), asked, retry: retry.clone(), port: port.clone(), receiver };
        let virtual_time = engine.clock.is_virtual();
        engine.threads.spawn(&name, move |stop| serve(source, &request, &remote, stop, virtual_time))?;
        let handle = engine.add_periodic(Box::new(ticker), timing)?;
        retry.ticker.set(handle.id);
        Ok(EdgeOutput { port, handle })
    }

    /// Samples a sensor on a thread of its own, because it is slow.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::{ListSensor, Recorder};
    /// # let mut scheduler = Scheduler::virtual_time()?;
    /// let slow = ListSensor::new("probe", [20.0, 21.0]);
    /// let probe = scheduler.schedule_sensor_on_separate_thread(slow, Duration::from_secs(1))?;
    /// let seen = Recorder::new();
    /// probe.map(|e| e.val).connect(seen.clone());
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), "20.0@1 21.0@2 |@3");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ScheduleError::ZeroPeriod`], [`ScheduleError::ZeroRetry`], [`ScheduleError::Thread`].
    pub fn schedule_sensor_on_separate_thread<S>(
        &self,
        sensor: S,
        timing: impl IntoPeriodic,
    ) -> Result<EdgeOutput<SensorEvent<S::Reading>>, ScheduleError>
    where
        S: Sensor + Send + 'static,
        S::Reading: Clone + Send + 'static,
    {
        self.schedule_periodic_on_separate_thread(Sampled::new(sensor), timing)
    }
}

/// The edge thread: answers each request.
fn serve<S: Source>(mut source: S, request: &Request, remote: &Remote<Message<S::Item>>, stop: &StopToken, virt: bool) {
    while let Some((now, timestamp)) = request.next(stop) {
        let host = EdgeHost::at(now, virt.then_some(timestamp));
        let answer = pull(&mut source, &mut Context::new(now, &host));
        let last = matches!(answer, Answer::Ended | Answer::Fatal(_));
        let reports = host.take_reported().into_iter().map(Message::Report);
        request.answered();
        for message in reports.chain([Message::Answer(answer)]) {
            if remote.post(message).is_err() {
                return;
            }
        }
        if last {
            return;
        }
    }
}

fn pull<S: Source>(source: &mut S, cx: &mut Context<'_>) -> Answer<S::Item> {
    match catch_unwind(AssertUnwindSafe(|| source.pull(cx))) {
        Ok(Ok(Some(event))) => Answer::Event(event),
        Ok(Ok(None)) => Answer::Ended,
        Ok(Err(Failure::Sample(error))) => Answer::Failed(error),
        Ok(Err(Failure::NotYet)) => Answer::NotYet,
        Ok(Err(Failure::Fatal(token))) => Answer::Fatal(cx.take_error(token).to_string()),
        Err(_) => Answer::Fatal("panicked on its edge thread".to_owned()),
    }
}

impl Request {
    /// Asks for a sample; false if the thread is busy with the last one.
    fn ask(&self, at: (Instant, Timestamp)) -> bool {
        let mut slot = lock(&self.at);
        if slot.is_some() {
            return false;
        }
        *slot = Some(at);
        self.asked.notify_one();
        true
    }

    fn next(&self, stop: &StopToken) -> Option<(Instant, Timestamp)> {
        let mut slot = lock(&self.at);
        loop {
            if stop.is_stopped() || self.stopped.load(Ordering::SeqCst) {
                return None;
            }
            if slot.is_some() {
                return *slot;
            }
            // A stop of the whole run does not know this condition: look from time to time.
            slot = self.asked.wait_timeout(slot, LOOK_FOR_STOP).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn answered(&self) {
        *lock(&self.at) = None;
    }
}

const LOOK_FOR_STOP: Duration = Duration::from_millis(500);

/// How many samplings or results have been asked for and are not here: of one edge, and of all that virtual time waits for.
#[derive(Clone)]
pub(in super::super) struct Asked {
    all: Rc<Cell<usize>>,
    mine: Rc<Cell<usize>>,
}

impl Asked {
    pub(in super::super) fn new(engine: &Engine) -> Self {
        Self { all: engine.asked.clone(), mine: Rc::default() }
    }

    pub(in super::super) fn change(&self, by: isize) {
        for count in [&self.all, &self.mine] {
            count.set(count.get().saturating_add_signed(by));
        }
    }
}

/// How many answers are out. When the receiver goes, nobody waits for them.
pub(in super::super) struct Outstanding(pub(in super::super) Asked);

impl Drop for Outstanding {
    fn drop(&mut self) {
        let Asked { all, mine } = &self.0;
        all.set(all.get().saturating_sub(mine.take()));
    }
}

/// The back-off after failures, which the receiver of the answers knows of and the ticker heeds.
struct Retry {
    on_failure: OnFailure,
    failures: Cell<u32>,
    /// No try before this time.
    next: Cell<Instant>,
    ticker: Cell<Id>,
    engine: Weak<Engine>,
}

impl Retry {
    fn new(engine: &Engine, on_failure: OnFailure) -> Self {
        let engine = engine.me.clone();
        Self { on_failure, failures: Cell::new(0), next: Cell::default(), ticker: Cell::new(Id::NOBODY), engine }
    }

    fn waits(&self, now: Instant) -> bool {
        now < self.next.get()
    }

    /// Notes an answer: whether it was a failure, if that is to be said of it.
    fn note(&self, failed: Option<bool>, now: Instant) {
        self.failures.set(failed.map_or(self.failures.get(), |failed| (self.failures.get() + 1) * u32::from(failed)));
        let Some(wait) = self.on_failure.wait_after(self.failures.get()) else { return };
        self.next.set(now + wait);
        if let Some(engine) = self.engine.upgrade() {
            engine.wake_schedule(self.ticker.get(), now + wait);
        }
    }
}

/// The receiver's end.
struct Answers<T> {
    outstanding: Outstanding,
    retry: Rc<Retry>,
    port: Port<T>,
}

impl<T: Clone + 'static> Answers<T> {
    fn take(&mut self, message: Message<T>, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let answer = match message {
            Message::Answer(answer) => answer,
            Message::Report((thing, error)) => {
                if let Some(engine) = self.retry.engine.upgrade() {
                    engine.hear(&thing, &error);
                }
                return Ok(Demand::More);
            }
        };
        self.outstanding.0.change(-1);
        let failed = match &answer {
            Answer::NotYet => None,
            answer => Some(matches!(answer, Answer::Failed(_))),
        };
        self.retry.note(failed, cx.now());
        match answer {
            Answer::Event(event) => Ok(self.port.emit(event, cx)?),
            Answer::Failed(error) => Err(error.into()),
            Answer::NotYet => Err(Failure::NotYet),
            Answer::Fatal(why) => Err(cx.fatal(why).into()),
            Answer::Ended => {
                self.port.complete(cx)?;
                Ok(Demand::Done)
            }
        }
    }
}

/// The reactor's side of a sampled edge thread: passes the ticks on.
struct Ticker<T> {
    request: Arc<Request>,
    asked: Asked,
    retry: Rc<Retry>,
    port: Port<T>,
    receiver: ScheduleHandle,
}

impl<T> Ticker<T> {
    /// While those further down are full no sample is wanted, and virtual time would wait for it in vain.
    fn ask(&self, cx: &Context<'_>) {
        if !self.receiver.is_full() && self.request.ask((cx.now(), cx.timestamp())) {
            self.asked.change(1);
        }
    }
}

impl<T: Clone + 'static> OutputThing for Ticker<T> {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        if !self.receiver.is_active() {
            return Ok(Demand::Done);
        }
        if !self.retry.waits(cx.now()) {
            self.ask(cx);
        }
        Ok(Demand::More)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Wake if self.receiver.is_active() && !self.retry.waits(cx.now()) => self.ask(cx), // another try
            Notice::Error(error) => self.port.fail(error, cx)?,
            _ => {} // the receiver of the answers has the port
        }
        Ok(Demand::More)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        match question {
            Question::Open => self.receiver.is_active() && self.port.is_listened(),
            Question::Describe(_) => true,
            question => self.port.ask(question),
        }
    }
}

impl<T> Drop for Ticker<T> {
    fn drop(&mut self) {
        self.request.stopped.store(true, Ordering::SeqCst);
        self.request.asked.notify_all();
        self.receiver.cancel();
    }
}
