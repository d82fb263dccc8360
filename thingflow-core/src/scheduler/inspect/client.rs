//! [`Client`]: how another thread asks the reactor, and waits for the answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::super::engine::Engine;
use super::super::threads::inbox::Sender;
use super::super::threads::watch::{Overrun, Watch};
use super::InspectError;
use crate::scheduler::PostError;

/// What the reactor does for another thread.
pub(super) type Request = Box<dyn FnOnce(&Engine) + Send>;

/// An answer is waited for so long, unless the asker says otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Client {
    requests: Sender<Request>,
    /// The run has ended. The reactor sets it before it lets go of the requests that wait.
    ended: Arc<AtomicBool>,
    reactor: ThreadId,
    timeout: Duration,
    watch: Arc<Watch>,
}

impl Client {
    /// Called on the reactor's thread.
    pub(super) fn new(requests: Sender<Request>, watch: Arc<Watch>) -> Self {
        Self { requests, ended: Arc::default(), reactor: thread::current().id(), timeout: TIMEOUT, watch }
    }

    /// Read without the reactor, which may hang.
    pub(super) fn overruns(&self) -> Vec<Overrun> {
        self.watch.overruns()
    }

    pub(super) fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(super) fn set_ended(&self, ended: bool) {
        self.ended.store(ended, Ordering::SeqCst);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Has the reactor answer, between two calls.
    pub(super) fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&Engine) -> Result<R, InspectError> + Send + 'static,
    ) -> Result<R, InspectError> {
        if self.has_ended() {
            return Err(InspectError::Ended);
        }
        if thread::current().id() == self.reactor {
            return Err(InspectError::OwnThread);
        }
        let (reply, answer) = mpsc::sync_channel(1);
        let waits = Arc::new(());
        let waiting = Arc::downgrade(&waits);
        self.tell(move |engine| {
            if waiting.strong_count() > 0 {
                let _ = reply.send(question(engine)); // the asker may have gone just now
            }
        })?;
        match answer.recv_timeout(self.timeout) {
            Ok(answer) => answer,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(InspectError::TimedOut(self.timeout)),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(InspectError::Ended),
        }
    }

    /// Has the reactor do something, whenever that is.
    pub(super) fn tell(&self, request: impl FnOnce(&Engine) + Send + 'static) -> Result<(), InspectError> {
        match self.requests.post(Box::new(request)) {
            // What is posted after the reactor has let go of the others waits for nobody.
            Ok(()) if self.has_ended() => Err(InspectError::Ended),
            Ok(()) => Ok(()),
            Err(PostError::Full(_)) => Err(InspectError::Busy),
            Err(PostError::Closed(_)) => Err(InspectError::Ended),
        }
    }
}
