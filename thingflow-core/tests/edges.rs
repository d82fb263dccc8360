//! Sinks on edge threads: what a full queue does, with a Thing that blocks until it is told to go on.
#![cfg(feature = "std")]

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::{EdgeSink, QueueMeter};

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

impl InputThing<u32> for Blocking {
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
    assert_eq!(sink.on_next(0, cx)?, Demand::More);
    assert_eq!(ends.took()?, 0);
    let receipts: std::result::Result<Vec<Demand>, FatalError> = (1..=5).map(|n| sink.on_next(n, cx)).collect();
    sink.on_completed(cx)?;
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
    sink.on_next(0, cx)?;
    ends.took()?;
    for n in 1..=3 {
        assert_eq!(sink.on_next(n, cx)?, Demand::More);
    }
    let token = sink.on_next(4, cx).unwrap_err();
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
    sink.on_next(0, cx)?;
    sink.on_next(1, cx)?;
    sink.on_error(StreamError::new("no reading"), cx)?;
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
