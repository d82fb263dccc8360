//! Edge threads: what may block runs on a thread of its own and posts its events into the reactor.
//!
//! The reactor keeps the time for them. When a tick is due it asks the thread for a sample; a thread that is still busy
//! misses the tick. So edge threads have the same rates, policies and virtual clock as everything else.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant as StdInstant};

use super::Scheduler;
use super::clocks::SystemClock;
use super::engine::Engine;
use super::handle::{ScheduleError, ScheduleHandle};
use super::periodic::Periodic;
use super::remote::{self, Feed, Remote};
use crate::chain::Chain;
use crate::clock::{Clock, Instant, Timestamp};
use crate::context::{Context, Host};
use crate::error::{Failure, StreamError};
use crate::event::SensorEvent;
use crate::limit::Limit;
use crate::output::{OutputThing, Source};
use crate::port::{Connection, Port, PortChain};
use crate::sensor::{Sampled, Sensor};
use crate::thing::{Closed, Demand, Filter, InputThing, Receipt};
use crate::visit::Visitor;

/// How long a stop waits for edge threads, unless told otherwise. What still blocks then is left to itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// The output of an edge thread: any number of chains can begin at `&output`.
#[derive(Clone)]
pub struct EdgeOutput<T> {
    port: Port<T>,
    handle: ScheduleHandle,
}

impl<T: Clone + 'static> EdgeOutput<T> {
    /// The port on the reactor's side.
    pub fn port(&self) -> &Port<T> {
        &self.port
    }

    /// The handle of the schedule.
    pub fn handle(&self) -> &ScheduleHandle {
        &self.handle
    }

    /// Connects a Thing to the port.
    pub fn connect<N: InputThing<T> + 'static>(&self, thing: N) -> Connection {
        self.port.connect(thing)
    }
}

impl<T: Clone + 'static> Chain for &EdgeOutput<T> {
    type Item = T;
    type Piped<F: Filter<T> + 'static> = PortChain<T, F>;
    type Ended<N: InputThing<T> + 'static> = Connection;

    fn pipe<F: Filter<T> + 'static>(self, filter: F) -> PortChain<T, F> {
        (&self.port).pipe(filter)
    }
    fn connect<N: InputThing<T> + 'static>(self, thing: N) -> Connection {
        self.port.connect(thing)
    }
}

impl<T> fmt::Debug for EdgeOutput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeOutput").field("port", &self.port).field("handle", &self.handle).finish()
    }
}

/// Tells a thread that its run is over.
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<StopState>);

#[derive(Debug, Default)]
struct StopState {
    stopped: AtomicBool,
    gate: Mutex<()>,
    changed: Condvar,
}

impl StopToken {
    /// Whether the thread should end.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }

    /// Sleeps for `d`, or until the thread should end: whether it should.
    pub fn wait(&self, d: Duration) -> bool {
        let end = StdInstant::now() + d;
        let mut gate = lock(&self.0.gate);
        while !self.is_stopped() {
            let left = end.saturating_duration_since(StdInstant::now());
            if left.is_zero() {
                break;
            }
            gate = self.0.changed.wait_timeout(gate, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.is_stopped()
    }

    fn stop(&self) {
        let gate = lock(&self.0.gate);
        self.0.stopped.store(true, Ordering::SeqCst);
        drop(gate);
        self.0.changed.notify_all();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The edge threads of a scheduler.
pub(super) struct Threads {
    crew: RefCell<Crew>,
    patience: Cell<Duration>,
}

/// Those who end together: after a stop there may be others.
#[derive(Default)]
struct Crew {
    stop: StopToken,
    running: Arc<Running>,
}

impl Default for Threads {
    fn default() -> Self {
        Self { crew: RefCell::default(), patience: Cell::new(PATIENCE) }
    }
}

#[derive(Default)]
struct Running {
    count: Mutex<usize>,
    ended: Condvar,
}

impl Threads {
    pub(super) fn spawn(
        &self,
        name: &str,
        work: impl FnOnce(&StopToken) + Send + 'static,
    ) -> Result<(), ScheduleError> {
        let Crew { stop, running } = &*self.crew.borrow();
        let (running, stop) = (running.clone(), stop.clone());
        *lock(&running.count) += 1;
        let leaving = Leaving(running);
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _leaving = leaving;
            work(&stop);
        });
        spawned.map(|_| ()).map_err(ScheduleError::Thread)
    }

    /// Tells all threads to end and waits for them, for a while.
    pub(super) fn stop(&self) {
        let (Crew { stop, running }, patience) = (self.crew.take(), self.patience.get());
        stop.stop();
        let end = StdInstant::now() + patience;
        let mut count = lock(&running.count);
        while *count > 0 {
            let left = end.saturating_duration_since(StdInstant::now());
            if left.is_zero() {
                log::error!("{count} edge threads still block after {patience:?} and are left to themselves");
                return;
            }
            count = running.ended.wait_timeout(count, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Counts a thread out, also when it panics or never began.
struct Leaving(Arc<Running>);

impl Drop for Leaving {
    fn drop(&mut self) {
        *lock(&self.0.count) -= 1;
        self.0.ended.notify_all();
    }
}

/// What an edge thread sends: an event, why there is none, or the end of its data.
enum Message<T> {
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
    /// Sets how long a stop waits for edge threads that are busy, 2 s unless told otherwise. Who still blocks then, in a
    /// driver that does not answer, is left to itself and logged as an error; the process can end all the same.
    pub fn stop_within(&self, patience: Duration) {
        self.engine.threads.patience.set(patience);
    }

    /// Samples a source on a thread of its own, at a fixed rate, because sampling may block.
    ///
    /// # Errors
    /// [`ScheduleError::ZeroPeriod`], [`ScheduleError::Thread`].
    pub fn schedule_periodic_on_separate_thread<S>(
        &self,
        source: S,
        timing: impl Into<Periodic>,
    ) -> Result<EdgeOutput<S::Item>, ScheduleError>
    where
        S: Source + Send + 'static,
        S::Item: Clone + Send + 'static,
    {
        let timing = timing.into();
        if timing.period.is_zero() {
            return Err(ScheduleError::ZeroPeriod);
        }
        let engine = &self.engine;
        let (port, request) = (Port::new(), Arc::<Request>::default());
        let (asked, sink) = (Asked::new(engine), port.clone());
        let answers = Answers(asked.clone());
        let name = source.name().to_owned();
        let feed = Feed { name: &name, limit: Limit::default(), shown: true };
        let (remote, receiver) = remote::open(engine, feed, &port, move |message, cx| {
            answers.0.change(-1);
            deliver(message, &sink, cx)
        })?;
        engine.set_on_failure(&receiver, timing.on_failure);
        let ticker = Ticker { request: request.clone(), asked, port: port.clone(), receiver };
        let virtual_time = engine.clock.is_virtual();
        engine.threads.spawn(&name, move |stop| serve(source, &request, &remote, stop, virtual_time))?;
        let handle = engine.add_periodic(Box::new(ticker), timing)?;
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
    /// [`ScheduleError::ZeroPeriod`], [`ScheduleError::Thread`].
    pub fn schedule_sensor_on_separate_thread<S>(
        &self,
        sensor: S,
        timing: impl Into<Periodic>,
    ) -> Result<EdgeOutput<SensorEvent<S::Reading>>, ScheduleError>
    where
        S: Sensor + Send + 'static,
        S::Reading: Clone + Send + 'static,
    {
        self.schedule_periodic_on_separate_thread(Sampled::new(sensor), timing)
    }

    /// Runs a loop of its own on a thread: it posts by the [`Remote`] and ends when the [`StopToken`] says so, or when it
    /// has no more. Its error is fatal.
    ///
    /// The loop runs in real time, also if the scheduler's clock is a virtual one: its events come at whatever virtual time
    /// it is then.
    ///
    /// # Errors
    /// [`ScheduleError::Thread`].
    pub fn schedule_on_private_event_loop<T, E>(
        &self,
        name: &str,
        queue: Limit,
        work: impl FnOnce(Remote<T>, StopToken) -> Result<(), E> + Send + 'static,
    ) -> Result<EdgeOutput<T>, ScheduleError>
    where
        T: Clone + Send + 'static,
        E: fmt::Display,
    {
        let (engine, port) = (&self.engine, Port::new());
        let sink = port.clone();
        let feed = Feed { name, limit: queue, shown: true };
        let (remote, handle) = remote::open(engine, feed, &port, move |event, cx| Ok(sink.emit(event, cx)?))?;
        // How the thread ends has a queue of its own, which is heard even if nobody listens to the events.
        let end = Port::<()>::new().keep_running();
        let feed = Feed { name, limit: Limit::block(1), shown: false };
        let (fate, _) = remote::open(engine, feed, &end, |why: String, cx| Err(cx.fatal(why).into()))?;
        engine.threads.spawn(name, move |stop| {
            let _open = remote.clone(); // the stream must not complete before its error is known
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(remote, stop.clone())));
            let why = match result {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "panicked".to_owned(),
            };
            let _ = fate.post(why); // closed: the run is over already
        })?;
        Ok(EdgeOutput { port, handle })
    }
}

fn deliver<T: Clone + 'static>(message: Message<T>, port: &Port<T>, cx: &mut Context<'_>) -> Result<Demand, Failure> {
    match message {
        Message::Event(event) => Ok(port.emit(event, cx)?),
        Message::Failed(error) => Err(error.into()),
        Message::NotYet => Err(Failure::NotYet),
        Message::Fatal(why) => Err(cx.fatal(why).into()),
        Message::Ended => {
            port.complete(cx)?;
            Ok(Demand::Done)
        }
    }
}

/// The edge thread: answers each request with one message.
fn serve<S: Source>(mut source: S, request: &Request, remote: &Remote<Message<S::Item>>, stop: &StopToken, virt: bool) {
    while let Some((now, timestamp)) = request.next(stop) {
        let host = EdgeHost { now, timestamp: virt.then_some(timestamp) };
        let mut cx = Context::new(now, &host);
        let pulled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| source.pull(&mut cx)));
        let message = match pulled {
            Ok(Ok(Some(event))) => Message::Event(event),
            Ok(Ok(None)) => Message::Ended,
            Ok(Err(Failure::Sample(error))) => Message::Failed(error),
            Ok(Err(Failure::NotYet)) => Message::NotYet,
            Ok(Err(Failure::Fatal(token))) => Message::Fatal(cx.take_error(token).to_string()),
            Err(_) => Message::Fatal("panicked on its edge thread".to_owned()),
        };
        let last = matches!(message, Message::Ended | Message::Fatal(_));
        request.answered();
        if remote.post(message).is_err() || last {
            return;
        }
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
pub(super) struct Asked {
    all: Rc<Cell<usize>>,
    mine: Rc<Cell<usize>>,
}

impl Asked {
    pub(super) fn new(engine: &Engine) -> Self {
        Self { all: engine.asked.clone(), mine: Rc::default() }
    }

    pub(super) fn change(&self, by: isize) {
        for count in [&self.all, &self.mine] {
            count.set(count.get().saturating_add_signed(by));
        }
    }
}

/// The receiver's end. When it goes, nobody waits for the answers that are still out.
pub(super) struct Answers(pub(super) Asked);

impl Drop for Answers {
    fn drop(&mut self) {
        let Asked { all, mine } = &self.0;
        all.set(all.get().saturating_sub(mine.take()));
    }
}

/// The reactor's side of a sampled edge thread: passes the ticks on.
struct Ticker<T> {
    request: Arc<Request>,
    asked: Asked,
    port: Port<T>,
    receiver: ScheduleHandle,
}

impl<T: Clone + 'static> OutputThing for Ticker<T> {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        if !self.receiver.is_active() {
            return Ok(Demand::Done);
        }
        // While those further down are full no sample is wanted, and virtual time would wait for it in vain.
        if !self.receiver.is_paused() && self.request.ask((cx.now(), cx.timestamp())) {
            self.asked.change(1);
        }
        Ok(Demand::More)
    }
    fn start(&mut self, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn fail(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.port.fail(error, cx)
    }
    fn is_listened(&self) -> bool {
        self.receiver.is_active() && self.port.is_listened()
    }
    /// The receiver of the answers shows the port.
    fn describe(&self, _: &mut dyn Visitor) {}
}

impl<T> Drop for Ticker<T> {
    fn drop(&mut self) {
        self.request.stopped.store(true, Ordering::SeqCst);
        self.request.asked.notify_all();
        self.receiver.cancel();
    }
}

/// What a source may know on an edge thread.
pub(super) struct EdgeHost {
    now: Instant,
    timestamp: Option<Timestamp>,
}

impl EdgeHost {
    pub(super) fn real(now: Instant) -> Self {
        Self { now, timestamp: None }
    }
}

impl Host for EdgeHost {
    fn now(&self) -> Instant {
        self.now
    }
    fn timestamp(&self, _: Instant) -> Timestamp {
        self.timestamp.unwrap_or_else(|| SystemClock.timestamp())
    }
    fn report(&self, thing: &str, error: &StreamError) {
        log::warn!("{thing}: {error}");
    }
}
