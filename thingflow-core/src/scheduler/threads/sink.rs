//! Sinks that block (a slow bus, a display) on a thread of their own, behind a bounded queue.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::super::Scheduler;
use super::super::engine::Engine;
use super::super::handle::ScheduleError;
use super::super::table::Trigger;
use super::crew::{Member, guarded};
use super::news::Surroundings;
use super::outbox::{DeliveryMeter, DeliveryStats, End, Given, Hold, Next, Outbox};
use super::remote::is_full;
use super::stop_token::StopToken;
use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, RunError, StreamError};
use crate::kit::Mark;
use crate::limit::Limit;
use crate::notice::{Notice, Question};
use crate::output::{PortSource, Ports};
use crate::port::PortRef;
use crate::thing::{Closed, Demand, InputThing, Receipt, Sink, notice_sink};
use crate::tracking::abandon;
use crate::visit::Visitor;

impl Scheduler {
    /// Moves a Thing that may block to a thread of its own; connect what this returns in its place. The run goes on until
    /// the thread has taken all that was queued. Its fatal error, or panic, is that of the run. For a sink that may fail
    /// and should be retried (a database, a server), see [`worker`](Self::worker).
    ///
    /// An event has the time there at which it was sent, and operators with time work by the scheduler's clock; virtual time
    /// stands still while the thread is busy. A stop lets the thread take what is queued, within the time of
    /// [`stop_within`](Self::stop_within); what is left then is counted as lost, and logged.
    ///
    /// The run goes on for a sink that is connected and started, not for one that is not.
    ///
    /// A full queue does what its policy says. With [`Overflow::Block`](crate::Overflow::Block) the source is paused until
    /// half of the queue is free; what a source that cannot pause sends meanwhile is kept.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_core::Limit;
    /// use std::sync::mpsc;
    /// let (stored, store) = mpsc::channel();
    /// let mut scheduler = Scheduler::new()?;
    /// let slow = try_call(move |x: i32| stored.send(x)); // stands for a slow device
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
        let engine = &self.engine;
        let outbox = Outbox::new(engine, queue, engine.next_id());
        let around = engine.surroundings();
        start(engine, name, outbox, Resting, move |outbox| serve(outbox, thing, &around))
    }
}

/// Starts the thread of a sink: `decide` says on the reactor what comes next when the thread holds its work.
pub(super) fn start<T: Send + 'static>(
    engine: &Engine,
    name: &str,
    outbox: Arc<Outbox<Stamped<T>>>,
    decide: impl Decide<T> + 'static,
    serve: impl FnOnce(&Outbox<Stamped<T>>) -> Result<(), RunError> + Send + 'static,
) -> Result<EdgeSink<T>, ScheduleError> {
    let (stop, hold, connected) = (StopToken::default(), Hold::new(engine), Rc::<Cell<bool>>::default());
    let member = Member::new(name, &stop).fed(outbox.clone());
    engine.threads.spawn(member, Leaving(outbox.clone()), |end| serve(&end.0))?;
    let listener = Listener { outbox: outbox.clone(), name: name.to_owned(), hold: hold.clone(), stop, decide };
    let handle = engine.add(Box::new(listener), Trigger::Answers);
    let counts = Some(connected.clone());
    engine.with_schedule(handle.id, |schedule| schedule.rare_mut().counts_for_the_run = counts);
    Ok(EdgeSink { outbox, name: name.to_owned(), connected, hold })
}

/// An event, and when it was sent.
pub(super) type Stamped<T> = (Instant, T);

/// Stands on the reactor for a Thing, or a [`Worker`](crate::Worker), on an edge thread.
#[must_use = "an edge sink does nothing until it is connected"]
pub struct EdgeSink<T> {
    outbox: Arc<Outbox<Stamped<T>>>,
    name: String,
    /// Whether it belongs to a running graph, so that the run goes on for it.
    connected: Rc<Cell<bool>>,
    hold: Rc<Hold>,
}

impl<T: Send + 'static> EdgeSink<T> {
    /// Shows from any thread what becomes of the events, also once the sink is connected.
    pub fn meter(&self) -> DeliveryMeter {
        DeliveryMeter::of(&self.outbox)
    }

    /// What has become of the events so far.
    pub fn stats(&self) -> DeliveryStats {
        self.meter().stats()
    }
}

impl<T> EdgeSink<T> {
    /// Virtual time waits until the thread rests, which the listener will hear.
    fn hold(&self) {
        self.connected.set(true);
        self.hold.set(usize::from(self.outbox.is_busy()));
    }

    fn end(&self, at: Instant, end: End) {
        if self.outbox.end(at, end) && self.connected.get() {
            self.hold();
        }
    }
}

impl<T> Sink for EdgeSink<T> {
    type Event = T;
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.outbox.reach(cx.now());
        self.hold();
        Ok(Demand::More)
    }

    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        match self.outbox.give((cx.now(), event)) {
            Given::Taken(demand) => {
                self.hold();
                Ok(demand)
            }
            Given::Closed => Ok(Demand::Done),
            Given::Refused(_) => Err(is_full(&self.name, self.outbox.len(), cx)),
        }
    }

    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if let Some(mark) = Mark::of(&notice, cx.now()) {
            self.outbox.mark(mark);
            self.hold();
        }
        notice_sink(self, notice, cx)
    }

    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.end(cx.now(), End::Completed);
        Ok(())
    }

    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.end(cx.now(), End::Error(error));
        Ok(())
    }

    fn is_open(&self) -> bool {
        !self.outbox.is_closed()
    }

    fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.shared_sink(&self.name, self.outbox.number());
        visitor.queue(self.outbox.queue());
    }
}

impl<T> Drop for EdgeSink<T> {
    fn drop(&mut self) {
        self.end(Instant::ZERO, End::Dropped);
    }
}

impl<T> fmt::Debug for EdgeSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeSink")
            .field("name", &self.name)
            .field("waiting", &self.outbox.len())
            .finish_non_exhaustive()
    }
}

/// What becomes on the reactor of work that the thread holds until it is told to go on.
pub(super) trait Decide<T> {
    fn decide(&mut self, name: &str, outbox: &Outbox<Stamped<T>>, cx: &mut Context<'_>) -> Closed;
    /// It is time for what has been put off.
    fn woken(&mut self, _: &Outbox<Stamped<T>>, _: &mut Context<'_>) {}
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
    fn end(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}

/// A Thing on a thread never holds its work.
struct Resting;

impl<T> Decide<T> for Resting {
    fn decide(&mut self, _: &str, _: &Outbox<Stamped<T>>, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}

/// Hears on the reactor what the thread of a sink has to say.
struct Listener<T, D> {
    outbox: Arc<Outbox<Stamped<T>>>,
    name: String,
    hold: Rc<Hold>,
    stop: StopToken,
    decide: D,
}

impl<T, D: Decide<T>> Listener<T, D> {
    fn look(&mut self, cx: &mut Context<'_>) -> Receipt {
        let gone = self.outbox.listen(); // first: what is told after this rings again
        self.decide.decide(&self.name, &self.outbox, cx)?; // which may end the thread's rest
        self.hold.set(usize::from(self.outbox.is_busy()));
        if gone {
            self.stop.stop(); // the run ends after the thread, which may have failed
            self.decide.end(cx)?;
            return Ok(Demand::Done);
        }
        if let Some(due) = self.outbox.wish() {
            cx.wake_at(due);
        }
        Ok(Demand::More)
    }
}

impl<T, D: Decide<T>> Ports for Listener<T, D> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        self.decide.ports(see);
    }
}

impl<T, D: Decide<T>> PortSource for Listener<T, D> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        Ok(self.look(cx)?)
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Wake => {
                self.decide.woken(&self.outbox, cx);
                self.outbox.reach(cx.now());
                self.look(cx)
            }
            notice => self.tell_ports(notice, cx),
        }
    }
    fn answer(&self, question: Question<'_>) -> bool {
        match question {
            Question::Open => true,
            Question::Holding if self.outbox.is_awaited() => true,
            Question::Describe(_) if !self.ask_ports(Question::Open) => true, // nothing that anybody listens to
            Question::Describe(visitor) => {
                visitor.origin(self.outbox.number());
                self.ask_ports(Question::Describe(visitor))
            }
            question => self.ask_ports(question),
        }
    }
    fn name(&self) -> &str {
        &self.name
    }
}

/// Dropped when the thread is through.
struct Leaving<T: Send>(Arc<Outbox<Stamped<T>>>);

impl<T: Send> Drop for Leaving<T> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// The edge thread: takes events until the stream has ended, or the Thing wants no more. All is dropped here before the
/// thread is through: the Thing is closed before the run may end.
fn serve<T, N: InputThing<T>>(
    outbox: &Outbox<Stamped<T>>,
    mut thing: N,
    around: &Surroundings,
) -> Result<(), RunError> {
    let served = guarded(|| take_all(outbox, &mut thing, around)).and_then(|result| result);
    let rest = outbox.close();
    let dropped = match &served {
        Ok(()) => guarded(|| drop(rest)).and(guarded(|| drop(thing))),
        Err(_) => guarded(|| abandon(rest)).and(guarded(|| abandon(thing))),
    };
    served.and(dropped)
}

/// A Thing on a thread, and what it waits for.
struct Served<'a, N> {
    thing: &'a mut N,
    around: &'a Surroundings,
    /// When it wants to be woken; before it has been started, whenever that is.
    due: Instant,
    started: bool,
    now: Instant,
}

impl<N> Served<'_, N> {
    fn call(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut N, &mut Context<'_>) -> Receipt,
    ) -> Result<Demand, RunError> {
        self.now = now.max(self.now);
        let thing = &mut *self.thing;
        let (demand, due) = self.around.call(self.now, |cx| call(thing, cx))?;
        self.due = due.min(self.due);
        Ok(demand)
    }

    /// The time has come for which it waits: for its start, or to be woken.
    fn at<T>(&mut self, time: Instant) -> Result<Demand, RunError>
    where
        N: InputThing<T>,
    {
        let due = std::mem::replace(&mut self.due, Instant::NEVER);
        if std::mem::replace(&mut self.started, true) {
            return self.call(due, |thing, cx| thing.notice(Notice::Wake, cx));
        }
        self.call(time, |thing, cx| thing.notice(Notice::Start, cx))
    }

    fn end<T>(&mut self, at: Instant, end: End) -> Result<Demand, RunError>
    where
        N: InputThing<T>,
    {
        if matches!(end, End::Dropped) {
            return Ok(Demand::Done);
        }
        if !self.started && self.at(at)? == Demand::Done {
            return Ok(Demand::Done);
        }
        let notice = match end {
            End::Error(error) => Notice::Error(error),
            End::Completed | End::Dropped => Notice::Completed,
        };
        self.call(at, |thing, cx| thing.notice(notice, cx).map(|_| Demand::Done))
    }
}

fn take_all<T, N: InputThing<T>>(
    outbox: &Outbox<Stamped<T>>,
    thing: &mut N,
    around: &Surroundings,
) -> Result<(), RunError> {
    let mut served = Served { thing, around, due: Instant::ZERO, started: false, now: Instant::ZERO };
    let mut demand = Demand::More;
    while demand != Demand::Done {
        demand = match outbox.next(served.due, |(at, _)| *at) {
            Next::Job((at, event)) => served.call(at, |thing, cx| thing.next(event, cx))?,
            Next::Mark(mark) => served.call(mark.at, |thing, cx| mark.tell(thing, cx))?,
            Next::Time(time) => served.at(time)?,
            Next::End(at, end) => served.end(at, end)?,
            Next::Closed => Demand::Done,
        };
    }
    outbox.done(1); // what it has wanted no more after
    Ok(())
}
