//! Inputs of a join that are gone without an end: their source was cancelled, or their connection disconnected.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod clockwork;
    pub(crate) mod takes_all;
}

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use proptest::prelude::*;
use thingflow_core::Ends as _;
use thingflow_core::joins;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Limit, PortRef};

use support::clockwork::{Result, S, at, clockwork};
use support::takes_all::{Quirk, TakesAll};

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
fn a_source_that_is_gone_is_out_of_the_race() -> Result {
    for all in [false, true] {
        let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
        let [silent, a, b] = [1, 10, 100].map(|first| from_iter(first..first + 2).output());
        joins::race([&silent, &a, &b]).connect(seen.clone());
        let gone = scheduler.schedule_periodic(silent, 9 * S)?;
        let (a, b) = (scheduler.schedule_periodic(a, 2 * S)?, scheduler.schedule_periodic(b, 3 * S)?);
        at(&scheduler, 1, move || {
            gone.cancel();
            if all {
                [a, b].iter().for_each(ScheduleHandle::cancel);
            }
        })?;
        clockwork(&scheduler)?;
        scheduler.run_for(20 * S)?;
        assert_eq!(seen.timed_text(), if all { "|@1" } else { "10@2 11@4 |@6" });
    }
    Ok(())
}

#[test]
fn a_race_is_over_when_its_winner_is_gone_or_the_last_that_is_left_has_ended() -> Result {
    let (winner, last) = (Recorder::new(), Recorder::new());
    run(9, 2, |a, b| drop(joins::race([a, b]).connect(winner.clone())))?;
    run(3, 2, |a, b| {
        let nothing = [a, b].map(|port| port.filter(|_| false));
        drop(joins::race(nothing).connect(last.clone()));
    })?;
    assert_eq!(winner.timed_text(), "1@1 2@2 |@2");
    assert_eq!(last.timed_text(), "|@4");
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
fn what_takes_the_place_of_an_input_is_none_of_the_join_s_any_more() -> Result {
    let (mut scheduler, merged, other) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let (a, b) = (from_iter(1..).output(), from_iter(10..=12).output());
    let inputs = joins::merge(vec![b.port()]).connect_dynamic(merged.clone());
    let (port, Ok(connection)) = (a.port().clone(), inputs.add(a.port())) else { panic!("it has not ended") };
    scheduler.schedule_periodic(a, S)?;
    scheduler.schedule_periodic(b, S)?;
    let instead = other.clone();
    at(&scheduler, 2, move || assert!(port.replace(&connection, instead).is_ok()))?;
    scheduler.run_for(6 * S)?;
    assert_eq!(merged.timed_text(), "1@1 10@1 2@2 11@2 12@3 |@4");
    assert_eq!(other.timed_text(), "3@3 4@4 5@5 6@6");
    Ok(())
}

#[test]
fn a_join_that_is_made_while_one_of_its_inputs_is_told_the_end_goes_on_without_it() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (a, b) = (from_iter(1..=2).output(), from_iter(10..=13).output());
    let ports = [a.port().clone(), b.port().clone()];
    let merged = seen.clone();
    a.port().finalize(move || drop(joins::merge(ports.each_ref()).connect(merged.clone()))).for_each(drop);
    b.for_each(drop);
    scheduler.schedule_periodic(a, S)?;
    scheduler.schedule_periodic(b, S)?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "12@3 13@4 |@5");
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

impl Quirk for Ends {
    type Event = i32;
    fn on_next(&mut self, _: i32, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.1 = true;
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
        joins::merge((&a, &b)).connect(TakesAll(Ends(Rc::clone(&completed), false)));
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

/// Three sources, which send 1 4 7, 2 5 8 and 3 6 9 in three seconds, and then are stopped.
fn stop_three(make: impl FnOnce([&Port<i32>; 3])) -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let sources = [1, 2, 3].map(|first| from_iter((first..).step_by(3)).output());
    make([0, 1, 2].map(|i| sources[i].port()));
    for source in sources {
        scheduler.schedule_periodic(source, S)?;
    }
    let stopper = scheduler.stopper();
    at(&scheduler, 3, move || stopper.stop())?;
    scheduler.stop_within(20 * S);
    Ok(scheduler.run_forever()?)
}

fn room() -> Limit {
    Limit::block(9)
}

#[test]
fn a_stop_sends_what_waits_for_its_turn_in_a_concat() -> Result {
    let [seen, delayed, failed] = [(); 3].map(|()| Recorder::new());
    stop_three(|ports| drop(joins::concat(ports, room()).connect(seen.clone())))?;
    stop_three(|[a, b, c]| {
        let late = [a.delay(2 * S, room()).share(), b.delay(4 * S, room()).share(), c.delay(S, room()).share()];
        joins::concat(late.each_ref(), room()).connect(delayed.clone());
    })?;
    stop_three(|[a, b, c]| {
        let b = b.try_map(|n| if n < 8 { Ok(n) } else { Err("eight") });
        joins::concat((a, b, c), room()).connect(failed.clone());
    })?;
    assert_eq!((seen.text(), delayed.text()), ("1 4 7 2 5 8 3 6 9".into(), "1 4 7 2 5 8 3 6 9".into()));
    assert_eq!(failed.text(), "1 4 7 2 5 ! eight");
    Ok(())
}

#[test]
fn in_a_stop_what_a_join_sends_through_a_delay_comes_before_the_stop_of_the_next_join() -> Result {
    let (merged, joined, collected) = (Recorder::new(), Recorder::new(), Recorder::new());
    let by_time = |n: &i32| *n;
    stop_three(|[a, b, c]| {
        let early = joins::merge_by_time([a, b], by_time, room()).delay(2 * S, room()).share();
        joins::merge_by_time([&early, c], by_time, room()).connect(merged.clone());
    })?;
    stop_three(|[a, b, c]| {
        let early = joins::concat([b, a], room()).pace(S, room());
        joins::concat((early, c), room()).connect(joined.clone());
    })?;
    stop_three(|[a, b, _]| {
        joins::merge_by_time([a, b], by_time, room()).delay(2 * S, room()).chunks(100).connect(collected.clone());
    })?;
    assert_eq!(merged.text(), "1 2 3 4 5 6 7 8 9");
    assert_eq!(joined.text(), "2 5 8 1 4 7 3 6 9");
    assert_eq!(collected.text(), "[1] [2, 4, 5, 7] [8]");
    Ok(())
}

#[test]
fn in_a_stop_joins_further_up_are_the_first_whatever_was_started_first() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let [a, b, c] = [(); 3].map(|()| Port::new());
    let early = joins::merge_by_time([&a, &b], |n: &i32| *n, room()).share();
    joins::merge_by_time([&early, &c], |n: &i32| *n, room()).connect(seen.clone());
    let stopper = scheduler.stopper();
    at(&scheduler, 1, move || stopper.stop())?;
    for (port, event) in [(&a, 1), (&c, 3), (&b, 2)] {
        scheduler.with_context(|cx| port.emit(event, cx))?;
    }
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "1 2 3");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Sources meet in joins by time, in whatever order these are made, with delays in between.
    #[test]
    fn a_stop_sends_all_that_waits_at_joins_in_the_order_of_times(
        periods in prop::collection::vec(1_u32..5, 2..7),
        joined in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u32..4), 6),
        stop in 1_u32..9,
    ) {
        let (seen, sent) = (Recorder::new(), Rc::new(RefCell::new(Vec::new())));
        let run = || -> Result {
            let mut scheduler = Scheduler::virtual_time()?;
            let mut streams = Vec::new();
            for period in periods {
                let (output, sent) = (from_iter((0_u32..).map(move |n| n * period)).output(), sent.clone());
                streams.push(output.inspect(move |n| sent.borrow_mut().push(*n)).share());
                scheduler.schedule_periodic(output, period * S)?;
            }
            let mut joined = joined.into_iter();
            while streams.len() > 1
                && let Some((a, b, late)) = joined.next()
            {
                let a = streams.remove(a.index(streams.len()));
                let b = streams.remove(b.index(streams.len()));
                let both = joins::merge_by_time([&a, &b], |n: &u32| *n, Limit::drop_oldest(99));
                streams.push(if late == 0 { both.share() } else { both.delay(late * S, Limit::default()).share() });
            }
            streams.remove(0).connect(seen.clone());
            let stopper = scheduler.stopper();
            at(&scheduler, stop, move || stopper.stop())?;
            scheduler.stop_within(99 * S);
            Ok(scheduler.run_forever()?)
        };
        prop_assert!(run().is_ok());
        let mut sent = sent.take();
        sent.sort_unstable();
        prop_assert_eq!(seen.events(), sent);
    }
}
