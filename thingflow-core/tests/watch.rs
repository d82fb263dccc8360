//! A thread that notices what hangs, where no service manager does.
#![cfg(feature = "std")]

use std::error::Error;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::ListSensor;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const HANGS: Duration = Duration::from_secs(30);

/// What has been logged.
struct Log {
    lines: Mutex<Vec<String>>,
    changed: Condvar,
}

static LOG: Log = Log { lines: Mutex::new(Vec::new()), changed: Condvar::new() };

impl Log {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a line: false if it does not come.
    fn says(&self, text: &str) -> bool {
        let missing = |lines: &mut Vec<String>| !lines.iter().any(|line| line.contains(text));
        let waited = self.changed.wait_timeout_while(self.lines(), HANGS, missing);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl log::Log for Log {
    fn enabled(&self, what: &log::Metadata<'_>) -> bool {
        what.level() == log::Level::Error
    }
    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            self.lines().push(record.args().to_string());
            self.changed.notify_all();
        }
    }
    fn flush(&self) {}
}

#[test]
fn f58_a_handler_that_blocks_is_named_while_it_does() -> Result {
    log::set_logger(&LOG).map_err(|error| error.to_string())?;
    log::set_max_level(log::LevelFilter::Error);
    let mut scheduler = Scheduler::new()?;
    scheduler.watch_on_separate_thread(Duration::from_millis(4))?;
    let inspector = scheduler.inspector();
    assert!(inspector.overruns().is_empty());
    scheduler.schedule_sensor(ListSensor::new("bus", [1]), Duration::from_millis(1), |bus| {
        let late = bus.map(|event| event).share().named("late");
        late.delay(Duration::from_millis(1), Limit::block(4)).for_each(|_| {
            assert!(LOG.says("late has been holding up the scheduler for"), "a port that a timer has woken");
        });
        late.for_each(move |event| {
            assert!(LOG.says("bus has been holding up the scheduler for"), "while it hangs");
            let asker = inspector.clone();
            let heard = thread::spawn(move || asker.overruns()).join().expect("no panic");
            assert_eq!((&*heard[0].thing, heard[0].count), ("bus", event.val), "read while it hangs");
            assert!(heard[0].ongoing.is_some_and(|taken| taken >= Duration::from_millis(4)));
        });
    })?;
    scheduler.run_forever()?;
    assert!(LOG.says("bus has held up the scheduler for"), "and when it goes on");
    let overruns = scheduler.snapshot().overruns;
    let counted: Vec<_> = overruns.iter().map(|it| (&*it.thing, it.count, it.ongoing)).collect();
    assert_eq!(counted, [("bus", 1, None), ("late", 1, None)]);
    assert!(overruns.iter().all(|it| it.longest >= Duration::from_millis(4)));
    Ok(())
}
