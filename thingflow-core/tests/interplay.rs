//! Where two mechanisms meet: a pause and a thread, a `Full` and a resume in one call, an end and what was put off, two wishes
//! of one flow, a question and a cancelled schedule, a session's end and a paused source.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod clockwork;
    pub(crate) mod takes_all;
}

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::flow::ErrorPolicy;
use thingflow_core::history::{Bounds, History};
use thingflow_core::joins;
use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, ListSensor, Recorder, timed};
use thingflow_core::timing::ThrottleBy;
use thingflow_core::{
    Connection, Interest, Limit, Notice, PortRef, Question, QueueMeter, Ready, Registry, StopToken, Timestamp,
    VirtualClock,
};

use support::clockwork::{Result, S, at, clockwork};
use support::takes_all::{Quirk, TakesAll};

type Sent = std::result::Result<Demand, Failure>;

// ---- handles ----

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

// ---- descriptors ----

/// Waits for a socket that never has anything, and sends what it has at hand until it is told to pause.
struct AtHand {
    socket: Descriptor<UnixStream>,
    rest: VecDeque<i32>,
    port: Port<i32>,
}

impl Ports for AtHand {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl PortSource for AtHand {
    fn send(&mut self, cx: &mut Context<'_>) -> Sent {
        while let Some(n) = self.rest.pop_front() {
            match self.port.emit(n, cx)? {
                Demand::More => {}
                other => return Ok(other),
            }
        }
        Ok(Demand::Done)
    }
}

impl EventThing for AtHand {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.socket, 0, Interest::READABLE)
    }
}

/// Is full after each event, and has room again in the same call.
struct HandsOn(Recorder<i32>);

impl Sink for HandsOn {
    type Event = i32;
    fn on_next(&mut self, n: i32, cx: &mut Context<'_>) -> Receipt {
        let _ = self.0.next(n, cx)?;
        cx.resume();
        Ok(Demand::Full)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}

#[test]
fn a_thing_on_a_descriptor_is_called_again_if_there_is_room_in_the_call_that_was_full() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (near, _far) = UnixStream::pair()?;
    let source = AtHand { socket: Descriptor::new(near), rest: (1..=3).collect(), port: Port::new() };
    source.port.connect(HandsOn(seen.clone()));
    scheduler.schedule_on_main_event_loop(source)?;
    scheduler.run_for(S)?;
    assert_eq!(seen.events(), [1, 2, 3]);
    Ok(())
}

type Told = Rc<RefCell<(Option<Registry>, Vec<(u64, Ready)>)>>;

/// Notes what it is told of its descriptor, for whoever has it announced again.
struct Listener(Descriptor<UnixStream>, Told);

impl Ports for Listener {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Listener {
    fn send(&mut self, cx: &mut Context<'_>) -> Sent {
        let (registry, told) = &mut *self.1.borrow_mut();
        told.extend(registry.iter().filter_map(Registry::next_ready).map(|ready| (cx.now().as_nanos(), ready)));
        Ok(Demand::More)
    }
}

impl EventThing for Listener {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.1.borrow_mut().0 = Some(registry.clone());
        registry.register(&mut self.0, 0, Interest::READABLE)
    }
}

#[test]
fn a_descriptor_that_another_thing_has_announced_again_is_announced() -> Result {
    let (mut scheduler, told) = (Scheduler::virtual_time()?, Told::default());
    let (near, mut far) = UnixStream::pair()?;
    far.write_all(b"x")?;
    scheduler.schedule_on_main_event_loop(Listener(Descriptor::new(near), told.clone()))?;
    let again = told.clone();
    at(&scheduler, 1, move || {
        if let (Some(registry), [(_, ready)]) = (&again.borrow().0, &*again.borrow().1) {
            registry.call_again(*ready);
        }
    })?;
    scheduler.run_for(3 * S)?;
    assert_eq!(told.borrow().1.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1_000_000_000]);
    Ok(())
}

// ---- room ----

/// Has room again for somebody with each event.
struct Resumes;

impl Quirk for Resumes {
    fn on_event(&mut self, cx: &mut Context<'_>) -> Demand {
        cx.resume();
        Demand::More
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

#[test]
fn a_history_that_drops_what_is_too_old_lets_its_paused_source_go_on() -> Result {
    let (mut scheduler, history) = (Scheduler::virtual_time()?, History::new(Bounds::new(Limit::block(2)).age(10 * S)));
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

// ---- wishes ----

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

impl Sink for TwoWishes {
    type Event = i32;
    fn on_next(&mut self, _: i32, cx: &mut Context<'_>) -> Receipt {
        self.short = cx.now() + S / 2;
        self.wish(cx);
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
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
    scheduler.schedule_periodic(from_iter(0..).connect(wishes), S)?;
    scheduler.run_for(100 * S)?;
    assert!((100..=115).contains(&woken.get()), "{} times in a hundred seconds", woken.get());
    Ok(())
}

// ---- ends ----

#[test]
fn what_was_put_off_for_a_later_turn_comes_before_the_end() -> Result {
    for error in [None, Some(StreamError::new("broken"))] {
        let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
        port.connect(seen.clone());
        scheduler.with_context(|cx| {
            port.emit_later(1, cx)?;
            port.emit_later(2, cx)?;
            match error.clone() {
                None => port.complete(cx),
                Some(error) => port.fail(error, cx),
            }
        })?;
        assert!(port.is_closed());
        scheduler.run_forever()?;
        assert_eq!((seen.events(), seen.is_completed()), (vec![1, 2], error.is_none()));
    }
    Ok(())
}

#[test]
fn a_loop_whose_last_feeder_was_cancelled_ends_when_nothing_is_on_its_way() -> Result {
    let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
    port.filter(|n| *n < 4).map(|n| n + 1).delay(S, Limit::default()).connect(port.downgrade());
    port.connect(seen.clone());
    let handle = scheduler.schedule_periodic(from_iter(1..).connect(port.feeder()), S)?;
    scheduler.run_for(S)?;
    handle.cancel();
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@2 3@3 4@4 |@4");
    Ok(())
}

#[test]
fn what_waits_at_several_keys_is_flushed_in_the_order_in_which_it_came() -> Result {
    let (port, seen, cx) = (Port::new(), Recorder::new(), &mut Context::detached(Instant::ZERO));
    port.pipe(ThrottleBy::trailing(S, 10, |n: &i32| *n)).connect(seen.clone());
    for n in [3, 1, 2] {
        port.emit(n, cx)?;
    }
    port.as_ref().notice(Notice::Flush, cx)?;
    assert_eq!(seen.events(), [3, 1, 2]);
    Ok(())
}

#[test]
fn a_flush_sends_the_event_that_waits_for_its_trigger() -> Result {
    let (numbers, trigger, seen) = (Port::new(), Port::<()>::new(), Recorder::new());
    numbers.sample(&trigger).connect(seen.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    numbers.emit(1, cx)?;
    numbers.as_ref().notice(Notice::Flush, cx)?;
    trigger.emit((), cx)?;
    assert_eq!(seen.events(), [1]);
    Ok(())
}

#[test]
fn what_is_held_is_sent_before_the_error_that_there_is_no_room_for_more() -> Result {
    let seen = || Recorder::<String>::new();
    let of = |seen: &Recorder<String>| (seen.events(), seen.error().is_some());
    let (numbers, silent, others) = (Port::<i32>::new(), Port::<i32>::new(), Port::<()>::new());
    let [merged, zipped, gathered, tried] = [seen(), seen(), seen(), seen()];
    let limit = || Limit::fail(2);
    joins::merge_by_time([&numbers, &silent], |n| *n, limit()).map(|n| n.to_string()).connect(merged.clone());
    let (timed, none) = (numbers.map(|n| (n, n)).share(), silent.map(|n| (n, n)).share());
    joins::timed_zip((&timed, &none), limit()).map(|(n, _)| n.to_string()).connect(zipped.clone());
    numbers.buffer_until(&others, limit()).map(|all| format!("{all:?}")).connect(gathered.clone());
    let mut fails = 1;
    let policy = ErrorPolicy::skip().retry(2, S, S).limit(limit());
    let once = move |n: &i32| if std::mem::take(&mut fails) == 1 { Err("not now") } else { Ok(n.to_string()) };
    numbers.try_map_with(policy, once).connect(tried.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    for n in 1..=4 {
        numbers.emit(n, cx)?;
    }
    assert_eq!(of(&merged), (vec!["1".into(), "2".into()], true));
    assert_eq!(of(&zipped), (vec!["1".into(), "2".into()], true));
    assert_eq!(of(&gathered), (vec!["[1, 2]".into()], true));
    assert_eq!(of(&tried), (vec!["1".into(), "2".into(), "3".into()], true)); // one is tried again, and two wait
    Ok(())
}

// ---- questions ----

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

// ---- a backlog behind a retry ----

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
        let policy = ErrorPolicy::skip().retry(2, 10 * S, 10 * S);
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

// ---- a change of the graph from inside of a question ----

/// A sink that does something when it is asked whether it wants more, once it is set to.
struct ActsWhenAsked(RefCell<Option<Box<dyn FnOnce()>>>, Rc<Cell<bool>>);

impl Quirk for ActsWhenAsked {
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
        let (mut port, set) = asked(move |port| drop(port.connect(Hears(hears))));
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

impl Sink for Hears {
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
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
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

// ---- who is let go ----

/// A source that is always listened to, and counts how often it is asked.
struct Listened(Rc<Cell<usize>>);

impl Ports for Listened {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Listened {
    fn send(&mut self, _: &mut Context<'_>) -> Sent {
        Ok(Demand::More)
    }
    fn answer(&self, question: Question<'_>) -> bool {
        self.0.set(self.0.get() + usize::from(matches!(question, Question::Open)));
        true
    }
}

#[test]
fn a_reader_that_leaves_has_few_others_asked_in_a_turn() -> Result {
    let (mut scheduler, asked, port) = (Scheduler::virtual_time()?, Rc::new(Cell::new(0)), Port::<i32>::new());
    for _ in 0..5000 {
        scheduler.schedule_periodic(Listened(asked.clone()), 3600 * S)?;
    }
    let (numbers, last) = (from_iter(1..).connect(port.clone()), port.for_each(drop));
    let handle = scheduler.schedule_periodic(numbers, 3600 * S)?;
    clockwork(&scheduler)?;
    scheduler.run_for(S)?;
    asked.set(0);
    for _ in 0..10 {
        port.for_each(drop).disconnect(); // another still listens
        scheduler.run_for(S)?;
    }
    assert_eq!(asked.get(), 0);
    last.disconnect();
    let mut turns = 0;
    while handle.is_active() {
        let before = asked.get();
        scheduler.turn(Some(Duration::ZERO))?;
        turns += 1;
        assert!(asked.get() - before <= 1024 && turns < 100);
    }
    Ok(())
}

#[test]
fn a_source_is_let_go_when_the_thread_that_takes_its_events_wants_no_more() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let sink = scheduler.edge_sink("first", pipe().take(1).to(call(|_: char| {})), Limit::default())?;
    let port = Port::new();
    port.connect(sink);
    scheduler.schedule_recurring(timed([(1.0, 'a'), (3600.0, 'b')]).connect(port))?;
    scheduler.run_forever()?;
    assert_eq!(scheduler.now(), Instant::ZERO + S);
    Ok(())
}

#[test]
fn a_source_is_let_go_when_the_results_of_the_pool_that_it_feeds_are_not_wanted() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (remote, numbers) = scheduler.remote(Limit::default())?;
    let (jobs, squares) = scheduler.map_on_pool(1, |n: i32| n * n)?;
    numbers.connect(jobs);
    let reader = squares.for_each(drop);
    clockwork(&scheduler)?;
    scheduler.turn(Some(Duration::ZERO))?;
    reader.disconnect();
    for _ in 0..3 {
        scheduler.turn(Some(Duration::ZERO))?;
    }
    assert!(remote.post(2).is_err(), "nobody receives any more");
    Ok(())
}
