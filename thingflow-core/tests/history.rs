//! The past in memory: kept by a flow, read in it and on other threads.
#![cfg(feature = "std")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use thingflow_core::OnFailure;
use thingflow_core::history::{
    Bounds, History, Kept, Key, NoEvent, Number, OnDemand, OutOfOrder, Past, Rhythm, Span, Start, Why,
};
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + secs(seconds)
}

fn events<T: Clone>(kept: &[Kept<T>]) -> Vec<T> {
    kept.iter().map(|kept| kept.event.clone()).collect()
}

fn last(n: usize) -> Limit {
    Limit::drop_oldest(n)
}

#[test]
fn a_flow_keeps_and_goes_on() -> Result<(), Box<dyn std::error::Error>> {
    let (history, seen) = (History::new(last(2)), Recorder::new());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_sensor(ListSensor::new("lux", [1, 2, 3]), secs(1), |lux| {
        lux.map(|event| event.val).also_to(history.keeper()).map(|lux| lux * 2).connect(seen.clone());
    })?;
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "2 4 6 |");
    let times: Vec<_> = history.all().iter().map(|kept| (kept.number, kept.time, kept.event)).collect();
    assert_eq!(times, [(2, Timestamp::from_secs(2), 2), (3, Timestamp::from_secs(3), 3)]);
    Ok(())
}

#[test]
fn another_flow_reads_what_one_has_kept() -> Result<(), Box<dyn std::error::Error>> {
    let (history, seen) = (History::new(last(10)), Recorder::new());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_sensor(ListSensor::new("lux", [7, 8]), secs(1), |lux| {
        lux.map(|event| event.val).keep(&history);
    })?;
    let reading = Flow::new(history.reader()).map(|kept: Kept<i32>| kept.event).connect(seen.clone());
    scheduler.schedule_periodic(reading, secs(3))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "7@3 8@6 |@9");
    Ok(())
}

#[test]
fn a_reader_in_a_flow_is_told_the_error_of_the_session() -> Result<(), Box<dyn std::error::Error>> {
    let history = History::<i32>::new(last(10));
    let seen = Recorder::new();
    let mut keeper = history.keeper();
    let cx = &mut Context::detached(Instant::ZERO);
    keeper.on_next(1, cx).unwrap();
    keeper.on_error(StreamError::new("the probe is gone"), cx).unwrap();
    let reader = history.reader();
    assert_eq!(reader.error().unwrap().to_string(), "the probe is gone");
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(Flow::new(reader).map(|kept| kept.event).connect(seen.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "1 ! the probe is gone");
    Ok(())
}

#[test]
fn a_reader_in_a_flow_reports_what_it_has_missed_once_for_each_growth() -> Result<(), Box<dyn std::error::Error>> {
    let (history, seen, told) = (History::new(last(2)), Recorder::new(), Recorder::new());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.reports().map(|report| report.to_string()).connect(told.clone());
    scheduler.schedule_sensor(ListSensor::new("lux", (1..=12).collect::<Vec<_>>()), secs(1), |lux| {
        lux.map(|event| event.val).keep(&history);
    })?;
    let reading = Flow::new(history.reader()).map(|kept: Kept<i32>| kept.event).connect(seen.clone());
    scheduler.schedule_periodic(reading, Duration::from_millis(3500))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "2@3.5 6@7 9@10.5 11@14 12@17.5 |@21");
    let told = told.timed_text().replace(": read more often, or keep more", "");
    let expected = [
        r#""history: the reader has missed 1 event, 1 in all"@3.5"#,
        r#""history: the reader has missed 3 events, 4 in all"@7"#,
        r#""history: the reader has missed 2 events, 6 in all"@10.5"#,
        r#""history: the reader has missed 1 event, 7 in all"@14"#,
    ];
    assert_eq!(told, expected.join(" "));
    Ok(())
}

#[test]
fn each_run_of_a_stream_is_a_session() -> Result<(), Box<dyn std::error::Error>> {
    let history = History::new(last(10));
    let mut old = history.reader();
    for events in [[1, 2], [3, 4]] {
        let mut scheduler = Scheduler::virtual_time()?;
        scheduler.schedule_recurring(from_iter(events).keep(&history))?;
        scheduler.run_forever()?;
    }
    let mut new = history.reader();
    assert_eq!((old.session(), new.session()), (1, 2));
    assert_eq!((events(&old.all_new()), events(&new.all_new())), (vec![1, 2], vec![3, 4]));
    assert_eq!(old.try_next(), Err(NoEvent::Ended));
    assert!(old.attach() && !old.attach());
    assert_eq!((events(&old.all_new()), old.session()), (vec![3, 4], 2));
    assert_eq!(history.stats().session, 2);
    Ok(())
}

#[test]
fn a_peek_leaves_its_reader_in_its_session_whatever_it_does() -> Result<(), Box<dyn std::error::Error>> {
    let history = History::new(Limit::block(3));
    let mut reader = history.reader();
    for events in [[1, 2, 3], [4, 5, 6]] {
        let mut keeper = history.keeper();
        for event in events {
            keeper.push(event, at(0), Timestamp::UNIX_EPOCH)?;
        }
    }
    assert_eq!(reader.try_next()?.event, 1);
    let peeked = reader.peek(|reader| {
        assert!(reader.attach() && !reader.attach());
        let new = (events(&reader.all_new()), reader.session());
        reader.seek(Number(5));
        let other = std::mem::replace(reader, history.reader());
        (new, reader.peek(|reader| reader.try_next().map(|kept| kept.event)), other.session())
    });
    assert_eq!(peeked, ((vec![4, 5, 6], 2), Ok(4), 2));
    assert_eq!((reader.session(), reader.last_number(), reader.missed()), (1, Some(1), 0));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        reader.peek(|reader| {
            reader.all_new();
            panic!("on purpose");
        });
    }));
    assert!(panicked.is_err());
    assert_eq!(events(&reader.all_new()), [2, 3]);
    assert!(reader.attach());
    assert_eq!((events(&reader.next_n(2)), reader.session()), (vec![4, 5], 2));
    Ok(())
}

#[test]
fn a_session_ends_with_the_last_of_its_keepers() {
    let history = History::new(last(10));
    let (mut one, mut other, reader) = (history.keeper(), history.keeper(), history.reader());
    one.push('a', at(0), Timestamp::UNIX_EPOCH).unwrap();
    drop(one);
    assert!(!reader.is_ended());
    other.push('b', at(0), Timestamp::UNIX_EPOCH).unwrap();
    drop(other);
    assert!(reader.is_ended());
    assert_eq!(events(&history.all()), ['a', 'b']);
}

#[test]
fn a_late_reader_begins_where_it_wants() {
    let history = History::keyed(last(10), |key: &i32| *key, OutOfOrder::Drop);
    let mut keeper = history.keeper();
    let mut push = |key| keeper.push(key, at(0), Timestamp::from_secs(key.into())).unwrap();
    for key in [10, 20, 30, 40] {
        push(key);
    }
    let mut newest = history.reader_at(Start::Newest);
    assert_eq!(newest.try_next(), Err(NoEvent::NotYet));
    push(50);
    assert_eq!(newest.try_next().unwrap().event, 50);
    let mut reader = history.reader();
    reader.seek(Key(21));
    assert_eq!(reader.try_next().unwrap().event, 30);
    reader.seek(Number(2));
    assert_eq!(reader.try_next().unwrap().event, 20);
    reader.seek(Timestamp::from_secs(40));
    assert_eq!(events(&reader.all_new()), [40, 50]);
    reader.seek(Number(1));
    reader.seek_newest();
    assert_eq!((reader.try_next(), reader.missed()), (Err(NoEvent::NotYet), 0));
}

#[test]
fn what_is_too_old_goes_also_while_nothing_comes() -> Result<(), Box<dyn std::error::Error>> {
    let history = History::new(Bounds::new(last(100)).max_age(secs(8)));
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(from_iter(0..).filter(|n| *n < 5).keep(&history), secs(1))?;
    scheduler.run_for(secs(4))?;
    assert_eq!(history.len(), 4);
    scheduler.run_for(secs(6))?; // the first came 9 s ago
    assert_eq!(history.all()[0].event, 1);
    scheduler.run_for(secs(20))?;
    assert!(history.is_empty());
    Ok(())
}

#[test]
fn times_may_go_back_when_the_clock_is_set() {
    let history = History::new(last(10));
    let mut keeper = history.keeper();
    for (event, second) in [('a', 100), ('b', 110), ('c', 50), ('d', 60), ('e', 105)] {
        keeper.push(event, at(0), Timestamp::from_secs(second)).unwrap();
    }
    let range = |from, to| history.range(Timestamp::from_secs(from)..=Timestamp::from_secs(to)).unwrap();
    assert_eq!(events(&range(100, 107)), ['a', 'e']); // as they came
    assert_eq!(events(&range(50, 60)), ['c', 'd']);
    let span = Span::of(Timestamp::from_secs(101)..=Timestamp::from_secs(104)).covering();
    assert_eq!(events(&history.range(span).unwrap()), ['a', 'e']);
}

#[test]
fn what_comes_late_is_put_in_order_and_counts_as_missed() {
    let history = History::keyed(last(10), |key: &u32| *key, OutOfOrder::Sort);
    let (mut keeper, mut reader) = (history.keeper(), history.reader());
    let mut push = |key| keeper.push(key, at(0), Timestamp::UNIX_EPOCH).unwrap();
    push(10);
    push(30);
    assert_eq!(events(&reader.next_n(2)), [10, 30]);
    push(20);
    push(40);
    assert_eq!(events(&history.all()), [10, 20, 30, 40]);
    assert_eq!((reader.try_next().unwrap().event, reader.missed()), (40, 1));
    assert_eq!(events(&history.range(Number(2)..=Number(3)).unwrap()), [20, 30]); // the second and the third that came
}

#[test]
fn a_key_that_goes_back_is_refused_or_dropped() {
    let key = |key: &u32| *key;
    let refuses = History::keyed(last(10), key, OutOfOrder::Refuse);
    let mut keeper = refuses.keeper();
    keeper.push(5, at(0), Timestamp::UNIX_EPOCH).unwrap();
    keeper.push(5, at(0), Timestamp::UNIX_EPOCH).unwrap(); // the same key does not go back
    let refused = keeper.push(4, at(0), Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!((refused.event, refused.why), (4, Why::OutOfOrder));
    assert!(refused.to_string().starts_with("cannot keep an event: its key goes back"));

    let distinct = History::keyed_distinct(last(10), key, OutOfOrder::Drop);
    let mut keeper = distinct.keeper();
    let numbers = [5, 5, 4, 6].map(|key| keeper.push(key, at(0), Timestamp::UNIX_EPOCH).unwrap());
    assert_eq!(numbers, [Some(1), None, None, Some(2)]);
    assert_eq!(distinct.stats().out_of_order, 2);
}

#[test]
fn a_refused_event_ends_the_session_and_not_the_others() -> Result<(), Box<dyn std::error::Error>> {
    let history = History::keyed(last(10), |key: &u32| *key, OutOfOrder::Refuse);
    let (seen, reader) = (Recorder::new(), history.reader());
    let mut scheduler = Scheduler::virtual_time()?;
    let numbers = from_iter([1, 2, 1, 3]).output();
    numbers.keep(&history);
    numbers.connect(seen.clone());
    scheduler.schedule_recurring(numbers)?;
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "1 2 1 3 |");
    assert_eq!(events(&history.all()), [1, 2]);
    assert!(reader.error().unwrap().to_string().contains("its key goes back"));
    Ok(())
}

#[test]
fn bytes_are_a_limit_and_one_event_may_be_too_large() {
    let history = History::new(Bounds::new(last(100)).max_bytes(10, String::len));
    let mut keeper = history.keeper();
    let mut push = |text: &str| keeper.push(text.to_owned(), at(0), Timestamp::UNIX_EPOCH);
    for text in ["four", "five!", "a", "sixsix"] {
        push(text).unwrap();
    }
    assert_eq!(events(&history.all()), ["a", "sixsix"]);
    assert_eq!(history.stats().bytes, 7);
    assert_eq!(push("eleven char").unwrap_err().why, Why::TooLarge);
    assert_eq!(history.len(), 2);
}

#[test]
fn a_full_history_may_drop_the_newest_or_refuse_it() {
    let kept = |limit| {
        let history = History::new(limit);
        let mut keeper = history.keeper();
        let pushed = [1, 2, 3].map(|event| keeper.push(event, at(0), Timestamp::UNIX_EPOCH).map_err(|error| error.why));
        (pushed[2], events(&history.all()))
    };
    assert_eq!(kept(Limit::drop_newest(2)), (Ok(None), vec![1, 2]));
    assert_eq!(kept(Limit::fail(2)), (Err(Why::Full), vec![1, 2]));
}

#[test]
fn a_limit_that_blocks_pauses_the_source_until_all_readers_have_passed() -> Result<(), Box<dyn std::error::Error>> {
    let history = History::new(Limit::block(3));
    let (reader, slow) = (Rc::new(RefCell::new(history.reader())), history.reader());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(from_iter(1..=9).keep(&history))?;
    let (read, slow) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Some(slow))));
    let (into, reading, going) = (read.clone(), reader.clone(), slow.clone());
    let tick = from_iter(1..=10).for_each(move |second| {
        into.borrow_mut().extend(reading.borrow_mut().all_new().iter().map(|kept| kept.event));
        if second == 2 {
            assert_eq!(*into.borrow(), [1, 2, 3]); // the slow one has read nothing
            drop(going.take()); // and leaves
        }
    });
    scheduler.schedule_periodic(tick, secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(*read.borrow(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(reader.borrow().missed(), 0);
    Ok(())
}

#[test]
fn room_made_on_another_thread_wakes_the_source() -> Result<(), Box<dyn std::error::Error>> {
    let history = History::new(Limit::block(4));
    let mut reader = history.reader();
    let thread = std::thread::spawn(move || reader.wait_for_each().map(|kept| kept.event).collect::<Vec<_>>());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_recurring(from_iter(0..1000).keep(&history))?;
    scheduler.run_forever()?;
    assert_eq!(thread.join().unwrap(), (0..1000).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_full_history_without_readers_goes_on_by_discarding() {
    let history = History::new(Limit::block(2));
    let mut keeper = history.keeper();
    let cx = &mut Context::detached(Instant::ZERO);
    assert_eq!(keeper.on_next(1, cx).unwrap(), Demand::More);
    assert_eq!(keeper.on_next(2, cx).unwrap(), Demand::Full);
    assert!(!Sink::has_room(&keeper));
    assert_eq!(history.discard(1), 1);
    assert!(Sink::has_room(&keeper));
}

#[test]
fn a_thread_waits_no_longer_than_it_wants_and_is_told_the_end() {
    let history = History::<u8>::new(last(4));
    let mut keeper = history.keeper();
    let mut reader = history.reader();
    assert_eq!(reader.next_within(Duration::ZERO), Err(NoEvent::NotYet));
    let (waits, is_waiting) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let first = reader.next_within(secs(60));
        waits.send(()).unwrap();
        (first.unwrap().event, reader.next_within(Duration::MAX))
    });
    keeper.push(7, at(0), Timestamp::UNIX_EPOCH).unwrap();
    is_waiting.recv().unwrap();
    drop(keeper); // a program that stops
    assert_eq!(thread.join().unwrap(), (7, Err(NoEvent::Ended)));
}

#[test]
fn many_threads_read_while_one_keeps() {
    let history = History::new(last(1 << 20));
    let mut keeper = history.keeper();
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let mut reader = history.reader();
            std::thread::spawn(move || {
                let sum: u64 = reader.wait_for_each().map(|kept| kept.event).sum();
                (sum, reader.missed())
            })
        })
        .collect();
    for event in 0..20_000u64 {
        keeper.push(event, at(0), Timestamp::UNIX_EPOCH).unwrap();
    }
    drop(keeper);
    for reader in readers {
        assert_eq!(reader.join().unwrap(), (19_999 * 10_000, 0));
    }
}

/// A device that is open as long as it is not dropped.
struct Device(Rc<Cell<i32>>, u32);

impl Source for Device {
    type Item = u32;
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<u32>, Failure> {
        self.1 += 1;
        Ok(Some(self.1).filter(|n| *n < 5))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[test]
fn a_source_runs_from_its_first_reader_to_its_last_and_again() -> Result<(), Box<dyn std::error::Error>> {
    let history = History::new(last(100));
    let (open, opened) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (counted, times) = (open.clone(), opened.clone());
    let source = OnDemand::new(&history, move || {
        counted.set(counted.get() + 1);
        times.set(times.get() + 1);
        Ok(Device(counted.clone(), 0))
    });
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(Flow::new(source).keep(&history), secs(1))?;
    scheduler.run_for(secs(3))?;
    assert_eq!(open.get(), 0);

    let (mut first, second) = (history.reader(), history.reader());
    scheduler.run_for(secs(2))?;
    assert_eq!((open.get(), events(&first.all_new())), (1, vec![1, 2]));
    drop(second);
    scheduler.run_for(secs(1))?;
    assert_eq!(open.get(), 1);
    drop(first);
    scheduler.run_for(secs(1))?;
    assert_eq!(open.get(), 0);

    let mut again = history.reader();
    scheduler.run_for(secs(10))?; // it ends after four
    assert_eq!((open.get(), opened.get()), (0, 2));
    assert_eq!((events(&again.all_new()), again.try_next()), (vec![1, 2, 3, 4], Err(NoEvent::Ended)));
    drop(again);
    scheduler.run_for(secs(1))?;
    let mut last = history.reader();
    scheduler.run_for(secs(1))?;
    assert_eq!((opened.get(), last.try_next().unwrap().event), (3, 1));
    Ok(())
}

#[test]
fn a_source_that_cannot_be_opened_is_tried_for_the_next_readers() -> Result<(), Box<dyn std::error::Error>> {
    let history = History::<i32>::new(last(100));
    let tries = Rc::new(Cell::new(0));
    let counted = tries.clone();
    let source = OnDemand::new(&history, move || -> Result<Flow<_>, Failure> {
        counted.set(counted.get() + 1);
        if counted.get() == 1 {
            return Err(Failure::Sample(StreamError::new("no such device")));
        }
        Ok(from_iter(1..))
    });
    let mut scheduler = Scheduler::virtual_time()?;
    let timing = Periodic::every(secs(1)).on_failure(OnFailure::Skip);
    scheduler.schedule_periodic(Flow::new(source).keep(&history), timing)?;
    let mut reader = history.reader();
    scheduler.run_for(secs(5))?;
    assert_eq!((tries.get(), reader.try_next()), (1, Err(NoEvent::Ended)));
    drop(reader);
    scheduler.run_for(secs(1))?;
    reader = history.reader();
    scheduler.run_for(secs(1))?;
    assert_eq!((tries.get(), reader.try_next().unwrap().event), (2, 1));
    Ok(())
}

#[test]
fn a_clock_that_drifts_shows_in_the_rhythm() {
    let mut adc = Rhythm::over(256).nominal(Duration::from_millis(1));
    assert_eq!((adc.rate(), adc.jitter(), adc.drift()), (Some(1000.0), None, None));
    // A year into the stream, 10 samples at a time, each 1.0001 ms after the last.
    let start = 365 * 86_400 * 1_000_000_000u64;
    let mut block = adc.arrived(Instant::from_nanos(start), 10);
    for count in 1..2_000 {
        block = adc.arrived(Instant::from_nanos(start + count * 10_001_000), 10);
    }
    assert!((adc.drift().unwrap() - 100.0).abs() < 0.001);
    assert!(adc.jitter().unwrap() < Duration::from_nanos(10));
    assert_eq!(adc.samples(), 20_000);
    let times: Vec<_> = block.times().collect();
    let first = Instant::from_nanos(start + 1_999 * 10_001_000 - 9 * 1_000_100);
    assert_eq!(times.len(), 10);
    assert!(times[0].since(first).max(first.since(times[0])) < Duration::from_nanos(100));
    assert!(times.windows(2).all(|two| two[1] > two[0]));
}

#[test]
fn a_silence_begins_the_rhythm_anew() {
    let mut rhythm = Rhythm::over(16).restart_after(secs(5));
    for second in [0, 1, 2, 3, 100, 102, 104, 106] {
        rhythm.arrived(at(second), 1);
    }
    assert_eq!((rhythm.samples(), rhythm.period()), (4, Some(secs(2))));
    assert_eq!(rhythm.to_string(), "0.500 samples a second, jitter 0.0ns");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Times of samples are right to within their error, for arrivals that are late by an even jitter.
    #[test]
    fn sample_times_are_as_good_as_they_say(
        delays in proptest::collection::vec(0..2_000_000u64, 300..400),
        period in 100_000..2_000_000u64,
        samples in 1..64u32,
    ) {
        let mut rhythm = Rhythm::over(200);
        let (mut off, mut claimed) = (Vec::new(), Vec::new());
        for (count, delay) in delays.iter().enumerate() {
            let taken = (count as u64 + 1) * u64::from(samples) * period;
            let block = rhythm.arrived(Instant::from_nanos(taken + delay), samples);
            let mean_delay = 1_000_000; // which no one can see in the arrivals
            off.push(block.time(samples - 1).as_nanos().abs_diff(taken + mean_delay));
            claimed.extend(block.error().map(|error| error.as_nanos() as u64));
        }
        let (worst, error) = (off[250..].iter().max().unwrap(), claimed[250..].iter().max().unwrap());
        proptest::prop_assert!(*worst < 6 * error, "{worst} ns off, claimed {error} ns");
        proptest::prop_assert!(*error < 120_000, "the jitter is 577 µs, the error {error} ns");
    }
}
