//! The past on disk against the past in memory: the same events, the same ranges.
#![cfg(feature = "past")]

use std::error::Error;
use std::ops::Bound;

use proptest::prelude::*;
use thingflow_adapters::past::{JournalPast, PastError};
use thingflow_core::history::{History, Kept, Number, Past, Span, Uncovered};
use thingflow_core::{Instant, Limit, Timestamp};
use thingflow_journal::{CommitWindow, Journal, Options};

fn decode(bytes: &[u8]) -> Result<String, Box<dyn Error + Send + Sync>> {
    Ok(String::from_utf8(bytes.to_vec())?)
}

fn bound(kind: u8, place: i64) -> Bound<i64> {
    match kind {
        0 => Bound::Unbounded,
        1 => Bound::Excluded(place),
        _ => Bound::Included(place),
    }
}

fn span<P: Clone + Ord>(ends: (Bound<P>, Bound<P>), covers: (bool, bool), step: usize) -> Span<P> {
    let span = Span::from(ends).step_by(step);
    let span = if covers.0 { span.covering_start() } else { span };
    if covers.1 { span.covering_end() } else { span }
}

fn same<E>(memory: Result<Vec<Kept<String>>, Uncovered>, disk: Result<Vec<Kept<String>>, E>) {
    match (memory, disk) {
        (Ok(memory), Ok(disk)) => assert_eq!(memory, disk),
        (memory, disk) => assert_eq!(memory.is_err(), disk.is_err()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_journal_and_a_history_give_the_same_ranges(
        times in prop::collection::vec(-50..200i64, 1..60),
        spans in prop::collection::vec(((0..4u8, 0..4u8), (-60..220i64, -60..220i64), any::<(bool, bool)>(), 1..4usize), 1..30),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), Options::new(16 << 20, CommitWindow::default())).unwrap();
        let history = History::new(Limit::drop_oldest(1000));
        let (writer, mut keeper) = (journal.writer(), history.keeper());
        for (count, second) in times.iter().enumerate() {
            let (time, event) = (Timestamp::from_secs(*second), format!("event {count}"));
            writer.push(time.as_nanos(), event.as_bytes()).unwrap();
            keeper.push(event, Instant::ZERO, time).unwrap();
        }
        journal.sync().unwrap();
        let past = JournalPast::new(&journal, decode);
        for ((start, end), (from, to), covers, step) in spans {
            let ends = (bound(start, from), bound(end, to));
            let by_time = span((ends.0.map(Timestamp::from_secs), ends.1.map(Timestamp::from_secs)), covers, step);
            same(history.range(by_time.clone()), past.range(by_time));
            let number = |place: i64| Number(place.max(0).unsigned_abs());
            let by_number = span((ends.0.map(number), ends.1.map(number)), covers, step);
            same(history.range(by_number.clone()), past.range(by_number));
        }
    }
}

#[test]
fn a_record_that_is_no_event_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), Options::new(16 << 20, CommitWindow::default())).unwrap();
    let writer = journal.writer();
    writer.push(1, b"fine").unwrap();
    writer.push(2, &[0xff]).unwrap();
    journal.sync().unwrap();
    let past = JournalPast::new(&journal, decode);
    assert_eq!(past.range(Number(1)..Number(2)).unwrap().len(), 1);
    let error = past.range(Number(1)..).unwrap_err();
    assert!(matches!(error, PastError::Decode { number: 2, .. }));
    assert!(format!("{error:?}").starts_with("invalid record 2: it does not hold an event of this type"), "{error:?}");
}
