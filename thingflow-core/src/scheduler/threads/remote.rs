//! Events from other threads: [`Remote`], and its receiving end on the reactor.

use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::super::Scheduler;
use super::super::engine::Engine;
use super::super::handle::{ScheduleError, ScheduleHandle};
use super::super::table::Trigger;
use super::inbox::{self, Inbox, Left, PostError, Reader, Sender};
use super::news::News;
use super::stop_token::StopToken;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::error::{Failure, FatalError, StreamError};
use crate::kit::Mark;
use crate::limit::{Limit, QueueStats};
use crate::notice::{Notice, Question};
use crate::output::{PortSource, Ports};
use crate::port::{Port, PortRef};
use crate::thing::{Closed, Demand, Receipt, Sink, notice_sink};
use crate::visit::Visitor;

/// Posts events into the reactor from any thread. Clones post into the same port; when the last one is dropped and all is
/// delivered, the port completes.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::{Limit, testing::Recorder};
/// let mut scheduler = Scheduler::new()?;
/// let (remote, port) = scheduler.remote::<i32>(Limit::default())?;
/// let seen = Recorder::new();
/// port.map(|x| x * 10).connect(seen.clone());
/// std::thread::spawn(move || (1..=3).try_for_each(|x| remote.post(x)));
/// scheduler.run_forever()?; // ends when the thread has ended
/// assert_eq!(seen.text(), "10 20 30 |");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is also a sink, by which one scheduler feeds another, on a thread of its own: `port.connect(remote)`. The queue's policy
/// holds there too; with [`Overflow::Block`](crate::Overflow::Block) the source is paused until half of the queue is free, and
/// nothing waits. The end of that stream lets the remote go, an error ends the port by it.
///
/// ```
/// use std::thread;
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::Recorder;
/// let mut analysis = Scheduler::new()?;
/// let (remote, readings) = analysis.remote(Limit::block(4))?;
/// let seen = Recorder::new();
/// readings.connect(seen.clone());
/// let sampling = thread::spawn(move || {
///     let mut scheduler = Scheduler::new()?;
///     scheduler.schedule_recurring(from_iter(1..=5).connect(remote))?;
///     scheduler.run_forever().map_err(Box::<dyn std::error::Error + Send + Sync>::from)
/// });
/// analysis.run_forever()?;
/// assert_eq!(seen.text(), "1 2 3 4 5 |");
/// # sampling.join().expect("no panic").map_err(|error| error.to_string())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Remote<T>(Sender<T>);

impl<T> Remote<T> {
    /// Posts an event.
    ///
    /// # Errors
    /// [`PostError::Full`] by the queue's policy, [`PostError::Closed`] when nobody receives any more. Both hand the event
    /// back.
    pub fn post(&self, event: T) -> Result<(), PostError<T>> {
        self.0.post(event)
    }

    /// Ends the port with an error, after the events that were posted before. The first error counts; what is posted later, by
    /// other clones too, is refused.
    pub fn fail(&self, error: StreamError) {
        self.0.fail(error);
    }

    /// Says that no event with an earlier time follows from this remote, see [`Notice::Watermark`]. It arrives behind the
    /// events that were posted before. Clones are like the inputs of a join: the port gets the least watermark of all
    /// clones that have posted something and still exist.
    pub fn watermark(&self, watermark: Timestamp) {
        self.0.tell(&Notice::Watermark(watermark));
    }

    /// Flushes what is being collected downstream of the port, once the events that were posted before have arrived, see
    /// [`Notice::Flush`].
    pub fn flush(&self) {
        self.0.tell(&Notice::Flush);
    }

    /// What has gone through the queue, as a [`QueueMeter`](crate::QueueMeter) shows it for the queue of an operator.
    pub fn stats(&self) -> QueueStats {
        self.0.stats()
    }
}

impl<T> Clone for Remote<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Remote<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remote").field(&self.stats()).finish()
    }
}

impl<T> Sink for Remote<T> {
    type Event = T;
    /// What it says of event time counts from now on.
    fn on_start(&mut self, _: &mut Context<'_>) -> Receipt {
        self.0.join();
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let posted = match cx.bell() {
            Some(bell) => self.0.offer(event, &bell),
            None => self.post(event).map(|()| Demand::More), // on a thread, which may wait
        };
        match posted {
            Ok(demand) => Ok(demand),
            Err(PostError::Closed(_)) => Ok(Demand::Done),
            Err(PostError::Full(_)) => Err(is_full("a remote", self.0.capacity(), cx)),
        }
    }
    /// Letting go of the remote says so.
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, _: &mut Context<'_>) -> Closed {
        self.fail(error);
        Ok(())
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.0.tell(&notice);
        notice_sink(self, notice, cx)
    }
    fn is_open(&self) -> bool {
        !self.0.is_closed()
    }
    fn has_room(&self) -> bool {
        self.0.has_room()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.shared_sink("remote", self.0.queue_number());
    }
}

/// A queue whose policy is to fail is full.
#[cold]
pub(super) fn is_full(name: &str, capacity: usize, cx: &mut Context<'_>) -> FatalError {
    cx.fatal(format!("the queue of {name} is full with {capacity} events: give it more room or another policy"))
}

impl Scheduler {
    /// A queue through which other threads post events into a port. It counts as a schedule: the run goes on while a
    /// [`Remote`] exists.
    ///
    /// Other threads live in real time. Under a virtual clock their events come at whatever virtual time it is then.
    ///
    /// # Errors
    /// None at present.
    pub fn remote<T: Clone + Send + 'static>(&self, queue: Limit) -> Result<(Remote<T>, Port<T>), ScheduleError> {
        let port = Port::new();
        let (remote, _) = open(&self.engine, Feed { name: "remote", limit: queue, thread: None }, &port);
        Ok((remote, port))
    }
}

/// What is to be known of a queue.
pub(super) struct Feed<'a> {
    /// Its name in drawings and reports.
    pub(super) name: &'a str,
    pub(super) limit: Limit,
    pub(super) thread: Option<Thread>,
}

/// The thread that posts, if it is the scheduler's own.
pub(super) struct Thread {
    /// It is to be told when nobody receives any more.
    pub(super) stop: StopToken,
    pub(super) news: Arc<News>,
}

/// Opens a queue of events for `port`.
pub(super) fn open<T: Clone + Send + 'static>(
    engine: &Engine,
    feed: Feed<'_>,
    port: &Port<T>,
) -> (Remote<T>, ScheduleHandle) {
    let Feed { name, limit, thread } = feed;
    let (sender, inbox) = inbox::channel(&limit, Arc::clone(&engine.bell), engine.next_id());
    let thing = Receiver { inbox, name: name.to_owned(), port: port.clone(), thread };
    let handle = engine.add(Box::new(thing), Trigger::Event);
    (Remote(sender), handle)
}

/// The receiving end of a queue: a Thing that is called when something has been posted.
struct Receiver<T> {
    inbox: Inbox<T>,
    name: String,
    port: Port<T>,
    thread: Option<Thread>,
}

/// What one turn takes from one queue, so that the others have their turn too.
const MOST_IN_A_TURN: usize = 4096;

impl<T> Receiver<T> {
    /// Delivers all that has been posted, whether there is room or not.
    fn deliver_all(&mut self, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone + 'static,
    {
        self.deliver(usize::MAX, true, cx).0
    }

    /// Delivers up to `most` events, and whether there is room or not if they are `urged`.
    fn deliver(&mut self, most: usize, urged: bool, cx: &mut Context<'_>) -> (Receipt, Left)
    where
        T: Clone + 'static,
    {
        let mut receipt = Ok(Demand::More);
        let left = self.inbox.drain(most, ToPort { port: &self.port, receipt: &mut receipt, urged, cx });
        self.inbox.count();
        (receipt, left)
    }

    fn has_failed(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| thread.news.has_failed())
    }
}

/// Hands on to a port what has been posted.
struct ToPort<'d, 'c, T> {
    port: &'d Port<T>,
    receipt: &'d mut Receipt,
    urged: bool,
    cx: &'d mut Context<'c>,
}

impl<T> ToPort<'_, '_, T> {
    fn note(&mut self, receipt: Receipt) -> ControlFlow<()> {
        let goes_on = matches!(receipt, Ok(Demand::More)) || self.urged && matches!(receipt, Ok(Demand::Full));
        *self.receipt = receipt;
        if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

impl<T: Clone + 'static> Reader<T> for ToPort<'_, '_, T> {
    fn take(&mut self, waiting: &mut VecDeque<T>, most: usize) -> ControlFlow<()> {
        if !std::mem::needs_drop::<T>() {
            let mut sent = Sent { waiting, count: 0 };
            let (row, _) = sent.waiting.as_slices();
            let receipt = self.port.emit_row(&row[..most.min(row.len())], &mut sent.count, self.cx);
            drop(sent);
            return self.note(receipt);
        }
        let Some(event) = waiting.pop_front() else { return ControlFlow::Continue(()) };
        let receipt = self.port.emit(event, self.cx);
        self.note(receipt)
    }
    fn hear(&mut self, mark: Mark) -> ControlFlow<()> {
        let receipt = mark.tell(&mut self.port.clone(), self.cx);
        self.note(receipt)
    }
}

/// Events that have been sent leave those that wait, also when the last one has panicked.
struct Sent<'w, T> {
    waiting: &'w mut VecDeque<T>,
    count: usize,
}

impl<T> Drop for Sent<'_, T> {
    fn drop(&mut self) {
        self.waiting.drain(..self.count);
    }
}

impl<T: Clone + 'static> Ports for Receiver<T> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl<T: Clone + 'static> PortSource for Receiver<T> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let (receipt, left) = self.deliver(MOST_IN_A_TURN, false, cx);
        match (receipt?, left) {
            (Demand::More, Left::Ended) if self.has_failed() => Ok(Demand::More), // which the reactor is about to hear
            (Demand::More, Left::Ended) => {
                match self.inbox.take_error() {
                    Some(error) => self.port.fail(error, cx)?,
                    None => self.port.complete(cx)?,
                }
                Ok(Demand::Done)
            }
            (Demand::Done, _) => Ok(Demand::Done),
            (demand, Left::Nothing) => Ok(demand),
            (demand, _) => {
                cx.call_again();
                Ok(demand)
            }
        }
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Wake => Ok(Demand::More),
            // What has been posted by now comes before.
            Notice::Flush | Notice::Completed => {
                if self.deliver_all(cx)? == Demand::Done {
                    return Ok(Demand::Done);
                }
                match self.inbox.take_error().filter(|_| notice.is_end()) {
                    Some(error) => self.tell_ports(Notice::Error(error), cx),
                    None => self.tell_ports(notice, cx),
                }
            }
            notice => self.tell_ports(notice, cx),
        }
    }
    fn answer(&self, mut question: Question<'_>) -> bool {
        if let Question::Describe(visitor) = &mut question {
            visitor.origin(self.inbox.queue_number());
            visitor.queue(self.inbox.state());
        }
        self.ask_ports(question)
    }
    fn name(&self) -> &str {
        &self.name
    }
}

/// A loop on a thread hears at once that nobody receives any more, also while it waits for a device.
impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Some(thread) = &self.thread {
            thread.stop.stop();
        }
    }
}
