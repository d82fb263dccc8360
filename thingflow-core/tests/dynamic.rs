//! Graphs that change while they run: growth, branches and sources that remove or replace themselves, and that nothing
//! of what has gone is kept.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod call_with;
}

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use support::call_with::call_with;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn context() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

fn emit<T: Clone + 'static>(port: &Port<T>, event: T, cx: &mut Context<'_>) {
    assert!(port.emit(event, cx).is_ok());
}

/// Connects the rest of the sieve to `numbers`: the first of them is prime, its multiples go no further. The sieve grows
/// in the callback that sees the prime, which then has done its work and leaves.
fn sieve(numbers: &Port<u32>, primes: &Recorder<u32>) {
    let (port, primes) = (numbers.clone(), primes.clone());
    numbers.take(1).connect(call_with(move |prime, cx| {
        let _ = primes.clone().next(prime, cx)?;
        let rest = Port::new();
        sieve(&rest, &primes);
        port.filter(move |n| n % prime != 0).connect(rest);
        Ok(Demand::More)
    }));
}

#[test]
fn io_38_the_sieve_grows_by_a_filter_for_each_prime() {
    let primes = Recorder::new();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let numbers = from_iter(2..400).output();
    sieve(numbers.port(), &primes);
    scheduler.schedule_recurring(numbers).unwrap();
    scheduler.run_forever().unwrap();
    let is_prime = |n: &u32| (2..*n).all(|m| !n.is_multiple_of(m));
    assert_eq!(primes.events(), (2..400).filter(is_prime).collect::<Vec<_>>());
}

#[test]
fn connections_come_and_go_between_turns() {
    let seen = Recorder::new();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let numbers = from_iter(1..=6).output().keep_running();
    let port = numbers.port().clone();
    scheduler.schedule_periodic(numbers, secs(1)).unwrap();
    scheduler.run_for(secs(1)).unwrap();
    let tens = port.map(|n| n * 10).connect(seen.clone());
    scheduler.run_for(secs(2)).unwrap();
    tens.disconnect();
    scheduler.run_for(secs(1)).unwrap();
    port.chunks_within(2, secs(9)).map(|pair| pair[1]).connect(seen.clone());
    scheduler.run_forever().unwrap();
    assert_eq!(seen.timed_text(), "20@2 30@3 6@6 |@7");
}

#[test]
fn a_timer_starts_when_its_branch_joins() {
    let seen = Recorder::new();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let (numbers, sink) = (from_iter(1..9).output(), seen.clone());
    let port = numbers.port().clone();
    numbers.connect(call(move |n| {
        if n == 2 {
            // It joins in the middle of a dispatch at 4 s: its first list ends at 7 s.
            port.chunks_timeout(secs(3), Limit::default()).connect(sink.clone());
        }
    }));
    scheduler.schedule_periodic(numbers, secs(2)).unwrap();
    scheduler.run_for(secs(9)).unwrap();
    assert_eq!(seen.timed_text(), "[3]@7");
}

#[test]
fn a_schedule_cancels_itself_in_its_own_call() {
    let handle: Rc<RefCell<Option<ScheduleHandle>>> = Rc::default();
    let (own, seen) = (handle.clone(), Recorder::new());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let flow = from_iter(1..).inspect(move |n| {
        if *n == 3
            && let Some(own) = own.borrow().as_ref()
        {
            own.cancel();
            assert!(!own.is_active());
        }
    });
    *handle.borrow_mut() = Some(scheduler.schedule_periodic(flow.connect(seen.clone()), secs(1)).unwrap());
    scheduler.run_forever().unwrap();
    assert_eq!(seen.timed_text(), "1@1 2@2 3@3"); // without a notice: nothing has ended but the schedule
}

#[test]
fn a_source_replaces_itself_in_its_own_call() {
    let handle: Rc<RefCell<Option<ScheduleHandle>>> = Rc::default();
    let (own, seen, alive) = (handle.clone(), Recorder::new(), Rc::new(()));
    let (next, parts) = (seen.clone(), alive.clone());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let flow = from_iter(1..).connect(call_with(move |n, cx| {
        let _ = (&parts, next.clone().next(n, cx)?);
        if n == 2
            && let Some(own) = own.take()
        {
            own.cancel();
            let faster = from_iter(10..13).connect(next.clone());
            cx.schedule_periodic(faster, Duration::from_millis(500)).map_err(|error| cx.fatal(error))?;
        }
        Ok(Demand::More)
    }));
    *handle.borrow_mut() = Some(scheduler.schedule_periodic(flow, secs(1)).unwrap());
    scheduler.run_forever().unwrap();
    assert_eq!(seen.timed_text(), "1@1 2@2 10@2.5 11@3 12@3.5 |@4");
    assert_eq!(Rc::strong_count(&alive), 1);
    let detached = context().schedule_recurring(from_iter(0..1).connect(call(drop)));
    assert!(matches!(detached, Err(thingflow_core::ScheduleError::NoScheduler)));
}

#[test]
fn a_sink_hands_over_to_its_successor_in_any_call() {
    /// Disconnects itself in the call that `when` names, and connects a recorder in its place.
    struct HandsOver {
        when: &'static str,
        port: Port<i32>,
        own: Rc<RefCell<Option<Connection>>>,
        next: Recorder<i32>,
        _alive: Rc<()>,
    }
    impl HandsOver {
        fn now(&self, call: &str) {
            if call == self.when {
                if let Some(own) = self.own.borrow().as_ref() {
                    own.disconnect();
                    assert!(!own.is_connected());
                }
                self.port.connect(self.next.clone());
            }
        }
    }
    impl Sink for HandsOver {
        type Event = i32;
        fn on_next(&mut self, _: i32, cx: &mut Context<'_>) -> Receipt {
            cx.wake_at(cx.now());
            self.now("next");
            Ok(Demand::More)
        }
        fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
            self.now("completed");
            Ok(())
        }
        fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
            self.now("error");
            Ok(())
        }
        fn on_start(&mut self, _: &mut Context<'_>) -> Receipt {
            self.now("start");
            Ok(Demand::More)
        }
        fn on_wake(&mut self, _: &mut Context<'_>) -> Receipt {
            self.now("wake");
            Ok(Demand::More)
        }
    }
    impl Drop for HandsOver {
        fn drop(&mut self) {
            self.now("drop");
        }
    }

    for (when, expected) in [
        ("start", "1@1 2@2 3@3 !@4 over"),
        ("next", "2@2 3@3 !@4 over"),
        ("wake", "2@2 3@3 !@4 over"),
        ("error", ""), // the port has ended: who comes now is dropped
        ("drop", "2@2 3@3 !@4 over"),
    ] {
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let numbers = try_from_iter([Ok(1), Ok(2), Ok(3), Err("over")]).output().keep_running();
        let (port, own, next, alive) = (numbers.port().clone(), Rc::default(), Recorder::new(), Rc::new(()));
        let sink =
            HandsOver { when, port: port.clone(), own: Rc::clone(&own), next: next.clone(), _alive: alive.clone() };
        let connection = port.connect(sink);
        if when == "drop" {
            let leaves = connection.clone();
            port.connect(call(move |_| leaves.disconnect()));
        }
        *own.borrow_mut() = Some(connection);
        scheduler.schedule_periodic(numbers, secs(1)).unwrap();
        scheduler.run_forever().unwrap();
        assert_eq!(next.timed_text(), expected, "{when}");
        assert_eq!((next.after_end(), Rc::strong_count(&alive)), (0, 1), "{when}");
    }
}

/// Counts its living clones.
#[derive(Default)]
struct Alive(Rc<Cell<i32>>);

impl Clone for Alive {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(self.0.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Alive {
    fn count(&self) -> i32 {
        self.0.get()
    }

    fn filter<T>(&self) -> impl FnMut(T) -> T + 'static
    where
        T: 'static,
    {
        let alive = self.clone();
        move |event| {
            let _ = &alive;
            event
        }
    }

    fn sink(&self) -> impl InputThing<Number> + 'static {
        let alive = self.clone();
        call(move |_| {
            let _ = &alive;
        })
    }
}

/// An event that is counted too.
type Number = (u32, Alive);

/// All kinds of branches at `port`, which all stand behind the connection that comes back.
fn branches(port: &Port<Number>, alive: &Alive) -> Connection {
    let middle = Port::new();
    let connection = port.map(alive.filter()).connect(middle.clone());
    middle.map(alive.filter()).connect(alive.sink());
    middle.chunks(4).map(alive.filter()).connect(call(drop));
    middle.sliding(3).map(alive.filter()).connect(call(drop));
    middle.debounce(secs(1)).map(alive.filter()).connect(alive.sink());
    middle.connect(tee((alive.sink(), alive.sink())));
    let hub = Shared::without_ports(alive.clone());
    let input = hub.input(|_: &mut Alive, _: Number, _: &mut Context<'_>| Ok(Demand::More));
    middle.map(alive.filter()).connect(input);
    let routes = middle.dispatch().rule("odd", |(n, _): &Number| n % 2 == 1).build();
    routes.port("odd").expect("a rule").map(alive.filter()).connect(alive.sink());
    routes.default_port().map(alive.filter()).connect(alive.sink());
    middle.filter(|(n, _)| n % 7 == 6).map(|(n, alive)| (n + 1, alive)).map(alive.filter()).feedback(port);
    connection
}

/// Ends `branches` in the way that `end` names. How many parts there were, and how many are left.
fn parts_after(end: &str) -> (i32, i32) {
    let (alive, cx) = (Alive::default(), &mut context());
    let port = Port::new();
    let connection = branches(&port, &alive);
    for n in 0..6 {
        emit(&port, (n, alive.clone()), cx);
    }
    let before = alive.count();
    match end {
        "disconnect" => connection.disconnect(),
        "disconnect during a dispatch" => {
            let inner = connection.clone();
            port.connect(call(move |_| inner.disconnect()));
            emit(&port, (1, alive.clone()), cx);
        }
        "completion" => assert!(port.complete(cx).is_ok()),
        "error" => assert!(port.fail(StreamError::new("over"), cx).is_ok()),
        other => panic!("{other}"),
    }
    (before, alive.count())
}

#[test]
fn nothing_of_a_branch_is_kept_when_it_has_ended() {
    for end in ["disconnect", "disconnect during a dispatch", "completion", "error"] {
        let (before, after) = parts_after(end);
        assert!(before > 20, "{end}: {before}");
        assert_eq!(after, 0, "{end}");
    }
}

#[test]
fn a_branch_that_wants_no_more_is_dropped_from_its_end_to_the_port() {
    let (alive, cx, port) = (Alive::default(), &mut context(), Port::new().keep_running());
    let middle = Port::new();
    port.map(alive.filter()).connect(middle.clone());
    middle.map(alive.filter()).take(2).connect(alive.sink());
    middle.map(alive.filter()).take(3).also_to(alive.sink()).connect(alive.sink());
    middle.map(alive.filter()).try_filter(|(n, _)| if *n < 3 { Ok(true) } else { Err("no") }).connect(alive.sink());
    drop(middle);
    let mut counts = Vec::new();
    for n in 0..4 {
        emit(&port, (n, alive.clone()), cx);
        counts.push(alive.count());
    }
    assert_eq!(counts, [8, 6, 3, 0]);
}

#[test]
fn nothing_is_kept_when_the_ports_are_dropped() {
    let (alive, cx) = (Alive::default(), &mut context());
    let port = Port::new();
    let middle = Port::new();
    port.map(alive.filter()).connect(middle.clone());
    middle.map(alive.filter()).chunks(4).connect(call(drop));
    middle.map(alive.filter()).filter(|_| false).feedback(&port); // holds no port
    emit(&port, (1, alive.clone()), cx);
    assert_eq!(alive.count(), 4);
    drop((port, middle));
    assert_eq!(alive.count(), 0);
}

/// Runs `branches` under a scheduler, ended in the way that `end` names; what is left when the scheduler is gone, and
/// while it is not.
fn parts_after_run(end: &'static str) -> Result<(i32, i32), Box<dyn std::error::Error>> {
    let alive = Alive::default();
    let mut scheduler = Scheduler::virtual_time()?;
    let (stopper, own) = (scheduler.stopper(), alive.clone());
    let last = if end == "natural" { 20 } else { u32::MAX };
    let numbers = from_iter((0..last).map(move |n| (n, own.clone()))).output();
    branches(numbers.port(), &alive);
    numbers.map(alive.filter()).connect(call_with(move |(n, _), cx| match end {
        "stop" if n == 12 => {
            stopper.stop();
            Ok(Demand::More)
        }
        "fatal" if n == 12 => Err(cx.fatal("no more")),
        "panic" if n == 12 => panic!("no more"),
        _ => Ok(Demand::More),
    }));
    let handle = scheduler.schedule_periodic(numbers, secs(1))?;
    match end {
        "dropped" => scheduler.run_for(secs(12))?,
        "cancel" => {
            scheduler.run_for(secs(12))?;
            handle.cancel();
        }
        "fatal" | "panic" => assert!(scheduler.run_forever().is_err()),
        _ => scheduler.run_forever()?,
    }
    let after = alive.count();
    drop(scheduler);
    Ok((after, alive.count()))
}

#[test]
fn nothing_is_kept_when_the_run_has_ended() {
    for end in ["natural", "stop", "fatal", "panic", "cancel"] {
        assert_eq!(parts_after_run(end).unwrap(), (0, 0), "{end}");
    }
    assert_eq!(parts_after_run("dropped").unwrap().1, 0);
}

#[test]
fn a_loop_of_a_hundred_thousand_steps_stands_on_one_spot_of_the_stack() {
    // A thread with a stack for a handful of steps, whether the loop goes through one port, through two, or a Shared.
    let small = std::thread::Builder::new().stack_size(128 * 1024).spawn(|| {
        let steps = 100_000_u32;
        let (cx, port, last) = (&mut context(), Port::new(), Rc::new(Cell::new(0)));
        port.filter(move |n| *n < steps).map(|n| n + 1).connect(port.clone());
        let seen = last.clone();
        port.connect(call(move |n| seen.set(n)));
        emit(&port, 0, cx);
        assert_eq!(last.take(), steps);

        let (ping, pong) = (Port::new(), Port::new());
        ping.map(|n| n + 1).connect(pong.clone());
        pong.filter(move |n| *n < steps).connect(ping.clone());
        let seen = last.clone();
        pong.connect(call(move |n| seen.set(n)));
        emit(&ping, 0, cx);
        assert_eq!(last.take(), steps);

        let back = Port::new();
        let hub = Shared::without_ports((back.clone(), last.clone()));
        let take = move |(back, last): &mut (Port<u32>, Rc<Cell<u32>>), n: u32, cx: &mut Context<'_>| {
            last.set(n);
            if n < steps { back.emit(n + 1, cx) } else { Ok(Demand::More) }
        };
        back.connect(hub.input(take));
        let _ = hub.input(take).next(0, cx).unwrap();
        assert_eq!(last.take(), steps);
        for port in [port, ping, pong, back] {
            port.complete(cx).unwrap();
        }
    });
    small.unwrap().join().unwrap();
}

#[test]
fn a_loop_without_a_stop_in_between_is_gone_when_its_port_ends() {
    for completes in [true, false] {
        let (alive, cx, port) = (Alive::default(), &mut context(), Port::new());
        port.filter(|(n, _)| *n < 5).map(|(n, alive)| (n + 1, alive)).map(alive.filter()).connect(port.clone());
        port.connect(alive.sink());
        emit(&port, (0, alive.clone()), cx);
        assert_eq!((port.events(), alive.count()), (6, 2));
        let ended = if completes { port.complete(cx) } else { port.fail(StreamError::new("over"), cx) };
        assert!(ended.is_ok());
        assert_eq!(alive.count(), 0);
    }
}

#[test]
fn a_loop_through_the_scheduler_leaves_the_others_their_turn() {
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let (step, seen) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (port, now, ticks) = (Port::new(), step.clone(), Recorder::new());
    port.inspect(move |n| now.set(*n)).filter(|n| *n < 100_000).map(|n| n + 1).feedback(&port);
    let start = port.clone();
    let starts = from_iter([0]).connect(call_with(move |n, cx| start.emit(n, cx)));
    scheduler.schedule_recurring(starts).unwrap();
    let (now, last) = (step.clone(), seen.clone());
    let ticker = from_iter(0..3).inspect(move |_| last.set(now.get()));
    scheduler.schedule_recurring(ticker.connect(ticks.clone())).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!((step.get(), ticks.text()), (100_000, "0 1 2 |".into()));
    assert!(seen.get() < 5, "the others waited for {} steps", seen.get());
}

#[test]
fn a_second_run_goes_on_with_what_was_scheduled_since() {
    let seen = Recorder::new();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let stop = scheduler.stopper();
    let first = from_iter(1..9).inspect(move |n| {
        if *n == 2 {
            stop.stop();
        }
    });
    scheduler.schedule_periodic(first.connect(seen.clone()), secs(1)).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(seen.timed_text(), "1@1 2@2");
    assert!(scheduler.active().is_empty());
    scheduler.schedule_periodic(from_iter(10..12).connect(seen.clone()), secs(1)).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(seen.timed_text(), "1@1 2@2 10@3 11@4 |@5");
}

#[test]
fn edge_threads_work_in_a_second_run() {
    let (seen, posted) = (Recorder::new(), Recorder::new());
    let mut scheduler = Scheduler::new().unwrap();
    scheduler.stopper().stop();
    scheduler.schedule_recurring(from_iter(1..9).connect(seen.clone())).unwrap();
    scheduler.run_forever().unwrap();
    let (stored, store) = std::sync::mpsc::channel();
    let sink = scheduler.edge_sink("store", try_call(move |n: i32| stored.send(n)), Limit::block(4)).unwrap();
    scheduler.schedule_recurring(from_iter(1..=9).connect(sink)).unwrap();
    let (remote, port) = scheduler.remote(Limit::default()).unwrap();
    port.connect(posted.clone());
    std::thread::spawn(move || remote.post("hello"));
    scheduler.run_forever().unwrap();
    assert_eq!(store.iter().sum::<i32>(), 45);
    assert_eq!((seen.text(), posted.text()), (String::new(), "\"hello\" |".into()));
}
