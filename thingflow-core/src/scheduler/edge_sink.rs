//! Sinks that block (a database, a slow bus) on a thread of their own, behind a bounded queue.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::Scheduler;
use super::between::Between;
use super::clocks::SystemClock;
use super::edge::threads::lock;
use super::edge::{EdgeHost, Reported};
use super::handle::ScheduleError;
use super::remote::{self, Feed, Remote};
use crate::clock::{Clock, Instant, Timestamp};
use crate::context::{Context, Host, ON_RESUME};
use crate::error::StreamError;
use crate::limit::{Limit, Overflow, QueueStats};
use crate::notice::Notice;
use crate::port::Port;
use crate::thing::{Closed, Demand, InputThing, Receipt, Sink};

impl Scheduler {
    /// Moves a Thing that may block to a thread of its own; what comes back is connected in its place. The run goes on until
    /// the thread has taken all that was queued. Its fatal error, or panic, is that of the run.
    ///
    /// Operators with time work there, too, in real time. A watermark and a flush come in their place between the events.
    ///
    /// The run goes on for a sink that is connected and started, not for one that is not.
    ///
    /// A full queue does what its policy says. With [`Overflow::Block`] the source is paused until half of the queue is free;
    /// what a source that cannot pause sends meanwhile is kept.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_core::Limit;
    /// use std::sync::mpsc;
    /// let (stored, store) = mpsc::channel();
    /// let mut scheduler = Scheduler::new()?;
    /// let slow = try_call(move |x: i32| stored.send(x)); // stands for a database
    /// let sink = scheduler.edge_sink("store", slow, Limit::block(16))?;
    /// scheduler.schedule_recurring(from_iter(1..=100).connect(sink))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(store.iter().sum::<i32>(), 5050);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ScheduleError::Thread`].
    pub fn edge_sink<T, N>(&self, name: &str, thing: N, queue: Limit) -> Result<EdgeSink<T>, ScheduleError>
    where
        T: Send + 'static,
        N: InputThing<T> + Send + 'static,
    {
        let outbox = Arc::new(Outbox { queue: Mutex::default(), changed: Condvar::new() });
        let end = Port::<()>::new().keep_running();
        // A ring means: look into the outbox. One that waits is enough, since what it is about is there before it rings.
        let feed = Feed { name, limit: Limit::drop_newest(1), shown: false };
        let (engine, seen) = (Rc::downgrade(&self.engine), outbox.clone());
        let (bell, listener) = remote::open(&self.engine, feed, &end, move |Ring, cx| {
            let news = std::mem::take(&mut lock(&seen.queue).news);
            if let Some(engine) = engine.upgrade() {
                news.reported.iter().for_each(|(thing, error)| engine.hear(thing, error));
                if news.drained {
                    engine.resume();
                }
            }
            news.failed.map_or(Ok(Demand::More), |why| Err(cx.fatal(why).into()))
        })?;
        let connected = Rc::<Cell<bool>>::default();
        let counts = Some(connected.clone());
        self.engine.with_schedule(listener.id, |schedule| schedule.counts_for_the_run = counts);
        let taken = outbox.clone();
        let half = queue.capacity() / 2;
        self.engine.threads.spawn(name, move |_| serve(&taken, thing, &bell, half))?;
        Ok(EdgeSink { outbox, name: name.to_owned(), limit: queue, connected })
    }
}

/// Stands on the reactor for a Thing on an edge thread.
#[must_use = "an edge sink does nothing until it is connected"]
pub struct EdgeSink<T> {
    outbox: Arc<Outbox<T>>,
    name: String,
    limit: Limit,
    /// Whether it belongs to a running graph, so that the run goes on for it.
    connected: Rc<Cell<bool>>,
}

struct Outbox<T> {
    queue: Mutex<Queue<T>>,
    changed: Condvar,
}

struct Queue<T> {
    /// What the thread is told before the first event.
    before: Between,
    /// Each with what it is told after it.
    events: VecDeque<(T, Between)>,
    /// How the stream ended, to be told after the events.
    end: Option<End>,
    /// A source has been paused and waits for room.
    paused: bool,
    /// The thread takes no more.
    closed: bool,
    stats: QueueStats,
    news: News,
}

/// What the reactor has not heard yet.
#[derive(Default)]
struct News {
    /// There is room again.
    drained: bool,
    /// How the Thing has failed.
    failed: Option<String>,
    reported: Vec<Reported>,
}

/// There are news.
struct Ring;

enum End {
    Completed,
    Error(StreamError),
    /// Disconnected or closed: no notice.
    Dropped,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            before: Between::default(),
            events: VecDeque::new(),
            end: None,
            paused: false,
            closed: false,
            stats: QueueStats::default(),
            news: News::default(),
        }
    }
}

impl<T> Queue<T> {
    /// Takes an event in, or drops one: whether the source should pause.
    fn push(&mut self, event: T, limit: &Limit) -> bool {
        self.stats.posted += 1;
        if self.events.len() >= limit.capacity() {
            match limit.overflow() {
                Overflow::DropNewest => {
                    self.stats.dropped += 1;
                    return false;
                }
                Overflow::DropOldest => {
                    self.stats.dropped += 1;
                    self.pop();
                }
                Overflow::Block | Overflow::Fail => {}
            }
        }
        self.events.push_back((event, Between::default()));
        self.stats.high_water = self.stats.high_water.max(self.events.len());
        let full = limit.overflow() == Overflow::Block && self.events.len() >= limit.capacity();
        self.paused |= full;
        full
    }

    /// Takes the first event out; what is said after it is to be told next.
    fn pop(&mut self) -> Option<T> {
        let (event, after) = self.events.pop_front()?;
        self.before.add(after);
        Some(event)
    }

    /// Takes a notice in, behind the events that have come before it.
    fn say(&mut self, said: Between) {
        self.events.back_mut().map_or(&mut self.before, |(_, after)| after).add(said);
    }
}

impl<T> EdgeSink<T> {
    /// What has gone through the queue. To see it once the sink is connected, give the queue's limit a
    /// [`QueueMeter`](crate::QueueMeter).
    pub fn stats(&self) -> QueueStats {
        lock(&self.outbox.queue).stats
    }

    /// Has the Thing told, in its place between the events.
    fn say(&self, said: Between) -> Receipt {
        let mut queue = lock(&self.outbox.queue);
        if queue.closed {
            return Ok(Demand::Done);
        }
        queue.say(said);
        drop(queue);
        self.outbox.changed.notify_one();
        Ok(Demand::More)
    }

    fn end(&self, end: End) {
        lock(&self.outbox.queue).end.get_or_insert(end);
        self.outbox.changed.notify_one();
    }
}

impl<T> Sink for EdgeSink<T> {
    type Event = T;
    fn on_start(&mut self, _: &mut Context<'_>) -> Receipt {
        self.connected.set(true);
        Ok(Demand::More)
    }

    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.connected.set(true);
        let mut queue = lock(&self.outbox.queue);
        if queue.closed {
            return Ok(Demand::Done);
        }
        let (capacity, overflow) = (self.limit.capacity(), self.limit.overflow());
        if queue.events.len() >= capacity && overflow == Overflow::Fail {
            let name = &self.name;
            return Err(cx.fatal(format!(
                "the queue of {name} is full with {capacity} events: give it more room or another policy"
            )));
        }
        let full = queue.push(event, &self.limit);
        self.limit.count(|_| queue.stats);
        drop(queue);
        self.outbox.changed.notify_one();
        Ok(if full { Demand::Full } else { Demand::More })
    }

    fn on_watermark(&mut self, watermark: Timestamp, _: &mut Context<'_>) -> Receipt {
        self.say(Between::watermark(watermark))
    }

    fn on_flush(&mut self, _: &mut Context<'_>) -> Receipt {
        self.say(Between::flush())
    }

    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.end(End::Completed);
        Ok(())
    }

    fn on_error(&mut self, error: StreamError, _: &mut Context<'_>) -> Closed {
        self.end(End::Error(error));
        Ok(())
    }

    fn is_open(&self) -> bool {
        !lock(&self.outbox.queue).closed
    }

    fn has_room(&self) -> bool {
        let queue = lock(&self.outbox.queue);
        queue.closed || self.limit.overflow() != Overflow::Block || queue.events.len() < self.limit.capacity()
    }
}

impl<T> Drop for EdgeSink<T> {
    fn drop(&mut self) {
        self.end(End::Dropped);
    }
}

impl<T> fmt::Debug for EdgeSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeSink")
            .field("name", &self.name)
            .field("capacity", &self.limit.capacity())
            .finish_non_exhaustive()
    }
}

/// The edge thread: takes events until the stream has ended, or the Thing wants no more.
fn serve<T, N: InputThing<T>>(outbox: &Outbox<T>, mut thing: N, bell: &Remote<Ring>, half: usize) {
    let run = AssertUnwindSafe(|| take_all(outbox, &mut thing, bell, half));
    let mut failed = match catch_unwind(run) {
        Ok(result) => result.err(),
        Err(_) => Some("panicked on its edge thread".to_owned()),
    };
    let mut queue = lock(&outbox.queue);
    queue.closed = true;
    let rest = std::mem::take(&mut queue.events);
    drop(queue);
    // Dropped before the news: the Thing is closed before the run may end.
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        if failed.is_some() { crate::tracking::abandon((rest, thing)) } else { drop((rest, thing)) }
    }));
    if dropped.is_err() {
        failed.get_or_insert_with(|| "panicked on its edge thread, when it was dropped".to_owned());
    }
    outbox.tell(bell, |news| {
        news.drained = true; // nobody stays paused for a thread that has ended
        news.failed = failed;
    });
}

fn take_all<T, N: InputThing<T>>(
    outbox: &Outbox<T>,
    thing: &mut N,
    bell: &Remote<Ring>,
    half: usize,
) -> Result<(), String> {
    let mut due = Instant::NEVER;
    let mut with = |woken: bool, call: &mut dyn FnMut(&mut Context<'_>) -> Receipt| {
        let host = EdgeHost::real();
        let mut cx = Context::new(host.now(), &host);
        let demand = call(&mut cx).map_err(|token| cx.take_error(token).to_string());
        outbox.report(bell, host.take_reported());
        due = if woken { cx.due } else { due.min(cx.due) };
        Ok::<_, String>((demand?, due))
    };
    let (mut demand, mut due) = with(false, &mut |cx| thing.notice(Notice::Start, cx))?;
    while demand != Demand::Done {
        (demand, due) = match outbox.next(bell, half, due) {
            Next::Event(event) => {
                let mut event = Some(event);
                with(false, &mut |cx| event.take().map_or(Ok(Demand::More), |event| thing.next(event, cx)))?
            }
            Next::Said(notice) => {
                let mut notice = Some(notice);
                with(false, &mut |cx| notice.take().map_or(Ok(Demand::More), |notice| thing.notice(notice, cx)))?
            }
            Next::Due => with(true, &mut |cx| thing.notice(Notice::Wake, cx))?,
            Next::End(end) => with(false, &mut |cx| end_of(thing, &end, cx).map(|()| Demand::Done))?,
        };
    }
    Ok(())
}

/// What an edge thread does next.
enum Next<T> {
    Event(T),
    Said(Notice<'static>),
    /// The Thing has asked to be woken by now.
    Due,
    End(End),
}

fn end_of<T>(thing: &mut impl InputThing<T>, end: &End, cx: &mut Context<'_>) -> Closed {
    match end {
        End::Completed => thing.notice(Notice::Completed, cx).map(drop),
        End::Error(error) => thing.notice(Notice::Error(error.clone()), cx).map(drop),
        End::Dropped => Ok(()),
    }
}

/// More reports than these do not wait for the reactor: they are in the log only.
const MOST_REPORTED: usize = 256;

impl<T> Outbox<T> {
    /// Has the reactor look at the news. If the run is over, nobody does.
    fn tell(&self, bell: &Remote<Ring>, add: impl FnOnce(&mut News)) {
        add(&mut lock(&self.queue).news);
        let _ = bell.post(Ring);
    }

    fn report(&self, bell: &Remote<Ring>, reported: Vec<Reported>) {
        if !reported.is_empty() {
            self.tell(bell, |news| {
                let room = MOST_REPORTED.saturating_sub(news.reported.len());
                news.reported.extend(reported.into_iter().take(room));
            });
        }
    }

    fn next(&self, bell: &Remote<Ring>, half: usize, due: Instant) -> Next<T> {
        let mut queue = lock(&self.queue);
        loop {
            let now = SystemClock.now();
            if due <= now {
                return Next::Due;
            }
            if let Some(notice) = queue.before.take() {
                return Next::Said(notice);
            }
            if let Some(event) = queue.pop() {
                if queue.paused && queue.events.len() <= half {
                    queue.paused = false;
                    queue.news.drained = true;
                    let _ = bell.post(Ring); // closed: the run is over
                }
                return Next::Event(event);
            }
            if let Some(end) = queue.end.take() {
                return Next::End(end);
            }
            queue = if due < ON_RESUME {
                let waited = self.changed.wait_timeout(queue, due.since(now));
                waited.unwrap_or_else(PoisonError::into_inner).0
            } else {
                self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner)
            };
        }
    }
}
