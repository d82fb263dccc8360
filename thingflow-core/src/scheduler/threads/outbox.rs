//! Jobs on their way from the reactor to threads: a bounded queue that never makes the reactor wait.
//!
//! - The thread takes a job, does it, and takes the next: what it has not taken yet is still subject to the queue's [`Limit`].
//! - A thread has no clock of its own. A job carries the reactor's time, and a Thing that wants to be woken is woken between
//!   two jobs if the later one is past that time; if none comes, by the reactor, which is told of the wish.
//! - When there is nothing left to do the thread *rests*, and the reactor is told if it needs to know: because virtual time
//!   has waited for it, or because of a wish. Whoever gives a job ends the rest under the same lock, so a [`Hold`] that was
//!   taken for the job is released by a later rest and by no earlier one.
//! - Watermarks and flushes ([`Mark`]) keep their place among the jobs, but take no room, are not dropped, and are not counted.
//! - At every moment `posted = delivered + waiting + dropped + dead + lost`, because one lock guards them all.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::rc::Rc;
use std::sync::{Arc, PoisonError};

use super::super::engine::Engine;
use super::super::keyed::Id;
use super::crew::{Fed, guarded};
use super::inbox::Doorbell;
use super::sync::{Condvar, Mutex, MutexGuard, lock};
use crate::clock::{Instant, Timestamp};
use crate::error::StreamError;
use crate::identity::next_number;
use crate::kit::{Mark, Marks};
use crate::limit::{Admitted, Backlog, Limit, Overflow, QueueState, evict};
use crate::thing::Demand;

#[cfg(all(test, loom))]
mod model;

pub(super) struct Outbox<J> {
    state: Mutex<State<J>>,
    /// There is something to do.
    changed: Condvar,
    bell: Arc<Doorbell>,
    /// Who hears on the reactor that a thread rests, or waits for what is to become of a job.
    listener: Id,
    /// Whether virtual time waits for these threads.
    holds: bool,
    /// What tells it from others in drawings.
    number: usize,
}

struct State<J> {
    jobs: Backlog<J>,
    /// What waits among the jobs.
    marks: Marks,
    /// Jobs that are being done.
    in_hand: u64,
    /// How the stream has ended, to be told after the jobs.
    end: Option<(Instant, End)>,
    /// Nothing is to be taken until the reactor says so.
    held: bool,
    /// Jobs are neither taken in nor given out any more.
    closed: bool,
    /// The run is over: what can still be done is to be done at once.
    stopping: bool,
    /// The thread is through.
    gone: bool,
    resting: bool,
    /// How many threads wait for `changed`, and for how many of them it has been called since: never more than have been
    /// woken. So who gives jobs faster than a thread wakes calls it once.
    sleeping: usize,
    called: usize,
    /// When a resting thread wants to be woken.
    wish: Instant,
    /// The time that the reactor has come to, once it has said so.
    reached: Option<Instant>,
    /// The listener has been told to look and has not looked yet.
    announced: bool,
    /// A stop waits for the thread to rest.
    awaited: bool,
    counts: DeliveryStats,
}

/// How a stream has ended.
#[derive(Clone)]
pub(super) enum End {
    Completed,
    Error(StreamError),
    /// Disconnected or closed: no notice.
    Dropped,
}

/// What became of a job that was given.
pub(super) enum Given<J> {
    Taken(Demand),
    Refused(J),
    Closed,
}

/// What a thread does next.
pub(super) enum Next<J> {
    Job(J),
    Mark(Mark),
    /// Nothing is to be done before this time, and somebody wanted to be woken by then.
    Time(Instant),
    End(Instant, End),
    Closed,
}

impl<J> State<J> {
    /// Whether the sink was disconnected before its stream had ended.
    fn is_left(&self) -> bool {
        matches!(self.end, Some((_, End::Dropped)))
    }

    fn pop(&mut self) -> Option<J> {
        let job = self.jobs.pop()?;
        self.marks.left(1);
        Some(job)
    }

    fn admit(&mut self, job: J) -> Admitted<J> {
        let admitted = self.jobs.admit(job);
        if matches!(admitted, Admitted::Dropped(_)) {
            self.counts.dropped += 1;
            if self.jobs.limit().overflow() == Overflow::DropOldest {
                self.marks.left(1);
            }
        }
        admitted
    }
}

impl<J> Outbox<J> {
    pub(super) fn new(engine: &Engine, limit: Limit, listener: Id) -> Arc<Self> {
        // Where nobody listens, each job is answered, and it is the answer that time waits for.
        let holds = engine.clock.is_virtual() && listener != Id::NOBODY;
        Self::of(engine.bell.clone(), limit, listener, holds)
    }

    fn of(bell: Arc<Doorbell>, limit: Limit, listener: Id, holds: bool) -> Arc<Self> {
        let state = State {
            jobs: Backlog::new(limit),
            marks: Marks::default(),
            in_hand: 0,
            end: None,
            held: false,
            closed: false,
            stopping: false,
            gone: false,
            resting: false,
            sleeping: 0,
            called: 0,
            wish: Instant::NEVER,
            reached: None,
            announced: false,
            awaited: false,
            counts: DeliveryStats::default(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            bell,
            listener,
            holds,
            number: next_number(),
        })
    }

    // ---- the reactor's side ----

    pub(super) fn give(&self, job: J) -> Given<J> {
        let mut state = lock(&self.state);
        if state.closed {
            return Given::Closed;
        }
        let admitted = state.admit(job);
        if let Admitted::Refused(job) = admitted {
            return Given::Refused(job);
        }
        state.counts.posted += 1;
        self.call(state);
        Given::Taken(match admitted {
            Admitted::Taken(demand) => demand,
            Admitted::Dropped(job) | Admitted::Refused(job) => {
                evict(|| drop(job)); // outside of the lock
                Demand::More
            }
        })
    }

    /// Puts a mark behind the jobs that have been given.
    pub(super) fn mark(&self, mark: Mark) {
        let mut state = lock(&self.state);
        if !state.closed {
            let held = state.jobs.len();
            state.marks.push(mark, held, u64::MAX);
            self.call(state);
        }
    }

    /// There is something to do: ends a thread's rest.
    fn call(&self, mut state: MutexGuard<'_, State<J>>) {
        let busy = !state.held; // who is held does not even look
        state.resting &= !busy;
        let calls = busy && state.sleeping > state.called;
        state.called += usize::from(calls);
        drop(state);
        if calls {
            self.changed.notify_one();
        }
    }

    /// Ends the stream: whether it had not been ended before.
    pub(super) fn end(&self, at: Instant, end: End) -> bool {
        let mut state = lock(&self.state);
        let first = state.end.is_none() && !state.closed;
        state.end.get_or_insert((at, end));
        state.closed |= state.held && state.is_left();
        state.resting &= state.held && !state.closed;
        drop(state);
        self.changed.notify_all();
        first
    }

    /// Tells the thread what time it is.
    pub(super) fn reach(&self, now: Instant) {
        let mut state = lock(&self.state);
        state.reached = Some(now);
        state.resting &= state.wish > now;
        let busy = !state.resting;
        drop(state);
        if busy {
            self.changed.notify_one();
        }
    }

    /// Lets the thread go on that is held.
    pub(super) fn go_on(&self) {
        let mut state = lock(&self.state);
        state.held = false;
        state.resting = false;
        drop(state);
        self.changed.notify_one();
    }

    /// Takes the jobs back that have not begun, and lets the threads end.
    pub(super) fn close(&self) -> Vec<J> {
        let mut state = lock(&self.state);
        state.closed = true;
        let rest: Vec<J> = state.jobs.drain().collect();
        state.counts.lost += rest.len() as u64 + mem::take(&mut state.in_hand);
        drop(state);
        self.changed.notify_all();
        rest
    }

    /// Begins a look: what the thread tells from now on is announced again. Whether it is through.
    pub(super) fn listen(&self) -> bool {
        let mut state = lock(&self.state);
        state.announced = false;
        state.gone
    }

    /// When a resting thread wants to be woken, if it does.
    pub(super) fn wish(&self) -> Option<Instant> {
        let state = lock(&self.state);
        Some(state.wish).filter(|due| state.resting && is_wish(*due))
    }

    /// Whether virtual time has to wait for the thread.
    pub(super) fn is_busy(&self) -> bool {
        let state = lock(&self.state);
        self.holds && !state.gone && !state.resting
    }

    /// Whether a stop has to wait for the thread: for a job, or for the time at which a Thing there sends what it holds. If so
    /// the listener is told to look when the thread rests.
    pub(super) fn is_awaited(&self) -> bool {
        let mut state = lock(&self.state);
        let idle = state.resting && state.jobs.is_empty() && state.in_hand == 0 && !is_wish(state.wish);
        state.awaited = !state.gone && !idle;
        state.awaited
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    pub(super) fn has_room(&self) -> bool {
        let state = lock(&self.state);
        state.closed || state.jobs.has_room()
    }

    /// What the queue holds that is full.
    pub(super) fn len(&self) -> usize {
        lock(&self.state).jobs.len()
    }

    // ---- the thread's side ----

    /// Waits for what is to be done next. The job before is done. `at` is the time of a job; `due` is when a Thing wants to be
    /// woken, if no job comes before.
    pub(super) fn next(&self, due: Instant, at: impl Fn(&J) -> Instant) -> Next<J> {
        let mut state = lock(&self.state);
        state.counts.delivered += mem::take(&mut state.in_hand);
        loop {
            if state.closed {
                return Next::Closed;
            }
            if let Some(mark) = state.marks.due() {
                if due <= mark.at {
                    return Next::Time(mark.at);
                }
                state.marks.pop_due();
                return Next::Mark(mark);
            }
            if let Some(time) = state.jobs.front().map(&at) {
                if due <= time {
                    return Next::Time(time);
                }
                if let Some(job) = self.take_one(state) {
                    return Next::Job(job);
                }
                state = lock(&self.state);
                continue;
            }
            if let Some((at, end)) = &state.end {
                return Next::End(*at, end.clone()); // every thread is told
            }
            if let Some(reached) = state.reached.filter(|reached| due <= *reached) {
                return Next::Time(reached);
            }
            state = self.rest(state, due);
        }
    }

    fn take_one(&self, mut state: MutexGuard<'_, State<J>>) -> Option<J> {
        let job = state.pop();
        state.in_hand += u64::from(job.is_some());
        self.make_room(state);
        job
    }

    /// Lets sources go on that were told to pause, if half of the queue is free again.
    fn make_room(&self, mut state: MutexGuard<'_, State<J>>) {
        let room = state.jobs.take_room();
        drop(state);
        if room {
            self.bell.resume();
        }
    }

    /// Fills the batch up to `most` jobs, in their order, or, if a mark comes before the next one, takes that out: false when
    /// there will be neither. What is still in the batch, or a mark that is still there, goes on to be what comes next.
    pub(super) fn next_batch(&self, most: usize, batch: &mut VecDeque<J>, mark: &mut Option<Mark>) -> bool {
        let mut state = lock(&self.state);
        loop {
            let in_hand = mark.is_some() || !batch.is_empty();
            let is_idle = !in_hand && state.jobs.is_empty() && state.marks.is_empty();
            if state.closed || is_idle && state.end.is_some() {
                return false;
            }
            if state.held || is_idle {
                state = self.rest(state, Instant::NEVER);
                continue;
            }
            if !in_hand {
                *mark = state.marks.pop_due();
            }
            while mark.is_none()
                && batch.len() < most
                && state.marks.due().is_none()
                && let Some(job) = state.pop()
            {
                batch.push_back(job);
            }
            state.in_hand = batch.len() as u64;
            self.make_room(state);
            return true;
        }
    }

    /// Counts jobs that are done, out of those that are in hand.
    pub(super) fn done(&self, jobs: usize) {
        let mut state = lock(&self.state);
        let jobs = (jobs as u64).min(state.in_hand);
        state.in_hand -= jobs;
        state.counts.delivered += jobs;
    }

    /// Counts a job that is refused for good.
    pub(super) fn dead(&self) {
        let mut state = lock(&self.state);
        state.in_hand = state.in_hand.saturating_sub(1);
        state.counts.dead += 1;
    }

    /// Has the reactor decide what happens next; false if there is none any more that could, or if this is to try again and
    /// nobody is connected who wants that.
    pub(super) fn hold(&self, tries_again: bool) -> bool {
        let mut state = lock(&self.state);
        if state.stopping || state.closed || tries_again && state.is_left() {
            return false;
        }
        state.held = true;
        true
    }

    /// Has the listener look.
    pub(super) fn announce(&self) {
        let told = mem::replace(&mut lock(&self.state).announced, true);
        if !told {
            self.bell.ring(self.listener);
        }
    }

    /// The thread is through. Nobody stays paused for it.
    pub(super) fn leave(&self) {
        lock(&self.state).gone = true;
        self.announce();
        self.bell.resume();
    }

    fn rest<'s>(&'s self, mut state: MutexGuard<'s, State<J>>, due: Instant) -> MutexGuard<'s, State<J>> {
        let news = !mem::replace(&mut state.resting, true) || state.wish != due;
        state.wish = due;
        if news && (self.holds || is_wish(due) || mem::take(&mut state.awaited)) {
            drop(state);
            self.announce();
            return lock(&self.state); // something may have come meanwhile: look again before waiting
        }
        state.sleeping += 1;
        let mut state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.sleeping -= 1;
        state.called = state.called.saturating_sub(1);
        state
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// What waits, may wait, and has been lost in one way or another: for a walk over the graph.
    pub(super) fn queue(&self) -> QueueState {
        let state = lock(&self.state);
        let mut queue = state.jobs.state();
        queue.waiting += state.in_hand;
        queue.posted = Some(state.counts.posted);
        (queue.dead, queue.lost) = (state.counts.dead, state.counts.lost);
        queue
    }

    fn stats(&self) -> DeliveryStats {
        let state = lock(&self.state);
        let is_full = state.jobs.state().capacity.is_some_and(|most| state.jobs.len() as u64 >= most);
        DeliveryStats { waiting: state.jobs.len() as u64 + state.in_hand, is_full, ..state.counts }
    }
}

/// Before it has been started, and while it wants nothing, a Thing has no wish.
fn is_wish(due: Instant) -> bool {
    Instant::ZERO < due && due < Instant::ON_RESUME
}

impl<J: Send> Fed for Outbox<J> {
    fn stop(&self) {
        lock(&self.state).stopping = true;
        self.end(Instant::ZERO, End::Dropped);
        self.go_on();
    }

    fn abandon(&self) -> u64 {
        let before = self.stats().lost;
        let rest = self.close();
        let _ = guarded(|| crate::tracking::abandon(rest)); // the rest of the queue is lost, whatever its Drop says
        self.stats().lost - before
    }
}

/// What has become of the events that were given to a thread.
///
/// At every moment `posted` is the sum of all other counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryStats {
    /// Events that came in. What a full queue refuses ([`Overflow::Fail`](crate::Overflow::Fail)) is not among them.
    pub posted: u64,
    /// Events that have been dealt with.
    pub delivered: u64,
    /// Events in the queue, and those that the thread is busy with or tries again.
    pub waiting: u64,
    /// Events that the policy of a full queue has dropped.
    pub dropped: u64,
    /// Events that were refused for good, see [`Refusal::Event`](crate::Refusal::Event).
    pub dead: u64,
    /// Events that were still waiting when the run ended, or the thread failed or wanted no more.
    pub lost: u64,
    /// When the oldest of the events that wait was taken, by the wall clock, where that is known: an outbox on disk knows it, a
    /// queue in memory does not.
    pub oldest: Option<Timestamp>,
    /// Whether there was no room for one more when this was read: its policy decides what becomes of that.
    pub is_full: bool,
    /// Bytes that its store takes on the disk, if it has one: see [`DeliveryMeter::store`].
    pub disk_bytes: Option<u64>,
}

/// Shows from any thread what has become of the events that an output was given: [`EdgeSink::meter`](crate::EdgeSink::meter) has
/// that of a [`Worker`](crate::Worker), and the clients of networks and the outbox on disk have one each.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use thingflow_core::{DeliveryMeter, DeliveryStats};
///
/// let sent = Arc::new(AtomicU64::new(3)); // what an output of your own counts
/// let meter = DeliveryMeter::new(move || {
///     let mut stats = DeliveryStats::default();
///     (stats.posted, stats.delivered) = (sent.load(Relaxed), sent.load(Relaxed));
///     stats
/// });
/// assert_eq!(meter.stats().delivered, 3);
/// ```
#[derive(Clone)]
pub struct DeliveryMeter {
    read: Arc<dyn Fn() -> DeliveryStats + Send + Sync>,
    store: Option<Arc<str>>,
}

impl DeliveryMeter {
    /// The meter of an output of your own: `read` is called by whoever looks, on any thread, and must not wait.
    pub fn new(read: impl Fn() -> DeliveryStats + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read), store: None }
    }

    pub(super) fn of<J: Send + 'static>(outbox: &Arc<Outbox<J>>) -> Self {
        let outbox = outbox.clone();
        Self::new(move || outbox.stats())
    }

    /// Says where the events that wait are kept on disk. Several outputs may share a store, such as the outlets of one outbox: then
    /// [`disk_bytes`](DeliveryStats::disk_bytes) of each is that of all.
    #[must_use]
    pub fn stored_in(self, store: impl Into<Arc<str>>) -> Self {
        Self { store: Some(store.into()), ..self }
    }

    /// The counts as they are now, all of one moment.
    pub fn stats(&self) -> DeliveryStats {
        (self.read)()
    }

    /// Where the events that wait are kept on disk, if they are.
    pub fn store(&self) -> Option<&str> {
        self.store.as_deref()
    }
}

impl fmt::Debug for DeliveryMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryMeter").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Virtual time does not move on while somebody holds it. Dropping releases it.
pub(in super::super) struct Hold {
    /// How many holds there are.
    all: Rc<Cell<usize>>,
    mine: Cell<usize>,
}

impl Hold {
    pub(in super::super) fn new(engine: &Engine) -> Rc<Self> {
        Rc::new(Self { all: engine.asked.clone(), mine: Cell::new(0) })
    }

    /// Holds it so many times.
    pub(in super::super) fn set(&self, mine: usize) {
        let others = self.all.get().saturating_sub(self.mine.replace(mine));
        self.all.set(others + mine);
    }

    pub(super) fn add(&self) {
        self.set(self.mine.get() + 1);
    }

    pub(super) fn release_one(&self) {
        self.set(self.mine.get().saturating_sub(1));
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.set(0);
    }
}
