//! Watermarks and flushes cross the borders of threads in their place among the events. The borders are those of the sources:
//! one that is added there and not here fails the test, and the reverse.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod call_with;
    pub(crate) mod words;
}

use std::collections::BTreeSet;
use std::error::Error;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::{Backoff, Batch, Delivery, Limit, Notice, Refusal, Timestamp, Worker};

use support::call_with::call_with;
use support::words::Word::{Completed, Event, Flush, Watermark};
use support::words::{self, script};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;
type Word = words::Word<i64>;
type Heard = words::Heard<i64>;

/// What counts of a sequence: the events, and between two of them the highest watermark, whether there was a flush, and the end.
fn in_short(words: &[Word]) -> Vec<Word> {
    let (mut short, mut watermark, mut flush) = (Vec::new(), None, false);
    for word in words.iter().chain([&Completed]) {
        match word {
            Watermark(at) => watermark = watermark.max(Some(*at)),
            Flush => flush = true,
            word => {
                short.extend(watermark.take().map(Watermark));
                short.extend(std::mem::take(&mut flush).then_some(Flush));
                short.push(*word);
            }
        }
    }
    if words.last() == Some(&Completed) {
        short.pop();
    }
    short
}

// The borders.

/// A way over a border: sends a script, and says what was heard on the other side.
type Way = fn(&[Word]) -> Result<Vec<Word>>;

/// Each by the type that takes the events, and how it goes on from there.
const BORDERS: [(&str, &str, Way); 8] = [
    ("EdgeSink", "a Thing on a thread", edge_sink),
    ("EdgeSink", "a worker", worker),
    ("EdgeSink", "a worker whose peer is away at times", failing_worker),
    ("EdgeSink", "a thread and back", there_and_back),
    ("PoolInput", "a pool, in order", pool),
    ("PoolInput", "a pool, as it comes", pool_unordered),
    ("Remote", "another scheduler", remote),
    ("Remote", "a loop of its own", private_loop),
];

fn edge_sink(words: &[Word]) -> Result<Vec<Word>> {
    let (mut scheduler, heard) = (Scheduler::virtual_time()?, Heard::default());
    let sink = scheduler.edge_sink("there", heard.clone(), Limit::block(3))?;
    scheduler.schedule_recurring(script(words, sink))?;
    scheduler.run_forever()?;
    Ok(heard.words())
}

/// Works on what comes; fails every so often, if at all.
struct Work(Heard, Option<u32>, u32);

impl Work {
    fn try_to(&mut self) -> std::result::Result<(), Refusal> {
        self.2 += 1;
        let fails = self.1.is_some_and(|every| self.2.is_multiple_of(every));
        if fails { Err(Refusal::Peer(StreamError::new("away"))) } else { Ok(()) }
    }
}

impl Worker<i64> for Work {
    fn work(&mut self, batch: &mut Batch<i64>) -> std::result::Result<(), Refusal> {
        while let Some(event) = batch.first() {
            self.try_to()?;
            let _ = self.0.note(Event(*event));
            batch.done(1);
        }
        Ok(())
    }
    fn on_watermark(&mut self, watermark: Timestamp) -> std::result::Result<(), Refusal> {
        self.try_to()?;
        let _ = self.0.note(Watermark(watermark.as_nanos()));
        Ok(())
    }
    fn on_flush(&mut self) -> std::result::Result<(), Refusal> {
        self.try_to()?;
        let _ = self.0.note(Flush);
        Ok(())
    }
}

fn work(words: &[Word], fails: Option<u32>) -> Result<Vec<Word>> {
    let (mut scheduler, heard) = (Scheduler::virtual_time()?, Heard::default());
    let second = Duration::from_secs(1);
    let delivery = Delivery::within(Limit::block(3)).batches_of(2).retry(Backoff::new(second, second));
    let (sink, _) = scheduler.worker("there", Work(heard.clone(), fails, 0), delivery)?;
    scheduler.schedule_recurring(script(words, sink))?;
    scheduler.run_forever()?;
    let _ = heard.note(Completed); // a worker is dropped
    Ok(heard.words())
}

fn worker(words: &[Word]) -> Result<Vec<Word>> {
    work(words, None)
}

fn failing_worker(words: &[Word]) -> Result<Vec<Word>> {
    work(words, Some(3))
}

fn there_and_back(words: &[Word]) -> Result<Vec<Word>> {
    let (mut scheduler, heard) = (Scheduler::new()?, Heard::default());
    let (back, port) = scheduler.remote(Limit::block(3))?;
    port.connect(heard.clone());
    let sink = scheduler.edge_sink("there", pipe().map(|event: i64| event).to(back), Limit::block(3))?;
    scheduler.schedule_recurring(script(words, sink))?;
    scheduler.run_forever()?;
    Ok(heard.words())
}

fn pool(words: &[Word]) -> Result<Vec<Word>> {
    let (mut scheduler, heard) = (Scheduler::virtual_time()?, Heard::default());
    let (jobs, results) = scheduler.map_on_pool(3, unevenly)?;
    results.connect(heard.clone());
    scheduler.schedule_recurring(script(words, jobs))?;
    scheduler.run_forever()?;
    Ok(heard.words())
}

fn pool_unordered(words: &[Word]) -> Result<Vec<Word>> {
    let (mut scheduler, heard) = (Scheduler::virtual_time()?, Heard::default());
    let (jobs, results) = scheduler.map_on_pool_unordered(3, unevenly)?;
    results.connect(heard.clone());
    scheduler.schedule_recurring(script(words, jobs))?;
    scheduler.run_forever()?;
    let heard = heard.words();
    // Events overtake each other and what stands before them, but none of these overtakes an event.
    Ok(if nothing_overtakes_events(words, &heard) { [words, &[Completed]].concat() } else { heard })
}

fn nothing_overtakes_events(sent: &[Word], heard: &[Word]) -> bool {
    let is_event = |word: &&Word| matches!(word, Event(_));
    let events_before = |words: &[Word], what: &Word| {
        let place = words.iter().rposition(|word| word == what).unwrap_or(words.len());
        words[..place].iter().filter(is_event).copied().collect::<Vec<_>>()
    };
    let last_of = |is: fn(&Word) -> bool| sent.iter().rfind(|word| is(word));
    let arrived = [last_of(|word| matches!(word, Watermark(_))), last_of(|word| *word == Flush)];
    heard.iter().filter(is_event).count() == sent.iter().filter(is_event).count()
        && arrived.into_iter().flatten().all(|last| heard.contains(last))
        && heard.iter().filter(|word| matches!(word, Watermark(_))).all(|mark| {
            let before = events_before(heard, mark);
            events_before(sent, mark).iter().all(|event| before.contains(event))
        })
}

/// Some calls take longer than others.
fn unevenly(event: i64) -> i64 {
    (0..event % 3).for_each(|_| thread::yield_now());
    event
}

fn remote(words: &[Word]) -> Result<Vec<Word>> {
    let (mut scheduler, heard) = (Scheduler::new()?, Heard::default());
    let (remote, port) = scheduler.remote(Limit::block(3))?;
    port.connect(heard.clone());
    let words = words.to_vec();
    let other = thread::spawn(move || {
        let mut scheduler = Scheduler::new().expect("a scheduler");
        scheduler.schedule_recurring(script(&words, remote)).expect("a schedule");
        scheduler.run_forever().expect("no fatal error");
    });
    scheduler.run_forever()?;
    other.join().expect("no panic");
    Ok(heard.words())
}

fn private_loop(words: &[Word]) -> Result<Vec<Word>> {
    let (mut scheduler, heard) = (Scheduler::new()?, Heard::default());
    let words = words.to_vec();
    let output = scheduler.schedule_on_private_event_loop("there", Limit::block(3), move |remote, _| {
        for word in words {
            match word {
                Event(event) => remote.post(event).map_err(|_| "nobody listens")?,
                Watermark(at) => remote.watermark(Timestamp::from_nanos(at)),
                Flush => remote.flush(),
                Completed => break,
            }
        }
        Ok::<(), &str>(())
    })?;
    output.connect(heard.clone());
    scheduler.run_forever()?;
    Ok(heard.words())
}

/// The types of the threads' folder that take events, so that these cross.
fn implemented() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/scheduler/threads");
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let texts = entries.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).expect("a source"));
    let of_line = |line: &str| {
        let (_, of) = line
            .strip_prefix("impl")?
            .split_once(" for ")
            .filter(|(head, _)| head.ends_with("Sink") || head.contains("InputThing<") || head.contains("Filter<"))?;
        Some(of.split(['<', ' ']).next()?.to_owned())
    };
    texts.flat_map(|text| text.lines().filter_map(of_line).collect::<Vec<_>>()).collect()
}

#[test]
fn every_border_of_the_sources_is_in_the_table() {
    let table: BTreeSet<String> = BORDERS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(table, implemented());
}

/// Events have numbers of their own, so that they can be told apart.
fn scripts() -> impl Strategy<Value = Vec<Word>> {
    let word = prop_oneof![3 => Just(Event(0)), 2 => Just(Watermark(0)), 1 => Just(Flush)];
    prop::collection::vec(word, 0..24).prop_map(|words| {
        let number = |(at, word)| match word {
            Event(_) => Event(at),
            Watermark(_) => Watermark(at),
            word => word,
        };
        (1..).zip(words).map(number).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn nothing_changes_its_place_at_a_border(words in scripts()) {
        let expected = in_short(&[&words[..], &[Completed]].concat());
        for (name, what, way) in BORDERS {
            let heard = way(&words).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(in_short(&heard), expected.clone(), "{} to {}", name, what);
        }
    }

    /// Where events are dropped, what stands between them is not, and waits for no event that is gone.
    #[test]
    fn a_full_queue_drops_events_and_nothing_else(words in scripts(), oldest in any::<bool>()) {
        let (mut scheduler, heard) = (Scheduler::virtual_time().expect("a scheduler"), Heard::default());
        let limit = if oldest { Limit::drop_oldest(2) } else { Limit::drop_newest(2) };
        let sink = scheduler.edge_sink("there", heard.clone(), limit).expect("a thread");
        // All at once, so that the queue is full.
        let all = words.clone();
        let mut sink = sink;
        let burst = from_iter([()]).connect(call_with(move |(), cx| {
            sink.notice(Notice::Start, cx)?;
            for word in &all {
                match word {
                    Event(event) => sink.next(*event, cx)?,
                    Watermark(at) => sink.notice(Notice::Watermark(Timestamp::from_nanos(*at)), cx)?,
                    _ => sink.notice(Notice::Flush, cx)?,
                };
            }
            sink.notice(Notice::Completed, cx)
        }));
        scheduler.schedule_recurring(burst).expect("a schedule");
        scheduler.run_forever().expect("no fatal error");
        let heard = heard.words();
        let mut last = i64::MIN;
        for word in &heard {
            match word {
                Watermark(at) => last = *at,
                Event(event) => prop_assert!(*event > last, "{event} behind the watermark {last}: {heard:?}"),
                _ => {}
            }
        }
        let highest = |words: &[Word]| words.iter().filter_map(|word| if let Watermark(at) = word { Some(*at) } else { None }).max();
        prop_assert_eq!(highest(&heard), highest(&words));
        prop_assert_eq!(heard.contains(&Flush), words.contains(&Flush));
    }
}

#[test]
fn of_several_remotes_the_least_watermark_counts() -> Result {
    let (mut scheduler, heard) = (Scheduler::virtual_time()?, Heard::default());
    let (one, port) = scheduler.remote(Limit::block(9))?;
    port.connect(heard.clone());
    let (two, silent) = (one.clone(), one.clone());
    let time = Timestamp::from_nanos;
    one.post(5)?;
    two.post(6)?;
    one.watermark(time(10));
    one.post(12)?;
    two.watermark(time(7)); // the least
    two.watermark(time(20)); // now that of the first
    one.post(13)?;
    drop(one); // and now that of the second
    drop((two, silent)); // which has said nothing, and was no input
    scheduler.run_forever()?;
    let expected = [Event(5), Event(6), Event(12), Watermark(10), Event(13), Watermark(20), Completed];
    assert_eq!(heard.words(), expected);
    Ok(())
}

#[test]
fn a_watermark_and_a_flush_go_round_a_loop_once() -> Result {
    for by_pool in [false, true] {
        let (mut scheduler, heard) = (Scheduler::virtual_time()?, Heard::default());
        let port = Port::<i64>::new();
        port.connect(heard.clone());
        if by_pool {
            let (jobs, results) = scheduler.map_on_pool(2, |event: i64| event + 10)?;
            port.filter(|event| *event < 20).connect(jobs);
            results.connect(port.downgrade());
        } else {
            port.filter(|event| *event < 20).map(|event| event + 10).feedback(&port);
        }
        let words = [Event(1), Watermark(5), Flush, Event(6)];
        scheduler.schedule_recurring(script(&words, port.downgrade()))?; // its end is not that of the port
        scheduler.run_for(Duration::from_secs(10))?;
        let words = heard.words();
        drop(port);
        let count = |what: Word| words.iter().filter(|word| **word == what).count();
        assert_eq!([1, 11, 21, 6, 16, 26].map(|event| count(Event(event))), [1; 6], "{words:?}");
        assert!((1..=2).contains(&count(Watermark(5))), "{words:?}");
        assert!(
            count(Flush) <= 6, // once more behind each event at most
            "{words:?}"
        );
    }
    Ok(())
}

#[test]
fn what_was_put_off_in_a_loop_comes_before_a_later_watermark() -> Result {
    let (mut scheduler, heard) = (Scheduler::virtual_time()?, Heard::default());
    let port = Port::<i64>::new();
    port.filter(|event| *event < 2).map(|event| event + 1).feedback(&port);
    port.connect(heard.clone());
    let kept = port.clone();
    let both = call_with(move |(), cx| {
        let mut port = kept.clone();
        port.emit(1, cx)?; // 2 comes in the next turn
        port.notice(Notice::Watermark(Timestamp::from_nanos(9)), cx)
    });
    scheduler.schedule_recurring(from_iter([()]).connect(both))?;
    scheduler.run_for(Duration::from_secs(1))?;
    assert_eq!(heard.words()[..3], [Event(1), Event(2), Watermark(9)]);
    Ok(())
}

/// Answers a watermark as it is told to, and says whether events and flushes came behind it.
struct Answers(fn(&mut Context<'_>) -> Receipt, Heard);

impl Sink for Answers {
    type Event = i64;
    fn on_next(&mut self, event: i64, cx: &mut Context<'_>) -> Receipt {
        self.1.on_next(event, cx)
    }
    fn on_watermark(&mut self, watermark: Timestamp, cx: &mut Context<'_>) -> Receipt {
        let _ = self.1.on_watermark(watermark, cx)?;
        (self.0)(cx)
    }
    fn on_flush(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.1.on_flush(cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.1.on_completed(cx)
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}

/// A watermark and a flush with no event between them travel as one.
#[test]
fn what_a_watermark_is_answered_counts_although_a_flush_follows() -> Result {
    fn answered(answer: fn(&mut Context<'_>) -> Receipt) -> Result<(Vec<Word>, std::result::Result<(), String>)> {
        let (mut scheduler, heard) = (Scheduler::virtual_time()?, Heard::default());
        let (remote, port) = scheduler.remote(Limit::block(9))?;
        port.connect(Answers(answer, heard.clone()));
        remote.post(1)?;
        remote.watermark(Timestamp::from_nanos(2));
        remote.flush();
        remote.post(3)?;
        let ended = scheduler.run_for(Duration::from_secs(1)).map_err(|error| error.to_string());
        Ok((heard.words(), ended))
    }
    let to_the_flush = vec![Event(1), Watermark(2), Flush];
    assert_eq!(answered(|_| Ok(Demand::More))?, (vec![Event(1), Watermark(2), Flush, Event(3)], Ok(())));
    assert_eq!(answered(|_| Ok(Demand::Full))?, (to_the_flush, Ok(())), "it is told to pause");
    assert_eq!(answered(|_| Ok(Demand::Done))?, (vec![Event(1), Watermark(2)], Ok(())));
    let (heard, ended) = answered(|cx| Err(cx.fatal("no such time")))?;
    assert_eq!((heard, ended), (vec![Event(1), Watermark(2)], Err("Answers: no such time".to_owned())));
    Ok(())
}
