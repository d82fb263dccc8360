//! Questions that cancel, panic, or change the graph.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Connection, Notice, PortRef, Timestamp};

use super::Sent;
use super::clockwork::{Result, S, at, clockwork};
use super::takes_all::{Quirk, TakesAll};

/// Cancels its own schedule when it is asked for its name.
struct Shy(Rc<RefCell<Option<ScheduleHandle>>>);

impl Ports for Shy {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Shy {
    fn send(&mut self, _: &mut Context<'_>) -> Sent {
        Ok(Demand::More)
    }
    fn name(&self) -> &str {
        self.0.borrow().iter().for_each(ScheduleHandle::cancel);
        "shy"
    }
}

#[test]
fn a_name_may_cancel_its_schedule_when_a_snapshot_asks_for_it() -> Result {
    let (mut scheduler, handle) = (Scheduler::virtual_time()?, Rc::new(RefCell::new(None)));
    let scheduled = scheduler.schedule_periodic(Shy(handle.clone()), S)?;
    scheduler.run_for(S)?;
    handle.replace(Some(scheduled.clone()));
    let _ = scheduler.snapshot();
    assert!(!scheduled.is_active());
    Ok(())
}

/// Waits a second with each event, and panics when it is asked whether it holds any.
struct BadAnswer;

impl Filter<i32> for BadAnswer {
    type Out = i32;
    fn on_next(&mut self, _: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        let due = out.now() + S;
        out.wake_at(due);
        Ok(Demand::More)
    }
    fn is_holding(&self) -> bool {
        panic!("a bad answer")
    }
}

type Run = fn(&mut Scheduler) -> std::result::Result<(), RunError>;

#[test]
fn a_question_that_panics_when_nothing_else_is_left_ends_the_run_with_an_error() -> Result {
    let runs: [Run; 2] = [Scheduler::run_forever, |scheduler| {
        while scheduler.turn(None)? {}
        Ok(())
    }];
    for run in runs {
        let (mut scheduler, port) = (Scheduler::virtual_time()?, Port::new());
        port.pipe(BadAnswer).for_each(drop);
        scheduler.schedule_later_one_time(from_iter([1]).connect(port.clone()), S)?;
        match catch_unwind(AssertUnwindSafe(|| run(&mut scheduler))) {
            Ok(ended) => assert!(ended.is_err_and(|error| error.to_string().contains("a bad answer"))),
            Err(_) => panic!("it unwinds out of the run"),
        }
    }
    Ok(())
}

/// A sink that does something when it is asked whether it wants more, once it is set to.
struct ActsWhenAsked(RefCell<Option<Box<dyn FnOnce()>>>, Rc<Cell<bool>>);

impl Quirk for ActsWhenAsked {
    type Event = i32;
    fn is_open(&self) -> bool {
        let act = if self.1.get() { self.0.take() } else { None };
        act.into_iter().for_each(|act| act());
        true
    }
}

/// A port with a sink that does `act` with it when it is asked, and what sets it to that.
fn asked(act: impl FnOnce(&Port<i32>) + 'static) -> (Port<i32>, Rc<Cell<bool>>) {
    let set = Rc::new(Cell::new(false));
    let port = Port::new();
    let there = port.downgrade();
    let act = move || there.upgrade().as_ref().map_or((), act);
    port.connect(TakesAll(ActsWhenAsked(RefCell::new(Some(Box::new(act))), set.clone())));
    (port, set)
}

#[test]
fn who_is_connected_by_a_question_hears_what_is_told_next() -> Result {
    type Tell = fn(&mut Port<i32>, &mut Context<'_>) -> std::result::Result<(), FatalError>;
    let told: [(Tell, &str); 4] = [
        (|port, cx| port.emit(1, cx).map(drop), "start 1"),
        (|port, cx| port.notice(Notice::Watermark(Timestamp::UNIX_EPOCH), cx).map(drop), "start watermark"),
        (|port, cx| port.notice(Notice::Flush, cx).map(drop), "start flush"),
        (|port, cx| port.complete(cx), "start end"),
    ];
    for (tell, expected) in told {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let hears = heard.clone();
        let (mut port, set) = asked(move |port| drop(port.connect(TakesAll(Hears(hears)))));
        set.set(true);
        assert!(port.is_listened());
        tell(&mut port, &mut Context::detached(Instant::ZERO))?;
        assert_eq!(heard.borrow().join(" "), expected);
    }
    Ok(())
}

/// Notes what it is told.
struct Hears(Rc<RefCell<Vec<&'static str>>>);

impl Hears {
    fn hear(&self, what: &'static str) {
        self.0.borrow_mut().push(what);
    }
}

impl Quirk for Hears {
    type Event = i32;
    fn on_start(&mut self, _: &mut Context<'_>) -> Receipt {
        self.hear("start");
        Ok(Demand::More)
    }
    fn on_next(&mut self, _: i32, _: &mut Context<'_>) -> Receipt {
        self.hear("1");
        Ok(Demand::More)
    }
    fn on_watermark(&mut self, _: Timestamp, _: &mut Context<'_>) -> Receipt {
        self.hear("watermark");
        Ok(Demand::More)
    }
    fn on_flush(&mut self, _: &mut Context<'_>) -> Receipt {
        self.hear("flush");
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.hear("end");
        Ok(())
    }
}

#[test]
fn a_question_connects_and_disconnects_in_the_next_turn_although_no_event_comes() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let silent = seen.clone();
    let connects = asked(move |port| drop(port.on_timeout(2 * S, || Some(7)).connect(silent)));
    let (link, dropped) = (Rc::new(RefCell::new(None::<Connection>)), Rc::new(()));
    let theirs = link.clone();
    let leaves = asked(move |_| theirs.borrow().iter().for_each(Connection::disconnect));
    let held = dropped.clone();
    link.replace(Some(leaves.0.for_each(move |_| _ = &held)));
    for (port, _) in [&connects, &leaves] {
        scheduler.schedule_periodic(from_iter(1..).connect(port.clone()), 3600 * S)?;
    }
    for (second, (port, set)) in [(1, connects), (2, leaves)] {
        let ask = move || {
            set.set(true);
            assert!(port.is_listened());
        };
        at(&scheduler, second, ask)?;
    }
    clockwork(&scheduler)?;
    scheduler.run_for(4 * S)?;
    assert_eq!(seen.timed_text(), "7@3");
    assert_eq!(Rc::strong_count(&dropped), 1, "it is gone");
    Ok(())
}
