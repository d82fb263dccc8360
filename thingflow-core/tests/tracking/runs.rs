//! Tracked events of runs: when it is told, and what a stop, a panic and a thread leave.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::tracking::{Tracked, Tracker};

use super::{Kept, context, keep, logging, text};

#[test]
fn a_scheduler_tells_at_the_end_of_the_turn() {
    let (tracker, log) = logging();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let numbers = from_iter(0..3).track_by(&tracker, |_| ());
    let flow = numbers.debounce(Duration::from_millis(1500)).connect(call(drop));
    scheduler.schedule_periodic(flow, Duration::from_secs(1)).unwrap();
    scheduler.run_for(Duration::from_millis(2500)).unwrap();
    assert_eq!(text(&log), "0:done"); // the second took its place
    scheduler.run_forever().unwrap();
    assert_eq!(text(&log), "0:done 1:done 2:done");
}

#[test]
fn what_is_let_go_of_by_a_wake_up_is_told_in_the_same_turn() {
    let (tracker, log) = logging();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let flow = from_iter(0..2).track_by(&tracker, |_| ()).debounce(Duration::from_secs(1)).connect(call(drop));
    scheduler.schedule_periodic(flow, Duration::from_secs(10)).unwrap();
    scheduler.run_for(Duration::from_millis(10_500)).unwrap();
    assert_eq!(text(&log), "");
    scheduler.run_for(Duration::from_secs(1)).unwrap();
    assert_eq!(text(&log), "0:done");
}

/// Runs 0, 1, 2 through `work`, one a second, with pairs held behind it, and tells what became of them.
fn outcomes(
    work: impl FnMut(Tracked<i32>) -> Result<i32, &'static str> + 'static,
) -> Result<(String, u64), Box<dyn std::error::Error>> {
    let (tracker, log) = logging();
    let mut scheduler = Scheduler::virtual_time()?;
    let (source, (_kept, sink)) = (from_iter(0..3).output(), keep());
    source.track_by(&tracker, |_| ()).connect(sink); // lets go of nothing
    let (second, mut work) = (tracker.clone(), work);
    source.track_by(&second, |_| ()).connect(try_call(move |event| work(event).map(drop)));
    scheduler.schedule_periodic(source, Duration::from_secs(1))?;
    let _ = scheduler.run_forever();
    drop(scheduler);
    Ok((text(&log), tracker.committed()))
}

#[test]
fn what_the_program_itself_still_holds_is_not_done() {
    assert_eq!(outcomes(|event| Ok(event.value)).unwrap(), ("1:done 3:done 5:done".into(), 0));
}

#[test]
fn an_event_that_was_dropped_by_who_then_failed_is_abandoned() {
    let fails = |event: Tracked<i32>| if event.done() == 1 { Err("the disk is full") } else { Ok(1) };
    assert_eq!(outcomes(fails).unwrap().0, "1:done 3:done", "said so for certain");
    let fails = |event: Tracked<i32>| if event.value == 1 { Err("the disk is full") } else { Ok(1) };
    assert_eq!(outcomes(fails).unwrap().0, "1:done 3:abandoned");
}

#[test]
fn an_event_that_panics_is_abandoned() {
    let panics = |event: Tracked<i32>| if event.value == 1 { panic!("out of paper") } else { Ok(1) };
    assert_eq!(outcomes(panics).unwrap().0, "1:done 3:abandoned");
}

#[test]
fn what_a_stop_leaves_in_the_graph_is_abandoned() {
    let (tracker, log) = logging();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let pairs = from_iter(0..9).track_by(&tracker, |_| ()).chunks(2);
    let mut count = 0;
    let stop = scheduler.stopper();
    let flow = pairs.connect(call(move |pair: Vec<Tracked<i32>>| {
        count += pair.len();
        if count == 4 {
            stop.stop();
        }
    }));
    let late = std::time::Duration::from_secs(3600); // longer than a stop waits
    let other = from_iter(0..9).track_by(&tracker, |_| ()).delay(late, Limit::default()).connect(call(drop));
    scheduler.schedule_recurring(other).unwrap();
    scheduler.schedule_recurring(flow).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(text(&log), "1:done 3:done 5:done 7:done 0:abandoned 2:abandoned 4:abandoned 6:abandoned");
    assert_eq!((tracker.in_flight(), tracker.committed()), (0, 0));
}

#[test]
fn the_next_run_is_not_blamed_for_the_last() {
    let (tracker, log) = logging();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let (kept, sink) = keep();
    let stop = scheduler.stopper();
    let first = from_iter(0..9).track_by(&tracker, |_| ()).inspect(move |_| stop.stop()).connect(sink);
    scheduler.schedule_recurring(first).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(text(&log), "");
    scheduler.schedule_recurring(from_iter(0..1).track_by(&tracker, |_| ()).connect(call(drop))).unwrap();
    kept.borrow_mut().clear(); // too late
    scheduler.run_forever().unwrap();
    assert_eq!(text(&log), "0:abandoned 1:done");
}

#[test]
fn a_scheduler_that_is_dropped_abandons_what_waits() {
    let (tracker, log) = logging();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let flow = from_iter(0..9).track_by(&tracker, |_| ()).chunks(99).connect(call(drop));
    scheduler.schedule_periodic(flow, Duration::from_secs(1)).unwrap();
    scheduler.run_for(Duration::from_secs(2)).unwrap();
    drop(scheduler);
    assert_eq!(text(&log), "0:abandoned 1:abandoned");
}

#[test]
fn an_edge_thread_lets_go_and_the_reactor_tells() {
    fn is_send<T: Send>(_: &T) {}
    let (tracker, log) = logging();
    let mut scheduler = Scheduler::new().unwrap();
    let (stored, store) = mpsc::channel();
    let writer = pipe::<Tracked<i32>>().acknowledge().to(call(move |n: i32| stored.send(n).unwrap()));
    let sink = scheduler.edge_sink("store", writer, Limit::block(4)).unwrap();
    let flow = from_iter(0..50).track_by(&tracker, |_| ()).inspect(is_send).connect(sink);
    scheduler.schedule_recurring(flow).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(store.try_iter().count(), 50);
    assert_eq!((log.borrow().len(), tracker.in_flight(), tracker.committed()), (50, 0, 50));
}

#[test]
fn what_an_edge_thread_writes_while_the_run_is_closed_is_done() {
    let (tracker, log) = logging();
    let mut scheduler = Scheduler::new().unwrap();
    let (go, wait) = mpsc::channel::<()>();
    let writer = pipe::<Tracked<i32>>().acknowledge().to(call(move |_: i32| wait.recv().unwrap_or(())));
    let sink = scheduler.edge_sink("store", writer, Limit::block(64)).unwrap();
    let stop = scheduler.stopper();
    let numbers = from_iter(0..99).track_by(&tracker, |_| ()).inspect(move |event| {
        if event.value == 9 {
            stop.stop();
            for _ in 0..10 {
                go.send(()).unwrap();
            }
        }
    });
    scheduler.schedule_recurring(numbers.connect(sink)).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!((tracker.in_flight(), tracker.committed()), (0, 10), "{}", text(&log));
    assert!(log.borrow().iter().all(|line| line.ends_with(":done")), "{}", text(&log));
}

#[test]
fn an_edge_thread_that_panics_does_not_say_done() {
    let (tracker, log) = logging();
    let mut scheduler = Scheduler::new().unwrap();
    let writer = call(|event: Tracked<i32>| assert_ne!(event.value, 1, "out of paper"));
    let sink = scheduler.edge_sink("store", writer, Limit::block(1)).unwrap();
    scheduler.schedule_recurring(from_iter(0..9).track_by(&tracker, |_| ()).connect(sink)).unwrap();
    assert!(scheduler.run_forever().is_err());
    assert!(text(&log).contains("1:abandoned"), "{}", text(&log));
    assert!(tracker.committed() <= 1);
}

#[test]
fn what_waits_for_an_edge_thread_that_has_failed_is_abandoned() {
    let (tracker, log) = logging();
    let mut scheduler = Scheduler::new().unwrap();
    let (go, wait) = mpsc::channel::<()>();
    let writer = pipe::<Tracked<i32>>().acknowledge().to(try_call(move |n| {
        let _ = wait.recv();
        if n < 3 { Ok(()) } else { Err("the disk is full") }
    }));
    let sink = scheduler.edge_sink("store", writer, Limit::block(64)).unwrap();
    let numbers = from_iter(0..20).track_by(&tracker, |_| ()).inspect(move |event| {
        if event.value == 19 {
            for _ in 0..9 {
                let _ = go.send(());
            }
        }
    });
    scheduler.schedule_recurring(numbers.connect(sink)).unwrap();
    assert_eq!(scheduler.run_forever().unwrap_err().to_string(), "store: the disk is full");
    assert_eq!((tracker.in_flight(), tracker.committed(), log.borrow().len()), (0, 3, 20));
    assert!(log.borrow().iter().filter(|line| line.ends_with(":abandoned")).count() >= 16, "{}", text(&log));
}

#[test]
fn a_source_pauses_while_too_much_is_on_its_way() {
    let most = Rc::new(Cell::new(0));
    let mut scheduler = Scheduler::new().unwrap();
    let tracker = Tracker::new(|_, _| Ok(())).at_most(8);
    let (stored, store) = mpsc::channel();
    let writer = pipe::<Tracked<i32>>().acknowledge().to(call(move |n: i32| stored.send(n).unwrap()));
    let sink = scheduler.edge_sink("store", writer, Limit::block(1000)).unwrap();
    let (seen, of) = (most.clone(), tracker.clone());
    let numbers = from_iter(0..500).track_by(&tracker, |_| ());
    let flow = numbers.inspect(move |_| seen.set(seen.get().max(of.in_flight()))).connect(sink);
    scheduler.schedule_recurring(flow).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(store.try_iter().collect::<Vec<_>>(), (0..500).collect::<Vec<_>>());
    assert!(most.get() <= 8, "{}", most.get());
    assert_eq!(tracker.committed(), 500);
}

#[test]
fn a_callback_may_send_events_and_end_the_run() {
    let acks = Port::new();
    let (seen, sent) = (Recorder::new(), acks.clone());
    acks.connect(seen.clone());
    let tracker: Tracker<u64> = Tracker::new(move |settled, cx| {
        let _ = sent.emit(settled.meta, cx)?;
        if settled.index == 2 { Err(cx.fatal("the broker is gone")) } else { Ok(()) }
    });
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let flow = from_iter(10..99_u64).track_by(&tracker, |n| *n).acknowledge().connect(call(drop));
    scheduler.schedule_periodic(flow, Duration::from_secs(1)).unwrap();
    assert_eq!(scheduler.run_forever().unwrap_err().to_string(), "track: the broker is gone");
    assert_eq!(seen.text(), "10 11 12");
}

#[test]
fn a_callback_may_come_back_to_its_tracker() {
    let slot: Rc<RefCell<Option<Tracker>>> = Rc::default();
    let (inner, count) = (slot.clone(), Rc::new(Cell::new(0)));
    let counted = count.clone();
    let tracker = Tracker::new(move |settled, cx| {
        let tracker = inner.borrow().clone().unwrap();
        counted.set(counted.get() + 1);
        if settled.index < 5 {
            drop(tracker.track("another", (), cx));
        }
        tracker.settle(cx)
    });
    *slot.borrow_mut() = Some(tracker.clone());
    let cx = &mut context();
    drop(tracker.track("first", (), cx));
    tracker.settle(cx).unwrap();
    assert_eq!((count.get(), tracker.in_flight(), tracker.committed()), (6, 0, 6));
    slot.take();
}

#[test]
fn a_tracker_that_outlives_its_scheduler_is_driven_by_the_next() {
    let (tracker, log) = logging();
    let (kept, second) = (Kept::default(), Duration::from_secs(1));
    for turn in 0..2 {
        let (mut scheduler, inner, letting_go) = (Scheduler::virtual_time().unwrap(), kept.clone(), kept.clone());
        let keeps = call(move |event: Tracked<i32>| inner.borrow_mut().push(event));
        scheduler.schedule_periodic(from_iter(0..1).track_by(&tracker, |_| ()).connect(keeps), second).unwrap();
        let lets_go = from_iter([()]).for_each(move |()| letting_go.borrow_mut().clear());
        scheduler.schedule_later_one_time(lets_go, 5 * second).unwrap();
        scheduler.schedule_periodic(from_iter(0..).for_each(drop), second).unwrap();
        scheduler.run_for(6 * second).unwrap();
        assert_eq!(text(&log), ["0:done", "0:done 1:done"][turn]);
    }
}
