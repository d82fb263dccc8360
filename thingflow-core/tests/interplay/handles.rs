//! Pauses, ends, stops and cancels beside threads, ticks and readers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, ListSensor, Recorder};
use thingflow_core::{Limit, PortRef, Question, QueueMeter, StopToken, VirtualClock};

use super::Sent;
use super::clockwork::{Result, S, at, clockwork};

#[test]
fn a_schedule_that_is_ended_before_it_has_begun_completes_in_the_next_turn() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    scheduler.schedule_periodic(from_iter(1..).connect(seen.clone()), 3600 * S)?.end();
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "|@0");
    Ok(())
}

#[test]
fn a_source_without_a_reader_waits_for_one_although_it_was_paused() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let numbers = from_iter(1..).output();
    let port = numbers.port().clone();
    let handle = scheduler.schedule_periodic(numbers, S)?;
    clockwork(&scheduler)?;
    handle.pause();
    scheduler.run_for(2 * S)?;
    handle.resume();
    scheduler.run_for(2 * S)?;
    port.connect(seen.clone());
    scheduler.run_for(2 * S)?;
    assert_eq!(seen.timed_text(), "1@5 2@6");
    Ok(())
}

#[test]
fn a_pause_while_the_thread_samples_takes_the_answer_and_holds_no_time() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let probe = scheduler.schedule_sensor_on_separate_thread(ListSensor::new("probe", [1, 2, 3, 4]), S)?;
    probe.map(|e| e.val).connect(seen.clone());
    let (handle, pauses) = (probe.handle().clone(), probe.handle().clone());
    at(&scheduler, 1, move || pauses.pause())?; // the thread has been asked
    clockwork(&scheduler)?;
    scheduler.run_for(3 * S)?;
    handle.resume();
    scheduler.run_for(2 * S)?;
    assert_eq!(seen.timed_text(), "1@1 2@4 3@5");
    Ok(())
}

#[test]
fn an_end_while_the_thread_samples_takes_the_answer_before_the_end() -> Result {
    let (mut scheduler, seen, failing) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let probe = scheduler.schedule_sensor_on_separate_thread(ListSensor::new("probe", [1, 2]), S)?;
    probe.map(|e| e.val).connect(seen.clone());
    let skip = Periodic::every(S).on_failure(OnFailure::Skip);
    let flaky = FlakySensor::new("flaky", [Err("no answer"), Ok(2)]);
    let flaky = scheduler.schedule_sensor_on_separate_thread(flaky, skip)?;
    flaky.map(|e| e.val).connect(failing.clone());
    let handles = [probe.handle().clone(), flaky.handle().clone()];
    at(&scheduler, 1, move || handles.iter().for_each(ScheduleHandle::end))?; // the threads have been asked
    clockwork(&scheduler)?;
    scheduler.run_for(3 * S)?;
    assert_eq!((seen.timed_text(), failing.timed_text()), ("1@1 |@1".into(), "|@1".into()));
    Ok(())
}

#[test]
fn the_end_of_what_runs_once_leaves_the_port_open_that_others_feed() -> Result {
    let (mut scheduler, port, seen, own) = (Scheduler::virtual_time()?, Port::new(), Recorder::new(), Recorder::new());
    port.connect(seen.clone());
    let first = scheduler.schedule_later_one_time(from_iter([1]).connect(port.clone()), S)?;
    let alone = scheduler.schedule_later_one_time(from_iter([1]).connect(own.clone()), S)?;
    scheduler.schedule_later_one_time(from_iter([2]).connect(port), 2 * S)?;
    first.end();
    alone.end();
    scheduler.run_forever()?;
    assert_eq!((seen.timed_text(), own.timed_text()), ("2@2".into(), "|@0".into()));
    Ok(())
}

#[test]
fn an_end_that_overtakes_an_error_from_a_thread_ends_the_stream_with_it() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (failed, has_failed) = std::sync::mpsc::channel();
    let output = scheduler.schedule_on_private_event_loop("loop", Limit::default(), move |remote, _| {
        remote.post(1).map_err(|error| error.to_string())?;
        remote.fail(StreamError::new("broken"));
        failed.send(()).map_err(|error| error.to_string())
    })?;
    output.connect(seen.clone());
    has_failed.recv()?;
    output.handle().end();
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "1 ! broken");
    Ok(())
}

#[test]
fn a_stop_while_a_thread_samples_takes_the_answer_and_sends_what_is_delayed() -> Result {
    let (mut scheduler, seen, probed) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let probe = scheduler.schedule_sensor_on_separate_thread(ListSensor::new("probe", [1, 2]), S)?;
    probe.map(|e| e.val).connect(probed.clone());
    scheduler.schedule_periodic(from_iter(1..).delay(S / 2, Limit::default()).connect(seen.clone()), S)?;
    let stopper = scheduler.stopper();
    at(&scheduler, 1, move || stopper.stop())?;
    scheduler.run_forever()?;
    assert_eq!((seen.timed_text(), probed.timed_text()), ("1@1.5".into(), "1@1".into()));
    Ok(())
}

#[test]
fn a_stop_waits_for_what_a_thread_was_asked_for_and_sends_the_window_that_it_comes_to() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let probe = scheduler.schedule_sensor_on_separate_thread(ListSensor::new("probe", [1, 2, 3]), S)?;
    probe.map(|e| e.val).chunks(9).connect(seen.clone());
    let stopper = scheduler.stopper();
    at(&scheduler, 2, move || stopper.stop())?; // the thread has been asked for the second time
    scheduler.run_forever()?;
    assert_eq!(seen.events().concat(), [1, 2]); // in one list or two: the thread may have answered before the stop
    Ok(())
}

#[test]
fn the_meter_of_a_remote_counts_what_comes_with_the_end() -> Result {
    let (mut scheduler, meter, seen) = (Scheduler::virtual_time()?, QueueMeter::default(), Recorder::new());
    let (posted, has_posted) = std::sync::mpsc::channel();
    let work = move |remote: Remote<i32>, stop: StopToken| {
        (1..=3).try_for_each(|n| remote.post(n)).map_err(|error| error.to_string())?;
        posted.send(()).map_err(|error| error.to_string())?;
        while !stop.wait(3600 * S) {}
        Ok::<(), String>(())
    };
    let output = scheduler.schedule_on_private_event_loop("loop", Limit::block(9).metered(&meter), work)?;
    output.connect(seen.clone());
    has_posted.recv()?;
    output.handle().end();
    scheduler.run_forever()?;
    assert_eq!((seen.text(), meter.stats().posted), ("1 2 3 |".into(), 3));
    Ok(())
}

#[test]
fn the_meter_of_a_remote_counts_what_its_receiver_leaves_behind() -> Result {
    let (mut scheduler, meters) = (Scheduler::virtual_time()?, [(); 3].map(|()| QueueMeter::default()));
    let [enough, panics, unread] = &meters;
    let mut remotes = Vec::new();
    for meter in [enough, panics, unread] {
        let (remote, port) = scheduler.remote(Limit::block(9).metered(meter))?;
        (1..=5).try_for_each(|n| remote.post(n))?;
        remotes.push((remote, port));
    }
    remotes[0].1.take(2).for_each(drop);
    remotes[1].1.for_each(|n| assert!(n < 3, "the third"));
    assert!(scheduler.run_forever().is_err());
    drop(scheduler);
    assert_eq!(meters.each_ref().map(|meter| meter.stats().dropped), [3, 2, 5]);
    for (meter, (remote, _)) in meters.iter().zip(&remotes) {
        assert_eq!(meter.stats(), remote.stats());
    }
    Ok(())
}

#[test]
fn a_stop_hears_what_a_thread_has_said_before_it_gives_up_what_waits_for_room() -> Result {
    let (mut scheduler, port) = (Scheduler::virtual_time()?, Port::new());
    let (stored, store) = std::sync::mpsc::channel();
    let sink = scheduler.edge_sink("store", try_call(move |n: i32| stored.send(n)), Limit::block(1))?;
    let (meter, stopper) = (sink.meter(), scheduler.stopper());
    port.latest().connect(sink);
    for n in [1, 2] {
        scheduler.schedule_later_one_time(from_iter([n]).connect(port.clone()), S)?; // the second waits for room
    }
    at(&scheduler, 1, move || {
        while meter.stats().delivered == 0 {
            std::thread::yield_now();
        }
        stopper.stop();
    })?;
    scheduler.run_forever()?;
    drop(scheduler);
    assert_eq!(store.iter().collect::<Vec<_>>(), [1, 2]);
    Ok(())
}

/// Takes five seconds, and cancels its own schedule when it is asked what it looks like.
struct Cancels {
    handle: Rc<RefCell<Option<ScheduleHandle>>>,
    clock: VirtualClock,
    called: bool,
}

impl Ports for Cancels {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Cancels {
    fn send(&mut self, _: &mut Context<'_>) -> Sent {
        self.clock.advance(5 * S);
        self.called = true;
        Ok(Demand::More)
    }
    fn answer(&self, question: Question<'_>) -> bool {
        if matches!(question, Question::Describe(_)) && self.called {
            self.handle.borrow().iter().for_each(ScheduleHandle::cancel);
        }
        matches!(question, Question::Open)
    }
}

#[test]
fn a_schedule_that_is_cancelled_while_its_missed_ticks_are_logged_is_gone() -> Result {
    let (clock, handle) = (VirtualClock::new(), Rc::new(RefCell::new(None)));
    let mut scheduler = Scheduler::with_clock(clock.clone())?;
    let scheduled = scheduler.schedule_periodic(Cancels { handle: handle.clone(), clock, called: false }, S)?;
    handle.replace(Some(scheduled.clone()));
    scheduler.run_for(20 * S)?;
    assert!(!scheduled.is_active());
    assert!(!scheduler.turn(Some(S))?, "nothing is left to run for");
    Ok(())
}

/// A source that nobody reads, and which counts how often it is asked whether anybody does.
struct Unread(Rc<Cell<u32>>);

impl Ports for Unread {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Unread {
    fn send(&mut self, _: &mut Context<'_>) -> Sent {
        Ok(Demand::More)
    }
    fn answer(&self, question: Question<'_>) -> bool {
        self.0.set(self.0.get() + u32::from(matches!(question, Question::Open)));
        false
    }
}

#[test]
fn sources_without_a_reader_are_not_all_asked_in_each_turn() -> Result {
    let (mut scheduler, asked) = (Scheduler::virtual_time()?, Rc::new(Cell::new(0)));
    for _ in 0..100 {
        scheduler.schedule_periodic(Unread(asked.clone()), S)?;
    }
    clockwork(&scheduler)?;
    scheduler.run_for(1000 * S)?;
    assert!(asked.get() < 10_000, "{} questions in a thousand turns", asked.get());
    Ok(())
}
