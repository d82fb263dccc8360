//! Work handed to a pool of threads: [`Scheduler::map_on_pool`].

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::super::Scheduler;
use super::super::engine::Engine;
use super::super::handle::ScheduleError;
use super::super::keyed::Id;
use super::super::table::Trigger;
use super::crew::{Member, guarded};
use super::inbox::{self, Doorbell, Inbox, Left, Sender};
use super::news::News;
use super::outbox::{End, Hold, Next, Outbox};
use super::stop_token::StopToken;
use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Cause, Failure, RunError, StreamError};
use crate::identity::next_number;
use crate::kit::{Gate, Mark, Marks};
use crate::limit::{Limit, QueueState};
use crate::notice::{Arrival, Notice, Question};
use crate::output::{PortSource, Ports};
use crate::port::{Port, PortRef};
use crate::size::Size;
use crate::thing::{Closed, Demand, Emitter, Receipt, Sink, notice_sink};
use crate::visit::Visitor;

impl Scheduler {
    /// Calls `f` on `n` threads, because it takes long or blocks: connect the first of the two, and the results leave the
    /// second in the order in which the events came.
    ///
    /// At most `n` calls run at once and `n` more events wait; then the source is paused. What waits for its turn on the
    /// port is within these `2 n`. The end of the stream, even with an error, comes after the results of what was handed in.
    /// A panic of `f` ends the run. Virtual time stands still while a call is out. When nobody listens to the results, or
    /// the run is stopped, what has not begun is dropped.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_core::testing::Recorder;
    /// let mut scheduler = Scheduler::new()?;
    /// let (jobs, squares) = scheduler.map_on_pool(4, |x: u64| x * x)?; // stands for long work
    /// let seen = Recorder::new();
    /// squares.connect(seen.clone());
    /// scheduler.schedule_recurring(from_iter(1..=5).connect(jobs))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.text(), "1 4 9 16 25 |");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ScheduleError::Thread`].
    #[doc(alias = "map_async")]
    #[doc(alias = "parallel_map")]
    #[track_caller]
    pub fn map_on_pool<T, U, F>(&self, n: impl Into<Size>, f: F) -> Result<(PoolInput<T>, Port<U>), ScheduleError>
    where
        T: Send + 'static,
        U: Clone + Send + 'static,
        F: Fn(T) -> U + Send + Sync + 'static,
    {
        self.pool(n.into(), true, move |event| Ok(f(event)))
    }

    /// As [`map_on_pool`](Self::map_on_pool), but each result leaves as soon as it is there: a slow one holds up no other.
    ///
    /// # Errors
    /// [`ScheduleError::Thread`].
    #[track_caller]
    pub fn map_on_pool_unordered<T, U, F>(
        &self,
        n: impl Into<Size>,
        f: F,
    ) -> Result<(PoolInput<T>, Port<U>), ScheduleError>
    where
        T: Send + 'static,
        U: Clone + Send + 'static,
        F: Fn(T) -> U + Send + Sync + 'static,
    {
        self.pool(n.into(), false, move |event| Ok(f(event)))
    }

    /// As [`map_on_pool`](Self::map_on_pool), with a function that may fail: in its turn its error ends the stream of the
    /// results, and the source is let go. To go on in spite of errors let `f` return a `Result` as the event, and see
    /// [`try_map_with`](crate::FlowControl::try_map_with).
    ///
    /// # Errors
    /// [`ScheduleError::Thread`].
    #[track_caller]
    pub fn try_map_on_pool<T, U, E, F>(
        &self,
        n: impl Into<Size>,
        f: F,
    ) -> Result<(PoolInput<T>, Port<U>), ScheduleError>
    where
        T: Send + 'static,
        U: Clone + Send + 'static,
        E: Into<Cause>,
        F: Fn(T) -> Result<U, E> + Send + Sync + 'static,
    {
        self.pool(n.into(), true, move |event| f(event).map_err(spoken))
    }

    fn pool<T, U>(
        &self,
        n: Size,
        in_order: bool,
        work: impl Fn(T) -> Result<U, StreamError> + Send + Sync + 'static,
    ) -> Result<(PoolInput<T>, Port<U>), ScheduleError>
    where
        T: Send + 'static,
        U: Clone + Send + 'static,
    {
        let (engine, n, port) = (&self.engine, n.get(), Port::new());
        let (state, stop) = (Rc::new(State::new(engine)), StopToken::default());
        // What is in flight is counted by the state, also when it has left the queue.
        let jobs = Outbox::new(engine, Limit::block(usize::MAX), Id::NOBODY);
        let id = engine.next_id();
        let (sender, inbox) = inbox::channel(&Limit::block(2 * n), Arc::clone(&engine.bell), id);
        let abort =
            Abort { jobs: jobs.clone(), state: state.clone(), stop: stop.clone(), engine: Rc::downgrade(engine) };
        let results = Results {
            inbox,
            port: port.clone(),
            ready: VecDeque::new(),
            first: in_order.then_some(0),
            gate: Gate::default(),
            ended: false,
            calls: n,
            news: engine.threads.news(),
            _abort: abort,
            state: state.clone(),
        };
        let work = Arc::new(work);
        for _ in 0..n {
            let (jobs, work) = (jobs.clone(), work.clone());
            let serves = move |answers: &Sender<_>| serve(&jobs, answers, work);
            engine.threads.spawn(Member::new(NAME, &stop), sender.clone(), serves)?;
        }
        engine.add(Box::new(results), Trigger::Answers);
        let bell = (engine.bell.clone(), id);
        Ok((PoolInput { jobs, state, next: 0, most: 2 * n, bell }, port))
    }
}

/// The name of the threads, and in reports.
const NAME: &str = "map_on_pool";

/// What the reactor knows of a pool.
struct State {
    /// Handed in and not sent on.
    in_flight: Cell<usize>,
    paused: Cell<bool>,
    error: RefCell<Option<StreamError>>,
    /// What waits for the results of the events before it.
    marks: RefCell<Marks>,
    /// Nobody wants the results.
    closed: Cell<bool>,
    /// The results have been told to look although no call is out.
    rung: Cell<bool>,
    /// For each call that is out, and for the end.
    hold: Rc<Hold>,
    /// What tells it from others in drawings.
    number: usize,
}

impl State {
    fn new(engine: &Engine) -> Self {
        Self {
            in_flight: Cell::new(0),
            paused: Cell::new(false),
            error: RefCell::new(None),
            marks: RefCell::default(),
            rung: Cell::new(false),
            closed: Cell::new(false),
            hold: Hold::new(engine),
            number: next_number(),
        }
    }
}

/// How a call went, and whose event it was.
type Answer<U> = (u64, Result<U, StreamError>);

/// The error of a function. Its text is asked for here, where a panic in that ends the run, and not only where it is logged.
fn spoken(error: impl Into<Cause>) -> StreamError {
    let error = StreamError::from_cause(error);
    let _ = error.to_string();
    error
}

/// A thread of the pool. When the last one ends, so does the reactor's inbox.
fn serve<T, U, F: Fn(T) -> Result<U, StreamError>>(
    jobs: &Outbox<(u64, T)>,
    answers: &Sender<Answer<U>>,
    work: Arc<F>,
) -> Result<(), RunError> {
    let worked = guarded(|| {
        while let Next::Job((number, event)) = jobs.next(Instant::NEVER, |_| Instant::ZERO) {
            if answers.post((number, work(event))).is_err() {
                return; // nobody wants the results
            }
        }
    });
    worked.and(guarded(|| drop(work)))
}

/// Takes the events for a pool of threads, see [`Scheduler::map_on_pool`].
pub struct PoolInput<T> {
    jobs: Arc<Outbox<(u64, T)>>,
    state: Rc<State>,
    next: u64,
    most: usize,
    /// How the results hear that there is something for them.
    bell: (Arc<Doorbell>, Id),
}

impl<T> PoolInput<T> {
    fn queue(&self) -> QueueState {
        QueueState::new(self.state.in_flight.get(), &Limit::block(self.most))
    }

    fn end(&self, error: Option<StreamError>) {
        if !self.state.closed.get() && self.jobs.end(Instant::ZERO, End::Dropped) {
            self.state.hold.add(); // the end is an answer too
            *self.state.error.borrow_mut() = error;
        }
    }

    /// Has the results tell of it once those of all events so far have been sent.
    fn mark(&self, mark: Mark) {
        let state = &*self.state;
        if state.closed.get() {
            return;
        }
        state.marks.borrow_mut().push(mark, state.in_flight.get(), self.next);
        if state.in_flight.get() == 0 && !state.rung.replace(true) {
            state.hold.add(); // the answer is the results' own
            self.bell.0.ring(self.bell.1);
        }
    }
}

impl<T> Sink for PoolInput<T> {
    type Event = T;
    fn on_next(&mut self, event: T, _: &mut Context<'_>) -> Receipt {
        let state = &*self.state;
        if state.closed.get() {
            return Ok(Demand::Done);
        }
        self.jobs.give((self.next, event));
        self.next += 1;
        state.hold.add();
        state.in_flight.set(state.in_flight.get() + 1);
        if state.in_flight.get() < self.most {
            return Ok(Demand::More);
        }
        state.paused.set(true);
        Ok(Demand::Full)
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if let Some(mark) = Mark::of(&notice, cx.now()) {
            self.mark(mark);
        }
        notice_sink(self, notice, cx)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.end(None);
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, _: &mut Context<'_>) -> Closed {
        self.end(Some(error));
        Ok(())
    }
    fn is_open(&self) -> bool {
        !self.state.closed.get()
    }
    fn has_room(&self) -> bool {
        self.state.closed.get() || self.state.in_flight.get() < self.most
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.join(NAME, self.state.number);
        visitor.queue(self.queue());
    }
}

/// The results end with the events.
impl<T> Drop for PoolInput<T> {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl<T> fmt::Debug for PoolInput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolInput").field("in_flight", &self.state.in_flight.get()).finish_non_exhaustive()
    }
}

/// The results, on the reactor. It is called for each batch of them also while those downstream are full, because
/// virtual time waits for them.
struct Results<T, U> {
    inbox: Inbox<Answer<U>>,
    port: Port<U>,
    /// What has come; in order, with gaps for what is still out.
    ready: VecDeque<Option<Answer<U>>>,
    /// In order: the number of the event that the first place is for.
    first: Option<u64>,
    gate: Gate,
    /// All threads have ended.
    ended: bool,
    calls: usize,
    news: Arc<News>,
    state: Rc<State>,
    _abort: Abort<T>,
}

/// Lets the threads and the source end when nobody wants the results.
struct Abort<T> {
    jobs: Arc<Outbox<(u64, T)>>,
    state: Rc<State>,
    stop: StopToken,
    engine: Weak<Engine>,
}

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.state.closed.set(true);
        self.state.hold.set(0); // nobody waits for what is out
        self.stop.stop();
        drop(self.jobs.close());
        if let Some(engine) = self.engine.upgrade().filter(|_| self.state.paused.get()) {
            engine.resume(); // a paused source must find out
        }
    }
}

impl<T, U: Clone + 'static> Results<T, U> {
    fn arrive(&mut self) {
        let hold = &self.state.hold;
        let (ready, first) = (&mut self.ready, self.first);
        let left = self.inbox.drain(usize::MAX, |arrival| {
            let Arrival::Next((number, outcome)) = arrival else { return ControlFlow::Continue(()) };
            hold.release_one();
            match first.and_then(|first| usize::try_from(number - first).ok()) {
                Some(place) => {
                    ready.resize_with(ready.len().max(place + 1), || None);
                    ready[place] = Some((number, outcome));
                }
                None => ready.push_back(Some((number, outcome))),
            }
            ControlFlow::Continue(())
        });
        // If a thread has failed, the reactor is about to hear of it.
        if left == Left::Ended && !self.news.has_failed() && !std::mem::replace(&mut self.ended, true) {
            hold.release_one();
        }
    }

    /// Tells what no result has to come before any more.
    fn send_marks(&mut self, cx: &mut Context<'_>) -> Receipt {
        let mut demand = Demand::More;
        while demand != Demand::Done {
            let due = self.state.marks.borrow_mut().pop_due();
            let Some(mark) = due else { break };
            demand = mark.tell(&mut self.port, cx)?;
        }
        Ok(demand)
    }

    /// Sends what is ready, and the end when all has been sent.
    fn send_ready(&mut self, cx: &mut Context<'_>) -> Receipt {
        let state = self.state.clone();
        if state.rung.take() {
            state.hold.release_one();
        }
        if self.send_marks(cx)? == Demand::Done {
            return Ok(Demand::Done);
        }
        while self.gate.is_open(&Emitter::new(&mut self.port, cx)) && self.ready.front().is_some_and(Option::is_some) {
            let Some(Some((number, outcome))) = self.ready.pop_front() else { break };
            self.first = self.first.map(|first| first + 1);
            state.in_flight.set(state.in_flight.get() - 1);
            match outcome {
                Ok(event) => {
                    let demand = self.gate.send(event, &mut Emitter::new(&mut self.port, cx))?;
                    state.marks.borrow_mut().left_by(number);
                    if demand == Demand::Done || self.send_marks(cx)? == Demand::Done {
                        return Ok(Demand::Done);
                    }
                }
                Err(error) => {
                    self.port.fail(error, cx)?;
                    return Ok(Demand::Done);
                }
            }
        }
        if state.in_flight.get() <= self.calls && state.paused.take() {
            self.gate.resume(&mut Emitter::new(&mut self.port, cx));
        }
        if !self.gate.is_open(&Emitter::new(&mut self.port, cx)) {
            cx.wake_on_resume();
        } else if self.ended && self.ready.is_empty() {
            match state.error.take() {
                Some(error) => self.port.fail(error, cx)?,
                None => self.port.complete(cx)?,
            }
            return Ok(Demand::Done);
        }
        Ok(Demand::More)
    }
}

impl<T, U: Clone + 'static> Ports for Results<T, U> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl<T, U: Clone + 'static> PortSource for Results<T, U> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        self.arrive();
        Ok(self.send_ready(cx)?)
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Wake => self.send_ready(cx),
            notice => self.tell_ports(notice, cx),
        }
    }
    fn answer(&self, mut question: Question<'_>) -> bool {
        match &mut question {
            Question::Describe(visitor) => visitor.origin(self.state.number),
            Question::Holding if self.state.in_flight.get() > 0 || self.state.rung.get() => return true,
            _ => {}
        }
        self.ask_ports(question)
    }
    fn name(&self) -> &str {
        NAME
    }
}
