//! Torn ends, flipped bits, foreign files, random bytes: everything opens or is refused by name, and nothing is lost unseen.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod cuts;
mod foreign;
mod random;

use thingflow_journal::model::Model;
use thingflow_journal::{BootClock, CommitWindow, Options, Record, Start, Store};

fn options() -> Options {
    Options::new(128 << 10, CommitWindow::default()).segment_bytes(8192)
}

fn payload(number: u64) -> Vec<u8> {
    vec![number as u8; 10 + number as usize % 7]
}

/// A disk with `count` records, one a commit, read in part by a consumer; closed, or killed.
fn journal(count: u64, closed: bool) -> Model {
    let disk = Model::new(1);
    let mut store = Store::open(disk.clone(), options()).unwrap();
    store.open_consumer("one", Start::Oldest).unwrap();
    for number in 1..=count {
        assert_eq!(store.push(number as i64, &payload(number)).unwrap(), number);
        store.commit().unwrap();
    }
    store.note_clock(BootClock { boot: 7, monotonic: 50, time: Some(1050) }).unwrap();
    if closed {
        store.close().unwrap();
    }
    disk.kill();
    disk
}

fn segment(disk: &Model) -> String {
    disk.names().into_iter().find(|name| name.ends_with(".seg")).unwrap()
}

/// Everything that the consumer gets.
fn all(store: &mut Store) -> Vec<Record> {
    let mut records = Vec::new();
    loop {
        let more = store.next("one", 4096).unwrap();
        if more.is_empty() {
            return records;
        }
        records.extend(more);
    }
}

fn numbers(records: &[Record]) -> Vec<u64> {
    for record in records {
        assert_eq!(record.payload, payload(record.number));
    }
    records.iter().map(|record| record.number).collect()
}
