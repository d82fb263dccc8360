//! A sensor that has only just begun to measure: no reading, and no failure either.
#![cfg(feature = "std")]

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Sampled, bare};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Begins to measure when it is sampled first, and has a reading 250 ms later.
struct Starting(u32);

impl Sensor for Starting {
    type Reading = u32;
    type Error = Infallible;
    fn id(&self) -> SensorId {
        "starting".into()
    }
    fn sample(&mut self) -> std::result::Result<u32, SampleError<Infallible>> {
        self.0 += 1;
        if self.0 == 1 { Err(SampleError::NotYet(ms(250))) } else { Ok(self.0) }
    }
}

fn readings(seen: &Recorder<u32>) -> impl OutputThing + use<> {
    Flow::new(Sampled::new(Starting(0))).map(|e: SensorEvent<u32>| e.val).take(2).connect(seen.clone())
}

#[test]
fn it_has_not_failed_and_is_not_asked_too_early() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (periodic, recurring, edge) = (Recorder::new(), Recorder::new(), Recorder::new());
    scheduler.schedule_periodic(readings(&periodic), ms(100))?;
    scheduler.schedule_recurring(readings(&recurring))?;
    let thread = scheduler.schedule_sensor_on_separate_thread(Starting(0), ms(100))?;
    thread.map(|e| e.val).take(2).connect(edge.clone());
    scheduler.run_forever()?;
    assert_eq!(periodic.timed_text(), "2@0.4 3@0.5 |@0.5");
    assert_eq!(edge.timed_text(), "2@0.4 3@0.5 |@0.5");
    assert_eq!(recurring.timed_text(), "2@0.25 3@0.25 |@0.25");
    Ok(())
}

#[test]
fn it_is_asked_again_before_the_next_tick_and_the_ticks_stay_where_they_are() -> Result {
    let readings = |timing: Periodic| -> Result<String> {
        let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
        scheduler.schedule_periodic(readings(&seen), timing)?;
        scheduler.run_forever()?;
        Ok(seen.timed_text())
    };
    let backoff = Backoff::new(ms(10), ms(10_000));
    let retry = OnFailure::Retry { backoff, attempts: 3 };
    for timing in [Periodic::every(ms(1000)), Periodic::every(ms(1000)).on_failure(retry)] {
        assert_eq!(readings(timing)?, "2@1.25 3@2 |@2");
    }
    assert_eq!(readings(Periodic::every(ms(1000)).fixed_delay())?, "2@1.25 3@2.25 |@2.25");
    Ok(())
}

#[test]
fn nor_under_the_scheduler_of_a_microcontroller() -> Result {
    let seen = Recorder::new();
    let mut flow = readings(&seen);
    let mut scheduler = bare::Scheduler::<1>::new();
    scheduler.schedule_periodic(&mut flow, ms(100))?;
    for _ in 0..40 {
        scheduler.run_due(1)?;
    }
    assert_eq!((seen.text().as_str(), scheduler.reports()), ("2 3 |", 0));
    Ok(())
}

#[test]
fn who_does_not_ask_again_is_told() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    scheduler.schedule_later_one_time(readings(&seen), ms(1000))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "!@1 there is no reading yet");
    let error = Flow::new(Sampled::new(Starting(0))).try_collect_now().1.map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("the source waits for its time: it needs a scheduler"));
    Ok(())
}
