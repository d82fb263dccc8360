//! Loops of a user's own on a thread, see [`Scheduler::schedule_on_private_event_loop`].

use std::error::Error;

use super::super::Scheduler;
use super::super::handle::ScheduleError;
use super::crew::Member;
use super::output::EdgeOutput;
use super::remote::{self, Feed, Remote, Thread};
use super::stop_token::StopToken;
use crate::error::RunError;
use crate::limit::Limit;
use crate::port::Port;

impl Scheduler {
    /// Runs a loop of your own on a thread: it posts through the [`Remote`], and ends when the [`StopToken`] says so, or
    /// when it has no more to post. Its error, or its panic, is fatal and ends the run.
    ///
    /// The token is the loop's own: it says so when the run ends, when the schedule is cancelled, and when nobody listens any
    /// more. A loop that waits for a device looks at it from time to time, or sleeps by
    /// [`StopToken::wait`]; one around an asynchronous client waits for [`StopToken::stopped`] too.
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
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let (engine, port, stop) = (&self.engine, Port::new(), StopToken::default());
        let thread = Thread { stop: stop.clone(), news: engine.threads.news() };
        let (remote, handle) = remote::open(engine, Feed { name, limit: queue, thread: Some(thread) }, &port);
        let (member, token) = (Member::new(name, &stop), stop);
        // The stream must not complete before the loop's error is known: until then a remote is kept.
        let spawned =
            engine.threads.spawn(member, remote, move |remote| work(remote.clone(), token).map_err(RunError::new));
        if let Err(error) = spawned {
            handle.cancel();
            return Err(error);
        }
        Ok(EdgeOutput { port, handle })
    }
}
