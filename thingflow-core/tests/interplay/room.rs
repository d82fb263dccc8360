//! Who is meant when there is room again, wishes of one flow, and what waits behind a retry.

use std::cell::Cell;
use std::rc::Rc;

use thingflow_core::flow::ErrorPolicy;
use thingflow_core::history::{Bounds, History};
use thingflow_core::prelude::*;
use thingflow_core::splitting::GroupBy;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::List;
use thingflow_core::{Limit, Notice, Question, QueueMeter};

use super::clockwork::{Result, S, at};
use super::leaves::Leaves;
use super::takes_all::{Quirk, TakesAll};

/// Has room again for somebody with each event.
struct Resumes;

impl Quirk for Resumes {
    type Event = i32;
    fn on_next(&mut self, _: i32, cx: &mut Context<'_>) -> Receipt {
        cx.resume();
        Ok(Demand::More)
    }
}

/// A port before a queue of two that is slow, and beside it somebody who has room again with each event.
fn full_and_not() -> (Port<i32>, QueueMeter, Recorder<i32>) {
    let (port, meter, seen) = (Port::new(), QueueMeter::default(), Recorder::new());
    port.pace(S, Limit::block(2).metered(&meter)).connect(seen.clone());
    port.connect(TakesAll(Resumes));
    (port, meter, seen)
}

#[test]
fn a_source_asks_for_room_if_a_resume_in_the_same_call_was_meant_for_others() -> Result {
    let (mut scheduler, (port, meter, seen)) = (Scheduler::virtual_time()?, full_and_not());
    scheduler.schedule_recurring(from_iter(0..20).connect(port))?;
    scheduler.run_forever()?;
    assert_eq!((seen.events().len(), meter.stats().high_water), (20, 2));
    Ok(())
}

#[test]
fn so_does_a_stage_that_holds_events_back() -> Result {
    let (mut scheduler, (port, meter, seen)) = (Scheduler::virtual_time()?, full_and_not());
    scheduler.schedule_recurring(from_iter(0..20).buffer(Limit::block(4)).connect(port))?;
    scheduler.run_forever()?;
    assert_eq!((seen.events().len(), meter.stats().high_water), (20, 2));
    Ok(())
}

/// Connects somebody who leaves, and a recorder beside them.
type Way = fn(&Port<i32>, Recorder<i32>);

#[test]
fn a_source_goes_on_when_who_has_paused_it_wants_no_more() -> Result {
    let ways: [Way; 3] = [
        |port, seen| {
            port.connect(TakesAll(Leaves(S)));
            port.connect(seen);
        },
        |port, seen| {
            port.also_to(TakesAll(Leaves(S))).connect(seen);
        },
        |port, seen| {
            let (even, odd) = port.partition(|n| n % 2 == 0);
            even.connect(TakesAll(Leaves(S)));
            odd.connect(seen);
        },
    ];
    for (way, expected) in ways.into_iter().zip(["0@0 1@1 2@1 |@1", "0@0 1@1 2@1 |@1", "1@1 |@1"]) {
        let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
        way(&port, seen.clone());
        scheduler.schedule_recurring(from_iter(0..3).connect(port))?;
        scheduler.run_for(9 * S)?;
        assert_eq!(seen.timed_text(), expected);
    }
    Ok(())
}

/// Connects what holds events by key, and forgets a key when there is another.
type ByKey = fn(&Port<(char, i32)>, Recorder<usize>);

#[test]
fn a_source_goes_on_when_the_key_that_has_paused_it_is_forgotten() -> Result {
    let ways: [ByKey; 2] = [
        |port, seen| {
            let last = Window::last(2 * S, Limit::block(3)).by_key(1, |event: &(char, i32)| event.0);
            port.window(last, List::new()).map(|list: Vec<_>| list.len()).connect(seen);
        },
        |port, seen| {
            let groups = GroupBy::new(|event: &(char, i32)| event.0).max_keys(1);
            groups.groups().for_each(move |(_, group)| {
                group.sliding_time(2 * S, Limit::block(3)).map(|list| list.len()).connect(seen.clone());
            });
            port.connect(groups);
        },
    ];
    for way in ways {
        let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
        way(&port, seen.clone());
        let often = timed((0..7).map(|n| (f64::from(n) / 10.0, ('a', n)))).output();
        let once = timed([(0.5, ('b', 0))]).output();
        often.merge(&once).connect(port);
        scheduler.schedule_recurring(often)?;
        scheduler.schedule_recurring(once)?;
        scheduler.run_for(60 * S)?;
        // Three of a key are too many for the source, until another key takes its place.
        assert!(seen.timed_text().starts_with("1@0 2@0.1 3@0.2 1@0.5 1@0.5 "), "{}", seen.timed_text());
        assert_eq!(seen.events().len(), 8, "{}", seen.timed_text());
    }
    Ok(())
}

#[test]
fn a_history_that_drops_what_is_too_old_lets_its_paused_source_go_on() -> Result {
    let (mut scheduler, history) =
        (Scheduler::virtual_time()?, History::new(Bounds::new(Limit::block(2)).max_age(10 * S)));
    scheduler.schedule_recurring(from_iter(0..5).keep(&history))?;
    scheduler.run_for(100 * S)?;
    assert_eq!(history.stats().accepted, 5);
    Ok(())
}

#[test]
fn a_source_that_a_full_session_has_paused_goes_on_in_the_next() -> Result {
    let ends: [fn(&History<i32>); 2] = [|history| history.begin_session(), |history| history.end_session()];
    for end in ends {
        let (mut scheduler, history) = (Scheduler::virtual_time()?, History::new(Limit::block(2)));
        scheduler.schedule_recurring(from_iter(0..4).keep(&history))?;
        let ended = history.clone();
        at(&scheduler, 1, move || end(&ended))?;
        scheduler.run_for(5 * S)?;
        assert_eq!(history.all().iter().map(|kept| kept.event).collect::<Vec<_>>(), [2, 3]);
    }
    Ok(())
}

/// Wants to be woken half a second after each event, and each ten seconds.
struct TwoWishes {
    woken: Rc<Cell<u32>>,
    short: Instant,
    long: Instant,
}

impl TwoWishes {
    fn wish(&mut self, cx: &mut Context<'_>) {
        if self.long <= cx.now() {
            self.long = cx.now() + 10 * S;
        }
        if self.short <= cx.now() {
            self.short = Instant::NEVER;
        }
        cx.wake_at(self.short.min(self.long));
    }
}

impl Quirk for TwoWishes {
    type Event = i32;
    fn on_next(&mut self, _: i32, cx: &mut Context<'_>) -> Receipt {
        self.short = cx.now() + S / 2;
        self.wish(cx);
        Ok(Demand::More)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.woken.set(self.woken.get() + 1);
        self.wish(cx);
        Ok(Demand::More)
    }
}

#[test]
fn wishes_of_a_flow_that_were_overtaken_do_not_wake_it_again_and_again() -> Result {
    let (mut scheduler, woken) = (Scheduler::virtual_time()?, Rc::new(Cell::new(0)));
    let wishes = TwoWishes { woken: woken.clone(), short: Instant::NEVER, long: Instant::ZERO };
    scheduler.schedule_periodic(from_iter(0..).connect(TakesAll(wishes)), S)?;
    scheduler.run_for(100 * S)?;
    assert!((100..=115).contains(&woken.get()), "{} times in a hundred seconds", woken.get());
    Ok(())
}

/// Takes one event at a time, and counts those that come before it has room again.
struct OneByOne {
    full: Rc<Cell<bool>>,
    pressed: Rc<Cell<u32>>,
    seen: Recorder<i32>,
}

impl InputThing<i32> for OneByOne {
    fn next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
        self.pressed.set(self.pressed.get() + u32::from(self.full.replace(true)));
        self.seen.next(event, cx)?;
        Ok(Demand::Full)
    }
    fn next_ref(&mut self, event: &i32, cx: &mut Context<'_>) -> Receipt {
        self.next(*event, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.seen.notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        if matches!(question, Question::Room) { !self.full.get() } else { self.seen.ask(question) }
    }
}

#[test]
fn what_waits_behind_a_retry_goes_on_one_by_one_when_there_is_room() -> Result {
    for ends in [5, 100] {
        let (mut scheduler, seen, port) = (Scheduler::virtual_time()?, Recorder::new(), Port::new());
        let (full, pressed) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
        let mut fails = 1;
        let policy = ErrorPolicy::skip().retry(2, Backoff::constant(10 * S));
        let once = move |n: &i32| if std::mem::take(&mut fails) == 1 { Err("not now") } else { Ok(*n) };
        let slow = OneByOne { full: full.clone(), pressed: pressed.clone(), seen: seen.clone() };
        port.try_map_with(policy, once).connect(slow);
        let all = from_iter([[1, 2, 3, 4, 5]]).flat_map(|all| all); // at once, whoever is full
        scheduler.schedule_later_one_time(all.connect(port.feeder()), S)?;
        let stays = from_iter([()]).map(|()| 0).filter(|_| false).connect(port.feeder());
        scheduler.schedule_later_one_time(stays, ends * S)?;
        let frees = Shared::without_ports(()).input(move |(), _: i32, cx| {
            full.set(false);
            cx.resume();
            Ok(Demand::More)
        });
        scheduler.schedule_periodic(from_iter(0..40).connect(frees), 2 * S)?;
        scheduler.run_for(200 * S)?;
        assert_eq!((seen.text().as_str(), pressed.get()), ("1 2 3 4 5 |", 0), "ends at {ends}");
    }
    Ok(())
}
