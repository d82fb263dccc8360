//! Sinks on edge threads: what a full queue does, with a Thing that blocks until it is told to go on.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod call_with;
}

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, Recorder};
use thingflow_core::{EdgeSink, OnFailure, PortRef, QueueMeter};

use support::call_with::call_with;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Longer than any of this takes: a test that waits so long has failed.
const HANGS: Duration = Duration::from_secs(30);

/// Takes an event, says so, and blocks until it is told to go on, or for good that it may.
struct Blocking {
    taken: Sender<Told>,
    go: Receiver<()>,
}

#[derive(Debug, PartialEq)]
enum Told {
    Took(u32),
    Completed,
    Failed(String),
}

impl Sink for Blocking {
    type Event = u32;
    fn on_next(&mut self, event: u32, _: &mut Context<'_>) -> Receipt {
        let _ = self.taken.send(Told::Took(event)); // the test has failed already
        let _ = self.go.recv(); // closed: go on for good
        Ok(if event == 99 { Demand::Done } else { Demand::More })
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        let _ = self.taken.send(Told::Completed);
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, _: &mut Context<'_>) -> Closed {
        let _ = self.taken.send(Told::Failed(error.to_string()));
        Ok(())
    }
}

/// The ends of the test: what the Thing has taken, and the leave to go on.
struct Ends {
    taken: Receiver<Told>,
    go: Sender<()>,
}

impl Ends {
    fn took(&self) -> Result<u32> {
        match self.taken.recv_timeout(HANGS)? {
            Told::Took(event) => Ok(event),
            end => Err(format!("{end:?}").into()),
        }
    }

    /// Lets the Thing go on for good, and waits for the end of the run: what the Thing took after that, in words.
    fn finish(self, scheduler: &mut Scheduler) -> Result<String> {
        drop(self.go);
        scheduler.run_forever()?;
        let words = self.taken.into_iter().map(|told| match told {
            Told::Took(event) => event.to_string(),
            Told::Completed => "|".to_owned(),
            Told::Failed(why) => format!("! {why}"),
        });
        Ok(words.collect::<Vec<_>>().join(" "))
    }
}

fn open(scheduler: &Scheduler, limit: Limit) -> Result<(EdgeSink<u32>, Ends)> {
    let ((told, taken), (go, going)) = (mpsc::channel(), mpsc::channel());
    let sink = scheduler.edge_sink("store", Blocking { taken: told, go: going }, limit)?;
    Ok((sink, Ends { taken, go }))
}

/// The receipts, what came through, and the counts of the queue: posted, dropped, the most at once.
type Outcome = (Vec<Demand>, String, (u64, u64, usize));

/// Sends `0`, waits until the thread has taken it and blocks, then sends `1..=5` to a queue of three.
fn five_into_three(limit: Limit) -> Result<Outcome> {
    let mut scheduler = Scheduler::new()?;
    let meter = QueueMeter::default();
    let (mut sink, ends) = open(&scheduler, limit.metered(&meter))?;
    let cx = &mut Context::detached(Instant::ZERO);
    assert_eq!(sink.next(0, cx)?, Demand::More);
    assert_eq!(ends.took()?, 0);
    let receipts: std::result::Result<Vec<Demand>, FatalError> = (1..=5).map(|n| sink.next(n, cx)).collect();
    sink.notice(Notice::Completed, cx)?;
    let stats = meter.stats();
    Ok((receipts?, ends.finish(&mut scheduler)?, (stats.posted, stats.dropped, stats.high_water)))
}

#[test]
fn drop_oldest_keeps_the_newest() -> Result {
    let (receipts, seen, counts) = five_into_three(Limit::drop_oldest(3))?;
    assert_eq!(receipts, [Demand::More; 5]);
    assert_eq!(seen, "3 4 5 |");
    assert_eq!(counts, (6, 2, 3));
    Ok(())
}

#[test]
fn drop_newest_keeps_the_oldest() -> Result {
    let (receipts, seen, counts) = five_into_three(Limit::drop_newest(3))?;
    assert_eq!(receipts, [Demand::More; 5]);
    assert_eq!(seen, "1 2 3 |");
    assert_eq!(counts, (6, 2, 3));
    Ok(())
}

#[test]
fn keep_latest_keeps_one() -> Result {
    let (_, seen, counts) = five_into_three(Limit::keep_latest())?;
    assert_eq!(seen, "5 |");
    assert_eq!(counts, (6, 4, 1));
    Ok(())
}

#[test]
fn block_keeps_all_and_asks_to_pause_once_it_is_full() -> Result {
    let (receipts, seen, counts) = five_into_three(Limit::block(3))?;
    assert_eq!(receipts, [Demand::More, Demand::More, Demand::Full, Demand::Full, Demand::Full]);
    assert_eq!(seen, "1 2 3 4 5 |");
    assert_eq!(counts, (6, 0, 5));
    Ok(())
}

#[test]
fn fail_ends_the_run_and_says_what_to_do() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (mut sink, ends) = open(&scheduler, Limit::fail(3))?;
    let cx = &mut Context::detached(Instant::ZERO);
    sink.next(0, cx)?;
    ends.took()?;
    for n in 1..=3 {
        assert_eq!(sink.next(n, cx)?, Demand::More);
    }
    let token = sink.next(4, cx).unwrap_err();
    let text = cx.take_error(token).to_string();
    assert_eq!(text, "the queue of store is full with 3 events: give it more room or another policy");
    drop(sink);
    assert_eq!(ends.finish(&mut scheduler)?, "1 2 3", "what was taken in is taken out, without a notice of the end");
    Ok(())
}

#[test]
fn an_error_comes_after_what_was_queued() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (mut sink, ends) = open(&scheduler, Limit::block(3))?;
    let cx = &mut Context::detached(Instant::ZERO);
    sink.next(0, cx)?;
    sink.next(1, cx)?;
    sink.notice(Notice::Error(StreamError::new("no reading")), cx)?;
    assert_eq!(ends.finish(&mut scheduler)?, "0 1 ! no reading");
    Ok(())
}

/// A source that counts how often it is asked.
fn counted(asked: &Rc<Cell<u32>>) -> Flow<impl Source<Item = u32> + 'static> {
    let asked = asked.clone();
    from_fn(move || {
        asked.set(asked.get() + 1);
        Some(asked.get() - 1).filter(|n| *n < 20)
    })
}

#[test]
fn a_full_queue_pauses_its_source_until_half_of_it_is_free() -> Result {
    let mut scheduler = Scheduler::new()?;
    let asked = Rc::new(Cell::new(0));
    let (sink, ends) = open(&scheduler, Limit::block(4))?;
    scheduler.schedule_recurring(counted(&asked).connect(sink))?;
    scheduler.turn(Some(Duration::ZERO))?;
    assert_eq!(ends.took()?, 0);
    for _ in 0..20 {
        scheduler.turn(Some(Duration::ZERO))?;
    }
    assert_eq!(asked.get(), 5, "one that the thread holds, and four in the queue");
    ends.go.send(())?;
    assert_eq!(ends.took()?, 1);
    for _ in 0..20 {
        scheduler.turn(Some(Duration::ZERO))?;
    }
    assert_eq!(asked.get(), 5, "three wait: more than half");
    let rest: Vec<String> = (2..20).map(|n| n.to_string()).collect();
    assert_eq!(ends.finish(&mut scheduler)?, rest.join(" ") + " |");
    Ok(())
}

#[test]
fn a_thing_that_wants_no_more_ends_its_source() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (sink, ends) = open(&scheduler, Limit::block(4))?;
    scheduler.schedule_recurring(from_iter(95..).connect(sink))?;
    let seen = ends.finish(&mut scheduler)?;
    assert_eq!(seen, "95 96 97 98 99");
    Ok(())
}

#[test]
fn operators_with_time_work_on_the_thread() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (sent, taken) = mpsc::channel();
    let last_of_a_burst = pipe::<u32>().debounce(Duration::from_millis(1)).to(try_call(move |event| sent.send(event)));
    let sink = scheduler.edge_sink("burst", last_of_a_burst, Limit::block(16))?;
    let (remote, port) = scheduler.remote(Limit::block(16))?;
    port.connect(sink);
    // The stream stays open until the event has come: it can only come by a wake-up.
    let poster = std::thread::spawn(move || {
        remote.post(1).and_then(|()| remote.post(2)).map_err(|error| error.to_string())?;
        let mut seen = Vec::new();
        while seen.last() != Some(&2) {
            seen.push(taken.recv_timeout(Duration::from_secs(60)).map_err(|error| error.to_string())?);
        }
        Ok::<_, String>(seen)
    });
    scheduler.run_forever()?;
    let seen = poster.join().expect("the poster does not panic")?;
    assert!(seen == [2] || seen == [1, 2], "{seen:?}"); // the two may be further apart on a busy machine
    Ok(())
}

/// Sends eight events in one call, each after the one before has been stored.
struct Burst {
    port: Port<u32>,
    stored: Receiver<()>,
}

impl Ports for Burst {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl PortSource for Burst {
    fn send(&mut self, cx: &mut Context<'_>) -> std::result::Result<Demand, Failure> {
        for n in 0..8 {
            let _ = self.port.emit(n, cx)?;
            let _ = self.stored.recv_timeout(HANGS);
        }
        Ok(Demand::Done)
    }
}

#[test]
fn the_error_of_a_sink_is_heard_however_often_it_had_room() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (stores, stored) = mpsc::channel();
    let stores = try_call(move |n| {
        let _ = stores.send(());
        if n == 7 { Err("disk full") } else { Ok(()) }
    });
    let port = Port::new();
    port.connect(scheduler.edge_sink("store", stores, Limit::block(1))?);
    scheduler.schedule_recurring(Burst { port, stored })?;
    assert_eq!(scheduler.run_forever().map_err(|error| error.to_string()), Err("store: disk full".into()));
    Ok(())
}

#[test]
fn a_retry_on_a_separate_thread_backs_off_as_elsewhere() -> Result {
    let outcomes = || FlakySensor::new("x", [Err("e"), Err("e"), Ok(1), Ok(2), Err("e"), Ok(3)]);
    let seconds = Duration::from_secs;
    let on_failure = OnFailure::Retry { backoff: Backoff::new(seconds(1), seconds(4)), attempts: 5 };
    let timing = Periodic::every(seconds(60)).on_failure(on_failure);
    let (here, there) = (Recorder::new(), Recorder::new());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_sensor(outcomes(), timing, |x| drop(x.map(|e| e.val).connect(here.clone())))?;
    scheduler.schedule_sensor_on_separate_thread(outcomes(), timing)?.map(|e| e.val).connect(there.clone());
    scheduler.run_forever()?;
    assert_eq!(there.timed_text(), "1@63 2@120 3@181 |@240");
    assert_eq!(there.timed_text(), here.timed_text());
    Ok(())
}

#[test]
fn a_sink_that_is_not_connected_keeps_no_run_going() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (sink, stored) = (scheduler.edge_sink("store", call(drop), Limit::default())?, Recorder::new());
    scheduler.run_forever()?;
    scheduler.schedule_recurring(from_iter([1, 2]).also_to(stored.clone()).connect(sink))?;
    scheduler.run_forever()?;
    assert_eq!(stored.text(), "1 2 |");
    Ok(())
}

#[test]
fn what_threads_report_is_heard() -> Result {
    let mut scheduler = Scheduler::new()?;
    let heard = Recorder::new();
    scheduler.reports().map(|report| report.to_string()).connect(heard.clone());
    let complains = call_with(|n: u32, cx| {
        cx.report("store", &StreamError::msg(format!("{n} is too much")));
        Ok(Demand::More)
    });
    let sink = scheduler.edge_sink("store", complains, Limit::default())?;
    scheduler.schedule_recurring(from_iter([1]).connect(sink))?;
    scheduler.schedule_periodic_on_separate_thread(Complaining(0), Duration::from_millis(1))?.for_each(drop);
    scheduler.run_forever()?;
    let mut heard = heard.events();
    heard.sort();
    assert_eq!(heard, ["source: 1 is enough", "store: 1 is too much"]);
    Ok(())
}

struct Complaining(u32);

impl thingflow_core::Source for Complaining {
    type Item = u32;
    fn pull(&mut self, cx: &mut Context<'_>) -> std::result::Result<Option<u32>, Failure> {
        self.0 += 1;
        if self.0 > 1 {
            return Ok(None);
        }
        cx.report("source", &StreamError::msg("1 is enough"));
        Ok(Some(1))
    }
}
