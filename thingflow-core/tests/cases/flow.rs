//! Cases of flow control: loops, back-pressure, sources that are pulled no faster than needed.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use thingflow_core::flow::ErrorPolicy;
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder};

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

fn virtual_time() -> Scheduler {
    Scheduler::virtual_time().expect("a scheduler")
}

/// Puts one event into a port, in the next run.
fn append(scheduler: &Scheduler, event: i32, port: &Port<i32>) {
    scheduler.schedule_later_one_time(from_iter([event]).connect(port.clone()), Duration::ZERO).expect("a schedule");
}

/// The loop of cases 113 and 114: x gets the Fibonacci numbers, y those that `divisor` does not divide.
fn fibonacci_loop(divisor: Rc<Cell<i32>>) -> (Port<i32>, Recorder<i32>) {
    let (y, seen) = (Port::new(), Recorder::new());
    let mut state = (0, 1);
    let x = y
        .map(move |_| {
            state = (state.1, state.0 + state.1);
            state.0
        })
        .share();
    x.connect(seen.clone());
    x.filter(move |v| v % divisor.get() != 0).feedback(&y);
    (y, seen)
}

#[test]
fn case_113_feedback_to_a_fixed_point() {
    let mut scheduler = virtual_time();
    let (y, seen) = fibonacci_loop(Rc::new(Cell::new(4)));
    append(&scheduler, 0, &y);
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.text(), "1 1 2 3 5 8");
    append(&scheduler, 0, &y);
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.text(), "1 1 2 3 5 8 13 21 34 55 89 144");
}

#[test]
fn case_114_changing_a_parameter_between_runs() {
    let mut scheduler = virtual_time();
    let divisor = Rc::new(Cell::new(4));
    let (y, seen) = fibonacci_loop(divisor.clone());
    append(&scheduler, 0, &y);
    scheduler.run_forever().expect("no fatal error");
    divisor.set(2);
    append(&scheduler, 0, &y);
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.text(), "1 1 2 3 5 8 13 21 34");
}

#[test]
fn case_124_cycle_with_a_filter() {
    let mut scheduler = virtual_time();
    let (n, o) = (Port::new().named("n"), Port::new().named("o"));
    let (seen_n, seen_o) = (Recorder::new(), Recorder::new());
    n.connect(seen_n.clone());
    o.connect(seen_o.clone());
    o.filter(|v| *v <= 5).feedback(&n);
    n.map(|v| v + 2).connect(o);
    append(&scheduler, 0, &n);
    drop(n); // the source keeps the loop, and then the events on their way do
    scheduler.run_forever().expect("no fatal error");
    assert_eq!((seen_n.text(), seen_o.text()), ("0 2 4".into(), "2 4 6".into()));
}

#[test]
fn a_loop_leaks_nothing() {
    struct Counted(Rc<Cell<u32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = Rc::new(Cell::new(0));
    let build = || {
        let (port, guard) = (Port::<i32>::new(), Counted(dropped.clone()));
        let step = move |x: i32| (guard.0.get() < 99).then_some(x + 1).filter(|x| *x < 5);
        port.filter_map(step).feedback(&port);
        port.for_each(|_| {}); // or its source would stop: a loop alone does not listen
        port
    };
    drop(build());
    assert_eq!(dropped.get(), 1, "a loop that never ran");

    let mut scheduler = virtual_time();
    append(&scheduler, 0, &build());
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(dropped.get(), 2, "a loop in which nothing can happen any more");

    let endless = build();
    endless.map(|_| 0).feedback(&endless);
    append(&scheduler, 0, &endless);
    drop(endless);
    scheduler.run_for(Duration::ZERO).expect("no fatal error");
    assert_eq!(dropped.get(), 2, "an event is still on its way");
    drop(scheduler);
    assert_eq!(dropped.get(), 3, "a loop that was stopped");
}

/// Gives its events whenever it is asked, and then waits for ever.
struct Open(VecDeque<i32>);

fn open(events: impl IntoIterator<Item = i32>) -> Flow<Open> {
    Flow::new(Open(events.into_iter().collect()))
}

impl Source for Open {
    type Item = i32;
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<i32>, Failure> {
        Ok(self.0.pop_front())
    }
    fn due(&mut self, _: &mut Context<'_>) -> Option<Instant> {
        self.0.is_empty().then_some(Instant::NEVER)
    }
}

/// A queue that is full with so many events, and emptied one at a time.
struct Emptied<T> {
    queue: VecDeque<T>,
    room: usize,
    every: Duration,
    due: Instant,
    seen: Recorder<T>,
    most: Rc<Cell<usize>>,
}

fn emptied<T>(room: usize, every: f64, seen: &Recorder<T>) -> (Emptied<T>, Rc<Cell<usize>>) {
    let (most, due) = (Rc::new(Cell::new(0)), Instant::ZERO + secs(every));
    let sink =
        Emptied { queue: VecDeque::new(), room, every: secs(every), due, seen: seen.clone(), most: most.clone() };
    (sink, most)
}

impl<T> Sink for Emptied<T> {
    type Event = T;
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        cx.wake_at(self.due);
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, _: &mut Context<'_>) -> Receipt {
        self.queue.push_back(event);
        self.most.set(self.most.get().max(self.queue.len()));
        Ok(if self.queue.len() < self.room { Demand::More } else { Demand::Full })
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        if cx.now() >= self.due {
            self.due = cx.now() + self.every;
            if let Some(event) = self.queue.pop_front() {
                self.seen.next(event, cx)?;
                if self.queue.len() < self.room {
                    cx.resume();
                }
            }
        }
        cx.wake_at(self.due);
        Ok(Demand::More)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        while let Some(event) = self.queue.pop_front() {
            self.seen.next(event, cx)?;
        }
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, cx: &mut Context<'_>) -> Closed {
        self.on_completed(cx)
    }
    fn has_room(&self) -> bool {
        self.queue.len() < self.room
    }
}

/// Runs a source that is asked as often as it may be through `chain` for ten seconds: when each event was emitted, and
/// what came out.
fn paced<F: Filter<i32, Out = i32> + 'static>(n: i32, chain: Pipe<i32, F>) -> (String, String) {
    let (mut scheduler, emitted, seen) = (virtual_time(), Recorder::new(), Recorder::new());
    let flow = open(0..n).also_to(emitted.clone()).pipe(chain).connect(seen.clone());
    scheduler.schedule_recurring(flow).expect("a schedule");
    scheduler.run_for(secs(10.0)).expect("no fatal error");
    (emitted.timed_text(), seen.timed_text())
}

#[test]
fn case_338_buffer_in_front_of_a_pace() {
    let (emitted, seen) = paced(6, pipe().buffer(Limit::block(2)).pace(secs(1.0), Limit::block(1)));
    assert_eq!(seen, "0@0 1@1 2@2 3@3 4@4 5@5");
    assert_eq!(emitted, "0@0 1@0 2@0 3@0 4@1 5@2");
}

#[test]
fn case_339_buffer_absorbs_a_burst() {
    let pace = pipe().map(|v| v + 1).pace(secs(0.05), Limit::block(1));
    let (emitted, seen) = paced(15, pipe().map(|v| v + 1).buffer(Limit::block(10)).pipe(pace));
    let at_once = (0..12).map(|v| format!("{v}@0")).collect::<Vec<_>>().join(" "); // one is sent, one is in the pace
    assert_eq!(emitted, at_once + " 12@0.05 13@0.1 14@0.15");
    assert!(seen.starts_with("2@0 3@0.05 4@0.1 ") && seen.ends_with(" 16@0.7"), "{seen}");
}

#[test]
fn case_340_back_pressure_to_emit() {
    for ports in [false, true] {
        let (mut scheduler, emitted, seen) = (virtual_time(), Recorder::new(), Recorder::new());
        let (sink, most) = emptied(2, 0.1, &seen);
        let sums = pipe().map(|v| v + 1).scan(0, |sum, v| sum + v);
        if ports {
            let numbers = open(0..5).output();
            numbers.also_to(emitted.clone()).share().pipe(sums).share().connect(sink);
            scheduler.schedule_recurring(numbers).expect("a schedule");
        } else {
            let flow = open(0..5).also_to(emitted.clone()).pipe(sums).connect(sink);
            scheduler.schedule_recurring(flow).expect("a schedule");
        }
        scheduler.run_for(secs(1.0)).expect("no fatal error");
        assert_eq!(seen.timed_text(), "1@0.1 3@0.2 6@0.3 10@0.4 15@0.5");
        assert_eq!(emitted.timed_text(), "0@0 1@0 2@0.1 3@0.2 4@0.3");
        assert_eq!(most.get(), 2);
    }
}

#[test]
fn case_341_timed_window_with_a_slow_sink() {
    for ports in [false, true] {
        let (mut scheduler, emitted, seen) = (virtual_time(), Recorder::new(), Recorder::new());
        let (sink, most) = emptied(1, 0.1, &seen);
        let every = Periodic::every(secs(0.01)).first_after(secs(0.005));
        if ports {
            let numbers = from_iter(0..5).output();
            numbers.also_to(emitted.clone()).share().chunks_timeout(secs(0.01), Limit::default()).share().connect(sink);
            scheduler.schedule_periodic(numbers, every).expect("a schedule");
        } else {
            let flow =
                from_iter(0..5).also_to(emitted.clone()).chunks_timeout(secs(0.01), Limit::default()).connect(sink);
            scheduler.schedule_periodic(flow, every).expect("a schedule");
        }
        scheduler.run_for(secs(1.0)).expect("no fatal error");
        let last = emitted.timed().last().map(|(at, _)| at.since(Instant::ZERO));
        assert!(last > Some(secs(0.2)), "{}", emitted.timed_text());
        assert_eq!(seen.events().concat(), [0, 1, 2, 3, 4]);
        assert!(most.get() <= 2, "what was under way when the source was paused");
    }
}

#[test]
fn case_380_iterable() {
    let (mut scheduler, seen) = (virtual_time(), Recorder::new());
    scheduler.schedule_recurring(from_iter(0..3).connect(seen.clone())).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.text(), "0 1 2 |");
}

#[test]
fn case_381_iterable_is_pulled_no_faster_than_needed() {
    let (mut scheduler, pulled) = (virtual_time(), Rc::new(Cell::new(0)));
    let count = pulled.clone();
    let numbers = (0..5).inspect(move |_| count.set(count.get() + 1));
    let flow = from_iter(numbers).pace(secs(0.1), Limit::block(1)).for_each(drop);
    scheduler.schedule_recurring(flow).expect("a schedule");
    scheduler.run_for(secs(0.05)).expect("no fatal error");
    assert_eq!(pulled.get(), 2);
}

/// Defect 32: back-pressure was lost over a connection made later.
#[test]
fn back_pressure_over_a_connection_made_while_the_graph_runs() {
    let (mut scheduler, emitted, seen) = (virtual_time(), Recorder::new(), Recorder::new());
    let (sink, most) = emptied(2, 0.1, &seen);
    let (numbers, late) = (open(0..9).output(), Port::new());
    numbers.connect(emitted.clone());
    numbers.filter(|v| *v > 0).connect(late.clone().keep_running());
    scheduler.schedule_periodic(numbers, secs(0.01)).expect("a schedule");
    scheduler.run_for(secs(0.015)).expect("no fatal error");
    late.map(|v| v).share().connect(sink);
    scheduler.run_for(secs(2.0)).expect("no fatal error");
    assert_eq!(seen.events(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(most.get(), 2);
    assert!(emitted.timed().last().is_some_and(|(at, _)| at.since(Instant::ZERO) > secs(0.5)), "it was not paused");
}

#[test]
fn a_resume_that_is_meant_for_others_fills_nobody_further() {
    for buffered in [false, true] {
        let (mut scheduler, seen, others) = (virtual_time(), Recorder::new(), Recorder::new());
        let (sink, most) = emptied(2, 5.0, &seen);
        let numbers = open(0..99).output();
        if buffered {
            numbers.map(|v| v).share().buffer(Limit::block(3)).connect(sink);
        } else {
            numbers.map(|v| v).share().connect(sink);
        }
        scheduler.schedule_recurring(numbers).expect("a schedule");
        scheduler.schedule_recurring(open(0..99).connect(emptied(1, 0.1, &others).0)).expect("a schedule");
        scheduler.run_for(secs(4.0)).expect("no fatal error");
        assert_eq!((seen.events().len(), others.events().len()), (0, 40));
        assert_eq!(most.get(), 2);
        scheduler.run_for(secs(2.0)).expect("no fatal error");
        assert_eq!(seen.events(), [0]);
    }
}

#[test]
fn a_slow_sink_pauses_a_sensor_on_a_thread_of_its_own() {
    let probe = || ListSensor::new("probe", [1, 2, 3]);
    let (mut scheduler, seen) = (virtual_time(), Recorder::new());
    let thread = scheduler.schedule_sensor_on_separate_thread(probe(), secs(1.0)).expect("a thread");
    thread.map(|e| e.val).pace(secs(3.5), Limit::block(1)).connect(seen.clone());
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.timed_text(), "1@1 2@4.5 3@8 |@8");
    let (mut scheduler, here) = (virtual_time(), Recorder::new());
    let chain = |probe: &SensorOutput<_>| {
        probe.map(|e: SensorEvent<i32>| e.val).pace(secs(3.5), Limit::block(1)).connect(here.clone());
    };
    scheduler.schedule_sensor(probe(), secs(1.0), chain).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.timed_text(), here.timed_text(), "as without a thread");
}

/// The receipt `Full` of a queue behind `chain` reaches the source: nothing is lost, and the queue is never too long.
#[track_caller]
fn full_travels<F: Filter<i32> + 'static>(chain: Pipe<i32, F>)
where
    F::Out: Clone + 'static,
{
    let (mut scheduler, seen, pulled) = (virtual_time(), Recorder::new(), Rc::new(Cell::new(0)));
    let (sink, most) = emptied(2, 0.1, &seen);
    let count = pulled.clone();
    let flow = open(0..99).inspect(move |_| count.set(count.get() + 1)).pipe(chain).connect(sink);
    scheduler.schedule_recurring(flow).expect("a schedule");
    scheduler.run_for(secs(2.05)).expect("no fatal error");
    assert_eq!((seen.events().len(), most.get()), (20, 2));
    assert!((20..30).contains(&pulled.get()), "{} pulled", pulled.get());
}

#[test]
fn full_travels_through_every_kind_of_operator() {
    full_travels(pipe().map(|x| x).filter(|_| true).filter_map(Some).try_map(Ok::<_, String>).scan(0, |a, b| a + b));
    full_travels(pipe().enumerate().dedup().named("n").inspect(|_| {}).also_to(call(drop)).take(99).skip(1));
    full_travels(pipe().chunks(1).flat_map(|list| list).pairwise().map(|(_, x)| x));
    full_travels(pipe().buffer(Limit::block(2)));
    full_travels(pipe().try_map_with(ErrorPolicy::skip(), |x| Ok::<_, String>(*x)));
    full_travels(pipe().pace(secs(0.0), Limit::block(1)).delay(secs(0.0), Limit::block(2)));
}

/// The results of `f` on `n` threads for the numbers below `to`, sent into a pace.
fn pooled(n: usize, to: i32, ordered: bool, f: impl Fn(i32) -> i32 + Send + Sync + 'static) -> Recorder<i32> {
    let (mut scheduler, seen) = (virtual_time(), Recorder::new());
    let pool = if ordered { scheduler.map_on_pool(n, f) } else { scheduler.map_on_pool_unordered(n, f) };
    let (jobs, results) = pool.expect("threads");
    results.pace(secs(1.0), Limit::block(1)).connect(seen.clone());
    scheduler.schedule_recurring(from_iter(0..to).connect(jobs)).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert!(seen.is_completed());
    seen
}

/// Defect 26: one more than the limit ran at once.
#[test]
fn a_pool_runs_just_as_many_calls_as_it_may() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (together, peak) = (Barrier::new(3), most.clone());
    let work = move |x| {
        peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        together.wait(); // three at once, or nobody goes on
        running.fetch_sub(1, Ordering::SeqCst);
        x * 10
    };
    // Nothing behind holds results back: so the source goes on until three are at work.
    let (mut scheduler, seen) = (virtual_time(), Recorder::new());
    let (jobs, results) = scheduler.map_on_pool(3, work).expect("threads");
    results.connect(seen.clone());
    scheduler.schedule_recurring(from_iter(0..9).connect(jobs)).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.events(), [0, 10, 20, 30, 40, 50, 60, 70, 80]);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn a_pool_keeps_the_order_or_hands_on_what_is_ready() {
    for n in 1..5 {
        let uneven = |x: i32| {
            (0..x * 7919 % 50).for_each(|_| std::thread::yield_now());
            x + 1
        };
        let in_order: Vec<i32> = (1..=40).collect();
        assert_eq!(pooled(n, 40, true, uneven).events(), in_order);
        let mut any_order = pooled(n, 40, false, uneven).events();
        any_order.sort_unstable();
        assert_eq!(any_order, in_order);
    }
}

/// The first call waits until the result of the second has been seen.
#[test]
fn without_order_a_slow_call_holds_up_no_other() {
    let (mut scheduler, seen, go_on) = (virtual_time(), Recorder::new(), Arc::new(AtomicBool::new(false)));
    let may_go_on = go_on.clone();
    let work = move |x: i32| {
        while x == 0 && !may_go_on.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        x
    };
    let (jobs, results) = scheduler.map_on_pool_unordered(2, work).expect("threads");
    results.connect(seen.clone());
    results.for_each(move |_| go_on.store(true, Ordering::SeqCst));
    scheduler.schedule_recurring(from_iter(0..2).connect(jobs)).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.text(), "1 0 |");
}

#[test]
fn virtual_time_waits_for_a_pool() {
    let (mut scheduler, seen) = (virtual_time(), Recorder::new());
    let (jobs, results) = scheduler.map_on_pool(2, |x: i32| x * 2).expect("threads");
    results.connect(seen.clone());
    scheduler.schedule_periodic(from_iter(1..4).connect(jobs), secs(1.0)).expect("a schedule");
    scheduler.schedule_periodic(from_iter(0..99).for_each(drop), secs(0.25)).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.timed_text(), "2@1 4@2 6@3 |@4");
}

#[test]
fn an_error_on_a_pool_ends_the_stream_in_its_turn_and_a_panic_the_run() {
    let (mut scheduler, seen) = (virtual_time(), Recorder::new());
    let work = |x: i32| if x == 3 { Err("three") } else { Ok(x) };
    let (jobs, results) = scheduler.try_map_on_pool(2, work).expect("threads");
    results.connect(seen.clone());
    scheduler.schedule_recurring(from_iter(0..).connect(jobs)).expect("a schedule");
    scheduler.run_forever().expect("the source is let go");
    assert_eq!(seen.text(), "0 1 2 ! three");

    let (jobs, results) = scheduler.map_on_pool(2, |x: i32| assert!(x < 3, "three is too many")).expect("threads");
    results.for_each(drop);
    scheduler.schedule_recurring(from_iter(0..).connect(jobs)).expect("a schedule");
    let error = scheduler.run_forever().expect_err("a panic ends the run").to_string();
    assert_eq!(error, "map_on_pool: panicked: three is too many");
}

#[test]
fn the_end_comes_after_the_results() {
    let (mut scheduler, seen) = (virtual_time(), Recorder::new());
    let (jobs, results) = scheduler.map_on_pool(3, |x: i32| x).expect("threads");
    results.connect(seen.clone());
    let broken = try_from_iter([Ok(1), Ok(2), Err("no more")]);
    scheduler.schedule_recurring(broken.connect(jobs)).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.text(), "1 2 ! no more");

    let (jobs, results) = scheduler.map_on_pool(1, |x: i32| x).expect("threads");
    results.take(2).connect(seen.clone());
    scheduler.schedule_recurring(from_iter(0..).connect(jobs)).expect("a schedule");
    scheduler.run_forever().expect("nobody listens any more");
    drop(scheduler.map_on_pool(1, |x: i32| x).expect("threads"));
    scheduler.run_forever().expect("a pool that nobody uses ends");
}
