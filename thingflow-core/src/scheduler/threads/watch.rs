//! Noticing from a thread that a call of a Thing takes too long.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::super::Scheduler;
use super::super::engine::Engine;
use super::super::handle::ScheduleError;
use super::crew::{Member, StopToken, lock};

/// The call that is being made.
pub(in super::super) struct Watch {
    call: Mutex<Call>,
    longest: Duration,
}

#[derive(Default)]
struct Call {
    name: String,
    since: Option<Instant>,
    /// How often it has been told that this one takes long.
    told: u32,
}

impl Scheduler {
    /// Starts a thread that logs an error when a call of a Thing takes longer than `longest`, with the name of the Thing: it
    /// holds up everything else, and belongs on a thread of its own. After twice and four times as long it is logged again,
    /// and so on, and once more when the call is over. Without a service manager that watches over the program, this is how
    /// one finds out what hangs.
    ///
    /// The name is that of the source whose event is being sent, or `a wake-up` where a timer has come to a port. The thread
    /// looks at it four times in `longest`, but not more often than each millisecond, in real time, until the scheduler is
    /// closed. To be watched costs each call well below a microsecond.
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
        let (watch, stop) = (Arc::new(Watch { call: Mutex::default(), longest }), StopToken::default());
        let (seen, token) = (watch.clone(), stop.clone());
        let looks = move |(): &()| {
            while !token.wait((longest / 4).max(Duration::from_millis(1))) {
                seen.look();
            }
            Ok(())
        };
        self.engine.threads.spawn(Member::new("watch", &stop), (), looks)?;
        self.engine.watch.replace(Some(watch));
        Ok(())
    }
}

impl Watch {
    fn look(&self) {
        let mut call = lock(&self.call);
        let Some(since) = call.since else { return };
        let taken = since.elapsed();
        if taken >= self.longest.saturating_mul(1 << call.told.min(30)) {
            call.told += 1;
            log::error!("{} has been holding up the scheduler for {taken:.1?}", call.name);
        }
    }
}

impl Engine {
    /// Says whose call begins, if somebody watches; it is over when what comes back is dropped.
    #[inline]
    pub(in super::super) fn watched(&self, name: &str) -> Option<Watched> {
        self.watch.borrow().as_ref().map(|watch| Watched::begin(watch.clone(), name))
    }
}

/// A call that is watched.
pub(in super::super) struct Watched(Arc<Watch>);

impl Watched {
    #[cold]
    fn begin(watch: Arc<Watch>, name: &str) -> Self {
        let mut call = lock(&watch.call);
        name.clone_into(&mut call.name); // into the memory of the last one
        (call.since, call.told) = (Some(Instant::now()), 0);
        drop(call);
        Self(watch)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut call = lock(&self.0.call);
        let Some(since) = call.since.take() else { return };
        if call.told > 0 {
            log::error!("{} has held up the scheduler for {:.1?}, and goes on", call.name, since.elapsed());
        }
    }
}
