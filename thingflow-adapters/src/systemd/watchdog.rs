//! [`Watchdog`]: tells the service manager that the loop turns.

use std::time::Duration;

use thingflow_core::{
    Backoff, Context, Demand, Failure, Instant, Notice, OnFailure, OutputThing, Periodic, Question, Receipt,
    ScheduleHandle, Scheduler, StreamError,
};

use super::{Manager, SystemdError};

/// Tells systemd that the program is up, when the run begins; if the unit has a watchdog, from then on that the loop turns;
/// and at the end that it is stopping. Does nothing if the program was not started by systemd, or the unit does not ask.
///
/// A watchdog is a schedule like any other, so it keeps the program running. For a program that ends by itself see
/// [`Watchdog::while_active`].
///
/// # Errors
/// If systemd asks to be told and cannot be reached.
pub fn notify(scheduler: &Scheduler) -> Result<(), SystemdError> {
    match Manager::from_env()? {
        Some(manager) => Watchdog::new(manager).schedule(scheduler).map(drop),
        None => Ok(()),
    }
}

/// Tells the service manager that the program is up and that its loop turns. [`notify`] is the short way.
#[derive(Debug)]
pub struct Watchdog {
    manager: Manager,
    as_long_as: Vec<ScheduleHandle>,
    is_up: bool,
}

/// How long to wait at most before systemd is told once more that the program is up, and how often.
const PATIENCE: Duration = Duration::from_secs(1);
const TRIES: u32 = 30;

impl Watchdog {
    /// A watchdog that tells this manager.
    pub fn new(manager: Manager) -> Self {
        Self { manager, as_long_as: Vec::new(), is_up: false }
    }

    /// Ends when this schedule, and each other one given so, is over: for a program that ends by itself.
    #[must_use]
    pub fn while_active(mut self, schedule: &ScheduleHandle) -> Self {
        self.as_long_as.push(schedule.clone());
        self
    }

    /// Schedules it: once if the manager has no watchdog, and again for up to half a minute while that fails; else twice in the time that
    /// the watchdog waits.
    ///
    /// # Errors
    /// [`SystemdError::Schedule`].
    pub fn schedule(self, scheduler: &Scheduler) -> Result<ScheduleHandle, SystemdError> {
        // A failed notification is tried again at the next tick; if they keep failing, systemd restarts the program. Without a watchdog
        // nobody would: systemd, whose socket may be full for a moment, would wait for a word that does not come.
        let (every, on_failure) = match self.manager.watchdog() {
            Some(limit) => (limit / 2, OnFailure::Skip),
            None => (PATIENCE, OnFailure::Retry { backoff: Backoff::new(PATIENCE / 10, PATIENCE), attempts: TRIES }),
        };
        let timing = Periodic::every(every).starting_now().on_failure(on_failure);
        scheduler.schedule_periodic(self, timing).map_err(SystemdError::Schedule)
    }

    fn is_over(&self) -> bool {
        !self.as_long_as.is_empty() && !self.as_long_as.iter().any(ScheduleHandle::is_active)
    }
}

impl OutputThing for Watchdog {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let state = if self.is_up { "WATCHDOG=1" } else { "READY=1\nWATCHDOG=1" };
        let told = self.manager.tell(state);
        if let Err(error) = told {
            let error = StreamError::caused("systemd does not know that the program is well", error);
            if !self.is_over() {
                return Err(error.into());
            }
            cx.report(self.name(), &error);
            return Ok(Demand::Done);
        }
        self.is_up = true;
        let once = self.manager.watchdog().is_none();
        Ok(if once || self.is_over() { Demand::Done } else { Demand::More })
    }
    fn notice(&mut self, _: Notice<'_>, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More) // nothing is connected
    }
    fn ask(&self, question: Question<'_>) -> bool {
        matches!(question, Question::Open | Question::Room)
    }
    fn due(&mut self, _: &mut Context<'_>) -> Option<Instant> {
        None
    }
    fn name(&self) -> &str {
        "systemd"
    }
}

/// The end of the run. Also that of a schedule which has told all there was to tell, which is none.
impl Drop for Watchdog {
    fn drop(&mut self) {
        if self.is_up && self.manager.watchdog().is_some() {
            drop(self.manager.tell("STOPPING=1")); // it sees the end of the process anyway
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;
    use tempfile::TempDir;
    use thingflow_core::VirtualClock;
    use thingflow_core::prelude::*;

    /// A manager that the test can listen to.
    struct Systemd(UnixDatagram, TempDir);

    impl Systemd {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
            socket.set_nonblocking(true).unwrap();
            Self(socket, folder)
        }

        fn manager(&self, watchdog: Option<u64>) -> Manager {
            let socket = self.1.path().join("notify");
            Manager::at(socket.to_str().unwrap(), watchdog.map(Duration::from_secs)).unwrap()
        }

        /// All it has been told since the last time.
        fn heard(&self) -> String {
            let (mut all, mut buffer) = (Vec::new(), [0; 99]);
            while let Ok(length) = self.0.recv(&mut buffer) {
                all.push(String::from_utf8_lossy(&buffer[..length]).replace('\n', "+"));
            }
            all.join(" ")
        }
    }

    #[test]
    fn the_loop_is_heard_twice_in_the_time_of_the_watchdog() {
        let (systemd, mut scheduler) = (Systemd::new(), Scheduler::virtual_time().unwrap());
        Watchdog::new(systemd.manager(Some(10))).schedule(&scheduler).unwrap();
        assert_eq!(systemd.heard(), "");
        scheduler.run_for(Duration::from_secs(4)).unwrap();
        assert_eq!(systemd.heard(), "READY=1+WATCHDOG=1");
        scheduler.run_for(Duration::from_secs(7)).unwrap();
        assert_eq!(systemd.heard(), "WATCHDOG=1 WATCHDOG=1");
        drop(scheduler);
        assert_eq!(systemd.heard(), "STOPPING=1");
    }

    #[test]
    fn what_a_handler_that_blocks_keeps_from_being_told_is_not_made_up_for() {
        let (systemd, clock) = (Systemd::new(), VirtualClock::new());
        let mut scheduler = Scheduler::with_clock(clock.clone()).unwrap();
        Watchdog::new(systemd.manager(Some(10))).schedule(&scheduler).unwrap();
        let numbers = from_iter(0..1).output();
        numbers.for_each(move |_| clock.advance(Duration::from_secs(60))); // what blocks lets time pass, and nothing else
        scheduler.schedule_periodic(numbers, Duration::from_secs(1)).unwrap();
        scheduler.run_for(Duration::from_secs(62)).unwrap();
        assert_eq!(systemd.heard(), "READY=1+WATCHDOG=1 WATCHDOG=1");
    }

    #[test]
    fn without_a_watchdog_it_tells_once_and_holds_up_nobody() {
        let (systemd, mut scheduler) = (Systemd::new(), Scheduler::virtual_time().unwrap());
        Watchdog::new(systemd.manager(None)).schedule(&scheduler).unwrap();
        scheduler.run_forever().unwrap();
        assert_eq!(systemd.heard(), "READY=1+WATCHDOG=1");
    }

    #[test]
    fn without_a_watchdog_a_socket_that_fails_for_a_while_is_told_later() {
        let (mut systemd, mut scheduler) = (Systemd::new(), Scheduler::virtual_time().unwrap());
        let manager = systemd.manager(None);
        let socket = systemd.1.path().join("notify");
        std::fs::remove_file(&socket).unwrap();
        let failures = thingflow_core::testing::Recorder::new();
        scheduler.reports().map(|report| report.to_string()).connect(failures.clone());
        Watchdog::new(manager).schedule(&scheduler).unwrap();
        scheduler.run_for(Duration::from_secs(5)).unwrap();
        assert!(!failures.events().is_empty());
        systemd.0 = UnixDatagram::bind(&socket).unwrap();
        systemd.0.set_nonblocking(true).unwrap();
        scheduler.run_forever().unwrap();
        assert_eq!(systemd.heard(), "READY=1+WATCHDOG=1");
    }

    #[test]
    fn without_a_watchdog_a_socket_that_stays_away_holds_up_nobody() {
        let (systemd, mut scheduler) = (Systemd::new(), Scheduler::virtual_time().unwrap());
        let manager = systemd.manager(None);
        std::fs::remove_file(systemd.1.path().join("notify")).unwrap();
        Watchdog::new(manager).schedule(&scheduler).unwrap();
        scheduler.run_forever().unwrap();
        assert!(scheduler.now() < thingflow_core::Instant::ZERO + TRIES * PATIENCE);
    }

    #[test]
    fn it_ends_with_the_schedules_it_watches_over() {
        let (systemd, mut scheduler) = (Systemd::new(), Scheduler::virtual_time().unwrap());
        let numbers = from_iter(0..3).output();
        numbers.for_each(drop);
        let numbers = scheduler.schedule_periodic(numbers, Duration::from_secs(5)).unwrap();
        Watchdog::new(systemd.manager(Some(10))).while_active(&numbers).schedule(&scheduler).unwrap();
        scheduler.run_forever().unwrap();
        assert!(systemd.heard().ends_with("STOPPING=1"));
        assert!(!numbers.is_active());
    }

    #[test]
    fn it_ends_with_the_schedules_it_watches_over_though_nobody_hears_it() {
        for limit in [Some(10), None] {
            let (systemd, mut scheduler) = (Systemd::new(), Scheduler::virtual_time().unwrap());
            let manager = systemd.manager(limit);
            std::fs::remove_file(systemd.1.path().join("notify")).unwrap();
            let numbers = from_iter(0..2).output();
            numbers.for_each(drop);
            let numbers = scheduler.schedule_periodic(numbers, Duration::from_secs(5)).unwrap();
            Watchdog::new(manager).while_active(&numbers).schedule(&scheduler).unwrap();
            scheduler.run_forever().unwrap();
            assert!(scheduler.now() <= thingflow_core::Instant::ZERO + Duration::from_secs(20));
        }
    }

    #[test]
    fn a_handler_that_fails_the_run_is_not_covered_up() {
        let (systemd, mut scheduler) = (Systemd::new(), Scheduler::virtual_time().unwrap());
        Watchdog::new(systemd.manager(Some(2))).schedule(&scheduler).unwrap();
        let numbers = from_iter(0..).output();
        numbers.try_for_each(|n| if n == 1 { Err("the disk is full") } else { Ok(()) });
        scheduler.schedule_periodic(numbers, Duration::from_secs(1)).unwrap();
        scheduler.run_forever().unwrap_err();
        drop(scheduler);
        assert!(systemd.heard().ends_with("STOPPING=1"));
    }

    #[test]
    fn a_manager_that_does_not_take_it_is_reported_and_tried_again() {
        let (systemd, mut scheduler) = (Systemd::new(), Scheduler::virtual_time().unwrap());
        let manager = systemd.manager(Some(2));
        std::fs::remove_file(systemd.1.path().join("notify")).unwrap();
        let failures = thingflow_core::testing::Recorder::new();
        scheduler.reports().map(|report| report.to_string()).connect(failures.clone());
        Watchdog::new(manager).schedule(&scheduler).unwrap();
        scheduler.run_for(Duration::from_millis(1500)).unwrap();
        let failures = failures.events();
        assert_eq!(failures.len(), 2);
        assert!(failures[0].starts_with("systemd: systemd does not know"), "{failures:?}");
    }
}
