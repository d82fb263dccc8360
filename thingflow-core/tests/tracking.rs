//! Tracked events: each is settled once, in every way an event can end.
#![cfg(feature = "std")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::tracking::{Ack, Outcome, Tracked, Tracker, Tracking};

type Log = Rc<RefCell<Vec<String>>>;

fn text(log: &Log) -> String {
    log.borrow().join(" ")
}

/// A tracker that logs `0 done`, `1 failed: why` and the like.
fn logging() -> (Tracker, Log) {
    let log = Log::default();
    let notes = log.clone();
    let tracker = Tracker::new(move |settled, _| {
        let outcome = match settled.outcome {
            Outcome::Done => "done".to_owned(),
            Outcome::Failed(error) => format!("failed({error})"),
            other => format!("{other:?}").to_lowercase(),
        };
        notes.borrow_mut().push(format!("{}:{outcome}", settled.index));
        Ok(())
    });
    (tracker, log)
}

fn context() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

/// A sink that keeps what it gets, and a hand on what it keeps.
type Kept<T> = Rc<RefCell<Vec<T>>>;

fn keep<T: 'static>() -> (Kept<T>, impl InputThing<T> + 'static) {
    let kept = Kept::default();
    let inner = kept.clone();
    (kept, call(move |event| inner.borrow_mut().push(event)))
}

#[test]
fn whatever_lets_go_of_an_event_settles_it_once() {
    let (tracker, log) = logging();
    let cx = &mut context();
    let (port, (kept, sink)) = (Port::new(), keep());
    port.track_by(&tracker, |_| ()).filter_value(|n| n % 2 == 0).connect(sink);
    for n in 0..4 {
        let _ = port.emit(n, cx).unwrap();
    }
    assert_eq!((text(&log).as_str(), tracker.in_flight(), tracker.committed()), ("1:done 3:done", 2, 0));
    let last = kept.borrow_mut().pop();
    drop(last);
    assert_eq!(tracker.in_flight(), 2, "not told yet");
    tracker.settle(cx).unwrap();
    assert_eq!((text(&log).as_str(), tracker.in_flight(), tracker.committed()), ("1:done 3:done 2:done", 1, 0));
    kept.borrow_mut().clear();
    tracker.settle(cx).unwrap();
    assert_eq!((text(&log).as_str(), tracker.in_flight(), tracker.committed()), ("1:done 3:done 2:done 0:done", 0, 4));
}

#[test]
fn what_a_full_queue_drops_is_not_done() {
    for (limit, dropped) in [(Limit::drop_oldest(2), [0, 1]), (Limit::drop_newest(2), [2, 3])] {
        let (tracker, log) = logging();
        let cx = &mut context();
        let (source, port, gate) = (Port::new(), Port::new(), Port::new());
        source.track_by(&tracker, |_| ()).connect(port.clone());
        port.buffer_until(&gate, limit).connect(call(drop));
        for n in 0..4 {
            let _ = source.emit(n, cx).unwrap();
        }
        tracker.settle(cx).unwrap();
        assert_eq!((text(&log), tracker.committed()), (dropped.map(|n| format!("{n}:dropped")).join(" "), 0));
        let _ = gate.emit((), cx).unwrap();
        tracker.settle(cx).unwrap();
        assert_eq!((tracker.in_flight(), tracker.committed()), (0, dropped[0]));
        dropped.into_iter().for_each(|n| tracker.skip(n));
        assert_eq!(tracker.committed(), 4);
    }
}

#[test]
fn a_failure_counts_for_more_than_a_queue_that_drops_the_event() {
    let (tracker, log) = logging();
    let cx = &mut context();
    let (source, port, gate) = (Port::new(), Port::new(), Port::<()>::new());
    source.track_by(&tracker, |_| ()).connect(port.clone());
    port.buffer_until(&gate, Limit::drop_oldest(1)).connect(call(drop));
    port.connect(call(|event: Tracked<i32>| match event.value {
        0 => event.fail(StreamError::new("broken")),
        1 => event.abandon(),
        _ => drop(event),
    }));
    for n in 0..4 {
        let _ = source.emit(n, cx).unwrap();
    }
    tracker.settle(cx).unwrap();
    assert_eq!(text(&log), "0:failed(broken) 1:abandoned 2:dropped");
}

#[test]
fn branches_share_an_event_and_one_failure_is_enough() {
    let (tracker, log) = logging();
    let cx = &mut context();
    let (source, port, (kept, sink)) = (Port::new(), Port::new(), keep());
    source.track_by(&tracker, |_| ()).connect(port.clone());
    port.connect(sink);
    port.try_map_value(|n: i32| if n == 1 { Err("odd") } else { Ok(n) }).acknowledge().connect(call(drop));
    for n in 0..3 {
        let _ = source.emit(n, cx).unwrap();
    }
    assert_eq!(text(&log), "");
    kept.borrow_mut().clear();
    tracker.settle(cx).unwrap();
    assert_eq!(text(&log), "0:done 1:failed(odd) 2:done");
    assert_eq!(tracker.committed(), 1);
    tracker.skip(1);
    assert_eq!(tracker.committed(), 3);
}

#[test]
fn metadata_is_gathered_and_so_is_the_outcome() {
    let told = Kept::default();
    let notes = told.clone();
    let tracker = Tracker::new(move |settled, _| {
        notes.borrow_mut().push((settled.meta, settled.outcome));
        Ok(())
    });
    let cx = &mut context();
    let mut event = |meta: &'static str| tracker.track(meta.len(), meta, cx);
    let (a, b, c, d) = (event("a"), event("bb"), event("ccc"), event("dddd"));
    let pair = a.and(b);
    assert_eq!((pair.value, pair.metadata().copied().collect::<Vec<_>>()), ((1, 2), vec!["a", "bb"]));
    let (value, ack): (_, Ack<_>) = pair.split();
    let whole = thingflow_core::tracking::Gather::gather((ack.with(value), [c], Tracked::untracked(9)).into_triple());
    assert_eq!((whole.value, whole.metadata().count()), (((1, 2), [3], 9), 3));
    whole.clone().fail(StreamError::new("no"));
    whole.fail(StreamError::new("the second one is not told"));
    drop(d);
    tracker.settle(cx).unwrap();
    let failed = |meta| (meta, Outcome::Failed(StreamError::new("no")));
    assert_eq!(*told.borrow(), [failed("a"), failed("bb"), failed("ccc"), ("dddd", Outcome::Done)]);
}

/// The array in the middle is gathered first.
trait IntoTriple {
    type Triple;
    fn into_triple(self) -> Self::Triple;
}

impl<A, B, C, M> IntoTriple for (Tracked<A, M>, [Tracked<B, M>; 1], Tracked<C, M>) {
    type Triple = (Tracked<A, M>, Tracked<[B; 1], M>, Tracked<C, M>);
    fn into_triple(self) -> Self::Triple {
        (self.0, thingflow_core::tracking::Gather::gather(self.1), self.2)
    }
}

#[test]
fn f98_a_tracked_list_is_flattened() {
    let (tracker, log) = logging();
    let cx = &mut context();
    let (port, (kept, sink)) = (Port::new(), keep());
    port.track_by(&tracker, |_| ()).flatten_value().connect(sink);
    for list in [vec![1, 2], vec![], vec![3]] {
        let _ = port.emit(list, cx).unwrap();
    }
    assert_eq!(kept.borrow().iter().map(|part: &Tracked<i32>| part.value).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(kept.borrow().iter().map(|part| part.metadata().count()).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!((text(&log).as_str(), tracker.committed()), ("1:done", 0));
    let mut parts = kept.take().into_iter();
    drop(parts.next());
    tracker.settle(cx).unwrap();
    assert_eq!(tracker.in_flight(), 2, "the second part of the first list is held");
    parts.next().unwrap().fail(StreamError::new("no"));
    drop(parts);
    tracker.settle(cx).unwrap();
    assert_eq!((text(&log).as_str(), tracker.committed()), ("1:done 0:failed(no) 2:done", 0));
}

#[test]
fn f98_what_is_not_sent_of_a_list_is_not_done() {
    let (tracker, log) = logging();
    let lists = from_iter([vec![1, 2], vec![3, 4]]).track_by(&tracker, |_| ());
    assert_eq!(lists.flatten_value().acknowledge().take(3).collect_now(), [1, 2, 3]);
    assert_eq!((text(&log).as_str(), tracker.committed()), ("0:done 1:abandoned", 1));

    let (tracker, log) = logging();
    let lists = from_iter([vec![1, 2], vec![3, 4]]).track_by(&tracker, |_| ());
    assert_eq!(lists.flatten_value().acknowledge().take(2).collect_now(), [1, 2]);
    assert_eq!(text(&log), "0:done", "all of it was sent");

    let (tracker, log) = logging();
    let full = try_call(|n: i32| if n < 2 { Ok(()) } else { Err("full") });
    let mut lists = pipe().track_by(&tracker, |_| ()).flatten_value().acknowledge().to(full);
    assert!(lists.feed([vec![1, 2, 3]]).is_err());
    tracker.settle(&mut context()).unwrap();
    assert_eq!((text(&log).as_str(), tracker.committed()), ("0:abandoned", 0));

    let (tracker, _) = logging();
    let broken = [1, 2].into_iter().map(|n| if n < 2 { n } else { panic!("a broken iterator") });
    let port = Port::new();
    port.track_by(&tracker, |_| ()).flatten_value().acknowledge().connect(call(drop));
    let emitted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| port.emit(broken, &mut context())));
    assert!(emitted.is_err());
    drop(port);
    tracker.settle(&mut context()).unwrap();
    assert_eq!((tracker.in_flight(), tracker.committed()), (0, 0));
}

proptest! {
    /// The whole is done when all of its parts are, whatever becomes of them and in which order.
    #[test]
    fn f98_a_list_is_dealt_with_when_its_parts_are(
        lists in proptest::collection::vec(proptest::collection::vec((0_u8..4, any::<u16>()), 0..5), 0..12),
    ) {
        let told = Rc::new(RefCell::new(vec![None; lists.len()]));
        let notes = told.clone();
        let tracker = Tracker::new(move |settled: thingflow_core::tracking::Settled<usize>, _| {
            let before = notes.borrow_mut()[settled.meta].replace(settled.outcome);
            assert_eq!(before, None);
            Ok(())
        });
        let cx = &mut context();
        let (port, (kept, sink)) = (Port::new(), keep());
        let mut place = 0..;
        port.track_by(&tracker, move |_| place.next().unwrap()).flatten_value().connect(sink);
        for (n, list) in lists.iter().enumerate() {
            let parts: Vec<_> = list.iter().map(|(fate, order)| (n, *fate, *order)).collect();
            let _ = port.emit(parts, cx).unwrap();
        }
        let mut parts = kept.take();
        parts.sort_by_key(|part: &Tracked<(usize, u8, u16), usize>| part.value.2);
        let mut waiting = lists.clone();
        for part in parts {
            let (n, fate, _) = part.value;
            match fate {
                0 => drop(part),
                1 => drop(part.done()),
                2 => part.fail(StreamError::new("no")),
                _ => part.abandon(),
            }
            tracker.settle(cx).unwrap();
            waiting[n].pop();
            prop_assert_eq!(told.borrow()[n].is_some(), waiting[n].is_empty());
        }
        for (list, told) in lists.iter().zip(&*told.borrow()) {
            let any = |wanted| list.iter().any(|(fate, _)| *fate == wanted);
            let expected = match (any(2), any(3)) {
                (true, _) => Outcome::Failed(StreamError::new("no")),
                (false, true) => Outcome::Abandoned,
                (false, false) => Outcome::Done,
            };
            prop_assert_eq!(told.as_ref(), Some(&expected));
        }
    }
}

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

/// One step of a graph through which tracked events go.
#[derive(Clone, Copy, Debug)]
enum Step {
    Filter(i32),
    Fail(i32),
    Chunks(usize),
    Sliding(usize),
    Parts(usize),
    Last,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..5).prop_map(Step::Filter),
        (1..5).prop_map(Step::Fail),
        (1_usize..6).prop_map(Step::Chunks),
        (1_usize..6).prop_map(Step::Sliding),
        (0_usize..4).prop_map(Step::Parts),
        Just(Step::Last),
    ]
}

/// Connects `step` to `port`; what comes of it, with the values summed.
fn connect(port: &Port<Tracked<i32>>, step: Step) -> Port<Tracked<i32>> {
    let next = Port::new();
    let sum = |values: Vec<i32>| values.into_iter().fold(0, i32::wrapping_add);
    match step {
        Step::Filter(m) => port.filter_value(move |n| n % m == 0).connect(next.clone()),
        Step::Fail(m) => port.try_map_value(move |n| if n % m == 1 { Err("no") } else { Ok(n) }).connect(next.clone()),
        Step::Chunks(n) => port.chunks(n).gather().map_value(sum).connect(next.clone()),
        Step::Sliding(n) => port.sliding(n).gather().map_value(sum).connect(next.clone()),
        Step::Parts(n) => port.map_value(move |x| vec![x; n]).flatten_value().connect(next.clone()),
        Step::Last => port.last().connect(next.clone()),
    };
    next
}

proptest! {
    #[test]
    fn each_event_is_settled_once_in_any_graph(
        steps in proptest::collection::vec(step(), 0..4),
        side in proptest::collection::vec(step(), 0..3),
        events in 0..40_u64,
        take in 0..40_usize,
        broken in any::<bool>(),
    ) {
        let told = Rc::new(RefCell::new(vec![0; 40]));
        let (notes, failed) = (told.clone(), Rc::new(Cell::new(0)));
        let fails = failed.clone();
        let tracker = Tracker::new(move |settled, _| {
            notes.borrow_mut()[usize::try_from(settled.index).unwrap()] += 1;
            fails.set(fails.get() + u64::from(settled.outcome != Outcome::Done));
            Ok(())
        });
        let cx = &mut context();
        let (source, root) = (Port::new(), Port::new());
        source.track_by(&tracker, |_| ()).connect(root.clone());
        let end = steps.iter().fold(root.clone(), |port, step| connect(&port, *step));
        end.take(take.max(1)).acknowledge().connect(call(drop));
        side.iter().fold(root.clone(), |port, step| connect(&port, *step)).connect(call(drop));
        let mut sent = 0;
        for n in 0..events {
            let demand = source.emit(i32::try_from(n).unwrap(), cx).unwrap();
            sent += 1;
            if demand == Demand::Done {
                break;
            }
        }
        if broken {
            source.fail(StreamError::new("broken"), cx).unwrap();
        } else {
            source.complete(cx).unwrap();
        }
        drop((source, root, end));
        tracker.settle(cx).unwrap();
        prop_assert_eq!(tracker.in_flight(), 0);
        prop_assert!(told.borrow()[..sent].iter().all(|times| *times == 1));
        if failed.get() == 0 {
            prop_assert_eq!(tracker.committed(), sent as u64);
        }
    }
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
