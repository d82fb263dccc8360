//! Looking at a running scheduler, and changing it, from other threads and from inside of calls.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod call_with;
}

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, ListSensor, Recorder};
use thingflow_core::{
    Control, InspectError, Inspector, NodeId, Overflow, ScheduleKind, ScheduleState, Snapshot, TapEvents, TapSettings,
    VirtualClock, diagram::NodeKind, joins,
};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

/// Has another thread ask while the scheduler serves turns, in which no virtual time passes.
fn ask<R: Send + 'static>(scheduler: &mut Scheduler, question: impl FnOnce() -> R + Send + 'static) -> Result<R> {
    let asker = thread::spawn(question);
    while !asker.is_finished() {
        scheduler.turn(Some(Duration::ZERO))?;
        thread::yield_now();
    }
    Ok(asker.join().expect("no panic"))
}

/// A scheduler with a sensor a second that never ends, and what it needs to be asked.
fn lux() -> Result<(Scheduler, Inspector, Control, Recorder<f64>)> {
    let (scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (inspector, control) = (scheduler.inspector(), scheduler.control());
    let sensor = SensorOutput::new(ListSensor::new("lux", (0..1000).map(f64::from).collect::<Vec<_>>()));
    sensor.map(|event| event.val).named("value").connect(seen.clone());
    scheduler.schedule_periodic(sensor, SECOND)?;
    Ok((scheduler, inspector.timeout(LONG), control.timeout(LONG), seen))
}

fn ids(snapshot: &Snapshot) -> Vec<NodeId> {
    snapshot.graph.nodes.iter().filter_map(|node| node.id).collect()
}

// ---- identity ----

#[test]
fn every_node_of_a_running_graph_has_an_id_of_its_own_that_stays() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let lux = SensorOutput::new(ListSensor::new("lux", (0..9).map(f64::from).collect::<Vec<_>>()));
    let (port, seen) = (lux.port().clone(), Recorder::new());
    let both = joins::merge(((&lux).map(|e| e.val), (&lux).map(|e| e.val * 2.0)));
    both.also_to(pipe().map(|x: f64| x + 1.0).take(2).to(call(drop))).running_avg(3).connect(seen.clone());
    scheduler.schedule_periodic(lux, SECOND)?;
    scheduler.schedule_periodic(from_iter(0..9).map(|x| x + 1).connect(Recorder::new()), SECOND)?;
    scheduler.run_for(SECOND / 2)?;
    let before = scheduler.snapshot();
    let all = ids(&before);
    assert_eq!(all.len(), before.graph.nodes.len(), "{:?}", before.graph);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
    assert!(all.iter().all(|id| id.to_string().parse() == Ok(*id)));

    // A branch goes, a connection comes: what stays has the id that it had.
    scheduler.run_for(3 * SECOND)?;
    port.connect(Recorder::new());
    let after = scheduler.snapshot();
    assert!(before.node("take").is_some() && after.node("take").is_none());
    for name in ["lux", "running_avg", "merge", "also_to", "from_iter"] {
        let id_in = |snapshot: &Snapshot| snapshot.node(name).and_then(|node| node.id);
        assert_eq!(id_in(&before), id_in(&after), "{name}");
        assert!(id_in(&before).is_some(), "{name}");
    }
    assert_eq!(ids(&after).iter().collect::<BTreeSet<_>>().len(), after.graph.nodes.len());
    Ok(())
}

#[test]
fn an_id_is_never_used_again() -> Result {
    let (mut scheduler, mut known) = (Scheduler::virtual_time()?, BTreeSet::new());
    for _ in 0..50 {
        let numbers = from_iter(0..9).output();
        numbers.map(|x| x + 1).connect(Recorder::new());
        let handle = scheduler.schedule_periodic(numbers, SECOND)?;
        scheduler.run_for(SECOND)?;
        for id in ids(&scheduler.snapshot()) {
            assert!(known.insert(id), "{id} was that of another");
        }
        handle.cancel();
    }
    assert_eq!(known.len(), 150);
    Ok(())
}

#[test]
fn a_name_that_was_given_reaches_the_error_that_ends_a_run() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let numbers = from_iter(1..).output();
    numbers.map(|n| n * 2).named("doubled").connect(try_call(|_| Err("the disk is full")));
    scheduler.schedule_periodic(numbers, SECOND)?;
    let error = scheduler.run_forever().expect_err("it fails");
    assert_eq!(error.thing(), Some("doubled"));
    Ok(())
}

// ---- asking ----

#[test]
fn a_schedule_keeps_its_counts_when_the_last_handle_goes_and_a_handle_when_the_schedule_goes() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let first = scheduler.schedule_periodic(from_iter(0..).for_each(drop), SECOND)?;
    let second = first.clone();
    scheduler.run_for(2 * SECOND)?;
    drop(first);
    scheduler.run_for(SECOND)?;
    assert_eq!(second.stats().ticks, 3);
    drop(second);
    scheduler.run_for(SECOND)?;
    assert_eq!(scheduler.snapshot().schedules[0].stats.ticks, 4);

    let last = scheduler.schedule_periodic(from_iter(0..).for_each(drop), SECOND)?;
    scheduler.run_for(SECOND)?;
    last.cancel();
    drop(scheduler);
    assert_eq!((last.stats().ticks, last.is_active()), (1, false));
    Ok(())
}

#[test]
fn another_thread_sees_the_graph_its_counts_and_the_schedules() -> Result {
    let (mut scheduler, inspector, _control, seen) = lux()?;
    scheduler.run_for(3 * SECOND)?;
    let snapshot = ask(&mut scheduler, move || inspector.snapshot())??;
    assert_eq!(snapshot.graph.to_string(), "lux -> value -> recorder\n");
    assert_eq!((snapshot.at, snapshot.timestamp), (Instant::ZERO + 3 * SECOND, Timestamp::from_secs(3)));
    let lux = snapshot.schedule("lux").expect("a schedule");
    assert_eq!((lux.kind, lux.state), (ScheduleKind::Periodic(SECOND), ScheduleState::Running));
    assert_eq!((lux.stats.ticks, lux.next), (3, Some(Instant::ZERO + 4 * SECOND)));
    assert_eq!(lux.lateness.ticks, 3);
    assert_eq!(lux.node, snapshot.node("lux").and_then(|node| node.id));
    assert_eq!(snapshot.node("lux").and_then(|node| node.events), Some(3));
    assert_eq!(snapshot.graph.edges[0].events, Some(3));
    assert_eq!(seen.events().len(), 3, "asking has changed nothing");
    Ok(())
}

#[test]
fn a_port_that_only_the_program_feeds_is_in_the_graph() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let buttons = Port::new().named("buttons");
    buttons.map(|x: i32| x + 1).connect(Recorder::new());
    let fed = buttons.clone();
    scheduler.with_context(|cx| fed.clone().notice(thingflow_core::Notice::Start, cx).and_then(|_| fed.emit(1, cx)))?;
    assert_eq!(scheduler.snapshot().graph.to_string(), "buttons -> map -> recorder\n");
    Ok(())
}

#[test]
fn a_call_sees_the_graph_whole() -> Result {
    let (mut scheduler, graphs) = (Scheduler::virtual_time()?, Rc::new(RefCell::new(Vec::new())));
    let seen = graphs.clone();
    let looks = support::call_with::call_with(move |_: i32, cx: &mut Context<'_>| {
        let seen = seen.clone();
        cx.inspect(move |snapshot, _| {
            seen.borrow_mut().push(snapshot.graph.to_string());
            Ok(())
        });
        Ok(Demand::More)
    });
    scheduler.schedule_periodic(from_iter(0..2).map(|x| x).connect(looks), SECOND)?;
    scheduler.run_for(2 * SECOND)?;
    assert_eq!(graphs.borrow().len(), 2);
    assert!(graphs.borrow().iter().all(|graph| graph.starts_with("from_iter -> map -> ")), "{graphs:?}");
    Context::detached(Instant::ZERO).inspect(|_, _| unreachable!("there is no scheduler"));
    Ok(())
}

#[test]
fn who_asks_in_vain_hears_why_and_never_hangs() -> Result {
    let (mut scheduler, inspector, control, _) = lux()?;
    assert_eq!(inspector.snapshot(), Err(InspectError::OwnThread));
    let (asker, soon) = (inspector.clone(), Duration::from_millis(1));
    let early = thread::spawn(move || asker.timeout(soon).snapshot()).join().expect("no panic");
    assert_eq!(early, Err(InspectError::TimedOut(soon)), "it does not run yet");
    let asker = inspector.clone().timeout(Duration::ZERO);
    let many = thread::spawn(move || (0..100).map(|_| asker.snapshot().err()).collect::<Vec<_>>()).join();
    assert_eq!(many.expect("no panic").last(), Some(&Some(InspectError::Busy)));

    scheduler.run_for(SECOND)?; // those who have given up are no burden
    let asker = inspector.clone();
    assert!(ask(&mut scheduler, move || asker.snapshot())?.is_ok());
    let (other, _) = (Scheduler::virtual_time()?, ());
    let unknown =
        other.schedule_recurring(never::<i32>().connect(call(drop))).map(|_| other.snapshot().schedules[0].id)?;
    let pauses = control.clone();
    let refused = ask(&mut scheduler, move || pauses.pause(unknown))?;
    assert_eq!(refused, Err(InspectError::UnknownSchedule(unknown)));

    scheduler.stopper().stop();
    scheduler.run_forever()?;
    let (asker, ends) = (inspector.clone(), control.clone());
    let ended = thread::spawn(move || (asker.snapshot().err(), ends.end(unknown).err())).join().expect("no panic");
    assert_eq!(ended, (Some(InspectError::Ended), Some(InspectError::Ended)));

    // The next run answers again, and a scheduler that is gone never does.
    scheduler.schedule_recurring(never::<i32>().connect(call(drop)))?;
    assert!(scheduler.turn(Some(Duration::ZERO))?);
    let asker = inspector.clone();
    assert!(ask(&mut scheduler, move || asker.snapshot())?.is_ok());
    drop(scheduler);
    assert_eq!(thread::spawn(move || inspector.snapshot()).join().expect("no panic"), Err(InspectError::Ended));
    Ok(())
}

#[test]
fn who_waits_while_the_run_ends_hears_of_it() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let inspector = scheduler.inspector().timeout(LONG);
    let asker = Rc::new(RefCell::new(None));
    let asks = asker.clone();
    let ends = scheduler.stopper();
    // The question is posted in the last turn, after the reactor has looked.
    let flow = from_iter(0..1).connect(call(move |_| {
        let (inspector, (posting, posted)) = (inspector.clone(), std::sync::mpsc::channel());
        *asks.borrow_mut() = Some(thread::spawn(move || {
            posting.send(()).expect("somebody waits");
            inspector.snapshot().map(drop)
        }));
        posted.recv().expect("it is about to ask");
        ends.stop();
    }));
    scheduler.schedule_periodic(flow, SECOND)?;
    scheduler.run_forever()?;
    let answer = asker.borrow_mut().take().expect("it was called").join().expect("no panic");
    assert!(matches!(answer, Ok(()) | Err(InspectError::Ended)), "{answer:?}");
    Ok(())
}

#[test]
fn questions_do_not_move_virtual_time() -> Result {
    let (mut scheduler, inspector, _control, _) = lux()?;
    let before = scheduler.now();
    let times = ask(&mut scheduler, move || (0..20).map(|_| inspector.snapshot().map(|s| s.at)).collect::<Vec<_>>())?;
    assert!(times.into_iter().all(|at| at == Ok(before)));
    Ok(())
}

// ---- what there is to see ----

#[test]
fn lateness_and_missed_ticks() -> Result {
    let clock = VirtualClock::new();
    let mut scheduler = Scheduler::with_clock(clock.clone())?;
    let _inspector = scheduler.inspector();
    let slow = from_iter(0..).connect(call(move |n: i32| {
        if n == 1 {
            clock.advance(Duration::from_millis(2500));
        }
    }));
    let other = from_iter(0..).named("other").connect(call(drop));
    scheduler.schedule_periodic(slow, SECOND)?;
    scheduler.schedule_periodic(other, SECOND)?;
    scheduler.run_for(6 * SECOND)?;
    let snapshot = scheduler.snapshot();
    let slow = &snapshot.schedules[0];
    assert_eq!((slow.stats.ticks, slow.stats.missed), (4, 2));
    assert_eq!(snapshot.schedules[1].lateness.longest, Duration::from_millis(2500));
    assert_eq!(snapshot.schedules[1].lateness.last, Duration::ZERO);
    Ok(())
}

#[test]
fn errors_are_counted_for_each_thing() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let _inspector = scheduler.inspector();
    let co2 = FlakySensor::new("co2", [Ok(410), Err("no answer"), Err("no answer"), Ok(415), Err("bus stuck")]);
    let timing = Periodic::every(SECOND).on_failure(OnFailure::Skip);
    scheduler.schedule_sensor(co2, timing, |co2| {
        co2.connect(call(drop));
    })?;
    scheduler.run_for(3 * SECOND)?;
    assert_eq!(scheduler.snapshot().schedules[0].failing, 2);
    scheduler.run_for(2 * SECOND)?;
    let snapshot = scheduler.snapshot();
    assert_eq!((snapshot.reported, snapshot.errors.len()), (3, 1));
    let co2 = &snapshot.errors[0];
    assert_eq!((co2.thing.as_str(), co2.count, co2.at), ("co2", 3, Instant::ZERO + 5 * SECOND));
    assert!(co2.last.contains("bus stuck"), "{}", co2.last);
    Ok(())
}

#[test]
fn queues_say_what_waits_what_may_and_what_was_dropped() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let numbers = from_iter(0..).output();
    numbers.delay(LONG, Limit::drop_oldest(4)).connect(call(drop));
    let (few, many) = (Port::<i32>::new(), numbers.port().clone());
    joins::zip((&many, &few), Limit::drop_newest(3)).connect(call(drop));
    few.connect(call(drop));
    scheduler.schedule_periodic(numbers, SECOND)?;
    scheduler.run_for(10 * SECOND)?;
    let snapshot = scheduler.snapshot();
    let delay = snapshot.node("delay").expect("a delay").queues[0];
    assert_eq!((delay.waiting, delay.capacity, delay.overflow, delay.dropped), (4, Some(4), Overflow::DropOldest, 6));
    let zip = &snapshot.node("zip").expect("a zip").queues;
    assert_eq!(zip.iter().map(|queue| (queue.waiting, queue.dropped)).collect::<Vec<_>>(), [(3, 7), (0, 0)]);
    Ok(())
}

#[test]
fn f87_pools_edge_sinks_and_remotes_are_one_node_each_with_their_queues() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (jobs, squares) = scheduler.map_on_pool(2, |x: u64| x * x)?;
    let (remote, back) = scheduler.remote::<u64>(Limit::block(8))?;
    squares.connect(remote);
    let store = scheduler.edge_sink("store", call(drop::<u64>), Limit::block(16))?;
    back.map(|x| x + 1).connect(store);
    scheduler.schedule_periodic(from_iter(1..).connect(jobs), SECOND)?;
    scheduler.run_for(3 * SECOND)?;
    scheduler.run_for(SECOND / 2)?; // what the pool has posted last
    let snapshot = scheduler.snapshot();
    assert_eq!(snapshot.graph.paths(), ["from_iter -> map_on_pool -> remote -> map -> store"]);
    let kinds: Vec<_> = snapshot.graph.nodes.iter().map(|node| (node.name.as_str(), node.kind)).collect();
    assert!(kinds.contains(&("store", NodeKind::Sink)), "{kinds:?}");
    let queue = |name: &str| snapshot.node(name).and_then(|node| node.queues.first().copied()).expect("a queue");
    assert_eq!((queue("store").waiting, queue("store").capacity, queue("store").posted), (0, Some(16), Some(3)));
    assert_eq!((queue("remote").capacity, queue("remote").posted), (Some(8), Some(3)));
    assert_eq!((queue("map_on_pool").waiting, queue("map_on_pool").capacity), (0, Some(4)));
    // As other threads see it, and the same in the next look: the ids do not depend on the way of the walk.
    assert_eq!(ids(&snapshot), ids(&scheduler.snapshot()));
    Ok(())
}

#[test]
fn what_is_measured_is_measured_from_zero_on_and_not_before() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let inspector = scheduler.inspector().timeout(LONG);
    scheduler
        .schedule_periodic(from_iter(0..).probe("raw").map(|n| n * 10).probe("tens").connect(call(drop)), SECOND)?;
    scheduler.run_for(3 * SECOND)?;
    let unwatched = scheduler.snapshot();
    assert_eq!(unwatched.graph.to_string(), "from_iter -> raw -> map -> tens -> call\n");
    let tappable = ["raw", "map", "tens", "call"].map(|name| unwatched.node(name).expect("a node").tappable);
    assert_eq!(tappable, [true, false, true, false]);
    assert!(unwatched.node("tens").expect("a probe").probe.is_none() && unwatched.schedules[0].calls.is_none());
    let on = inspector.clone();
    ask(&mut scheduler, move || on.measure(true))??;
    scheduler.run_for(2 * SECOND)?;
    let measured = scheduler.snapshot();
    let tens = measured.node("tens").and_then(|node| node.probe.clone()).expect("it is on");
    assert_eq!((tens.events, tens.last.as_deref()), (2, Some("40")));
    assert!(tens.longest <= tens.spent);
    let raw = measured.node("raw").and_then(|node| node.probe.clone()).expect("it is on");
    assert!(raw.spent >= tens.spent, "what follows `raw` includes what follows `tens`");
    let calls = measured.schedules[0].calls.expect("they are measured");
    assert!(calls.calls == 2 && calls.total >= raw.spent && calls.longest <= calls.total, "{calls:?}");
    ask(&mut scheduler, move || inspector.measure(false))??;
    assert!(scheduler.snapshot().graph.nodes.iter().all(|node| node.probe.is_none()));
    Ok(())
}

#[cfg(feature = "serde")]
#[test]
fn a_snapshot_is_a_record() -> Result {
    let (mut scheduler, _inspector, _control, _) = lux()?;
    scheduler
        .schedule_periodic(from_iter(0..).probe("raw").delay(LONG, Limit::block(9)).connect(call(drop)), SECOND)?;
    scheduler.measure(true);
    scheduler.run_for(3 * SECOND)?;
    let snapshot = scheduler.snapshot();
    let json = serde_json::to_string(&snapshot)?;
    assert_eq!(serde_json::from_str::<Snapshot>(&json)?, snapshot);
    assert!(json.contains(&format!("\"id\":\"{}\"", snapshot.schedules[0].id)), "{json}");
    Ok(())
}

// ---- change ----

#[test]
fn another_thread_pauses_resumes_and_ends_a_schedule() -> Result {
    let (mut scheduler, inspector, control, seen) = lux()?;
    scheduler.run_for(2 * SECOND)?;
    let id = scheduler.snapshot().schedules[0].id;
    let pauses = control.clone();
    ask(&mut scheduler, move || pauses.pause(id))??;
    scheduler.run_for(3 * SECOND)?;
    assert_eq!(scheduler.snapshot().schedules[0].state, ScheduleState::Paused);
    let resumes = control.clone();
    ask(&mut scheduler, move || resumes.resume(id))??;
    scheduler.run_for(SECOND)?;
    assert_eq!(seen.timed_text(), "0.0@1 1.0@2 2.0@6");
    let ends = control.clone();
    ask(&mut scheduler, move || ends.end(id))??;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "0.0@1 1.0@2 2.0@6 |@6");
    assert!(!format!("{inspector:?}").is_empty());
    Ok(())
}

#[test]
fn the_run_goes_on_for_what_is_paused_while_somebody_may_resume_it() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (inspector, control, seen) =
        (scheduler.inspector().timeout(LONG), scheduler.control().timeout(LONG), Recorder::new());
    scheduler.schedule_periodic(from_iter(0..2).named("few").connect(seen.clone()), Duration::from_millis(1))?;
    let page = thread::spawn(move || {
        let id = inspector.snapshot()?.schedules[0].id;
        control.pause(id)?;
        let paused = inspector.snapshot()?.schedules[0].state;
        control.resume(id)?;
        Ok::<_, InspectError>(paused)
    });
    scheduler.run_forever()?;
    match page.join().expect("no panic") {
        Ok(paused) => assert_eq!(paused, ScheduleState::Paused),
        Err(ended) => assert!(matches!(ended, InspectError::Ended | InspectError::UnknownSchedule(_)), "{ended:?}"),
    }
    assert_eq!(seen.text(), "0 1 |");
    Ok(())
}

#[test]
fn a_run_in_which_all_is_paused_ends_with_the_last_control() -> Result {
    let mut scheduler = Scheduler::new()?;
    let control = scheduler.control().timeout(LONG);
    let handle = scheduler.schedule_periodic(from_iter(0..).connect(call(drop)), LONG)?;
    handle.pause();
    let holder = thread::spawn(move || drop(control));
    scheduler.run_forever()?; // returns, since nobody is left
    holder.join().expect("no panic");
    assert!(!handle.is_active() || handle.is_paused());
    Ok(())
}

// ---- taps ----

fn read(tap: &TapEvents) -> Vec<String> {
    std::iter::from_fn(|| tap.next(Duration::ZERO).ok().flatten()).map(|seen| seen.text).collect()
}

#[test]
fn s10_a_tap_shows_few_counts_all_and_drops_what_nobody_reads() -> Result {
    let (mut scheduler, inspector, _control, seen) = lux()?;
    let asker = inspector.clone();
    let settings = TapSettings::default().every(2 * SECOND).room(2);
    let tap = ask(&mut scheduler, move || asker.tap("lux", settings))??;
    scheduler.run_for(9 * SECOND)?;
    assert_eq!(
        (tap.passed(), tap.dropped(), tap.left_out()),
        (9, 3, 4),
        "shown at 1, 3, 5, 7 and 9 s, and two may wait"
    );
    assert_eq!(read(&tap), ["lux 1970-01-01T00:00:01Z 0", "lux 1970-01-01T00:00:03Z 2"]);
    assert_eq!(seen.events().len(), 9, "it takes nothing away");
    assert_eq!(scheduler.snapshot().graph.to_string(), "lux -> value -> recorder\n", "it is no part of the graph");
    drop(tap);
    scheduler.run_for(SECOND)?;
    let asker = inspector.clone();
    let again = ask(&mut scheduler, move || asker.tap("lux", TapSettings::default().every(Duration::ZERO)))??;
    scheduler.run_for(2 * SECOND)?;
    assert_eq!(read(&again).len(), 2);
    Ok(())
}

#[test]
fn s10_a_tap_once_ends_after_an_event_and_so_does_one_of_a_stream_that_ends() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let inspector = scheduler.inspector().timeout(LONG);
    let numbers = from_iter(1..=4).output().named("numbers");
    numbers.map(|n| n * 10).probe("tens").connect(call(drop));
    scheduler.schedule_periodic(numbers, SECOND)?;
    let (all, settings) = (inspector.clone(), TapSettings::default().every(Duration::ZERO));
    let all = ask(&mut scheduler, move || all.tap("numbers", settings))??;
    for place in ["numbers", "tens"] {
        let asker = inspector.clone();
        let once = ask(&mut scheduler, move || asker.tap(place, TapSettings::once()))??;
        scheduler.run_for(SECOND)?;
        let seen = once.next(Duration::ZERO)?.expect("an event");
        assert_eq!((seen.at, seen.text.len()), (scheduler.now(), if place == "tens" { 2 } else { 1 }));
        assert_eq!(once.next(Duration::ZERO), Err(InspectError::Ended));
    }
    scheduler.run_forever()?;
    assert_eq!(read(&all), ["1", "2", "3", "4"]);
    assert_eq!(all.next(Duration::ZERO), Err(InspectError::Ended));
    Ok(())
}

#[test]
fn s10_nothing_is_sampled_for_a_tap() -> Result {
    let (scheduler_calls, mut scheduler) = (Rc::new(Cell::new(0)), Scheduler::virtual_time()?);
    let (calls, inspector) = (scheduler_calls.clone(), scheduler.inspector().timeout(LONG));
    let numbers = from_fn(move || {
        calls.set(calls.get() + 1);
        Some(calls.get())
    });
    let numbers = numbers.output().named("numbers");
    numbers.take(2).connect(call(drop));
    scheduler.schedule_periodic(numbers, SECOND)?;
    scheduler.schedule_recurring(never::<i32>().connect(call(drop)))?;
    let tap = ask(&mut scheduler, move || inspector.tap("numbers", TapSettings::default()))??;
    scheduler.run_for(9 * SECOND)?;
    assert_eq!((scheduler_calls.get(), tap.passed()), (2, 2));
    Ok(())
}

#[test]
fn s10_a_place_is_found_by_its_id_or_its_only_name_and_shows_what_the_program_lets_it() -> Result {
    #[derive(Clone, Debug)]
    #[allow(dead_code)] // shown by Debug
    struct Reading(u8);
    let mut scheduler = Scheduler::virtual_time()?;
    let inspector = scheduler.inspector().timeout(LONG);
    let port = Port::new().named("readings");
    port.map(|reading| reading).named("same").connect(call(drop));
    port.map(|reading| reading).named("same").connect(call(drop));
    scheduler.schedule_periodic(from_iter(0..).map(Reading).connect(port.clone()), SECOND)?;
    let asker = inspector.clone();
    let refused =
        ask(&mut scheduler, move || ["same", "nobody"].map(|name| asker.tap(name, TapSettings::once()).err()))?;
    let unknown = InspectError::UnknownNode("nobody".to_owned());
    assert_eq!(refused, [Some(InspectError::Ambiguous("same".to_owned(), 2)), Some(unknown)]);
    let (id, asker) = (scheduler.snapshot().node("same").and_then(|node| node.id).expect("a node"), inspector.clone());
    let refused = ask(&mut scheduler, move || asker.tap(id, TapSettings::once()).err())?;
    assert_eq!(refused, Some(InspectError::NoTap("same".to_owned())));

    let settings = TapSettings::default().every(Duration::ZERO);
    let asker = inspector.clone();
    let plain = ask(&mut scheduler, move || asker.tap("readings", settings))??;
    scheduler.show::<Reading>();
    let by_id = port.as_ref().node();
    let shown = ask(&mut scheduler, move || inspector.tap(by_id, settings))??;
    scheduler.run_for(SECOND)?;
    assert_eq!((read(&plain), read(&shown)), (vec!["Reading".to_owned()], vec!["Reading(0)".to_owned()]));
    Ok(())
}
