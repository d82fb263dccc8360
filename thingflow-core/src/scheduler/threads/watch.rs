//! Noticing from a thread that a call of a Thing takes too long.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::super::Scheduler;
use super::super::handle::ScheduleError;
use super::super::keyed::Id;
use super::crew::{Member, lock};
use super::stop_token::StopToken;

/// So many Things are told apart.
const MOST_NAMES: usize = 256;

/// A Thing whose calls took longer than [`watch_on_separate_thread`](Scheduler::watch_on_separate_thread) allows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Overrun {
    /// The name of the source whose event was being sent, or of the port that was being woken.
    pub thing: String,
    /// How many calls took too long, one that is not over included.
    pub count: u64,
    /// The longest of them, in real time.
    pub longest: Duration,
    /// How long the call takes that is being made now, if that is too long already.
    pub ongoing: Option<Duration>,
}

/// The call that is being made, and those that took too long. The reactor writes, other threads read, even while it hangs.
#[derive(Default)]
pub(in super::super) struct Watch(Mutex<Watching>);

#[derive(Default)]
struct Watching {
    call: Call,
    /// How long a call may take.
    longest: Duration,
    overruns: Vec<Overrun>,
}

#[derive(Default)]
struct Call {
    name: String,
    since: Option<Instant>,
    /// How often it has been told that this one takes long.
    told: u32,
}

impl Scheduler {
    /// Starts a thread that logs an error when a call of a Thing takes longer than `longest`, with the name of the Thing:
    /// it holds up everything else, and belongs on a thread of its own. After twice and four times as long it is logged
    /// again, and so on, and once more when the call is over. Without a service manager that watches over the program,
    /// this is how to find out what hangs.
    ///
    /// The name is that of the source whose event is being sent, or of the port to which a timer has come. The thread
    /// looks at it four times in `longest`, but not more often than each millisecond, in real time, until the scheduler is
    /// closed. To be watched costs each call well below a microsecond. How often each Thing took too long is counted too: see
    /// [`Inspector::overruns`](crate::Inspector::overruns).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// let mut scheduler = Scheduler::new()?;
    /// scheduler.watch_on_separate_thread(Duration::from_secs(5))?;
    /// scheduler.schedule_recurring(from_iter(0..9).connect(call(drop)))?;
    /// scheduler.run_forever()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ScheduleError::Thread`].
    pub fn watch_on_separate_thread(&self, longest: Duration) -> Result<(), ScheduleError> {
        let (watch, stop) = (self.engine.watched.watch.clone(), StopToken::default());
        lock(&watch.0).longest = longest;
        let token = stop.clone();
        let looks = move |(): &()| {
            while !token.wait((longest / 4).max(Duration::from_millis(1))) {
                watch.look();
            }
            Ok(())
        };
        self.engine.threads.spawn(Member::new("watch", &stop), (), looks)?;
        self.engine.watched.is_on.set(true);
        Ok(())
    }
}

impl Watch {
    fn look(&self) {
        let Watching { call, longest, .. } = &mut *lock(&self.0);
        let Some(since) = call.since else { return };
        let taken = since.elapsed();
        if taken >= longest.saturating_mul(1 << call.told.min(30)) {
            call.told += 1;
            log::error!("{} has been holding up the scheduler for {taken:.1?}", call.name);
        }
    }

    /// What took too long, and what does.
    pub(in super::super) fn overruns(&self) -> Vec<Overrun> {
        let watching = lock(&self.0);
        let mut overruns = watching.overruns.clone();
        let ongoing = watching.call.since.map(|since| since.elapsed()).filter(|taken| *taken >= watching.longest);
        if let Some(taken) = ongoing
            && let Some(overrun) = note(&mut overruns, &watching.call.name, taken)
        {
            overrun.ongoing = Some(taken);
        }
        overruns
    }

    fn begin(&self, name: &str) {
        let mut watching = lock(&self.0);
        let call = &mut watching.call;
        name.clone_into(&mut call.name); // into the memory of the last one
        (call.since, call.told) = (Some(Instant::now()), 0);
    }

    fn end(&self) {
        let Watching { call, longest, overruns } = &mut *lock(&self.0);
        let Some(taken) = call.since.take().map(|since| since.elapsed()) else { return };
        if taken >= *longest {
            note(overruns, &call.name, taken);
        }
        if call.told > 0 {
            log::error!("{} has held up the scheduler for {taken:.1?}, and goes on", call.name);
        }
    }
}

/// Counts a call that took too long, unless it is of one Thing too many.
fn note<'o>(overruns: &'o mut Vec<Overrun>, name: &str, taken: Duration) -> Option<&'o mut Overrun> {
    let known = overruns.iter().position(|overrun| overrun.thing == name);
    if known.is_none() && overruns.len() < MOST_NAMES {
        overruns.push(Overrun { thing: name.to_owned(), count: 0, longest: Duration::ZERO, ongoing: None });
    }
    let at = known.or_else(|| overruns.len().checked_sub(1).filter(|at| overruns[*at].count == 0))?;
    let overrun = &mut overruns[at];
    overrun.count += 1;
    overrun.longest = overrun.longest.max(taken);
    Some(overrun)
}

/// The reactor's side: says whose calls begin, if somebody watches.
#[derive(Default)]
pub(in super::super) struct Watched {
    watch: Arc<Watch>,
    is_on: Cell<bool>,
    /// What the Things of schedules are called, those that have been called so far.
    names: RefCell<BTreeMap<u32, String>>,
}

impl Watched {
    /// A call of a schedule's Thing begins; it is over when what comes back is dropped.
    #[inline]
    pub(in super::super) fn begin(&self, id: Id, name: impl FnOnce() -> String) -> Option<WatchedCall> {
        self.is_on.get().then(|| self.begin_named(id, name))
    }

    #[cold]
    fn begin_named(&self, id: Id, name: impl FnOnce() -> String) -> WatchedCall {
        if !self.names.borrow().contains_key(&id.serial()) {
            let name = name(); // user code
            self.names.borrow_mut().insert(id.serial(), name);
        }
        let names = self.names.borrow();
        WatchedCall::begin(&self.watch, names.get(&id.serial()).map_or("", |name| name))
    }

    /// The same for a call on behalf of something else.
    #[inline]
    pub(in super::super) fn begin_as<N: AsRef<str>>(&self, name: impl FnOnce() -> N) -> Option<WatchedCall> {
        self.is_on.get().then(|| WatchedCall::begin(&self.watch, name().as_ref()))
    }

    /// A schedule is gone.
    pub(in super::super) fn forget(&self, id: Id) {
        if self.is_on.get() {
            self.names.borrow_mut().remove(&id.serial());
        }
    }

    pub(in super::super) fn end_run(&self) {
        self.is_on.set(false);
        self.names.take();
    }

    /// What other threads read.
    pub(in super::super) fn shared(&self) -> &Arc<Watch> {
        &self.watch
    }
}

/// A call that is being watched.
pub(in super::super) struct WatchedCall(Arc<Watch>);

impl WatchedCall {
    #[cold]
    fn begin(watch: &Arc<Watch>, name: &str) -> Self {
        watch.begin(name);
        Self(watch.clone())
    }
}

impl Drop for WatchedCall {
    fn drop(&mut self) {
        self.0.end();
    }
}
