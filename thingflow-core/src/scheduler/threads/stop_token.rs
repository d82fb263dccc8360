//! [`StopToken`]: how a thread is told that it should end.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::crew::{lock, wait_while};

/// Tells a thread that it should end: its schedule has been cancelled, or the run is over.
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stopped: AtomicBool,
    gate: Mutex<Wakers>,
    changed: Condvar,
}

/// Who is to be woken, each by the number of its [`Stopped`].
#[derive(Debug, Default)]
struct Wakers {
    next: u64,
    waiting: Vec<(u64, Waker)>,
}

impl StopToken {
    /// Whether the thread should end.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }

    /// Sleeps for `d`, or until the thread should end. Returns whether it should.
    pub fn wait(&self, d: Duration) -> bool {
        let _gate = wait_while(&self.0.changed, lock(&self.0.gate), d, |_| !self.is_stopped());
        self.is_stopped()
    }

    /// A future that is ready as soon as the thread should end: for a loop around an asynchronous client, which need not look at
    /// the token again and again. It works with any executor.
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use thingflow_core::Limit;
    /// use thingflow_core::prelude::*;
    /// # use std::{future::Future, pin::pin, sync::Arc, task, thread};
    /// # struct Unpark(thread::Thread);
    /// # impl task::Wake for Unpark {
    /// #     fn wake(self: Arc<Self>) { self.0.unpark() }
    /// # }
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, waker) = (pin!(future), task::Waker::from(Arc::new(Unpark(thread::current()))));
    /// #     loop {
    /// #         match future.as_mut().poll(&mut task::Context::from_waker(&waker)) {
    /// #             task::Poll::Ready(output) => return output,
    /// #             task::Poll::Pending => thread::park(),
    /// #         }
    /// #     }
    /// # }
    /// let mut scheduler = Scheduler::new()?;
    /// let client = scheduler.schedule_on_private_event_loop("client", Limit::default(), |remote, stop| {
    ///     block_on(async { // of the client's runtime
    ///         remote.post("connected").ok();
    ///         stop.stopped().await; // here: whichever comes first, this or something from the client
    ///     });
    ///     Ok::<(), Infallible>(())
    /// })?;
    /// let stopper = scheduler.stopper();
    /// client.for_each(move |_| stopper.stop());
    /// scheduler.run_forever()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        Stopped { token: self.clone(), number: None }
    }

    pub(in super::super) fn stop(&self) {
        let mut gate = lock(&self.0.gate);
        self.0.stopped.store(true, Ordering::SeqCst);
        let waiting = std::mem::take(&mut gate.waiting);
        drop(gate);
        self.0.changed.notify_all();
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What [`StopToken::stopped`] gives.
struct Stopped {
    token: StopToken,
    /// By which its waker is known.
    number: Option<u64>,
}

impl Future for Stopped {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let token = self.token.clone();
        let mut gate = lock(&token.0.gate);
        if token.is_stopped() {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert(gate.next);
        match gate.waiting.iter_mut().find(|(known, _)| *known == number) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => {
                gate.next += 1;
                gate.waiting.push((number, cx.waker().clone()));
            }
        }
        Poll::Pending
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            lock(&self.token.0.gate).waiting.retain(|(known, _)| *known != number);
        }
    }
}
