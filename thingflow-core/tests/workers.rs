//! Workers: a store that goes away and comes back, events that are refused, a set-up that is wrong.
#![cfg(feature = "std")]

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::tracking::{Outcome, Tracked, Tracker, Tracking};
use thingflow_core::{
    Backoff, Batch, DeadLetter, Delivery, DeliveryMeter, DeliveryStats, Instant, OnSetup, Overflow, Refusal, Rejection,
    Stopper, Worker,
};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECOND: Duration = Duration::from_secs(1);

/// A store that can be switched off, and forgets connections when it is.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    rows: Vec<u64>,
    away: bool,
    /// It breaks off after so many more rows.
    breaks_after: Option<usize>,
    connects: usize,
    /// Each row that it refuses for good.
    refuses: Vec<u64>,
    wrong_password: bool,
}

impl Store {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gone() -> Refusal {
    Refusal::Peer(StreamError::new("connection refused"))
}

impl Worker<u64> for Store {
    fn connect(&mut self) -> std::result::Result<(), Refusal> {
        let mut state = self.state();
        state.connects += 1;
        if state.wrong_password {
            return Err(Refusal::Setup(StreamError::new("password authentication failed")));
        }
        if state.away { Err(gone()) } else { Ok(()) }
    }
    fn work(&mut self, batch: &mut Batch<u64>) -> std::result::Result<(), Refusal> {
        let mut state = self.state();
        while let Some(row) = batch.first().copied() {
            if state.away || state.breaks_after == Some(0) {
                state.breaks_after = None;
                return Err(gone());
            }
            if state.refuses.contains(&row) {
                return Err(Refusal::Event { index: 0, error: StreamError::new("no such column") });
            }
            state.breaks_after = state.breaks_after.map(|rows| rows - 1);
            state.rows.push(row);
            batch.done(1);
        }
        Ok(())
    }
}

/// Does something with the store at a time.
fn at(scheduler: &Scheduler, store: &Store, time: Duration, change: impl Fn(&mut State) + 'static) -> Result {
    let store = store.clone();
    let chain = from_iter([()]).connect(call(move |()| change(&mut store.state())));
    scheduler.schedule_later_one_time(chain, time)?;
    Ok(())
}

fn sums_up(stats: DeliveryStats) -> bool {
    stats.posted == stats.delivered + stats.waiting + stats.dropped + stats.dead + stats.lost
}

/// Looks each minute whether the counts sum up.
fn watch(scheduler: &Scheduler, meter: &DeliveryMeter, minutes: usize) -> Result {
    let meter = meter.clone();
    let looks = interval(60 * SECOND).take(minutes).connect(call(move |_| {
        let stats = meter.stats();
        assert!(sums_up(stats), "{stats:?}");
    }));
    scheduler.schedule_recurring(looks)?;
    Ok(())
}

/// A store that is away from 10 s to an hour later, with 1,000 events a second: the counts, and what it has got.
fn an_hour_away(limit: Limit) -> Result<(DeliveryStats, Vec<u64>)> {
    let tens = 363_000;
    let (mut scheduler, store) = (Scheduler::virtual_time()?, Store::default());
    let retry = Backoff::new(SECOND, 30 * SECOND).jitter(50).seed(1);
    let (sink, _) = scheduler.worker("store", store.clone(), Delivery::within(limit).retry(retry))?;
    let meter = sink.meter();
    let numbers = from_iter(0..tens).flat_map(|ten| ten * 10..ten * 10 + 10);
    scheduler.schedule_periodic(numbers.connect(sink), Duration::from_millis(10))?;
    at(&scheduler, &store, 10 * SECOND, |state| state.away = true)?;
    at(&scheduler, &store, 3610 * SECOND, |state| state.away = false)?;
    at(&scheduler, &store, 3625 * SECOND, |state| state.breaks_after = Some(3))?;
    watch(&scheduler, &meter, 60)?;
    scheduler.run_forever()?;
    assert!(scheduler.now() >= Instant::ZERO + 3630 * SECOND);
    let rows = std::mem::take(&mut store.state().rows);
    assert!(rows.is_sorted_by(|a, b| a < b), "in order, and none twice");
    let connects = store.state().connects;
    assert!((120..400).contains(&connects), "{connects} tries in an hour");
    Ok((meter.stats(), rows))
}

#[test]
fn a_store_that_is_away_for_an_hour_costs_what_the_policy_says_and_no_more() -> Result {
    let limit = 10_000;
    let (stats, rows) = an_hour_away(Limit::drop_oldest(limit))?;
    assert_eq!((stats.posted, stats.waiting, stats.dead, stats.lost), (3_630_000, 0, 0, 0));
    assert_eq!((stats.delivered, stats.delivered + stats.dropped), (rows.len() as u64, stats.posted));
    assert!(stats.dropped >= 3_600_000 - 30_000 - 10_000, "the queue holds ten seconds: {stats:?}");
    // What was in hand when it went away, then the newest: one gap.
    let gaps: Vec<u64> = rows.windows(2).map(|pair| pair[1] - pair[0] - 1).filter(|gap| *gap > 0).collect();
    assert_eq!(gaps, [stats.dropped]);
    Ok(())
}

#[test]
fn a_source_that_can_wait_loses_nothing_while_the_store_is_away() -> Result {
    let (mut scheduler, store) = (Scheduler::virtual_time()?, Store::default());
    let (sink, _) = scheduler.worker("store", store.clone(), Delivery::within(Limit::block(100)).batches_of(7))?;
    let meter = sink.meter();
    scheduler.schedule_periodic(from_iter(0..1000).connect(sink), Duration::from_millis(10))?;
    at(&scheduler, &store, 2 * SECOND, |state| state.away = true)?;
    at(&scheduler, &store, 600 * SECOND, |state| state.away = false)?;
    scheduler.run_forever()?;
    assert_eq!(store.state().rows, (0..1000).collect::<Vec<_>>());
    assert_eq!((meter.stats().delivered, meter.stats().dropped), (1000, 0));
    Ok(())
}

#[test]
fn what_is_refused_for_good_is_a_dead_letter_and_the_rest_goes_on() -> Result {
    let (mut scheduler, store, dead) = (Scheduler::virtual_time()?, Store::default(), Recorder::new());
    store.state().refuses = vec![0, 3, 9];
    let (sink, refused) = scheduler.worker("store", store.clone(), Delivery::within(Limit::default()))?;
    refused.map(|letter: DeadLetter<u64>| letter.event).connect(dead.clone());
    let meter = sink.meter();
    scheduler.schedule_recurring(from_iter(0..10).connect(sink))?;
    scheduler.run_forever()?;
    assert_eq!(dead.text(), "0 3 9 |");
    assert_eq!(store.state().rows, [1, 2, 4, 5, 6, 7, 8]);
    assert_eq!((meter.stats().delivered, meter.stats().dead), (7, 3));
    assert_eq!(store.state().connects, 1, "that is no reason to connect again");
    assert_eq!(scheduler.now(), Instant::ZERO, "nor to wait");
    Ok(())
}

#[test]
fn dead_letters_that_nobody_reads_are_reported() -> Result {
    let (mut scheduler, store, reports) = (Scheduler::virtual_time()?, Store::default(), Recorder::new());
    store.state().refuses = vec![1];
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let (sink, _) = scheduler.worker("store", store, Delivery::within(Limit::default()))?;
    scheduler.schedule_periodic(from_iter(0..3).connect(sink), SECOND)?;
    scheduler.run_forever()?;
    assert_eq!(reports.events(), ["store: an event is refused: no such column"]);
    Ok(())
}

#[test]
fn a_set_up_that_is_wrong_is_told_aloud_and_tried_slowly_or_ends_the_run() -> Result {
    let (mut scheduler, store, reports) = (Scheduler::virtual_time()?, Store::default(), Recorder::new());
    store.state().wrong_password = true;
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let delivery = Delivery::within(Limit::default());
    let slowly = delivery.clone().on_setup(OnSetup::Retry(Backoff::constant(600 * SECOND)));
    let (sink, _) = scheduler.worker("store", store.clone(), slowly)?;
    scheduler.schedule_periodic(from_iter([1]).connect(sink), SECOND)?;
    at(&scheduler, &store, 1000 * SECOND, |state| state.wrong_password = false)?;
    scheduler.run_forever()?;
    assert_eq!(reports.events().len(), 2, "at 1 s, and at 601 s");
    assert_eq!((store.state().rows.clone(), scheduler.now()), (vec![1], Instant::ZERO + 1201 * SECOND));

    store.state().wrong_password = true;
    let (sink, _) = scheduler.worker("store", store, delivery.on_setup(OnSetup::End))?;
    scheduler.schedule_periodic(from_iter([1]).connect(sink), SECOND)?;
    let failed = scheduler.run_forever().map_err(|error| error.to_string());
    assert_eq!(failed, Err("store: not delivered, to be tried again: password authentication failed".into()));
    Ok(())
}

#[test]
fn failures_are_reported_less_and_less_often() -> Result {
    let (mut scheduler, store, reports) = (Scheduler::virtual_time()?, Store::default(), Recorder::new());
    store.state().away = true;
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let delivery = Delivery::within(Limit::default()).retry(Backoff::constant(SECOND));
    let (sink, _) = scheduler.worker("store", store.clone(), delivery)?;
    scheduler.schedule_periodic(from_iter([1]).connect(sink), SECOND)?;
    at(&scheduler, &store, 1000 * SECOND, |state| state.away = false)?;
    scheduler.run_forever()?;
    assert_eq!(reports.events().len(), 10, "the failures number 1, 2, 4, … 512 of 999");
    assert_eq!(reports.events()[0], "store: not delivered, to be tried again: connection refused");
    Ok(())
}

#[test]
fn the_waits_do_not_begin_anew_while_connections_do_not_last() -> Result {
    let (mut scheduler, store) = (Scheduler::virtual_time()?, Store::default());
    let tries = Recorder::new();
    let mut seen = tries.clone();
    // Accepts, and hangs up at the first row.
    let hangs_up = {
        let store = store.clone();
        move |batch: &mut Batch<u64>| {
            let _ = seen.on_next((), &mut Context::detached(Instant::ZERO));
            if store.state().away {
                return Err(gone());
            }
            batch.done(batch.len());
            Ok(())
        }
    };
    store.state().away = true;
    let delivery = Delivery::within(Limit::default()).retry(Backoff::new(SECOND, 64 * SECOND));
    let (sink, _) = scheduler.worker("store", hangs_up, delivery)?;
    scheduler.schedule_periodic(from_iter([1]).connect(sink), SECOND)?;
    at(&scheduler, &store, 200 * SECOND, |state| state.away = false)?;
    scheduler.run_forever()?;
    assert_eq!(tries.events().len(), 10, "at 1, 2, 4, … 128 and 192 s, then at 256 s it works");
    Ok(())
}

#[test]
fn a_stop_tries_once_more_and_counts_what_is_lost() -> Result {
    for away in [false, true] {
        let (mut scheduler, store) = (Scheduler::virtual_time()?, Store::default());
        store.state().away = true;
        let (sink, _) = scheduler.worker("store", store.clone(), Delivery::within(Limit::default()))?;
        let (meter, stopper) = (sink.meter(), scheduler.stopper());
        scheduler.schedule_recurring(from_iter(0..50).connect(sink))?;
        at(&scheduler, &store, 100 * SECOND, move |state| {
            state.away = away;
            stopper.stop();
        })?;
        scheduler.run_forever()?;
        let stats = meter.stats();
        assert_eq!((stats.delivered, stats.lost), if away { (0, 50) } else { (50, 0) });
        assert!(sums_up(stats));
    }
    Ok(())
}

#[test]
fn a_worker_that_panics_ends_the_run() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let panics = |_: &mut Batch<u64>| -> std::result::Result<(), Refusal> { panic!("out of paper") };
    let (sink, _) = scheduler.worker("printer", panics, Delivery::within(Limit::default()))?;
    let meter = sink.meter();
    scheduler.schedule_recurring(from_iter(0..5).connect(sink))?;
    let failed = scheduler.run_forever().map_err(|error| error.to_string());
    assert_eq!(failed, Err("printer: panicked: out of paper".into()));
    assert_eq!((meter.stats().delivered, meter.stats().lost), (0, meter.stats().posted));
    Ok(())
}

#[test]
fn a_worker_that_blames_an_event_which_it_has_not_got_ends_the_run() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let wrong = |_: &mut Batch<u64>| Err(Refusal::Event { index: 7, error: StreamError::new("too long") });
    let (sink, _) = scheduler.worker("store", wrong, Delivery::within(Limit::default()))?;
    scheduler.schedule_periodic(from_iter([1]).connect(sink), SECOND)?;
    let failed = scheduler.run_forever().map_err(|error| error.to_string());
    assert_eq!(failed, Err("store: invalid index: event 7 of a batch of 1 is refused: too long".into()));
    Ok(())
}

#[test]
fn a27_who_says_how_long_it_wants_to_be_left_alone_is() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let tries = Recorder::<()>::new();
    let mut waits = [5, 5, 1, 600].into_iter();
    let busy = move |_: &mut Batch<u64>| match waits.next() {
        Some(wait) => Err(Refusal::Busy { wait: wait * SECOND, error: StreamError::new("429 Too Many Requests") }),
        None => Ok(()),
    };
    let retry = Backoff::constant(2 * SECOND);
    let (sink, _) = scheduler.worker("busy", busy, Delivery::within(Limit::default()).retry(retry))?;
    let meter = sink.meter();
    let looks = interval(SECOND).take_while(move |_| meter.stats().delivered == 0).map(|_| ());
    scheduler.schedule_recurring(from_iter([7]).connect(sink))?;
    scheduler.schedule_recurring(looks.connect(tries.clone()))?;
    scheduler.run_forever()?;
    let took = tries.events().len();
    assert!((611..=613).contains(&took), "5 + 5 + 2 (the back-off) + 600 s: {took}");
    Ok(())
}

/// A worker that takes all of a batch or nothing: it refuses any with an odd number, and does not say which.
fn by_halves_of(rows: Vec<u64>) -> Result<(Vec<u64>, Vec<u64>, usize)> {
    let stored = Arc::new(Mutex::new((Vec::new(), 0)));
    let (mut scheduler, dead, to) = (Scheduler::virtual_time()?, Recorder::new(), stored.clone());
    let mut waits = true;
    let even = move |batch: &mut Batch<u64>| {
        if std::mem::take(&mut waits) {
            return Err(gone()); // so that the next time all are there
        }
        batch.by_halves(|rows| {
            let mut stored = to.lock().unwrap_or_else(PoisonError::into_inner);
            let rows: Vec<u64> = rows.copied().collect();
            stored.1 += 1;
            if rows.iter().any(|row| row % 2 == 1) {
                return Err(Rejection::SomeEvent(StreamError::new("400 Bad Request")));
            }
            stored.0.extend(rows);
            Ok(())
        })
    };
    let delivery = Delivery::within(Limit::block(5000)).batches_of(1000);
    let (sink, refused) = scheduler.worker("even", even, delivery)?;
    refused.map(|letter: DeadLetter<u64>| letter.event).connect(dead.clone());
    let ticks = from_iter([rows]).flatten();
    scheduler.schedule_recurring(ticks.connect(sink))?;
    scheduler.run_forever()?;
    let (stored, sent) = std::mem::take(&mut *stored.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((stored, dead.events(), sent))
}

#[test]
fn a27_one_bad_event_among_a_thousand_is_found_by_halves() -> Result {
    for bad in [0, 1, 499, 500, 998, 999] {
        let rows = (0..1000).map(|row| if row == bad { 1 } else { 2 * row }).collect();
        let (stored, dead, sent) = by_halves_of(rows)?;
        assert_eq!(stored, (0..1000).filter(|row| *row != bad).map(|row| 2 * row).collect::<Vec<_>>());
        assert_eq!(dead, [1]);
        assert!(sent < 40, "{sent} batches");
    }
    Ok(())
}

proptest! {
    #[test]
    fn halves_find_each_bad_event_and_keep_the_order(rows in proptest::collection::vec(0_u64..40, 0..200)) {
        let (stored, dead, _) = by_halves_of(rows.clone()).map_err(|error| error.to_string()).expect("a run");
        assert_eq!(stored, rows.iter().copied().filter(|row| row % 2 == 0).collect::<Vec<_>>());
        assert_eq!(dead, rows.iter().copied().filter(|row| row % 2 == 1).collect::<Vec<_>>());
    }
}

#[test]
fn what_a_worker_has_done_is_certain_also_while_the_run_is_being_closed() -> Result {
    for all in [false, true] {
        let (mut scheduler, stopper) = (Scheduler::virtual_time()?, Arc::new(Mutex::new(None)));
        let stop = stopper.clone();
        // It is stopped while it is at work, and has done three of five by then.
        let worker = move |batch: &mut Batch<Tracked<u64, u64>>| {
            let stopper: Option<Stopper> = stop.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(stopper) = stopper {
                stopper.stop();
            }
            if all {
                return Ok(());
            }
            batch.done(if batch.len() == 5 { 3 } else { 0 });
            Err(gone())
        };
        *stopper.lock().unwrap_or_else(PoisonError::into_inner) = Some(scheduler.stopper());
        let (sink, _) = scheduler.worker("store", worker, Delivery::within(Limit::default()).batches_of(5))?;
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let told = outcomes.clone();
        let tracker = Tracker::new(move |settled, _| {
            let done = settled.outcome == Outcome::Done;
            told.lock().unwrap_or_else(PoisonError::into_inner).push((settled.meta, done));
            Ok(())
        });
        let events = from_iter([(); 1]).flat_map(|()| 0..5_u64).track_by(&tracker, |n| *n);
        scheduler.schedule_recurring(events.connect(sink))?;
        scheduler.run_forever()?;
        let mut outcomes = std::mem::take(&mut *outcomes.lock().unwrap_or_else(PoisonError::into_inner));
        outcomes.sort_unstable();
        let expected: Vec<(u64, bool)> = (0..5).map(|n| (n, all || n < 3)).collect();
        assert_eq!(outcomes, expected);
    }
    Ok(())
}

/// What happens to a store in one second.
#[derive(Clone, Debug)]
enum Weather {
    Calm,
    Away,
    Back,
    BreaksAfter(usize),
}

fn weather() -> impl Strategy<Value = Vec<Weather>> {
    let one = prop_oneof![
        4 => Just(Weather::Calm),
        1 => Just(Weather::Away),
        2 => Just(Weather::Back),
        2 => (0_usize..20).prop_map(Weather::BreaksAfter),
    ];
    proptest::collection::vec(one, 1..40)
}

fn policy() -> impl Strategy<Value = Overflow> {
    prop_oneof![Just(Overflow::Block), Just(Overflow::DropOldest), Just(Overflow::DropNewest)]
}

proptest! {
    /// Whatever happens to the store: order is kept, nothing comes twice, and every event is delivered, dropped or dead.
    #[test]
    fn every_event_is_accounted_for(weather in weather(), policy in policy(), room in 1_usize..30, most in 1_usize..9, odd in any::<bool>()) {
        let outcome = (|| -> Result {
            let (mut scheduler, store, dead) = (Scheduler::virtual_time()?, Store::default(), Recorder::new());
            store.state().refuses = if odd { (0..500).step_by(13).collect() } else { Vec::new() };
            let retry = Backoff::new(SECOND / 10, 5 * SECOND).jitter(30);
            let delivery = Delivery::within(Limit::new(room, policy)).batches_of(most).retry(retry);
            let (sink, refused) = scheduler.worker("store", store.clone(), delivery)?;
            refused.map(|letter: DeadLetter<u64>| letter.event).connect(dead.clone());
            let meter = sink.meter();
            scheduler.schedule_periodic(from_iter(0..400).connect(sink), Duration::from_millis(97))?;
            let end = weather.len();
            for (second, change) in (0_u32..).zip(weather.clone()) {
                at(&scheduler, &store, second * SECOND, move |state| match change {
                    Weather::Calm => {}
                    Weather::Away => state.away = true,
                    Weather::Back => state.away = false,
                    Weather::BreaksAfter(rows) => state.breaks_after = Some(rows),
                })?;
            }
            at(&scheduler, &store, u32::try_from(end)? * SECOND, |state| state.away = false)?;
            scheduler.run_forever()?;
            let (stats, rows) = (meter.stats(), store.state().rows.clone());
            assert!(rows.is_sorted_by(|a, b| a < b), "{rows:?}");
            assert!(dead.events().is_sorted_by(|a, b| a < b));
            assert_eq!((stats.posted, stats.waiting, stats.lost), (400, 0, 0));
            assert!(sums_up(stats));
            assert_eq!((stats.delivered, stats.dead), (rows.len() as u64, dead.events().len() as u64));
            if policy == Overflow::Block {
                assert_eq!(stats.dropped, 0);
            }
            Ok(())
        })();
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}
