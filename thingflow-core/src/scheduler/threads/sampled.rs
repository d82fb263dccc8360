//! Sources that are sampled on a thread of their own.
//!
//! The schedule is the one that it would be without a thread: it asks the thread when a tick is due, and that tick is over when
//! the answer has come. So edge threads have the same rates, policies, counts and virtual clock as everything else.

use std::ops::ControlFlow;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::super::Scheduler;
use super::super::engine::Engine;
use super::super::handle::ScheduleError;
use super::super::keyed::Id;
use super::super::periodic::IntoPeriodic;
use super::crew::{Member, guarded};
use super::inbox::{self, Inbox, Left, Sender};
use super::news::{News, Surroundings};
use super::outbox::{Hold, Next, Outbox};
use super::output::EdgeOutput;
use super::stop_token::StopToken;
use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, RunError, StreamError};
use crate::event::SensorEvent;
use crate::limit::Limit;
use crate::notice::{Arrival, Notice};
use crate::output::{PortSource, Ports, Source, is_due};
use crate::port::{Port, PortRef};
use crate::sensor::{Sampled, Sensor};
use crate::thing::{Demand, InputThing, Receipt};

/// A sampling that the reactor asks for.
struct Ask {
    at: Instant,
    /// With the first: when the graph began to run.
    started: Option<Instant>,
}

/// How a sampling went; the end of the data is the end of the answers.
enum Answer<T> {
    Event(T),
    Failed(StreamError),
    /// By its own timetable the source has nothing before this time, if it says one.
    NotDue,
    NotYet(Option<Instant>),
}

impl Scheduler {
    /// Samples a source on a thread of its own, at a fixed rate, because sampling may block. All else is as it would be
    /// without the thread, see [`schedule_periodic`](Self::schedule_periodic): ticks that pass while the thread is busy count
    /// as missed, and virtual time waits for it.
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
        let (name, id, port) = (source.name().to_owned(), engine.next_id(), Port::new());
        let jobs = Outbox::new(engine, Limit::default(), Id::NOBODY);
        let (answers, inbox) = inbox::channel(&Limit::default(), engine.bell.clone(), id);
        let (stop, around, asked) = (StopToken::default(), engine.surroundings(), jobs.clone());
        let serves = move |answers: &Sender<_>| serve(source, &asked, answers, &around);
        engine.threads.spawn(Member::new(&name, &stop), answers, serves)?;
        let sampling = Sampling {
            jobs,
            inbox,
            port: port.clone(),
            name,
            asks: false,
            started: None,
            again: None,
            hold: Hold::new(engine),
            news: engine.threads.news(),
            stop,
            engine: engine.me.clone(),
            id,
        };
        let handle = engine.add_periodic(Box::new(sampling), timing)?;
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

/// The edge thread: answers until it is no longer asked, or has no more. The source is dropped before the last is told.
fn serve<S: Source>(
    mut source: S,
    jobs: &Outbox<Ask>,
    answers: &Sender<Answer<S::Item>>,
    around: &Surroundings,
) -> Result<(), RunError> {
    let served = guarded(|| answer_all(&mut source, jobs, answers, around)).and_then(|result| result);
    let dropped = guarded(|| drop(source));
    served.and(dropped)
}

fn answer_all<S: Source>(
    source: &mut S,
    jobs: &Outbox<Ask>,
    answers: &Sender<Answer<S::Item>>,
    around: &Surroundings,
) -> Result<(), RunError> {
    while let Next::Job(Ask { at, started }) = jobs.next(Instant::NEVER, |ask| ask.at) {
        if let Some(started) = started {
            around.call(started, |cx| Ok(source.due(cx)))?; // its time begins here
        }
        let (answer, _) = around.call(at, |cx| match pull(source, cx) {
            Err(Failure::Fatal(token)) => Err(token),
            Err(Failure::Sample(error)) => Ok(Some(Answer::Failed(error))),
            Err(Failure::NotYet) => Ok(Some(Answer::NotYet(source.due(cx)))),
            Ok(answer) => Ok(answer),
        })?;
        let Some(answer) = answer else { return Ok(()) };
        if answers.post(answer).is_err() {
            return Ok(()); // nobody waits for it any more
        }
    }
    Ok(())
}

fn pull<S: Source>(source: &mut S, cx: &mut Context<'_>) -> Result<Option<Answer<S::Item>>, Failure> {
    if !is_due(source, cx) {
        return Ok(Some(Answer::NotDue));
    }
    Ok(source.pull(cx)?.map(Answer::Event))
}

/// The schedule of a source that is sampled on a thread.
struct Sampling<T> {
    jobs: Arc<Outbox<Ask>>,
    inbox: Inbox<Answer<T>>,
    port: Port<T>,
    name: String,
    /// The thread has been asked and has not answered.
    asks: bool,
    started: Option<Instant>,
    /// When the source wants to be asked again that had nothing yet.
    again: Option<Instant>,
    hold: Rc<Hold>,
    news: Arc<News>,
    stop: StopToken,
    engine: Weak<Engine>,
    id: Id,
}

impl<T: Clone + 'static> Sampling<T> {
    /// Whether the thread is busy with this tick: until its answer has come the tick is not over.
    fn asks(&mut self, asks: bool) {
        self.asks = asks;
        self.hold.set(usize::from(asks));
        if let Some(engine) = self.engine.upgrade() {
            engine.with_schedule(self.id, |schedule| schedule.asks = asks);
        }
    }

    fn take(&mut self, answer: Answer<T>, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        match answer {
            Answer::Event(event) => Ok(self.port.emit(event, cx)?),
            Answer::Failed(error) => Err(error.into()),
            Answer::NotDue => Ok(Demand::More),
            Answer::NotYet(again) => {
                self.again = again;
                Err(Failure::NotYet)
            }
        }
    }
}

impl<T: Clone + 'static> Ports for Sampling<T> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl<T: Clone + 'static> PortSource for Sampling<T> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let mut answer = None;
        let left = self.inbox.drain(1, |arrival| {
            if let Arrival::Next(one) = arrival {
                answer = Some(one);
            }
            ControlFlow::Continue(())
        });
        match answer {
            Some(answer) => {
                self.asks(false);
                self.take(answer, cx)
            }
            None if left == Left::Ended && self.news.has_failed() => Ok(Demand::More), // which is about to be heard
            None if left == Left::Ended => {
                self.asks(false);
                self.port.complete(cx)?;
                Ok(Demand::Done)
            }
            None => {
                if !self.asks {
                    self.asks(true);
                    self.jobs.give(Ask { at: cx.now(), started: self.started.take() });
                }
                Ok(Demand::More)
            }
        }
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Start => {
                self.started = Some(cx.now());
                self.port.notice(Notice::Start, cx)
            }
            Notice::Wake => Ok(Demand::More),
            notice => self.tell_ports(notice, cx),
        }
    }
    fn due(&mut self, _: &mut Context<'_>) -> Option<Instant> {
        self.again.take()
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl<T> Drop for Sampling<T> {
    fn drop(&mut self) {
        self.stop.stop();
        self.jobs.close();
    }
}
