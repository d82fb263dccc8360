//! Stops with edge threads: those that end when they are told to, and those that block.
#![cfg(feature = "std")]

use std::error::Error;
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder};
use thingflow_core::{Remote, Stopper};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The errors that were logged, by any test: each looks for a text of its own.
struct Log(Mutex<Vec<String>>);

static LOG: Log = Log(Mutex::new(Vec::new()));

impl log::Log for Log {
    fn enabled(&self, what: &log::Metadata<'_>) -> bool {
        what.level() == log::Level::Error
    }
    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record.args().to_string());
        }
    }
    fn flush(&self) {}
}

fn was_logged(text: &str) -> bool {
    LOG.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|line| line == text)
}

fn log_errors() {
    let _ = log::set_logger(&LOG); // set already: by another test
    log::set_max_level(log::LevelFilter::Error);
}

/// Stops the run at the first event.
fn stop_at_once(stopper: Stopper) -> impl InputThing<u32> + 'static {
    call(move |_| stopper.stop())
}

#[test]
fn a_stop_tells_private_loops_to_end_and_waits_for_them() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (ended, has_ended) = mpsc::channel();
    let output =
        scheduler.schedule_on_private_event_loop("loop", Limit::default(), move |remote: Remote<u32>, stop| {
            remote.post(1).map_err(|error| error.to_string())?;
            while !stop.wait(Duration::from_secs(3600)) {}
            ended.send("ended in order").map_err(|error| error.to_string())
        })?;
    output.connect(stop_at_once(scheduler.stopper()));
    scheduler.run_forever()?;
    assert_eq!(has_ended.try_recv()?, "ended in order", "it has ended before the run returns");
    Ok(())
}

#[test]
fn f14_a_stop_leaves_a_thread_that_blocks_to_itself_and_names_it() -> Result {
    log_errors();
    let mut scheduler = Scheduler::new()?;
    scheduler.stop_within(Duration::from_millis(21));
    let (release, blocked) = mpsc::channel::<()>();
    let (ended, has_ended) = mpsc::channel();
    let output =
        scheduler.schedule_on_private_event_loop("driver", Limit::default(), move |remote: Remote<u32>, _| {
            remote.post(1).map_err(|error| error.to_string())?;
            let _ = blocked.recv(); // a driver that does not answer, whatever the token says
            ended.send(()).map_err(|error| error.to_string())
        })?;
    output.connect(stop_at_once(scheduler.stopper()));
    scheduler.run_forever()?; // a stop that waited for the thread would never return
    assert!(has_ended.try_recv().is_err(), "the thread still blocks");
    assert!(was_logged("an edge thread still blocks after 21ms and is left to itself: driver"));
    drop(release);
    has_ended.recv_timeout(Duration::from_secs(30))?;
    Ok(())
}

/// A sensor whose sampling never ends, until the channel is closed.
struct Hangs(mpsc::Receiver<()>);

impl Sensor for Hangs {
    type Reading = u32;
    type Error = std::convert::Infallible;
    fn id(&self) -> SensorId {
        "hangs".into()
    }
    fn sample(&mut self) -> std::result::Result<u32, SampleError<Self::Error>> {
        let _ = self.0.recv();
        Err(SampleError::Ended)
    }
}

#[test]
fn a_stop_does_not_wait_for_a_sampling_or_a_sink_that_blocks() -> Result {
    log_errors();
    let mut scheduler = Scheduler::new()?;
    scheduler.stop_within(Duration::from_millis(22));
    let ((release_a, a), (release_b, b)) = (mpsc::channel(), mpsc::channel::<()>());
    let sensor = scheduler.schedule_sensor_on_separate_thread(Hangs(a), Duration::from_millis(1))?;
    sensor.connect(call(drop));
    let (took, has_taken) = mpsc::channel();
    let store = call(move |_: u32| {
        let _ = took.send(());
        let _ = b.recv();
    });
    let sink = scheduler.edge_sink("store", store, Limit::block(2))?;
    let (stopper, mut ticks) = (scheduler.stopper(), 0);
    let source = from_iter(0_u32..).inspect(move |_| {
        ticks += 1;
        if ticks == 2 {
            let _ = has_taken.recv(); // the thread has the first event and blocks
            stopper.stop();
        }
    });
    scheduler.schedule_periodic(source.connect(sink), Duration::from_millis(2))?;
    scheduler.run_forever()?;
    assert!(was_logged("2 edge threads still block after 22ms and are left to themselves: hangs, store"));
    drop((release_a, release_b));
    Ok(())
}

#[test]
fn after_a_stop_the_same_scheduler_can_have_edge_threads_again() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let period = Duration::from_secs(1);
    let probe = scheduler.schedule_sensor_on_separate_thread(ListSensor::new("probe", [1_u32; 9]), period)?;
    probe.map(|e| e.val).connect(stop_at_once(scheduler.stopper()));
    scheduler.run_forever()?;
    assert_eq!(scheduler.active(), [""; 0], "the stop has closed all");

    let probe = scheduler.schedule_sensor_on_separate_thread(ListSensor::new("probe", [7, 8]), period)?;
    let seen = Recorder::new();
    probe.map(|e| e.val).connect(seen.clone());
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "7 8 |");
    Ok(())
}

#[test]
fn a_stop_before_the_run_ends_it_at_once() -> Result {
    let mut scheduler = Scheduler::new()?;
    let seen = Recorder::<u32>::new();
    scheduler.schedule_recurring(from_iter(0..).connect(seen.clone()))?;
    scheduler.stopper().stop();
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "");
    Ok(())
}

#[test]
fn a_wait_may_be_as_long_as_it_likes() -> Result {
    let mut scheduler = Scheduler::new()?;
    scheduler.stop_within(Duration::MAX);
    let waits =
        scheduler.schedule_on_private_event_loop("waits", Default::default(), |remote: Remote<u32>, stop| {
            let _ = remote.post(1);
            assert!(stop.wait(Duration::MAX));
            Ok::<_, String>(())
        })?;
    waits.connect(stop_at_once(scheduler.stopper()));
    Ok(scheduler.run_forever()?)
}
