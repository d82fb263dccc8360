//! The threads themselves: how they are started, told to end, and waited for.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::super::Scheduler;
use super::super::engine::panic_text;
use super::super::handle::ScheduleError;
use super::inbox::Doorbell;
use super::news::{Heard, News};
use super::stop_token::StopToken;
use crate::error::RunError;

/// How long a stop waits for edge threads, unless told otherwise. What still blocks then is left to itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// No user code runs under the locks of this folder, so a thread that panicked left nothing half done.
pub(in super::super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits while `waits` says so, for at most `d`: without an end if the clock does not reach that far.
pub(super) fn wait_while<'m, T>(
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

/// Runs user code on a thread: its panic is an error, also if what it panicked with panics when it is dropped.
pub(super) fn guarded<R>(call: impl FnOnce() -> R) -> Result<R, RunError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let error = RunError::new(format!("panicked: {}", panic_text(&*panic)));
        discard_panic(panic);
        error
    })
}

fn discard_panic(panic: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(second); // a chain of them need not end
    }
}

/// The queue by which a thread is fed, as a stop sees it.
pub(super) trait Fed: Send + Sync {
    /// Lets the thread end once it has taken what is queued.
    fn stop(&self);
    /// Takes back what has not been taken: how many events that were.
    fn abandon(&self) -> u64;
}

/// The edge threads of a scheduler.
pub(in super::super) struct Threads {
    crew: RefCell<Arc<Crew>>,
    patience: Cell<Duration>,
}

/// The threads of one run: those that are left to themselves after a stop are not heard in the next.
struct Crew {
    members: Mutex<Vec<Member>>,
    left: Condvar,
    news: Arc<News>,
}

pub(super) struct Member {
    pub(super) name: String,
    pub(super) stop: StopToken,
    pub(super) fed: Option<Arc<dyn Fed>>,
}

impl Member {
    pub(super) fn new(name: &str, stop: &StopToken) -> Self {
        Self { name: name.to_owned(), stop: stop.clone(), fed: None }
    }

    pub(super) fn fed(self, queue: Arc<dyn Fed>) -> Self {
        Self { fed: Some(queue), ..self }
    }
}

impl Crew {
    fn new(news: News) -> Arc<Self> {
        Arc::new(Self { members: Mutex::default(), left: Condvar::new(), news: Arc::new(news) })
    }

    /// Waits until nobody is left whom `waits` is true of, for a while: the names of those who still are.
    fn wait_for(&self, patience: Duration, waits: impl Fn(&Member) -> bool) -> Vec<String> {
        let members = wait_while(&self.left, lock(&self.members), patience, |all| all.iter().any(&waits));
        members.iter().filter(|member| waits(member)).map(|member| member.name.clone()).collect()
    }
}

impl Scheduler {
    /// Sets how long a stop waits for edge threads that are busy, 2 s unless told otherwise. A thread that still blocks
    /// then, in a driver that does not answer, is abandoned and logged as an error; the process can end all the same.
    pub fn stop_within(&self, patience: Duration) {
        self.engine.threads.patience.set(patience);
    }
}

impl Threads {
    pub(in super::super) fn new(bell: Arc<Doorbell>, stop: Arc<AtomicBool>) -> Self {
        Self { crew: RefCell::new(Crew::new(News::new(bell, stop))), patience: Cell::new(PATIENCE) }
    }

    /// Where the threads of this run tell what is no event.
    pub(super) fn news(&self) -> Arc<News> {
        self.crew.borrow().news.clone()
    }

    /// What they have told.
    pub(in super::super) fn heard(&self) -> Option<Heard> {
        self.crew.borrow().news.take()
    }

    /// Starts a thread, which `stop` tells to end. Its error, or its panic, ends the run: that is told before `end` is dropped,
    /// by which the reactor sees that the thread is through.
    pub(super) fn spawn<K: Send + 'static>(
        &self,
        member: Member,
        end: K,
        work: impl FnOnce(&K) -> Result<(), RunError> + Send + 'static,
    ) -> Result<(), ScheduleError> {
        let crew = self.crew.borrow().clone();
        let name = member.name.replace('\0', ""); // which the name of a thread cannot have
        let leaving = Leaving { crew: crew.clone(), stop: member.stop.clone() };
        lock(&crew.members).push(member);
        let spawned = thread::Builder::new().name(name.clone()).spawn(move || {
            let leaving = leaving;
            if let Err(mut error) = guarded(|| work(&end)).and_then(|result| result) {
                error.rename_thing(name);
                leaving.crew.news.failed(error);
            }
            drop(end);
        });
        spawned.map(drop).map_err(ScheduleError::Thread)
    }

    pub(in super::super) fn patience(&self) -> Duration {
        self.patience.get()
    }

    /// Tells the threads that give events to end; those that take some go on with what is queued for them.
    pub(in super::super) fn tell(&self) {
        let crew = self.crew.borrow().clone();
        lock(&crew.members).iter().filter(|member| member.fed.is_none()).for_each(|member| member.stop.stop());
    }

    /// Waits, for a while, for those threads that have been told to end: how they have failed is part of the run.
    pub(in super::super) fn settle(&self) {
        let (crew, patience) = (self.crew.borrow().clone(), self.patience.get());
        let busy = crew.wait_for(patience, |member| member.stop.is_stopped());
        if !busy.is_empty() {
            log::warn!("these edge threads still run {patience:?} after they were told to end: {}", busy.join(", "));
        }
    }

    /// Tells all threads to end and waits for them, for a while. What they have told meanwhile.
    pub(in super::super) fn stop(&self) -> Option<Heard> {
        let news = self.crew.borrow().news.renewed();
        let (crew, patience) = (self.crew.replace(Crew::new(news)), self.patience.get());
        for Member { stop, fed, .. } in &*lock(&crew.members) {
            stop.stop();
            fed.iter().for_each(|queue| queue.stop());
        }
        let busy = crew.wait_for(patience, |_| true);
        if !busy.is_empty() {
            let names = busy.join(", ");
            match busy.len() {
                1 => log::error!("an edge thread still blocks after {patience:?} and is left to itself: {names}"),
                n => log::error!("{n} edge threads still block after {patience:?} and are left to themselves: {names}"),
            }
        }
        let left = std::mem::take(&mut *lock(&crew.members));
        for Member { name, fed, .. } in left {
            let lost = fed.map_or(0, |queue| queue.abandon());
            if lost > 0 {
                let events = if lost == 1 { "event is" } else { "events are" };
                log::error!("{name}: {lost} {events} lost, which its thread had not taken when the run ended");
            }
        }
        crew.news.take()
    }
}

/// Counts a thread out, also when it never began.
struct Leaving {
    crew: Arc<Crew>,
    stop: StopToken,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        lock(&self.crew.members).retain(|member| !member.stop.is_same(&self.stop));
        self.crew.left.notify_all();
    }
}
