//! From run to run, and what a run goes on for: nothing of an earlier run is left in a later one, all is started before it
//! is called, and virtual time passes.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod call_with;
}

use std::error::Error;
use std::sync::mpsc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, Recorder};
use thingflow_core::{Limit, OnFailure, Remote, ScheduleError};

use support::call_with::call_with;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Calls `f` with the first event's context.
fn then<T: 'static>(f: impl FnOnce(&mut Context<'_>) + 'static) -> impl InputThing<T> + 'static {
    let mut f = Some(f);
    call_with(move |_, cx| {
        if let Some(f) = f.take() {
            f(cx);
        }
        Ok(Demand::More)
    })
}

fn stop_at(scheduler: &Scheduler, when: Duration) -> Result {
    let stopper = scheduler.stopper();
    scheduler.schedule_later_one_time(from_iter([0]).for_each(move |_| stopper.stop()), when)?;
    Ok(())
}

#[test]
fn a_timer_of_an_earlier_run_takes_no_wake_up() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let numbers = from_iter(0..).output();
    numbers.debounce(secs(100)).for_each(drop);
    scheduler.schedule_periodic(numbers, secs(1))?;
    stop_at(&scheduler, Duration::from_millis(1500))?;
    scheduler.run_forever()?;
    let (late, seen) = (from_iter([7]).output(), Recorder::new());
    late.delay(secs(1000), Limit::default()).connect(seen.clone());
    let _kept = late.port().clone();
    scheduler.schedule_periodic(late, secs(1))?;
    scheduler.run_for(secs(5000))?;
    assert_eq!(seen.text(), "7 |");
    Ok(())
}

#[test]
fn the_phases_of_an_earlier_run_are_forgotten() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(from_iter(0..).for_each(drop), secs(10))?;
    stop_at(&scheduler, secs(13))?;
    scheduler.run_forever()?;
    let seen = Recorder::new();
    scheduler.schedule_periodic(from_iter([1]).connect(seen.clone()), secs(10))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@23 |@33");
    Ok(())
}

#[test]
fn after_a_stop_and_a_fatal_error_the_scheduler_is_as_new() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let stopper = scheduler.stopper();
    let fails = try_call(move |_| {
        stopper.stop();
        Err::<(), _>("no disk")
    });
    scheduler.schedule_recurring(from_iter([1]).connect(fails))?;
    scheduler.reports().for_each(drop);
    assert!(scheduler.run_forever().is_err());
    let (seen, reported) = (Recorder::new(), Recorder::new());
    scheduler.reports().map(|report| report.to_string()).connect(reported.clone());
    let flaky = FlakySensor::new("co2", [Err("no answer"), Ok(1)]);
    let timing = Periodic::every(secs(1)).on_failure(OnFailure::Skip);
    scheduler.schedule_sensor(flaky, timing, |co2| drop(co2.map(|e| e.val).connect(seen.clone())))?;
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "1 |");
    assert_eq!(reported.events(), ["co2: the sensor gave no reading: no answer"]);
    Ok(())
}

#[test]
fn a_turn_after_a_stop_closes_all() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(from_iter(0..).for_each(drop), secs(1))?;
    scheduler.stopper().stop();
    assert!(!scheduler.turn(None)?);
    assert!(scheduler.active().is_empty());
    let seen = Recorder::new();
    scheduler.schedule_recurring(from_iter([1]).connect(seen.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "1 |");
    Ok(())
}

#[test]
fn what_is_scheduled_from_inside_of_a_call_is_started_first() -> Result {
    let (mut scheduler, recurs, ticks) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let (recurring, periodic) = (recurs.clone(), ticks.clone());
    let adds = from_iter([0]).connect(then(move |cx: &mut Context<'_>| {
        let source = from_iter([1, 2]).start_with([0]);
        cx.schedule_recurring(source.connect(recurring)).unwrap();
        let source = from_iter([4]).start_with([3]);
        cx.schedule_periodic(source.connect(periodic), Periodic::every(secs(1)).starting_now()).unwrap();
    }));
    scheduler.schedule_later_one_time(adds, secs(1))?;
    scheduler.run_forever()?;
    assert_eq!((recurs.timed_text(), ticks.timed_text()), ("0@1 1@1 2@1 |@1".into(), "3@1 4@1 |@2".into()));
    Ok(())
}

#[test]
fn the_news_of_an_inbox_that_was_cancelled_call_nobody_else() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let ((posted, wait_for_it), (end, ended)) = (mpsc::channel(), mpsc::channel::<()>());
    let work = move |remote: Remote<i32>, _| {
        let _ = (remote.post(1), posted.send(()), ended.recv());
        Ok::<_, String>(())
    };
    let inbox = scheduler.schedule_on_private_event_loop("loop", Limit::default(), work)?;
    inbox.for_each(drop);
    wait_for_it.recv()?;
    let (handle, seen) = (inbox.handle().clone(), Recorder::new());
    let connected = seen.clone();
    let replaces = from_iter([0]).connect(then(move |cx: &mut Context<'_>| {
        handle.cancel();
        cx.schedule_periodic(from_iter([1, 2]).connect(connected), secs(10)).unwrap();
    }));
    // It takes place before the inbox is looked at: timers come first.
    scheduler.schedule_later_one_time(replaces, Duration::ZERO)?;
    scheduler.turn(Some(Duration::ZERO))?;
    drop(end);
    scheduler.run_for(secs(40))?;
    assert_eq!(seen.timed_text(), "1@10 2@20 |@30");
    Ok(())
}

#[test]
fn virtual_time_passes_beside_an_endless_source() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    scheduler.schedule_recurring(from_iter(0_u64..).for_each(drop))?;
    scheduler.schedule_periodic(from_iter(1..).connect(seen.clone()), secs(1))?;
    scheduler.run_for(Duration::from_millis(3500))?;
    assert_eq!(seen.timed_text(), "1@1 2@2 3@3");
    assert_eq!(scheduler.now(), Instant::ZERO + Duration::from_millis(3500));
    Ok(())
}

#[test]
fn virtual_time_passes_beside_a_loop_without_an_end() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let port = Port::new();
    port.map(|n: u64| n + 1).feedback(&port);
    scheduler.schedule_later_one_time(from_iter([0]).connect(port.clone()), Duration::ZERO)?;
    scheduler.schedule_periodic(from_iter(1..).connect(seen.clone()), secs(1))?;
    scheduler.run_for(secs(2))?;
    assert_eq!(seen.timed_text(), "1@1 2@2");
    Ok(())
}

#[test]
fn virtual_time_stands_still_for_data_at_hand() -> Result {
    let (mut scheduler, seen, ticks) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let last = from_iter(0..9_000).chunks(3_000).map(|chunk| chunk.len());
    scheduler.schedule_recurring(last.connect(seen.clone()))?;
    scheduler.schedule_periodic(from_iter([1]).connect(ticks.clone()), secs(1))?;
    scheduler.run_forever()?;
    let seen = (seen.timed_text(), ticks.timed_text());
    assert_eq!(seen, ("3000@0 3000@0 3000@0 |@0".into(), "1@1 |@2".into()));
    Ok(())
}

#[test]
fn what_is_posted_before_a_run_comes_before_time_moves_on() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (remote, port) = scheduler.remote(Limit::default())?;
    port.connect(seen.clone());
    scheduler.schedule_periodic(from_iter(0..).for_each(drop), secs(1))?;
    remote.post(1)?;
    scheduler.run_for(secs(3))?;
    remote.post(2)?;
    scheduler.run_for(secs(3))?;
    assert_eq!(seen.timed_text(), "1@0 2@3");
    Ok(())
}

/// Events that need no drop leave a queue in rows, others one by one: nobody can tell.
#[test]
fn events_in_a_row_are_sent_as_one_by_one() -> Result {
    fn texts<T: Clone + PartialEq + std::fmt::Display + std::fmt::Debug + Send + 'static>(
        event: fn(u32) -> T,
    ) -> Result<[String; 3]> {
        let (mut scheduler, first, late) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
        let (remote, port) = scheduler.remote(Limit::block(20))?;
        let mut left = 2;
        port.take(4).connect(first.clone());
        let (busy, joins, mut at) = (port.clone(), late.clone(), Some(event(3)));
        port.connect(call_with(move |event, cx| {
            if at.take_if(|at| *at == event).is_none() {
                return Ok(Demand::More);
            }
            busy.connect(joins.clone());
            busy.emit(event, cx)
        }));
        let delayed = Recorder::new();
        port.delay(secs(1), Limit::block(3)).connect(delayed.clone());
        port.filter(move |_| {
            left -= 1;
            left >= 0
        })
        .take(1)
        .connect(call(drop));
        for n in 1..=9 {
            remote.post(event(n)).map_err(|_| "there is room")?;
        }
        drop(remote);
        scheduler.run_forever()?;
        Ok([first, late, delayed].map(|seen| seen.timed_text().replace('"', "")))
    }
    let numbers = texts(|n| n)?;
    assert_eq!(numbers, texts(|n| n.to_string())?);
    assert_eq!(numbers[0], "1@0 2@0 3@0 3@0 |@0");
    Ok(())
}

#[test]
fn what_runs_once_sends_what_it_holds_and_ends() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let delayed = from_iter(['a', 'b']).delay(secs(2), Limit::default());
    scheduler.schedule_later_one_time(delayed.connect(seen.clone()), secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "'a'@3 |@3");
    let (chunks, kept) = (from_iter([1, 2]).output(), Recorder::new());
    chunks.delay(secs(1), Limit::default()).chunks(5).connect(kept.clone());
    scheduler.schedule_later_one_time(chunks, secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(kept.timed_text(), "[1]@5 |@5");
    Ok(())
}

#[test]
fn a_port_that_several_feed_once_is_ended_by_none() -> Result {
    let (mut scheduler, seen, behind) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let port = Port::new();
    port.connect(seen.clone());
    port.take(1).share().connect(behind.clone());
    for (n, at) in [(1, 1), (2, 5)] {
        let held = from_iter([n]).delay(secs(1), Limit::default()).chunks(3).map(|chunk| chunk[0]);
        scheduler.schedule_later_one_time(held.connect(port.clone()), secs(at))?;
    }
    scheduler.run_forever()?;
    assert_eq!((seen.timed_text(), behind.timed_text()), ("1@2 2@6".into(), "1@2 |@2".into()));
    Ok(())
}

#[test]
fn a_retry_without_a_wait_and_an_end_is_refused() -> Result {
    let scheduler = Scheduler::virtual_time()?;
    let retry = |first, longest, attempts| {
        let backoff = Backoff::new(first, longest);
        let timing = Periodic::every(secs(1)).on_failure(OnFailure::Retry { backoff, attempts });
        scheduler.schedule_periodic(from_iter([1]).for_each(drop), timing).map(|_| ())
    };
    assert!(matches!(retry(Duration::ZERO, secs(1), u32::MAX), Err(ScheduleError::ZeroRetry)));
    assert!(matches!(retry(secs(1), Duration::ZERO, u32::MAX), Err(ScheduleError::ZeroRetry)));
    assert!(retry(Duration::ZERO, secs(1), 3).is_ok() && retry(secs(1), secs(1), u32::MAX).is_ok());
    Ok(())
}

#[test]
fn events_can_be_sent_by_hand() -> Result {
    let (mut scheduler, seen, added) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let port = Port::new();
    port.delay(secs(2), Limit::default()).connect(seen.clone());
    scheduler.schedule_periodic(from_iter(0..).for_each(drop), secs(1))?;
    let demand = scheduler.with_context(|cx| {
        cx.schedule_recurring(from_iter([1]).connect(added.clone())).map_err(|error| cx.fatal(error))?;
        port.emit('a', cx)
    })?;
    assert_eq!(demand, Demand::More);
    scheduler.run_for(secs(3))?;
    scheduler.with_context(|cx| port.emit('b', cx).and_then(|_| port.complete(cx)))?;
    scheduler.run_for(secs(3))?;
    assert_eq!((seen.timed_text(), added.timed_text()), ("'a'@2 'b'@5 |@5".into(), "1@0 |@0".into()));
    let failed = scheduler.with_context(|cx| Err::<(), _>(cx.fatal("no disk")));
    assert_eq!(failed.map_err(|error| error.to_string()), Err("no disk".into()));
    assert!(scheduler.active().is_empty(), "all has been closed");
    Ok(())
}
