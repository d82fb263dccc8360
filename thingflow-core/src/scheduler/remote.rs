//! Events from other threads: [`Remote`], and its receiving end on the reactor.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::Scheduler;
use super::engine::Engine;
use super::handle::{ScheduleError, ScheduleHandle};
use super::inbox::{self, Inbox, Left, PostError, Sender};
use super::table::Trigger;
use crate::context::Context;
use crate::error::Failure;
use crate::limit::{Limit, QueueStats};
use crate::notice::{Notice, Question};
use crate::output::{PortSource, Ports};
use crate::port::{Port, PortRef};
use crate::thing::{Demand, InputThing, Receipt};

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

impl Scheduler {
    /// A queue by which other threads post events into a port. It counts as a schedule: the run goes on while a
    /// [`Remote`] exists.
    ///
    /// Other threads live in real time. Under a virtual clock their events come at whatever virtual time it is then.
    ///
    /// # Errors
    /// None at present.
    pub fn remote<T: Clone + Send + 'static>(&self, queue: Limit) -> Result<(Remote<T>, Port<T>), ScheduleError> {
        let port = Port::new();
        let sink = port.clone();
        let feed = Feed { name: "remote", limit: queue, shown: true };
        let (remote, _) = open(&self.engine, feed, &port, move |event, cx| Ok(sink.emit(event, cx)?))?;
        Ok((remote, port))
    }
}

/// What is to be known of a queue.
pub(super) struct Feed<'a> {
    /// Its name in drawings and reports.
    pub(super) name: &'a str,
    pub(super) limit: Limit,
    /// Whether events go through it: a queue that only says how a thread has ended is not drawn.
    pub(super) shown: bool,
}

/// Opens a queue of messages `M`; `deliver` makes events on `port` of them.
pub(super) fn open<M: Send + 'static, T: Clone + 'static>(
    engine: &Engine,
    feed: Feed<'_>,
    port: &Port<T>,
    deliver: impl FnMut(M, &mut Context<'_>) -> Result<Demand, Failure> + 'static,
) -> Result<(Remote<M>, ScheduleHandle), ScheduleError> {
    let Feed { name, limit, shown } = feed;
    let (sender, inbox) = inbox::channel(&limit, Arc::clone(&engine.bell), engine.next_id());
    let thing = Receiver { inbox, name: name.to_owned(), limit, shown, port: port.clone(), deliver };
    let trigger = if shown { Trigger::Event } else { Trigger::Answers };
    let handle = engine.add(Box::new(thing), trigger);
    Ok((Remote(sender), handle))
}

/// The receiving end of a queue: a Thing that is called when something has been posted.
struct Receiver<M, T, D> {
    inbox: Inbox<M>,
    name: String,
    limit: Limit,
    shown: bool,
    port: Port<T>,
    deliver: D,
}

/// What one turn takes from one queue, so that the others have their turn too.
const MOST_IN_A_TURN: usize = 4096;

impl<M, T: Clone + 'static, D> Receiver<M, T, D>
where
    D: FnMut(M, &mut Context<'_>) -> Result<Demand, Failure>,
{
    /// Delivers all that has been posted, whether there is room or not.
    fn deliver_all(&mut self, cx: &mut Context<'_>) -> Receipt {
        loop {
            let (mut result, deliver) = (Ok(Demand::More), &mut self.deliver);
            let left = self.inbox.drain(usize::MAX, |message| {
                result = deliver(message, cx);
                let goes_on = matches!(result, Ok(Demand::More | Demand::Full));
                if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            match result {
                Ok(demand) => return Ok(demand),
                Err(Failure::NotYet) if left == Left::Some => {}
                Err(Failure::NotYet) => return Ok(Demand::More),
                Err(Failure::Fatal(token)) => return Err(token),
                Err(Failure::Sample(error)) => {
                    self.port.fail(error, cx)?;
                    return Ok(Demand::Done);
                }
            }
        }
    }
}

impl<M, T: Clone + 'static, D> Ports for Receiver<M, T, D> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl<M, T, D> PortSource for Receiver<M, T, D>
where
    T: Clone + 'static,
    D: FnMut(M, &mut Context<'_>) -> Result<Demand, Failure>,
{
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let mut result = Ok(Demand::More);
        let deliver = &mut self.deliver;
        let left = self.inbox.drain(MOST_IN_A_TURN, |message| {
            result = deliver(message, cx);
            if matches!(result, Ok(Demand::More)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        self.limit.count(|_| self.inbox.stats());
        match (result, left) {
            (Ok(Demand::More), Left::Ended) => {
                self.port.complete(cx)?;
                Ok(Demand::Done)
            }
            (Ok(Demand::Done), _) => Ok(Demand::Done),
            (result, Left::Nothing) => result,
            (result, _) => {
                cx.call_again();
                result
            }
        }
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            // A port that nobody has connected yet waits for its first listener.
            Notice::Start => self.port.notice(Notice::Start, cx).map(|_| Demand::More),
            Notice::Wake => Ok(Demand::More),
            // What has been posted by now comes before.
            Notice::Flush => {
                if self.deliver_all(cx)? == Demand::Done {
                    Ok(Demand::Done)
                } else {
                    self.tell_ports(Notice::Flush, cx)
                }
            }
            Notice::Completed => {
                if self.deliver_all(cx)? != Demand::Done {
                    self.port.complete(cx)?;
                }
                Ok(Demand::Done)
            }
            notice => self.tell_ports(notice, cx),
        }
    }
    fn answer(&self, question: Question<'_>) -> bool {
        match question {
            Question::Describe(_) if !self.shown => true,
            question => self.ask_ports(question),
        }
    }
    fn name(&self) -> &str {
        &self.name
    }
}
