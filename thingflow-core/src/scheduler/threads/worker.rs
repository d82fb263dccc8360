//! Workers: what blocks and may fail (a database, a server, a card) on a thread of its own. The worker says of an error whose
//! fault it was; what follows from that is decided here, on the reactor.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::Scheduler;
use super::super::handle::ScheduleError;
use super::batch::{Batch, Refusal};
use super::crew::{guarded, lock};
use super::outbox::Outbox;
use super::sink::{self, Decide, EdgeSink, Stamped};
use crate::backoff::{Attempts, Backoff};
use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::error::{RunError, StreamError};
use crate::flow::DeadLetter;
use crate::kit::Mark;
use crate::limit::Limit;
use crate::notice::Notice;
use crate::port::{Port, PortRef};
use crate::size::Size;
use crate::thing::Closed;
use crate::tracking::{abandon, deliver, refuse};

/// Work that may block: it connects, and then works on events, several at a time.
///
/// A closure that works on a batch is a worker that needs no connection. Both methods run on the worker's thread, so they
/// may wait, but not without an end: a time limit belongs to each socket.
///
/// ```
/// use std::io::Write;
/// use std::net::TcpStream;
/// use thingflow_core::{Batch, Refusal, Worker};
/// /// Sends each line to a server.
/// struct Lines(Option<TcpStream>);
/// impl Worker<String> for Lines {
///     fn connect(&mut self) -> Result<(), Refusal> {
///         self.0 = Some(TcpStream::connect("127.0.0.1:5170")?); // an error of io is the peer's fault
///         Ok(())
///     }
///     fn work(&mut self, batch: &mut Batch<String>) -> Result<(), Refusal> {
///         let Some(socket) = &mut self.0 else { return Ok(()) };
///         while let Some(line) = batch.first() {
///             writeln!(socket, "{line}")?;
///             batch.done(1); // so that it is not sent again after an error of the next one
///         }
///         Ok(())
///     }
/// }
/// # let _ = Lines(None);
/// ```
pub trait Worker<T>: Send {
    /// Connects, before the first batch and again after each refusal except that of an event.
    ///
    /// # Errors
    /// Whose fault it is that this is not possible. Nobody's event is to blame here: [`Refusal::Event`] is taken for
    /// [`Refusal::Peer`].
    fn connect(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Works on a batch, which has at least one event. `Ok` means that all of it is done.
    ///
    /// # Errors
    /// Whose fault it was. What has been taken out of the batch by [`Batch::done`] is done; the rest is tried again, in the
    /// same order, but for an event that is refused for good.
    fn work(&mut self, batch: &mut Batch<T>) -> Result<(), Refusal>;

    /// No event with an earlier time follows, see [`Notice::Watermark`](crate::Notice::Watermark). What came before is done.
    ///
    /// # Errors
    /// As [`connect`](Self::connect): then it is called again, after connecting.
    fn on_watermark(&mut self, _watermark: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    /// What the worker itself has gathered is to be written now, see [`Notice::Flush`](crate::Notice::Flush). What came before
    /// is done.
    ///
    /// # Errors
    /// As [`connect`](Self::connect): then it is called again, after connecting.
    fn on_flush(&mut self) -> Result<(), Refusal> {
        Ok(())
    }
}

impl<T, F: FnMut(&mut Batch<T>) -> Result<(), Refusal> + Send> Worker<T> for F {
    fn work(&mut self, batch: &mut Batch<T>) -> Result<(), Refusal> {
        self(batch)
    }
}

/// What follows when the set-up of a worker is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSetup {
    /// It is logged as an error and reported each time, and tried again after a while: the program may have been started
    /// before the table was made.
    Retry(Backoff),
    /// The run ends with the error.
    End,
}

/// How events are delivered to a [`Worker`]: how many wait, how many go at once, and what follows when they cannot.
#[derive(Clone, Debug)]
#[must_use]
pub struct Delivery {
    queue: Limit,
    most: Size,
    retry: Backoff,
    setup: OnSetup,
}

impl Delivery {
    /// Events wait within `queue`. Unless told otherwise, 256 of them go at once; if the other side is at fault they are
    /// tried again after a second, later after up to a minute, with a quarter of jitter; if the set-up is, after one to
    /// fifteen minutes.
    ///
    /// What is being worked on, a batch at most, comes on top of the queue's capacity.
    pub fn within(queue: Limit) -> Self {
        let minute = Duration::from_secs(60);
        Self {
            queue,
            most: Size::from(256),
            retry: Backoff::new(Duration::from_secs(1), minute).jitter(25),
            setup: OnSetup::Retry(Backoff::new(minute, 15 * minute)),
        }
    }

    /// At most so many events at once.
    #[track_caller]
    pub fn batches_of(self, n: impl Into<Size>) -> Self {
        Self { most: n.into(), ..self }
    }

    /// The waits after faults of the other side. A [seed](Backoff::seed) makes the jitter the same in each run, as it always is
    /// on the virtual clock.
    pub fn retry(self, retry: Backoff) -> Self {
        Self { retry, ..self }
    }

    /// What follows when the set-up is at fault.
    pub fn on_setup(self, setup: OnSetup) -> Self {
        Self { setup, ..self }
    }
}

impl Scheduler {
    /// Has events worked on by a [`Worker`] on a thread of its own: connect the first of the two. What is refused for good
    /// leaves the second; if nobody listens to that, it is reported, and a [tracked](crate::tracking) event has failed.
    ///
    /// The run goes on while the other side is away, and events wait within the queue, whose policy says what becomes of those
    /// that are too many; their order is kept. The first failure is reported, then the second, the fourth, the eighth and so
    /// on, and that it works again is logged. A stop tries once more; what is left then is counted as
    /// [lost](crate::DeliveryStats::lost), and logged. One that is disconnected, or [replaced](Port::replace), delivers what it has;
    /// the first failure ends it, and what is left counts as lost, too: tracked events go back. A panic ends the run.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use thingflow_core::prelude::*;
    /// use thingflow_core::{Backoff, Batch, DeadLetter, Delivery, Refusal, StreamError, testing::Recorder};
    /// let (stored, store) = mpsc::channel();
    /// let mut tries = 0;
    /// let database = move |batch: &mut Batch<i32>| {
    ///     tries += 1;
    ///     if tries == 1 {
    ///         return Err(Refusal::Peer(StreamError::new("connection refused")));
    ///     }
    ///     if let Some(index) = batch.iter().position(|n| *n < 0) {
    ///         return Err(Refusal::Event { index, error: StreamError::new("negative") });
    ///     }
    ///     batch.iter().for_each(|n| stored.send(*n).unwrap_or(()));
    ///     Ok(())
    /// };
    /// let mut scheduler = Scheduler::virtual_time()?;
    /// let (sink, refused) = scheduler.worker("store", database, Delivery::within(Limit::drop_oldest(1000)))?;
    /// let dead = Recorder::new();
    /// refused.connect(dead.clone());
    /// scheduler.schedule_recurring(from_iter([1, -2, 3]).connect(sink))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(store.iter().collect::<Vec<_>>(), [1, 3]);
    /// assert_eq!(dead.events(), [DeadLetter { event: -2, error: StreamError::new("negative") }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ScheduleError::Thread`].
    pub fn worker<T, W>(
        &self,
        name: &str,
        worker: W,
        delivery: Delivery,
    ) -> Result<(EdgeSink<T>, Port<DeadLetter<T>>), ScheduleError>
    where
        T: Clone + Send + 'static,
        W: Worker<T> + 'static,
    {
        let Delivery { queue, most, retry, setup } = delivery;
        let engine = &self.engine;
        let outbox = Outbox::new(engine, queue, engine.next_id());
        let talk = Arc::new(Mutex::new(Talk::default()));
        let seed = if engine.clock.is_virtual() { 0 } else { RandomState::new().hash_one(name) };
        let refused = Port::new();
        let policy = Policy {
            talk: talk.clone(),
            refused: refused.clone(),
            retry: retry.or_seed(seed).attempts(),
            setup: match setup {
                OnSetup::Retry(backoff) => Some(backoff.or_seed(seed).attempts()),
                OnSetup::End => None,
            },
            failures: 0,
            next: None,
        };
        let name_there = name.to_owned();
        let serves =
            move |outbox: &Outbox<Stamped<T>>| serve(outbox, worker, most.get(), &Desk { talk, name: name_there });
        Ok((sink::start(engine, name, outbox, policy, serves)?, refused))
    }
}

/// What a worker's thread tells the reactor.
struct Talk<T> {
    verdict: Option<Verdict<T>>,
    /// Something has failed, so that the reactor is to be told of what has not.
    failing: bool,
    connected: bool,
    worked: bool,
}

enum Verdict<T> {
    Dead(DeadLetter<T>),
    /// It is not to be tried again before this time is over.
    Peer(StreamError, Duration),
    Setup(StreamError),
}

impl<T> Default for Talk<T> {
    fn default() -> Self {
        Self { verdict: None, failing: false, connected: false, worked: false }
    }
}

/// The thread's side of the talk.
struct Desk<T> {
    talk: Arc<Mutex<Talk<T>>>,
    name: String,
}

impl<T: Send> Desk<T> {
    fn connected(&self, outbox: &Outbox<Stamped<T>>) {
        let mut talk = lock(&self.talk);
        if talk.failing {
            talk.connected = true;
            drop(talk);
            outbox.announce();
        }
    }

    fn worked(&self, outbox: &Outbox<Stamped<T>>) {
        let mut talk = lock(&self.talk);
        if std::mem::take(&mut talk.failing) {
            talk.worked = true;
            drop(talk);
            outbox.announce();
        }
    }

    /// Has the reactor decide, and holds the work until then. Whether the work goes on.
    fn refuse(&self, verdict: Verdict<T>, outbox: &Outbox<Stamped<T>>) -> bool {
        let name = &self.name;
        if outbox.hold(!matches!(verdict, Verdict::Dead(_))) {
            let mut talk = lock(&self.talk);
            talk.failing |= !matches!(verdict, Verdict::Dead(_));
            talk.verdict = Some(verdict);
            drop(talk);
            outbox.announce();
            return true;
        }
        match verdict {
            Verdict::Dead(DeadLetter { event, error }) => {
                log::error!("{name}: an event is refused while the run is being closed: {error}");
                abandon(event); // it has not been delivered
                true
            }
            Verdict::Peer(error, _) | Verdict::Setup(error) => {
                log::error!("{name}: not delivered before the run was closed, or the sink disconnected: {error}");
                false
            }
        }
    }
}

/// The worker's thread. All is dropped here before the thread is through.
fn serve<T: Send, W: Worker<T>>(
    outbox: &Outbox<Stamped<T>>,
    mut worker: W,
    most: usize,
    desk: &Desk<T>,
) -> Result<(), RunError> {
    let mut batch = Batch::default();
    let served = guarded(|| work_all(outbox, &mut worker, &mut batch, most, desk)).and_then(|result| result);
    let rest = outbox.close();
    let left = guarded(|| abandon((rest, batch))); // if anything is left it has not been delivered
    let dropped = guarded(|| drop(worker));
    served.and(left).and(dropped)
}

fn work_all<T: Send, W: Worker<T>>(
    outbox: &Outbox<Stamped<T>>,
    worker: &mut W,
    batch: &mut Batch<T>,
    most: usize,
    desk: &Desk<T>,
) -> Result<(), RunError> {
    let (mut connected, mut mark) = (false, None);
    while outbox.next_batch(most, &mut batch.events, &mut mark) {
        let before = batch.len();
        let result = attempt(worker, &mut connected, desk, outbox, |worker| match mark {
            Some(told) => tell(worker, told).map(|()| mark = None).map_err(nobodys_event),
            None => worker.work(batch).map(|()| deliver(|| batch.events.clear())),
        });
        outbox.done(before.saturating_sub(batch.len())); // who keeps events may put some back
        let verdict = match result {
            Ok(()) => {
                desk.worked(outbox);
                continue;
            }
            Err(Refusal::Event { index, error }) => {
                let Some((_, event)) = batch.events.remove(index) else {
                    let n = batch.len();
                    return Err(RunError::new(format!(
                        "invalid index: event {index} of a batch of {n} is refused: {error}"
                    )));
                };
                outbox.dead();
                Verdict::Dead(DeadLetter { event, error })
            }
            Err(Refusal::Peer(error)) => Verdict::Peer(error, Duration::ZERO),
            Err(Refusal::Busy { wait, error }) => Verdict::Peer(error, wait),
            Err(Refusal::Setup(error)) => Verdict::Setup(error),
        };
        connected &= matches!(verdict, Verdict::Dead(_));
        if !desk.refuse(verdict, outbox) {
            break;
        }
    }
    Ok(())
}

/// Connects if need be, and calls the worker once.
fn attempt<T: Send, W: Worker<T>>(
    worker: &mut W,
    connected: &mut bool,
    desk: &Desk<T>,
    outbox: &Outbox<Stamped<T>>,
    call: impl FnOnce(&mut W) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if !*connected {
        worker.connect().map_err(nobodys_event)?;
        *connected = true;
        desk.connected(outbox);
    }
    call(worker)
}

/// Tells the worker what travels with the events.
fn tell<T>(worker: &mut impl Worker<T>, mark: Mark) -> Result<(), Refusal> {
    mark.notices().try_for_each(|notice| match notice {
        Notice::Watermark(watermark) => worker.on_watermark(watermark),
        _ => worker.on_flush(),
    })
}

/// A refusal where no event is to blame.
fn nobodys_event(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Event { error, .. } => Refusal::Peer(error),
        refusal => refusal,
    }
}

/// What follows from a refusal, on the reactor.
struct Policy<T> {
    talk: Arc<Mutex<Talk<T>>>,
    refused: Port<DeadLetter<T>>,
    retry: Attempts,
    /// Without one the run ends.
    setup: Option<Attempts>,
    /// Since it has worked the last time.
    failures: u64,
    /// When it is tried again.
    next: Option<Instant>,
}

impl<T: Clone + 'static> Policy<T> {
    /// Tries again later: after `least`, or whenever a set-up that is at fault is tried again.
    fn put_off(&mut self, name: &str, error: StreamError, least: Option<Duration>, cx: &mut Context<'_>) -> Closed {
        let (now, setup) = (cx.now(), least.is_none());
        self.failures += 1;
        let error = StreamError::caused("not delivered, to be tried again", error);
        let attempts = match &mut self.setup {
            _ if !setup => &mut self.retry,
            Some(attempts) => {
                log::error!("{name}: the set-up is at fault: {error}");
                attempts
            }
            None => return Err(cx.fatal(error)),
        };
        let wait = attempts.failed(now).max(least.unwrap_or_default());
        self.next = Some(now + wait);
        if setup || self.failures.is_power_of_two() {
            cx.report(name, &error);
        }
        Ok(())
    }

    fn bury(&mut self, name: &str, letter: DeadLetter<T>, cx: &mut Context<'_>) -> Closed {
        if self.refused.has_connections() {
            let _ = self.refused.emit(letter, cx)?; // that nobody wants more of them is no reason to stop
        } else {
            let DeadLetter { event, error } = letter;
            refuse(event, &error);
            cx.report(name, &StreamError::caused("an event is refused", error));
        }
        Ok(())
    }
}

impl<T: Clone + 'static> Decide<T> for Policy<T> {
    fn decide(&mut self, name: &str, outbox: &Outbox<Stamped<T>>, cx: &mut Context<'_>) -> Closed {
        let Talk { verdict, connected, worked, .. } = {
            let mut talk = lock(&self.talk);
            let failing = talk.failing;
            std::mem::replace(&mut *talk, Talk { failing, ..Talk::default() })
        };
        if connected {
            self.retry.connected(cx.now());
        }
        if worked {
            log::info!("{name}: works again after {} failures", std::mem::take(&mut self.failures));
        }
        match verdict {
            None => {}
            Some(Verdict::Dead(letter)) => {
                self.bury(name, letter, cx)?;
                outbox.go_on();
            }
            Some(Verdict::Peer(error, wait)) => self.put_off(name, error, Some(wait), cx)?,
            Some(Verdict::Setup(error)) => self.put_off(name, error, None, cx)?,
        }
        self.woken(outbox, cx);
        Ok(())
    }

    /// Lets the thread try again when it is time.
    fn woken(&mut self, outbox: &Outbox<Stamped<T>>, cx: &mut Context<'_>) {
        match self.next {
            Some(next) if next <= cx.now() => {
                self.next = None;
                outbox.go_on();
            }
            Some(next) => cx.wake_at(next),
            None => {}
        }
    }

    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.refused.as_ref());
    }

    fn end(&mut self, cx: &mut Context<'_>) -> Closed {
        self.refused.complete(cx)
    }
}
