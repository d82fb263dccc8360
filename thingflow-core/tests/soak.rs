//! A graph of all operators that hold events, for a long time, and parts that come and go: it ends at the memory it began with.
//!
//! `THINGFLOW_SOAK_EVENTS=100000000 cargo test --release -p thingflow-core --test soak` runs it for 10^8 events.
#![cfg(feature = "std")]
#![allow(unsafe_code, reason = "the standard library lets nobody else see allocations")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::env;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::joins;
use thingflow_core::prelude::*;
use thingflow_core::tracking::{Tracker, Tracking};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts the allocations of each thread by itself, so that tests do not disturb each other.
struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static MADE: Cell<u64> = const { Cell::new(0) };
}

/// Notes that `size` bytes were taken, or given back if it is negative. A thread that is ending counts no more.
fn note(size: isize, made: u64) {
    let _ = LIVE.try_with(|live| live.set(live.get() + size));
    let _ = MADE.try_with(|count| count.set(count.get() + made));
}

// SAFETY: each method hands its arguments to the system's allocator and its result back, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size().cast_signed(), 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is also that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(-layout.size().cast_signed(), 0);
        // SAFETY: `pointer` came from `System`, through this allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size.cast_signed() - layout.size().cast_signed(), 1);
        // SAFETY: as for `dealloc`, and the caller vouches for `size`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// An event and a token, whose count tells how many events are held.
type Event = (u64, Rc<()>);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn sink<T: 'static>() -> impl InputThing<T> + 'static {
    call(drop::<T>)
}

/// All periods divide it: after a multiple of it the graph is in the same state. In events, which are 1 ms apart.
const ROUND: u64 = 600;

/// Rounds after which no queue grows any more. The run is twenty times as long, so that a list that leaks has to grow.
const WARM_UP: u64 = 2;

fn windows(port: &Port<Event>) {
    port.chunks(6).connect(sink());
    port.sliding(16).connect(sink());
    port.windows(6, 3).connect(sink());
    port.sliding_time(ms(10), Limit::drop_oldest(64)).connect(sink());
    port.chunks_by(4, 8, |(n, _): &Event| n % 6).connect(sink());
    port.chunks_distinct(5, |(n, _): &Event| n % 6).connect(sink());
    port.map(number).running_avg(12).connect(sink());
    port.map(number).chunk_median(8).connect(sink());
    port.chunks_within(5, ms(4)).connect(sink());
    port.chunks_timeout(ms(6), Limit::default()).connect(sink());
    port.chunks_within_by(8, ms(10), 100, |(n, _): &Event| n % 3).connect(sink());
    port.chunks_timeout_distinct(ms(8), Limit::default(), |(n, _): &Event| n % 5).connect(sink());
}

#[allow(clippy::cast_precision_loss)] // the digits do not matter
fn number((n, _): Event) -> f64 {
    n as f64
}

fn timing(port: &Port<Event>) {
    let bursts = port.filter(|(n, _)| n % 8 < 4);
    bursts.debounce(ms(2)).connect(sink());
    port.delay(ms(20), Limit::block(64)).connect(sink());
    port.filter(|(n, _)| n % 4 == 0).pace(ms(3), Limit::drop_oldest(10)).connect(sink());
    port.throttle(ms(5)).connect(sink());
    port.throttle_by(ms(5), 100, |(n, _): &Event| n % 4).connect(sink());
    port.sample_every(ms(6)).connect(sink());
    port.map(|(n, token)| (n / 100, token)).heartbeat(ms(10)).connect(sink());
    port.coalesce().connect(sink());
    port.stamped().delay(ms(2), Limit::block(8)).time_to_live(ms(3)).connect(sink());
    port.timeout(ms(50)).connect(sink());
}

fn flow(port: &Port<Event>) {
    port.buffer(Limit::block(16)).connect(sink());
    port.buffer(Limit::drop_oldest(4)).pace(ms(2), Limit::drop_oldest(3)).connect(sink());
    port.latest().connect(sink());
    port.connect(tee((sink(), pipe().chunks(3).to(sink()))));
    let again = Port::new();
    port.filter(|(n, _)| n % 10 == 0).connect(again.clone());
    again.filter(|(n, _)| n % 10 < 5).map(|(n, token)| (n + 1, token)).feedback(&again);
    again.connect(sink());
}

fn joins(port: &Port<Event>) {
    let (odd, even) = port.partition(|(n, _)| n % 2 == 1);
    odd.zip(&even, Limit::block(8)).connect(sink());
    odd.merge(&even).chunks(5).connect(sink());
    odd.combine_latest(&even).connect(sink());
    odd.with_latest_from(&even).connect(sink());
    odd.zip_latest(&even, Limit::block(8)).connect(sink());
    odd.sample(port.step_by(8)).connect(sink());
    odd.buffer_until(even.step_by(6), Limit::block(32)).connect(sink());
    odd.merge_by_time(&even, |(n, _)| *n, Limit::block(8)).connect(sink());
    odd.timed_zip(&even, Limit::block(8)).connect(sink());
    odd.join_within(&even, 1, Limit::drop_oldest(8)).connect(sink());
    let (first, second) = (odd.clone(), even.clone());
    let halves = port.step_by(50).map(move |(n, _)| if n % 100 < 50 { first.clone() } else { second.clone() });
    halves.switch().connect(sink());
    let hub = Shared::without_ports(None);
    odd.connect(hub.input(|held, event, _| {
        *held = Some(event);
        Ok(Demand::More)
    }));
    even.connect(hub.input(|held: &mut Option<Event>, _, _| {
        held.take();
        Ok(Demand::More)
    }));
    let routes = port.dispatch().rule(3, |(n, _): &Event| n % 3 == 0).rule(5, |(n, _)| n % 5 == 0).build();
    for key in [3, 5] {
        routes.port(key).expect("a rule").chunks(2).connect(sink());
    }
    routes.default_port().pairwise().connect(sink());
}

fn keyed(port: &Port<Event>) {
    port.map(|(n, _)| n % 100).distinct_recent(20).connect(sink());
    port.map(|(n, _)| n % 30).distinct(64).connect(sink());
    port.map(|(n, _)| n % 1000).top_k(10).connect(sink());
    port.map(|(n, _)| n % 20).counts(32).connect(sink());
    port.map(|(n, _)| n / 3).dedup().connect(sink());
    port.take_last(10).connect(sink());
    port.last().connect(sink());
    port.group_by(|(n, _): &Event| n % 6).connect(call(|(_, group): (u64, Port<Event>)| {
        group.chunks(4).connect(sink());
    }));
}

fn tracked(port: &Port<Event>) -> Tracker {
    let tracker = Tracker::new(|_, _| Ok(())).at_most(500);
    let events = port.track_by(&tracker, |_| ());
    let pairs = events.try_map_value(|(n, token)| if n == u64::MAX { Err("the last one") } else { Ok((n, token)) });
    pairs
        .delay(ms(10), Limit::block(64))
        .chunks(4)
        .gather()
        .filter_value(|v| v.len() == 4)
        .acknowledge()
        .connect(sink());
    tracker
}

/// Branches that come and go: each takes a few events and is replaced by the next.
fn changing(port: &Port<Event>) {
    let inner = port.clone();
    let again = call(move |_: Vec<Event>| changing(&inner));
    port.take(12).chunks(12).connect(again);
}

#[test]
fn a_long_run_ends_at_the_memory_it_began_with() -> Result<(), Box<dyn std::error::Error>> {
    let events = env::var("THINGFLOW_SOAK_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(24_000_u64);
    let token = Rc::new(());
    let (own, mut n) = (token.clone(), 0);
    let source = from_fn(move || {
        n += 1;
        Some((n, own.clone()))
    });
    let mut scheduler = Scheduler::virtual_time()?;
    let source = source.output();
    for branches in [windows, timing, flow, joins, keyed, changing] {
        branches(source.port());
    }
    let tracker = tracked(source.port());
    let port = source.port().as_ref();
    let branches = || {
        let mut count = 0;
        port.connections(&mut |_| count += 1);
        count
    };
    let connected = branches();
    scheduler.schedule_periodic(source, ms(1))?;

    let mut state_after = |rounds: u64| {
        scheduler.run_for(ms(rounds * ROUND)).map(|()| (LIVE.get(), Rc::strong_count(&token), tracker.in_flight()))
    };
    let warm = state_after(WARM_UP)?;
    let end = state_after(events.div_ceil(ROUND))?;
    assert!(warm.0 > 10_000 && warm.1 > 80, "the graph holds something: {warm:?}");
    assert_eq!((end.1, end.2), (warm.1, warm.2), "events held, events in flight");
    assert_eq!(end.0, warm.0, "bytes at the end, and when warm");
    assert!(tracker.committed() > events);
    assert_eq!(branches(), connected, "none has ended");
    Ok(())
}

#[test]
fn a_tracked_event_costs_one_allocation_at_its_source_and_none_further_on() -> Result<(), Box<dyn std::error::Error>> {
    let mut scheduler = Scheduler::virtual_time()?;
    let (mut n, tracker) = (0_u64, Tracker::new(|_, _| Ok(())));
    let port = Port::new();
    let hops = port.map_value(|n: u64| n + 1).filter_value(|n| *n > 0).try_map_value(Ok::<u64, StreamError>);
    hops.delay(ms(5), Limit::block(64)).acknowledge().connect(call(drop));
    port.connect(call(drop));
    let source = from_fn(move || {
        n += 1;
        Some(n)
    });
    scheduler.schedule_periodic(source.track_by(&tracker, |n| *n).connect(port), ms(1))?;
    scheduler.run_for(ms(1_000))?;
    let (made, done) = (MADE.get(), tracker.committed());
    scheduler.run_for(ms(1_000))?;
    assert_eq!((MADE.get() - made, tracker.committed() - done), (1_000, 1_000));
    Ok(())
}

// ---- what comes and goes ----

const HOUR: Duration = Duration::from_secs(3600);

/// Has something come and go in a run, again and again. Whether more is kept at the end than near the beginning: tables grow
/// and shrink meanwhile, some over sixteen rounds, so the least of the last rounds counts, and the most of the first ones.
fn keeps_something(mut come_and_go: impl FnMut(&mut Scheduler)) -> bool {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    scheduler.schedule_periodic(from_iter(0..).for_each(drop::<u64>), ms(1)).expect("a schedule");
    let mut round = || {
        for n in 0..400 {
            come_and_go(&mut scheduler);
            if n % 10 == 0 {
                scheduler.run_for(ms(1)).expect("no fatal error");
            }
        }
        scheduler.run_for(ms(5)).expect("no fatal error");
        LIVE.get()
    };
    let live: Vec<isize> = (0..36).map(|_| round()).collect();
    live[18..].iter().min() > live[1..18].iter().max()
}

fn emit<T: Clone + 'static>(scheduler: &mut Scheduler, port: &Port<T>, event: T) {
    let _ = scheduler.with_context(|cx| port.emit(event, cx)).expect("no fatal error");
}

/// Connects what waits for an hour.
fn waits_for_an_hour(port: &Port<u64>) -> Vec<Connection> {
    vec![
        port.timeout(HOUR).connect(sink()),
        port.delay(HOUR, Limit::default()).connect(sink()),
        port.debounce(HOUR).connect(sink()),
        port.chunks_within(9, HOUR).connect(sink()),
        port.throttle(HOUR).connect(sink()),
        port.merge(port).heartbeat(HOUR).connect(sink()),
        port.sample_every(HOUR).connect(sink()),
    ]
}

type Comes = Box<dyn FnMut(&mut Scheduler)>;

fn comes(come_and_go: impl FnMut(&mut Scheduler) + 'static) -> Comes {
    Box::new(come_and_go)
}

fn schedules() -> Vec<(&'static str, Comes)> {
    let cancelled = comes(|scheduler| {
        let later = from_iter(0..).delay(HOUR, Limit::default()).for_each(drop::<u64>);
        scheduler.schedule_periodic(later, HOUR).expect("a schedule").cancel();
    });
    let ended = comes(|scheduler| {
        scheduler.schedule_recurring(from_iter([1_u64]).timeout(HOUR).for_each(drop)).expect("a schedule");
    });
    let once = comes(|scheduler| {
        scheduler.schedule_later_one_time(from_iter([1_u64]).for_each(drop), HOUR).expect("a schedule").cancel();
    });
    let failing = comes(|scheduler| {
        let failing = try_from_iter([Err::<u64, _>("no answer"), Ok(1)]).for_each(drop);
        let timing =
            Periodic::every(ms(1)).on_failure(OnFailure::Retry { backoff: Backoff::constant(HOUR), attempts: 9 });
        let handle = scheduler.schedule_periodic(failing, timing).expect("a schedule");
        scheduler.run_for(ms(1)).expect("no fatal error");
        handle.cancel();
    });
    let remote = comes(|scheduler| {
        let (remote, port) = scheduler.remote::<u64>(Limit::block(4)).expect("no fatal error");
        let connections = waits_for_an_hour(&port);
        remote.post(1).expect("no fatal error");
        scheduler.run_for(ms(1)).expect("no fatal error");
        connections.iter().for_each(Connection::disconnect);
    });
    vec![
        ("a cancelled schedule", cancelled),
        ("a schedule that has ended", ended),
        ("a cancelled call", once),
        ("a schedule that was to try again", failing),
        ("a remote", remote),
    ]
}

fn branches() -> Vec<(&'static str, Comes)> {
    let (lasting, hub) = (Port::<u64>::new().keep_running(), Shared::without_ports(0));
    let dropped = comes(|scheduler| {
        let port = Port::new();
        waits_for_an_hour(&port);
        emit(scheduler, &port, 1);
    });
    let branch = comes(move |scheduler| {
        let connections = waits_for_an_hour(&lasting);
        emit(scheduler, &lasting, 1);
        connections.iter().for_each(Connection::disconnect);
    });
    let shared = comes(move |scheduler| {
        let port = Port::<u64>::new();
        port.delay(ms(2), Limit::default()).connect(hub.input(|sum: &mut u64, n, cx: &mut Context<'_>| {
            *sum += n;
            cx.wake_at(cx.now() + HOUR);
            Ok(Demand::More)
        }));
        emit(scheduler, &port, 1);
        scheduler.with_context(|cx| port.complete(cx)).expect("no fatal error");
    });
    let draining = comes(move |scheduler| {
        let port = Port::<u64>::new();
        port.delay(ms(2), Limit::default()).connect(sink());
        emit(scheduler, &port, 1);
        scheduler.with_context(|cx| port.complete(cx)).expect("no fatal error");
    });
    vec![
        ("a dropped port", dropped),
        ("a branch of a port that stays", branch),
        ("an input of a shared Thing", shared),
        ("a Thing that drains", draining),
    ]
}

fn inputs() -> Vec<(&'static str, Comes)> {
    let (first, second) = (Port::<u64>::new().keep_running(), Port::<u64>::new().keep_running());
    let (choice, all) = (Port::<Port<u64>>::new(), Port::<Port<u64>>::new());
    choice.switch().connect(sink());
    all.merge_all().connect(sink());
    let latest = joins::combine_latest(vec![&first]).connect_dynamic(sink());
    let removed = comes(move |scheduler| {
        let port = Port::<u64>::new();
        let connection = latest.add(&port).expect("it goes on");
        emit(scheduler, &port, 1);
        emit(scheduler, &first, 1);
        scheduler.with_context(|cx| latest.remove(&connection, cx)).expect("no fatal error");
    });
    let zipped = joins::zip(vec![&second], Limit::drop_oldest(2)).connect_dynamic(sink());
    let disconnected = comes(move |scheduler| {
        let port = Port::<u64>::new();
        let connection = zipped.add(&port).expect("it goes on");
        emit(scheduler, &port, 1);
        connection.disconnect();
        emit(scheduler, &second, 1);
    });
    let followed = comes(move |scheduler| {
        let port = Port::new();
        emit(scheduler, &choice, port.clone());
        emit(scheduler, &port, 1);
    });
    let ended = comes(move |scheduler| {
        let port = Port::new();
        emit(scheduler, &all, port.clone());
        emit(scheduler, &port, 1);
        scheduler.with_context(|cx| port.complete(cx)).expect("no fatal error");
    });
    vec![
        ("an input that is removed", removed),
        ("an input that is disconnected", disconnected),
        ("a port that was followed", followed),
        ("a port of many that has ended", ended),
    ]
}

/// What looks at a run from outside.
fn onlookers() -> Vec<(&'static str, Comes)> {
    let inspected = comes(|scheduler| {
        let inspector = scheduler.inspector();
        scheduler.measure(true);
        scheduler.schedule_recurring(from_iter([1_u64]).probe("probe").for_each(drop)).expect("a schedule");
        let _ = scheduler.snapshot();
        drop(inspector);
    });
    let listener = comes(|scheduler| {
        let connection = scheduler.reports().for_each(drop);
        scheduler
            .with_context(|cx| {
                cx.report("somebody", &StreamError::new("an error"));
                Ok(())
            })
            .expect("no fatal error");
        scheduler.run_for(ms(1)).expect("no fatal error");
        connection.disconnect();
    });
    let tracker = comes(|scheduler| {
        let tracker = Tracker::new(|_, _| Ok(()));
        let port = Port::<u64>::new();
        port.track_by(&tracker, |_| ()).delay(ms(3), Limit::default()).acknowledge().connect(sink());
        emit(scheduler, &port, 1);
    });
    let job = comes(|scheduler| {
        scheduler
            .with_context(|cx| {
                cx.defer(|_| Ok(()));
                Ok(())
            })
            .expect("no fatal error");
    });
    vec![("an inspected schedule", inspected), ("a listener", listener), ("a tracker", tracker), ("a job", job)]
}

#[test]
fn f28_nothing_is_kept_of_what_comes_and_goes() {
    for (what, come_and_go) in [schedules(), branches(), inputs(), onlookers()].into_iter().flatten() {
        assert!(!keeps_something(come_and_go), "of {what} something is kept");
    }
    let mut kept = Vec::new();
    assert!(keeps_something(move |_| kept.push(Box::new(1_u8))), "it would be seen");
}
