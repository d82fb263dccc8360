//! Loops of a user's own on a thread, see [`Scheduler::schedule_on_private_event_loop`].

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::Scheduler;
use super::super::handle::ScheduleError;
use super::super::remote::{self, Feed, Remote};
use super::EdgeOutput;
use super::threads::StopToken;
use crate::limit::Limit;
use crate::port::Port;

impl Scheduler {
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
            let result = catch_unwind(AssertUnwindSafe(|| work(remote, stop.clone())));
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
