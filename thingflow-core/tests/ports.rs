//! The rules of dispatch: order, joining and leaving, loops, ends, receipts.
#![cfg(feature = "alloc")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

type Log = Rc<RefCell<Vec<String>>>;

fn text(log: &Log) -> String {
    log.borrow().join(" ")
}

fn context() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

/// A sink made of a function from event to receipt. It logs its ends and when it is dropped.
struct Answers<F> {
    name: &'static str,
    log: Log,
    next: F,
}

fn sink(
    name: &'static str,
    log: &Log,
    next: impl FnMut(i32, &mut Context<'_>) -> Demand + 'static,
) -> impl InputThing<i32> + 'static {
    Answers { name, log: log.clone(), next }
}

/// A sink that answers `demand` to every event.
fn answering(name: &'static str, log: &Log, demand: Demand) -> impl InputThing<i32> + 'static {
    sink(name, log, move |_, _| demand)
}

impl<F: FnMut(i32, &mut Context<'_>) -> Demand> Sink for Answers<F> {
    type Event = i32;
    fn on_next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
        self.log.borrow_mut().push(format!("{}{event}", self.name));
        Ok((self.next)(event, cx))
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Result<(), FatalError> {
        self.log.borrow_mut().push(format!("{}|", self.name));
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, _: &mut Context<'_>) -> Result<(), FatalError> {
        self.log.borrow_mut().push(format!("{}!{error}", self.name));
        Ok(())
    }
}

impl<F> Drop for Answers<F> {
    fn drop(&mut self) {
        self.log.borrow_mut().push(format!("-{}", self.name));
    }
}

/// Passes the events for which the function says so.
struct Only<P>(P);

impl<T, P: FnMut(&T) -> bool> Filter<T> for Only<P> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if (self.0)(&event) { out.next(event) } else { Ok(Demand::More) }
    }
}

fn more(_: i32, _: &mut Context<'_>) -> Demand {
    Demand::More
}

#[test]
fn case_10_delivery_order_among_listeners() {
    let (port, log) = (Port::new(), Log::default());
    port.connect(sink("A", &log, more));
    port.map(|x: i32| x * 10).connect(sink("B", &log, more));
    port.connect(sink("C", &log, more));
    for event in [1, 2] {
        assert!(matches!(port.emit(event, &mut context()), Ok(Demand::More)));
    }
    assert_eq!(text(&log), "A1 B10 C1 A2 B20 C2");
    assert_eq!(port.events(), 2);
}

#[test]
fn case_11_connecting_during_a_dispatch() {
    let (port, log) = (Port::new(), Log::default());
    let (inner, seen, mut first) = (port.clone(), log.clone(), true);
    port.connect(sink("a", &log, move |_, _| {
        if std::mem::take(&mut first) {
            inner.connect(sink("b", &seen, more));
        }
        Demand::More
    }));
    for event in [1, 2] {
        let _ = port.emit(event, &mut context()).unwrap();
    }
    assert_eq!(text(&log), "a1 a2 b2");
}

#[test]
fn case_12_disconnecting_a_sibling_during_a_dispatch() {
    let (port, log) = (Port::new(), Log::default());
    let other: Rc<RefCell<Option<Connection>>> = Rc::default();
    let of_d = other.clone();
    port.connect(sink("D", &log, move |event, _| {
        if event == 2 {
            let connection = of_d.borrow().clone().unwrap();
            connection.disconnect();
            assert!(!connection.is_connected());
        }
        Demand::More
    }));
    *other.borrow_mut() = Some(port.connect(sink("E", &log, more)));
    for event in [1, 2, 3] {
        let _ = port.emit(event, &mut context()).unwrap();
    }
    assert_eq!(text(&log), "D1 E1 D2 E2 -E D3", "the dispatch in progress still reaches it, and no completion");
    other.borrow().as_ref().unwrap().disconnect(); // a second time does nothing
    port.complete(&mut context()).unwrap();
    assert_eq!(text(&log), "D1 E1 D2 E2 -E D3 D| -D");
}

// Case 13, unknown ports: ports are typed fields, so a wrong one does not compile; names are those of `dispatch`.

#[test]
fn leaving_by_oneself_during_a_dispatch() {
    let (port, log) = (Port::new(), Log::default());
    let own: Rc<RefCell<Option<Connection>>> = Rc::default();
    let mine = own.clone();
    *own.borrow_mut() = Some(port.connect(sink("a", &log, move |_, _| {
        mine.borrow().as_ref().unwrap().disconnect();
        Demand::More
    })));
    assert_eq!(port.emit(1, &mut context()).unwrap(), Demand::Done, "nobody is left");
    assert_eq!(text(&log), "a1 -a");
}

#[test]
fn who_joins_and_leaves_in_one_dispatch_gets_nothing() {
    let (port, log) = (Port::new(), Log::default());
    let (inner, seen) = (port.clone(), log.clone());
    port.connect(sink("a", &log, move |_, _| {
        inner.connect(sink("b", &seen, more)).disconnect();
        Demand::More
    }));
    assert_eq!(port.emit(1, &mut context()).unwrap(), Demand::More);
    assert_eq!(port.emit(2, &mut context()).unwrap(), Demand::More);
    assert_eq!(text(&log), "a1 -b a2 -b");
}

#[test]
fn emitting_into_a_dispatching_port_is_queued() {
    let (port, log) = (Port::new(), Log::default());
    let inner = port.clone();
    port.connect(sink("a", &log, move |event, cx| {
        if event < 3 {
            assert_eq!(inner.emit(event + 1, cx).unwrap(), Demand::More);
            assert_eq!(inner.emit((event + 1) * 10, cx).unwrap(), Demand::More);
        }
        Demand::More
    }));
    port.connect(sink("b", &log, more));
    let _ = port.emit(1, &mut context()).unwrap();
    assert_eq!(text(&log), "a1 b1 a2 b2 a20 b20 a3 b3 a30 b30");
}

#[test]
fn a_long_loop_does_not_use_up_the_stack() {
    let port = Port::new();
    let (inner, last) = (port.clone(), Rc::new(Cell::new(0)));
    let seen = last.clone();
    port.map(|x: i32| x + 1).pipe(Only(|x: &i32| *x < 100_000)).connect(call(move |x| seen.set(x)));
    port.map(|x: i32| x + 1).pipe(Only(|x: &i32| *x < 100_000)).connect(inner);
    let _ = port.emit(0, &mut context()).unwrap();
    assert_eq!(last.get(), 99_999);
}

#[test]
fn completing_during_a_dispatch_is_queued_behind_the_event() {
    let (port, log) = (Port::new(), Log::default());
    let inner = port.clone();
    port.connect(sink("a", &log, move |event, cx| {
        if event == 1 {
            inner.complete(cx).unwrap();
            inner.emit(7, cx).unwrap(); // behind the end: lost
        }
        Demand::More
    }));
    port.connect(sink("b", &log, more));
    assert_eq!(port.emit(1, &mut context()).unwrap(), Demand::Done);
    assert_eq!(text(&log), "a1 b1 a| b| -a -b");
}

#[test]
fn a_port_ends_once() {
    let (port, seen) = (Port::new(), Recorder::new());
    port.connect(seen.clone());
    let cx = &mut context();
    let _ = port.emit(1, cx).unwrap();
    port.complete(cx).unwrap();
    port.complete(cx).unwrap();
    port.fail(StreamError::new("late"), cx).unwrap();
    assert_eq!(port.emit(2, cx).unwrap(), Demand::Done, "the source is told to stop");
    assert!(port.is_closed() && !port.is_listened());
    assert_eq!((seen.text().as_str(), seen.after_end()), ("1 |", 0));
}

#[test]
fn an_error_reaches_every_branch() {
    let (port, log) = (Port::new(), Log::default());
    port.connect(sink("a", &log, more));
    port.map(|x: i32| x).connect(sink("b", &log, more));
    port.fail(StreamError::new("broken"), &mut context()).unwrap();
    assert_eq!(text(&log), "a!broken b!broken -a -b");
}

#[test]
fn who_connects_to_a_port_that_has_ended_is_dropped() {
    let (port, log) = (Port::new(), Log::default());
    port.complete(&mut context()).unwrap();
    let connection = port.connect(sink("a", &log, more));
    assert!(!connection.is_connected());
    connection.disconnect();
    assert_eq!(text(&log), "-a", "without a notice");
}

#[test]
fn who_is_done_is_dropped_at_once() {
    let (port, log) = (Port::new(), Log::default());
    let a = port.connect(sink("a", &log, |event, _| if event == 2 { Demand::Done } else { Demand::More }));
    port.connect(sink("b", &log, more));
    let cx = &mut context();
    for event in [1, 2] {
        assert_eq!(port.emit(event, cx).unwrap(), Demand::More);
    }
    assert!(!a.is_connected());
    let _ = port.emit(3, cx).unwrap();
    port.complete(cx).unwrap();
    assert_eq!(text(&log), "a1 b1 a2 b2 -a b3 b| -b", "no completion for who did not want more");
}

#[test]
fn the_last_one_that_is_done_ends_the_source() {
    let (port, log) = (Port::new(), Log::default());
    let cx = &mut context();
    assert_eq!(port.emit(0, cx).unwrap(), Demand::Done, "nobody listens");
    port.connect(answering("a", &log, Demand::Done));
    port.connect(answering("b", &log, Demand::Done));
    assert_eq!(port.emit(1, cx).unwrap(), Demand::Done);
    assert!(!port.is_listened() && !port.is_closed());
    port.connect(answering("c", &log, Demand::More));
    assert_eq!(port.emit(2, cx).unwrap(), Demand::More, "a port without listeners has not ended");

    let kept = Port::new().keep_running();
    kept.connect(answering("d", &log, Demand::Done));
    assert_eq!(kept.emit(1, cx).unwrap(), Demand::More);
    assert_eq!(kept.emit(2, cx).unwrap(), Demand::More);
    assert!(kept.is_listened());
}

#[test]
fn receipts_of_branches_are_summed_up() {
    use Demand::{Done, Full, More};
    for (answers, receipt) in [
        (&[More, More][..], More),
        (&[More, Full], Full),
        (&[Full, More], Full),
        (&[Done, More], More),
        (&[More, Done], More),
        (&[Done, Full], Full),
        (&[Full, Done], Full),
        (&[Done, Done], Done),
        (&[Full], Full),
        (&[Done], Done),
        (&[Done, Done, More], More),
    ] {
        let (port, log) = (Port::new(), Log::default());
        for answer in answers {
            port.connect(answering("x", &log, *answer));
        }
        assert_eq!(port.emit(1, &mut context()).unwrap(), receipt, "{answers:?}");
        let delivered = log.borrow().iter().filter(|line| *line == "x1").count();
        assert_eq!(delivered, answers.len(), "{answers:?}: a receipt of one branch keeps the event from no other");
    }
}

#[test]
fn receipts_and_ends_travel_from_port_to_port() {
    let (first, second, log) = (Port::new(), Port::new(), Log::default());
    first.map(|x: i32| x + 1).connect(second.clone());
    second.connect(sink("a", &log, |event, _| if event == 3 { Demand::Done } else { Demand::Full }));
    let cx = &mut context();
    assert!(first.is_listened());
    assert_eq!(first.emit(1, cx).unwrap(), Demand::Full);
    assert_eq!(first.emit(2, cx).unwrap(), Demand::Done);
    assert!(!first.is_listened());
    assert_eq!(text(&log), "a2 a3 -a");

    let (first, second, seen) = (Port::new(), Port::new(), Recorder::new());
    first.connect(second.clone());
    second.connect(seen.clone());
    let _ = first.emit(1, cx).unwrap();
    first.complete(cx).unwrap();
    assert!(second.is_closed());
    assert_eq!(seen.text(), "1 |");
}

#[test]
fn values_that_own_something_go_the_same_way() {
    let port = Port::new();
    let (a, b) = (Recorder::new(), Recorder::new());
    port.connect(a.clone());
    port.pipe(Only(|text: &String| text != "x")).connect(b.clone());
    let cx = &mut context();
    for text in ["x", "y"] {
        assert_eq!(port.emit(String::from(text), cx).unwrap(), Demand::More);
    }
    assert_eq!((a.text(), b.text()), (r#""x" "y""#.into(), r#""y""#.into()));
}

#[test]
fn the_end_of_a_sink_may_use_the_port() {
    /// Connects another sink when it is dropped, and disconnects one.
    struct Testament(Port<i32>, Connection, Recorder<i32>);
    impl Drop for Testament {
        fn drop(&mut self) {
            self.1.disconnect();
            self.0.connect(self.2.clone());
        }
    }
    let (port, log, heir) = (Port::new(), Log::default(), Recorder::new());
    let victim = port.connect(sink("v", &log, more));
    let testament = Testament(port.clone(), victim, heir.clone());
    port.connect(sink("a", &log, move |_, _| {
        let _kept = &testament;
        Demand::Done
    }));
    let cx = &mut context();
    let _ = port.emit(1, cx).unwrap();
    let _ = port.emit(2, cx).unwrap();
    assert_eq!((text(&log).as_str(), heir.text().as_str()), ("v1 a1 -a -v", "2"));
}

#[test]
fn a_fatal_error_names_the_thing() {
    let port = Port::<i32>::new();
    port.map(|x| x).connect(try_call(|_| Err::<(), _>("the disk is full")));
    let cx = &mut context();
    let error = port.emit(1, cx).unwrap_err();
    let error = cx.take_error(error);
    assert!(error.to_string().ends_with(": the disk is full"), "{error}");
    assert!(error.thing().is_some());
}

#[test]
fn a_connection_does_not_keep_a_port_alive() {
    let connection = Port::<i32>::new().connect(call(drop));
    assert!(!connection.is_connected());
    connection.disconnect();
}

#[test]
fn a_full_receipt_is_not_forgotten_for_what_comes_right_after_it() {
    let (log, port) = (Log::default(), Port::new());
    let loops = port.downgrade();
    // The first event is too much, and causes a second one in the same dispatch, which is not.
    port.connect(sink("a", &log, move |n, cx| {
        if n == 1 {
            let _ = loops.upgrade().map(|port| port.emit(2, cx));
            return Demand::Full;
        }
        Demand::More
    }));
    let mut cx = context();
    assert!(matches!(port.emit(1, &mut cx), Ok(Demand::Full)));
    assert!(matches!(port.emit(3, &mut cx), Ok(Demand::More)));
    assert_eq!(text(&log), "a1 a2 a3");
}

/// Ids are handed out in one atomic step: with two alike a connection would be taken for one that has had the event.
#[test]
fn f17_no_connection_is_skipped_when_graphs_are_built_on_several_threads() {
    let build = || {
        for _ in 0..2_000 {
            let (port, seen) = (Port::<u8>::new(), std::cell::Cell::new(0));
            let seen = std::rc::Rc::new(seen);
            port.take(1).connect(call(drop));
            for _ in 0..3 {
                let seen = seen.clone();
                port.connect(call(move |_| seen.set(seen.get() + 1)));
            }
            let cx = &mut Context::detached(Instant::ZERO);
            for event in [1, 2] {
                assert!(matches!(port.emit(event, cx), Ok(Demand::More)));
            }
            assert_eq!(seen.get(), 6);
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(build);
        }
    });
}

#[test]
fn from_inside_a_call_a_port_says_how_many_events_were_sent_before() -> Result<(), FatalError> {
    let (port, counts) = (Port::new(), Rc::new(RefCell::new(Vec::new())));
    for _ in 0..2 {
        let (of, seen) = (port.downgrade(), counts.clone());
        port.connect(call(move |_: i32| seen.borrow_mut().push(of.upgrade().map(|port| port.events()))));
    }
    port.emit(1, &mut context())?;
    port.emit(2, &mut context())?;
    assert_eq!((counts.take(), port.events()), (vec![Some(0), Some(0), Some(1), Some(1)], 2));
    Ok(())
}
