//! Inputs of a join that are gone without an end: their source was cancelled, or their connection disconnected.
#![cfg(feature = "std")]

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::joins;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Limit, PortRef};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const S: Duration = Duration::from_secs(1);

/// Once, so many seconds from now.
fn at(scheduler: &Scheduler, second: u32, call: impl FnOnce() + 'static) -> Result {
    let mut call = Some(call);
    let once = from_iter([()]).for_each(move |()| call.take().into_iter().for_each(|call| call()));
    scheduler.schedule_later_one_time(once, second * S)?;
    Ok(())
}

/// Keeps the run going.
fn clockwork(scheduler: &Scheduler) -> Result {
    scheduler.schedule_periodic(from_iter(0..).for_each(drop), S)?;
    Ok(())
}

/// Two sources of a join, each a second apart, the second of which ends after `last`.
fn run(last: i32, cancelled: u32, join: impl FnOnce(&Port<i32>, &Port<i32>)) -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (a, b) = (from_iter(1..).output(), from_iter(1..=last).output());
    join(&a.port().clone(), &b.port().clone());
    let a = scheduler.schedule_periodic(a, S)?;
    scheduler.schedule_periodic(b, S)?;
    at(&scheduler, cancelled, move || a.cancel())?;
    clockwork(&scheduler)?;
    Ok(scheduler.run_for(20 * S)?)
}

#[test]
fn merge_completes_when_an_input_is_gone_and_the_others_have_ended() -> Result {
    let seen = Recorder::new();
    run(4, 2, |a, b| drop(joins::merge([a, b]).connect(seen.clone())))?;
    assert_eq!(seen.timed_text(), "1@1 1@1 2@2 2@2 3@3 4@4 |@5");
    Ok(())
}

#[test]
fn a_zip_that_blocks_lets_the_other_source_go_when_one_is_gone() -> Result {
    let seen = Recorder::new();
    run(9, 2, |a, b| drop(joins::zip((a, b), Limit::block(2)).connect(seen.clone())))?;
    assert_eq!(seen.timed_text(), "(1, 1)@1 (2, 2)@2 |@2");
    Ok(())
}

#[test]
fn combine_latest_goes_on_with_the_last_event_of_an_input_that_is_gone() -> Result {
    let (all, first) = (Recorder::new(), Recorder::new());
    run(3, 2, |a, b| drop(joins::combine_latest((a, b)).connect(all.clone())))?;
    run(3, 2, |a, b| drop(joins::with_latest_from((a, b)).connect(first.clone())))?;
    assert_eq!(all.timed_text(), "(1, 1)@1 (2, 1)@2 (2, 2)@2 (2, 3)@3 |@4");
    assert_eq!(first.timed_text(), "(2, 1)@2 |@2");
    Ok(())
}

#[test]
fn the_others_wait_no_longer_for_the_times_of_an_input_that_is_gone() -> Result {
    let (merged, zipped) = (Recorder::new(), Recorder::new());
    let time = |n: &i32| *n;
    run(9, 2, |a, b| {
        drop(joins::merge_by_time((a, &b.map(|n| n + 1).share()), time, Limit::block(9)).connect(merged.clone()));
    })?;
    run(4, 2, |a, b| {
        let (a, b) = (a.map(|n| (n, 'a')).share(), b.map(|n| (n + 1, 'b')).share());
        joins::timed_zip([&a, &b], Limit::block(9)).map(|(n, _)| n).connect(zipped.clone());
    })?;
    assert_eq!(merged.timed_text(), "1@1 2@2 2@2 3@2 4@3 5@4 6@5 7@6 8@7 9@8 10@9 |@10");
    assert_eq!(zipped.timed_text(), "1@1 2@2 3@2 4@3 5@4 |@5");
    Ok(())
}

#[test]
fn a_join_completes_although_all_its_inputs_are_gone() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (a, b) = (from_iter(1..).output(), from_iter(10..).output());
    joins::merge((&a, &b)).connect(seen.clone());
    let (a, b) = (scheduler.schedule_periodic(a, S)?, scheduler.schedule_periodic(b, S)?);
    at(&scheduler, 1, move || {
        a.cancel();
        b.cancel();
    })?; // nothing else is left
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 10@1 |@1");
    Ok(())
}

#[test]
fn an_input_that_is_gone_between_two_runs_has_ended_in_the_next() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (a, b) = (from_iter(1..).output(), from_iter(1..).output());
    joins::zip((&a, &b), Limit::block(2)).connect(seen.clone());
    let (a, b) = (scheduler.schedule_periodic(a, S)?, scheduler.schedule_periodic(b, S)?);
    scheduler.run_for(S)?;
    a.cancel();
    b.cancel();
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "(1, 1)@1 |@1");
    Ok(())
}

#[test]
fn a_disconnected_branch_is_gone_in_the_next_turn() -> Result {
    let (mut scheduler, seen, a, b) = (Scheduler::virtual_time()?, Recorder::new(), Port::new(), Port::new());
    let (dynamic, c) = (Recorder::new(), Port::new());
    let branch = a.map(|n: i32| n * 10);
    let tens = Port::new();
    let link = branch.connect(tens.clone());
    joins::merge([&tens, &b]).connect(seen.clone());
    drop(tens);
    let inputs = joins::zip(vec![&a, &b], Limit::block(9)).connect_dynamic(dynamic.clone());
    let Ok(third) = inputs.add(&c) else { panic!("it has not ended") };
    scheduler.schedule_periodic(from_iter(1..=4).connect(a), S)?;
    scheduler.schedule_periodic(from_iter(1..=2).connect(b), S)?;
    at(&scheduler, 2, move || {
        link.disconnect();
        third.disconnect();
    })?;
    clockwork(&scheduler)?;
    scheduler.run_for(20 * S)?;
    assert_eq!(seen.timed_text(), "10@1 1@1 20@2 2@2 |@3");
    assert_eq!(dynamic.timed_text(), "[1, 1]@2 [2, 2]@2 |@3");
    drop(c);
    Ok(())
}

#[test]
fn a_port_of_ports_goes_on_when_one_of_them_is_gone() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let rooms = Port::new();
    let ports: Vec<_> = [1, 100].map(|first| from_iter(first..).output()).into();
    rooms.merge_all().at_most(1, Limit::block(9)).connect(seen.clone());
    let list: Vec<_> = ports.iter().map(|output| output.port().clone()).collect();
    scheduler.schedule_recurring(from_iter(list).connect(rooms))?;
    let mut handles = Vec::new();
    for output in ports {
        output.port().for_each(drop);
        handles.push(scheduler.schedule_periodic(output, S)?);
    }
    let first = handles.remove(0);
    at(&scheduler, 2, move || first.cancel())?;
    scheduler.run_for(4 * S)?;
    assert_eq!(seen.timed_text(), "1@1 2@2 102@3 103@4");
    Ok(())
}

/// Notes whether the stream was completed before it was dropped.
struct Ends(Rc<Cell<Option<bool>>>, bool);

impl Sink for Ends {
    type Event = i32;
    fn on_next(&mut self, _: i32, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.1 = true;
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.set(Some(self.1));
    }
}

#[test]
fn nothing_has_completed_because_the_run_is_closed() -> Result {
    for fails in [false, true] {
        let (mut scheduler, completed) = (Scheduler::virtual_time()?, Rc::default());
        let (a, b) = (from_iter(1..).output(), from_iter(1..).output());
        joins::merge((&a, &b)).connect(Ends(Rc::clone(&completed), false));
        scheduler.schedule_periodic(a, S)?;
        scheduler.schedule_periodic(b, S)?;
        let stopper = scheduler.stopper();
        at(&scheduler, 2, move || if fails { panic!("on purpose") } else { stopper.stop() })?;
        assert_eq!(scheduler.run_forever().is_err(), fails);
        assert_eq!(completed.get(), Some(false));
        scheduler.run_forever()?;
    }
    Ok(())
}

#[test]
fn what_nobody_reads_is_not_completed_because_its_sources_were_let_go() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (a, b) = (from_iter(1..).output(), from_iter(1..).output());
    let all = joins::merge((&a, &b)).share();
    let reader = all.for_each(drop);
    scheduler.schedule_periodic(a, S)?;
    scheduler.schedule_periodic(b, S)?;
    let reports = Recorder::new();
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    at(&scheduler, 2, move || reader.disconnect())?;
    clockwork(&scheduler)?;
    scheduler.run_for(3 * S)?;
    all.connect(seen.clone());
    scheduler.run_for(3 * S)?;
    assert!(!all.is_closed() && PortRef::is_listened(&all.as_ref()));
    assert!(reports.text().contains("let go"), "{}", reports.text());
    Ok(())
}

// ---- what waits for another input when the run is stopped ----

/// Two sources that are stopped at second 4, the second of which has been silent since 2, and is `late` by some seconds.
fn stop(late: u32, join: impl FnOnce(&Port<i32>, &Port<i32>)) -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (a, b) = (from_iter(1..).output(), from_iter([1, 2]).output());
    let (delayed, silent) = (Port::new(), Port::new());
    b.delay(late * S, Limit::default()).connect(delayed.feeder());
    silent.connect(delayed.feeder());
    join(&a.port().clone(), &delayed);
    scheduler.schedule_periodic(a, S)?;
    scheduler.schedule_periodic(b, S)?;
    scheduler.schedule_recurring(never().connect(silent))?;
    let stopper = scheduler.stopper();
    at(&scheduler, 4, move || stopper.stop())?;
    scheduler.stop_within(10 * S);
    Ok(scheduler.run_forever()?)
}

#[test]
fn a_stop_sends_in_order_what_waits_for_the_times_of_a_silent_input() -> Result {
    for late in [1, 4] {
        let (merged, zipped) = (Recorder::new(), Recorder::new());
        stop(late, |a, b| drop(joins::merge_by_time([a, b], |n| *n, Limit::block(9)).connect(merged.clone())))?;
        stop(late, |a, b| {
            let (a, b) = (a.map(|n| (n, 'a')).share(), b.map(|n| (n, 'b')).share());
            joins::timed_zip([&a, &b], Limit::block(9)).map(|(n, who)| (n, who[1].is_some())).connect(zipped.clone());
        })?;
        assert_eq!(merged.text(), "1 1 2 2 3 4");
        assert_eq!(zipped.text(), "(1, true) (2, true) (3, false) (4, false)");
    }
    Ok(())
}

#[test]
fn a_stop_sends_what_waits_at_joins_one_behind_another_through_windows() -> Result {
    let (seen, mut scheduler) = (Recorder::new(), Scheduler::virtual_time()?);
    let [a, b, c] = [1, 2, 3].map(|first| from_iter((first..).step_by(3)).output());
    let early = joins::merge_by_time([&a, &b], |n: &i32| *n, Limit::block(9)).share();
    let all = joins::merge_by_time([&early, c.port()], |n: &i32| *n, Limit::block(9));
    all.chunks(100).connect(seen.clone());
    for source in [a, c, b] {
        scheduler.schedule_periodic(source, S)?;
    }
    let stopper = scheduler.stopper();
    at(&scheduler, 3, move || stopper.stop())?;
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "[1, 2, 3, 4, 5, 6, 7] [8, 9]");
    Ok(())
}
