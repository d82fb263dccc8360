//! The threads themselves: how they are started, told to end, and waited for.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::super::Scheduler;
use super::super::handle::ScheduleError;

/// How long a stop waits for edge threads, unless told otherwise. What still blocks then is left to itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells a thread that its run is over.
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<StopState>);

#[derive(Debug, Default)]
struct StopState {
    stopped: AtomicBool,
    gate: Mutex<()>,
    changed: Condvar,
}

impl StopToken {
    /// Whether the thread should end.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }

    /// Sleeps for `d`, or until the thread should end: whether it should.
    pub fn wait(&self, d: Duration) -> bool {
        let _gate = wait_while(&self.0.changed, lock(&self.0.gate), d, |()| !self.is_stopped());
        self.is_stopped()
    }

    fn stop(&self) {
        let gate = lock(&self.0.gate);
        self.0.stopped.store(true, Ordering::SeqCst);
        drop(gate);
        self.0.changed.notify_all();
    }
}

pub(in super::super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits while `waits` says so, for at most `d`: without an end if the clock does not reach that far.
fn wait_while<'m, T>(
    changed: &Condvar,
    mut guard: MutexGuard<'m, T>,
    d: Duration,
    waits: impl Fn(&T) -> bool,
) -> MutexGuard<'m, T> {
    let end = Instant::now().checked_add(d);
    while waits(&guard) {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        guard = match left {
            Some(Duration::ZERO) => break,
            Some(left) => changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0,
            None => changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
        };
    }
    guard
}

/// The edge threads of a scheduler.
pub(in super::super) struct Threads {
    crew: RefCell<Crew>,
    patience: Cell<Duration>,
}

/// Those who end together: after a stop there may be others.
#[derive(Default)]
struct Crew {
    stop: StopToken,
    running: Arc<Running>,
}

impl Default for Threads {
    fn default() -> Self {
        Self { crew: RefCell::default(), patience: Cell::new(PATIENCE) }
    }
}

impl Scheduler {
    /// Sets how long a stop waits for edge threads that are busy, 2 s unless told otherwise. Who still blocks then, in a
    /// driver that does not answer, is left to itself and logged as an error; the process can end all the same.
    pub fn stop_within(&self, patience: Duration) {
        self.engine.threads.patience.set(patience);
    }
}

#[derive(Default)]
struct Running {
    count: Mutex<usize>,
    ended: Condvar,
}

impl Threads {
    pub(in super::super) fn spawn(
        &self,
        name: &str,
        work: impl FnOnce(&StopToken) + Send + 'static,
    ) -> Result<(), ScheduleError> {
        let Crew { stop, running } = &*self.crew.borrow();
        let (running, stop) = (running.clone(), stop.clone());
        *lock(&running.count) += 1;
        let leaving = Leaving(running);
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _leaving = leaving;
            work(&stop);
        });
        spawned.map(|_| ()).map_err(ScheduleError::Thread)
    }

    pub(in super::super) fn patience(&self) -> Duration {
        self.patience.get()
    }

    /// Tells all threads to end.
    pub(in super::super) fn tell(&self) {
        self.crew.borrow().stop.stop();
    }

    /// Tells all threads to end and waits for them, for a while.
    pub(in super::super) fn stop(&self) {
        let (Crew { stop, running }, patience) = (self.crew.take(), self.patience.get());
        stop.stop();
        let count = *wait_while(&running.ended, lock(&running.count), patience, |count| *count > 0);
        if count > 0 {
            log::error!("{count} edge threads still block after {patience:?} and are left to themselves");
        }
    }
}

/// Counts a thread out, also when it panics or never began.
struct Leaving(Arc<Running>);

impl Drop for Leaving {
    fn drop(&mut self) {
        *lock(&self.0.count) -= 1;
        self.0.ended.notify_all();
    }
}
