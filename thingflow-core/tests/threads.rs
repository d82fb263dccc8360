//! Threads behave as their schedules do without them, hear their end, and fail loudly.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod call_with;
}

use std::error::Error;
use std::fmt;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, ListSensor, Recorder, timed};
use thingflow_core::{Instant, IntoPeriodic, OnFailure, PostError, ScheduleStats, StopToken, VirtualClock};

use support::call_with::call_with;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Longer than any of this takes: what waits so long has failed.
const HANGS: Duration = Duration::from_secs(30);

fn secs(secs: f64) -> Duration {
    Duration::from_secs_f64(secs)
}

/// What a source sends and how its schedule has counted, on the reactor's thread and on one of its own. A sink takes `slow`.
fn both_ways<S>(make: impl Fn() -> S, timing: Periodic, slow: Duration) -> Result<[(String, ScheduleStats, Instant); 2]>
where
    S: Source + Send + 'static,
    S::Item: Clone + fmt::Debug + Send + 'static,
{
    let mut outcomes = Vec::new();
    for thread in [false, true] {
        let clock = VirtualClock::new();
        let (mut scheduler, seen) = (Scheduler::with_clock(clock.clone())?, Recorder::new());
        let takes_long = {
            let seen = seen.clone();
            move |_| {
                if seen.events().len() == 2 {
                    clock.advance(slow);
                }
            }
        };
        let handle = if thread {
            let output = scheduler.schedule_periodic_on_separate_thread(make(), timing)?;
            output.also_to(seen.clone()).for_each(takes_long);
            output.handle().clone()
        } else {
            let output = Flow::new(make()).output();
            output.also_to(seen.clone()).for_each(takes_long);
            scheduler.schedule_periodic(output, timing)?
        };
        scheduler.run_for(secs(30.0))?;
        outcomes.push((seen.timed_text(), handle.stats(), seen.ended_at().unwrap_or(Instant::ZERO)));
    }
    let [here, there] = &outcomes[..] else { return Err("two runs".into()) };
    Ok([here.clone(), there.clone()])
}

fn same<S>(make: impl Fn() -> S, timing: impl IntoPeriodic, slow: f64) -> Result<String>
where
    S: Source + Send + 'static,
    S::Item: Clone + fmt::Debug + Send + 'static,
{
    let [here, there] = both_ways(make, timing.into_periodic(), secs(slow))?;
    assert_eq!(there, here, "on a thread, and without");
    Ok(there.0)
}

#[test]
fn f03_a_schedule_on_a_thread_ends_with_its_stream() -> Result {
    let hour = Duration::from_secs(3600);
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_sensor_on_separate_thread(ListSensor::new("one", [1]), hour)?.for_each(drop);
    scheduler.run_forever()?;
    assert_eq!(scheduler.now(), Instant::ZERO + 2 * hour);
    scheduler.schedule_sensor_on_separate_thread(ListSensor::new("two", [1; 9]), hour)?.take(2).for_each(drop);
    scheduler.run_forever()?;
    assert_eq!(scheduler.now(), Instant::ZERO + 4 * hour);
    let failing = FlakySensor::new("three", [Ok(1), Err("no answer"), Ok(2)]);
    let output = scheduler.schedule_sensor_on_separate_thread(failing, hour)?;
    output.for_each(drop);
    scheduler.run_forever()?;
    assert_eq!(scheduler.now(), Instant::ZERO + 6 * hour);
    assert!(!output.handle().is_active());
    Ok(())
}

#[test]
fn f04_a_source_on_a_thread_is_pulled_when_it_is_due() -> Result {
    assert_eq!(same(never::<i32>, secs(1.0), 0.0)?, "");
    assert_eq!(same(|| timer(secs(2.5)), secs(1.0), 0.0)?, "()@3 |@4");
    assert_eq!(same(|| timed([(0.0, 'a'), (6.0, 'b'), (12.0, 'c')]), secs(1.0), 0.0)?, "'a'@1 'b'@6 'c'@12 |@13");
    Ok(())
}

#[test]
fn f05_a_cancelled_loop_is_told_at_once_and_no_other() -> Result {
    let mut scheduler = Scheduler::new()?;
    let waits = |remote: Remote<u32>, stop: StopToken| {
        let stopped = stop.wait(HANGS); // a device that never says anything
        drop(remote);
        if stopped { Ok(()) } else { Err("the token did not say so") }
    };
    let one = scheduler.schedule_on_private_event_loop("one", Limit::default(), waits)?;
    let (ask, asked) = mpsc::channel::<()>();
    let two = scheduler.schedule_on_private_event_loop("two", Limit::default(), move |remote, stop| {
        let _ = asked.recv_timeout(HANGS);
        remote.post(u32::from(stop.is_stopped())).map_err(|error| error.to_string())
    })?;
    let seen = Recorder::new();
    one.for_each(drop);
    two.connect(seen.clone());
    one.handle().cancel();
    ask.send(())?;
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "0 |", "the other's token says nothing");
    Ok(())
}

#[test]
fn a_loop_that_nobody_listens_to_any_more_is_told() -> Result {
    let mut scheduler = Scheduler::new()?;
    let output = scheduler.schedule_on_private_event_loop("loop", Limit::default(), |remote: Remote<u32>, stop| {
        let _ = remote.post(1);
        if stop.wait(HANGS) { Ok(()) } else { Err("the token did not say so") }
    })?;
    output.take(1).for_each(drop);
    scheduler.run_forever()?;
    Ok(())
}

/// Wakes the thread that polls.
struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// An executor of one future, which polls only when it is woken.
fn block_on(future: impl Future<Output = ()>) -> u32 {
    let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let (mut future, mut polls) = (std::pin::pin!(future), 1);
    while future.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending() {
        std::thread::park();
        polls += 1;
    }
    polls
}

#[test]
fn a_loop_that_waits_for_the_future_of_its_token_is_woken_by_a_cancel_and_by_a_stop() -> Result {
    for cancelled in [true, false] {
        let mut scheduler = Scheduler::new()?;
        scheduler.stop_within(Duration::MAX); // so a loop that is not woken hangs
        let ended = Arc::new(Mutex::new(Vec::new()));
        let said = ended.clone();
        let output = scheduler.schedule_on_private_event_loop("loop", Limit::default(), move |remote, stop| {
            drop(stop.stopped()); // one that is not waited for any more
            remote.post(1).map_err(|_| "nobody listens")?;
            block_on(stop.stopped());
            let polls = block_on(stop.stopped()); // it is ready, and stays so
            said.lock().unwrap_or_else(PoisonError::into_inner).push((stop.is_stopped(), polls));
            Ok::<(), &str>(())
        })?;
        let (stopper, handle) = (scheduler.stopper(), output.handle().clone());
        output.for_each(move |_| if cancelled { handle.cancel() } else { stopper.stop() });
        scheduler.run_forever()?;
        drop(scheduler);
        assert_eq!(*ended.lock().unwrap_or_else(PoisonError::into_inner), [(true, 1)], "cancelled: {cancelled}");
    }
    Ok(())
}

#[test]
fn f06_timings_and_counts_are_those_without_a_thread() -> Result {
    let numbers = || from_iter(0..20);
    let every = |s| Periodic::every(secs(s));
    same(numbers, every(0.5).fixed_delay(), 0.2)?;
    same(numbers, every(1.0).catch_up(), 3.5)?;
    same(numbers, every(1.0), 3.5)?;
    same(numbers, every(1.0).starting_now(), 0.0)?;
    let flaky = || thingflow_core::Sampled::new(FlakySensor::new("x", [Ok(1), Err("e"), Err("e"), Ok(2)]));
    same(flaky, every(1.0).on_failure(OnFailure::Skip), 0.0)?;
    let [here, there] = both_ways(flaky, every(1.0).on_failure(OnFailure::Skip), Duration::ZERO)?;
    assert_eq!((here.1.failures, there.1.failures), (2, 2));
    Ok(())
}

/// Fails each time, and notes when it was asked.
struct Fails(Arc<Mutex<Vec<Instant>>>);

impl Source for Fails {
    type Item = u32;
    fn pull(&mut self, cx: &mut Context<'_>) -> std::result::Result<Option<u32>, Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(cx.now());
        Err(StreamError::new("no answer").into())
    }
}

#[test]
fn f06_a_retry_on_a_thread_waits_as_it_should_also_if_its_wait_is_the_period() -> Result {
    let tried = Arc::<Mutex<Vec<Instant>>>::default();
    let backoff = Backoff::new(secs(0.1), secs(60.0));
    let timing = Periodic::every(secs(0.1)).on_failure(OnFailure::Retry { backoff, attempts: 5 });
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic_on_separate_thread(Fails(tried.clone()), timing)?.for_each(drop);
    scheduler.run_forever()?;
    let tried: Vec<u128> = tried
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
        .map(|at| at.since(Instant::ZERO).as_millis())
        .collect();
    assert_eq!(tried, [100, 200, 400, 800, 1600]);
    Ok(())
}

/// Takes long with each event: until a helper has answered so many times.
fn slow(seen: Recorder<u32>) -> impl InputThing<u32> + Send {
    let (ask, asked) = mpsc::channel::<Sender<()>>();
    std::thread::spawn(move || asked.into_iter().all(|answer| answer.send(()).is_ok()));
    pipe::<u32>()
        .inspect(move |_| {
            for _ in 0..200 {
                let (answer, answered) = mpsc::channel();
                let _ = ask.send(answer);
                let _ = answered.recv_timeout(HANGS);
            }
        })
        .to(seen)
}

#[test]
fn f07_virtual_time_waits_for_a_sink_on_a_thread() -> Result {
    for limit in [Limit::block(1), Limit::default(), Limit::keep_latest(), Limit::drop_newest(1), Limit::fail(1)] {
        let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
        let sink = scheduler.edge_sink("slow", slow(seen.clone()), limit.clone())?;
        let meter = sink.meter();
        scheduler.schedule_periodic(from_iter(1..=5).connect(sink), secs(1.0))?;
        scheduler.run_forever()?;
        assert_eq!(seen.timed_text(), "1@1 2@2 3@3 4@4 5@5 |@6", "{limit:?}");
        assert_eq!((meter.stats().posted, meter.stats().delivered), (5, 5));
    }
    Ok(())
}

#[test]
fn operators_with_time_work_by_the_schedulers_clock_on_a_thread() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let chain = pipe::<char>().debounce(secs(2.0)).to(seen.clone());
    let sink = scheduler.edge_sink("burst", chain, Limit::block(16))?;
    let presses = timed([(0.5, 'a'), (1.0, 'b'), (7.0, 'c'), (20.0, 'd')]);
    scheduler.schedule_recurring(presses.connect(sink))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "'b'@3 'c'@9 'd'@20 |@20");
    Ok(())
}

#[test]
fn f14_a_sink_on_a_thread_is_among_those_that_are_active() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let sink = scheduler.edge_sink("store", call(drop), Limit::default())?;
    scheduler.schedule_periodic(from_iter(0..9).connect(sink), secs(1.0))?;
    scheduler.run_for(secs(2.0))?;
    assert!(scheduler.active().contains(&"store".to_owned()), "{:?}", scheduler.active());
    Ok(())
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "it went off");
    }
}

impl Source for Bomb {
    type Item = u32;
    fn pull(&mut self, _: &mut Context<'_>) -> std::result::Result<Option<u32>, Failure> {
        Ok(None)
    }
    fn name(&self) -> &str {
        "bomb"
    }
}

#[test]
fn f37_a_panicking_drop_on_a_thread_ends_the_run() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let output = scheduler.schedule_periodic_on_separate_thread(Bomb, secs(1.0))?;
    let seen = Recorder::new();
    output.connect(seen.clone());
    let failed = scheduler.run_forever().map_err(|error| error.to_string());
    assert_eq!(failed, Err("bomb: panicked: it went off".into()));
    assert!(!seen.is_completed(), "its stream has not ended as it should");
    Ok(())
}

/// As [`Bomb`], with events.
struct Armed(Bomb);

impl Source for Armed {
    type Item = u32;
    fn pull(&mut self, _: &mut Context<'_>) -> std::result::Result<Option<u32>, Failure> {
        let Self(Bomb) = self;
        Ok(Some(1))
    }
}

#[test]
fn f37_so_does_one_after_nobody_has_listened_any_more() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic_on_separate_thread(Armed(Bomb), secs(1.0))?.take(2).for_each(drop);
    assert!(scheduler.run_forever().is_err());
    Ok(())
}

/// An error that cannot say what it is.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words")
    }
}

impl Error for Unspeakable {}

#[test]
fn f37_an_error_whose_text_panics_ends_the_run() -> Result {
    let mut scheduler = Scheduler::new()?;
    let fails = |_: Remote<u32>, _| Err(Unspeakable);
    scheduler.schedule_on_private_event_loop("loop", Limit::default(), fails)?.for_each(drop);
    assert!(scheduler.run_forever().is_err());
    let (jobs, results) = scheduler.try_map_on_pool(1, |_: u32| Err::<u32, _>(Unspeakable))?;
    results.for_each(drop);
    scheduler.schedule_recurring(from_iter([1]).connect(jobs))?;
    assert!(scheduler.run_forever().is_err());
    Ok(())
}

/// A value to panic with whose own `Drop` panics.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        std::panic::panic_any(0_u8);
    }
}

#[test]
fn f37_a_panic_with_a_value_that_panics_ends_the_run() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let sink = scheduler.edge_sink("sink", call(|_: u32| std::panic::panic_any(Grenade)), Limit::default())?;
    scheduler.schedule_recurring(from_iter([1]).connect(sink))?;
    let failed = scheduler.run_forever().map_err(|error| error.to_string());
    assert_eq!(failed, Err("sink: panicked: with a value that is no text".into()));
    let panics = from_fn(|| -> Option<u32> { std::panic::panic_any(Grenade) });
    scheduler.schedule_periodic_on_separate_thread(panics, secs(1.0))?.for_each(drop);
    assert!(scheduler.run_forever().is_err());
    let (jobs, results) = scheduler.map_on_pool(2, |_: u32| -> u32 { std::panic::panic_any(Grenade) })?;
    results.for_each(drop);
    scheduler.schedule_recurring(from_iter([1]).connect(jobs))?;
    assert!(scheduler.run_forever().is_err());
    Ok(())
}

#[test]
fn the_cause_of_an_error_on_a_thread_can_be_looked_at() -> Result {
    let mut scheduler = Scheduler::new()?;
    let fails = |_: Remote<u32>, _| Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
    scheduler.schedule_on_private_event_loop("loop", Limit::default(), fails)?.for_each(drop);
    let error = scheduler.run_forever().expect_err("it has failed");
    assert_eq!(error.thing(), Some("loop"));
    Ok(())
}

#[test]
fn f38_a_stop_does_not_wait_for_a_sink_that_is_not_connected() -> Result {
    let mut scheduler = Scheduler::new()?;
    scheduler.stop_within(Duration::MAX); // so it would wait for ever
    let sink = scheduler.edge_sink("idle", call(|_: u32| {}), Limit::default())?;
    let stopper = scheduler.stopper();
    scheduler.schedule_recurring(from_iter(0..).connect(call(move |_| stopper.stop())))?;
    scheduler.run_forever()?;
    drop(sink);
    Ok(())
}

#[test]
fn f38_what_a_stop_loses_is_counted() -> Result {
    let mut scheduler = Scheduler::new()?;
    scheduler.stop_within(Duration::ZERO);
    let (took, taken) = mpsc::channel();
    let (go, going) = mpsc::channel::<()>();
    let blocks = call(move |n: u32| {
        let _ = took.send(n);
        let _ = going.recv_timeout(HANGS);
    });
    let sink = scheduler.edge_sink("store", blocks, Limit::default())?;
    let (meter, stopper) = (sink.meter(), scheduler.stopper());
    let numbers = from_iter(0..901).inspect(move |n| match n {
        1 => drop(taken.recv_timeout(HANGS)), // the thread has the first
        900 => stopper.stop(),
        _ => {}
    });
    scheduler.schedule_recurring(numbers.connect(sink))?;
    scheduler.run_forever()?;
    let stats = meter.stats();
    assert_eq!((stats.posted, stats.delivered, stats.waiting, stats.lost), (901, 0, 0, 901));
    drop(go);
    Ok(())
}

#[test]
fn f38_a_stop_does_not_wait_for_threads_that_have_nothing_to_do() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.stop_within(HANGS);
    let (seen, doubled) = (Recorder::new(), Recorder::new());
    let sink = scheduler.edge_sink("store", seen.clone(), Limit::default())?;
    let (pool, results) = scheduler.map_on_pool(2, |n: u32| 2 * n)?;
    results.connect(doubled.clone());
    let numbers = Port::new();
    numbers.connect(sink);
    numbers.connect(pool);
    let stopper = scheduler.stopper();
    let until_three = from_iter(1_u32..).inspect(move |n| {
        if *n == 3 {
            stopper.stop();
        }
    });
    scheduler.schedule_periodic(until_three.connect(numbers), secs(1.0))?;
    scheduler.run_forever()?;
    assert_eq!((seen.events(), doubled.events()), (vec![1, 2, 3], vec![2, 4, 6]));
    assert_eq!(scheduler.now(), Instant::ZERO + secs(3.0), "the stop has waited for nothing");
    Ok(())
}

#[test]
fn f38_a_stop_lets_a_sink_take_what_is_queued() -> Result {
    let mut scheduler = Scheduler::new()?;
    scheduler.stop_within(HANGS);
    let seen = Recorder::new();
    let sink = scheduler.edge_sink("store", seen.clone(), Limit::default())?;
    let (meter, stopper) = (sink.meter(), scheduler.stopper());
    let numbers = from_iter(0..900).inspect(move |n| {
        if *n == 899 {
            stopper.stop();
        }
    });
    scheduler.schedule_recurring(numbers.connect(sink))?;
    scheduler.run_forever()?;
    assert_eq!((seen.events().len(), meter.stats().lost), (900, 0));
    Ok(())
}

#[test]
fn f39_a_thing_on_a_thread_may_stop_the_run_and_defer() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let mut called = seen.clone();
    let asks = call_with(move |n: u32, cx| {
        let mut deferred = called.clone();
        cx.defer(move |cx| deferred.on_next("deferred", cx).map(drop));
        called.on_next("called", cx)?;
        if n == 3 {
            cx.stop();
        }
        Ok(Demand::More)
    });
    let sink = scheduler.edge_sink("asks", asks, Limit::default())?;
    scheduler.schedule_periodic(from_iter(1..).connect(sink), secs(1.0))?;
    scheduler.run_for(secs(60.0))?;
    assert_eq!(seen.events(), ["called", "deferred"].repeat(3));
    assert_eq!(scheduler.active(), [""; 0], "it has been stopped");
    Ok(())
}

struct Stops;

impl Source for Stops {
    type Item = u32;
    fn pull(&mut self, cx: &mut Context<'_>) -> std::result::Result<Option<u32>, Failure> {
        cx.stop();
        Ok(Some(1))
    }
}

#[test]
fn f39_so_may_a_source_on_a_thread() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic_on_separate_thread(Stops, secs(1.0))?.for_each(drop);
    scheduler.run_for(secs(60.0))?;
    assert_eq!(scheduler.active(), [""; 0]);
    Ok(())
}

#[test]
fn f85_a_remote_is_a_sink_of_another_schedulers_port() -> Result {
    let mut analysis = Scheduler::new()?;
    let (remote, numbers) = analysis.remote::<u32>(Limit::block(2))?;
    let seen = Recorder::new();
    numbers.connect(seen.clone());
    let sampling = std::thread::spawn(move || {
        let mut scheduler = Scheduler::virtual_time().map_err(|error| error.to_string())?;
        let port = Port::new();
        port.connect(remote);
        scheduler.schedule_recurring(from_iter(0..1000).connect(port)).map_err(|error| error.to_string())?;
        scheduler.run_forever().map_err(|error| error.to_string())
    });
    analysis.run_forever()?;
    sampling.join().map_err(|_| "panicked")??;
    assert_eq!(seen.events(), (0..1000).collect::<Vec<_>>());
    assert!(seen.is_completed());
    Ok(())
}

#[test]
fn f85_a_remote_of_the_same_scheduler_neither_hangs_it_nor_loses() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (remote, numbers) = scheduler.remote::<u32>(Limit::block(1))?;
    numbers.connect(seen.clone());
    scheduler.schedule_recurring(from_iter(0..100).connect(remote))?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), (0..100).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn an_error_goes_through_a_remote_after_what_was_posted() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (remote, numbers) = scheduler.remote::<u32>(Limit::block(8))?;
    numbers.connect(seen.clone());
    let other = remote.clone();
    scheduler.schedule_recurring(try_from_iter([Ok(1), Ok(2), Err("no more")]).connect(remote))?;
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "1 2 ! no more");
    assert_eq!(other.post(3), Err(PostError::Closed(3)));
    Ok(())
}

#[test]
fn a_full_queue_of_a_remote_that_may_not_hold_more_ends_the_run_that_posts() -> Result {
    let (mut scheduler, other) = (Scheduler::virtual_time()?, Scheduler::virtual_time()?);
    let (remote, _numbers) = other.remote::<u32>(Limit::fail(2))?;
    scheduler.schedule_recurring(from_iter(0..9).connect(remote))?;
    let failed = scheduler.run_forever().map_err(|error| error.to_string());
    let why = "remote: the queue of a remote is full with 2 events: give it more room or another policy";
    assert_eq!(failed, Err(why.into()));
    Ok(())
}
