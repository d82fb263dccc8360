//! Any bytes as a file of a journal, with its checksums put right or not: no panic, each record once and in order, the counts add up,
//! and the journal goes on.

use std::error::Error;

use thingflow_journal::model::Model;
use thingflow_journal::{BootClock, CommitWindow, Options, Range, Record, Start, Store, inspect};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The block of a file that says something, and where what follows it begins.
const BLOCK: usize = 128;
const BEHIND: usize = 4096;
/// Where the first number of a segment and the records' fields are.
const FIRST: usize = 32;
const RECORD: usize = 24;

fn options() -> Options {
    Options::new(128 << 10, CommitWindow::default()).segment_bytes(8192)
}

/// Two segments, a position, clocks; closed, or killed.
fn journal(closed: bool) -> Result<Model> {
    let disk = Model::new(4);
    let mut store = Store::open(disk.clone(), options())?;
    store.open_consumer("one", Start::Oldest)?;
    for number in 1..=7_u8 {
        store.push(number.into(), &[number; 700])?;
        store.commit()?;
    }
    store.next("one", 1 << 20)?;
    store.acknowledge("one", 2)?;
    store.note_clock(BootClock { boot: 7, monotonic: 50, time: Some(1050) })?;
    store.commit()?;
    if closed {
        store.close()?;
    }
    disk.kill();
    Ok(disk)
}

/// The first byte says which file the others are, and how: after its block come those behind the first 4,096 bytes.
pub(crate) fn check(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let disk = journal(how & 1 == 1).expect("a journal");
    let names = disk.names();
    let name = &names[usize::from(how >> 2) % names.len()];
    let mut contents = if name == "clocks" { bytes.to_vec() } else { spread(bytes) };
    if let (Some(id @ [0, ..]), Some(lock)) = (contents.get_mut(16..32), disk.contents("lock")) {
        id.copy_from_slice(&lock[16..32]); // drawn at random for each journal
    }
    if how & 2 == 2 {
        seal(&mut contents);
    }
    disk.put(name, &contents);
    let most = disk.disk_bytes();
    look(&disk);
    match Store::open(disk.clone(), options()) {
        Ok(store) => run(store, &disk, most).expect("what opens goes on"),
        Err(error) => shown(&error),
    }
}

fn spread(bytes: &[u8]) -> Vec<u8> {
    let (block, behind) = bytes.split_at(bytes.len().min(BLOCK));
    let mut contents = block.to_vec();
    if !behind.is_empty() {
        contents.resize(BEHIND, 0);
        contents.extend(behind);
    }
    contents
}

/// Puts the checksums of a header and of what may be records right: what is behind them is looked at, too.
fn seal(contents: &mut [u8]) {
    let sums: &[usize] = match contents.get(..8) {
        Some(b"TFLOWSEG") => &[88],
        Some(b"TFLOWPOS") => &[56],
        _ => &[32, 672],
    };
    put_sum(contents, 12, |bytes| crc32c::crc32c(&bytes[..12]));
    for at in sums {
        put_sum(contents, *at, |bytes| crc32c::crc32c(&bytes[16..*at]));
    }
    if !contents.starts_with(b"TFLOWSEG") {
        return;
    }
    let mut at = BEHIND;
    while at + RECORD <= contents.len() {
        let word = |at: usize| contents[at..at + 4].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let len = word(at);
        let end = if len == 0 { at + RECORD } else { at + len };
        if end < at + RECORD || end > contents.len() {
            return;
        }
        put_sum(contents, at + 4, |bytes| {
            let parts = [&bytes[16..32], &bytes[FIRST..FIRST + 8], &bytes[at..at + 4], &bytes[at + 8..end]];
            parts.iter().fold(0, |sum, part| crc32c::crc32c_append(sum, part))
        });
        at = end;
    }
}

fn put_sum(contents: &mut [u8], at: usize, sum: impl FnOnce(&[u8]) -> u32) {
    if contents.len() >= at + 4 {
        let sum = sum(contents);
        contents[at..at + 4].copy_from_slice(&sum.to_le_bytes());
    }
}

/// What the tool says of it.
fn look(disk: &Model) {
    let listed = inspect::list(disk).map(drop);
    listed.unwrap_or_else(|error| shown(&error));
    let mut exported = 0;
    match (inspect::check(disk, |_, _| ()), inspect::export(disk, Range::all(), |_| exported += 1)) {
        (Ok(checked), Ok(said)) => assert_eq!((said, exported), (checked.records, checked.records)),
        (checked, said) => checked.map(drop).and(said.map(drop)).unwrap_or_else(|error| shown(&error)),
    }
}

/// Opens, reads, goes on, closes, and opens again: all that was read is there, and what is new.
fn run(mut store: Store, disk: &Model, most: u64) -> Result {
    store.open_consumer("one", Start::Oldest)?;
    let seen = all(&mut store)?;
    assert!(seen.windows(2).all(|pair| pair[0].number < pair[1].number), "in order, and once");
    assert!(seen.iter().map(|record| (record.payload.len() + RECORD) as u64).sum::<u64>() <= most);
    let counts = store.counts("one")?;
    assert!(counts.is_conserved(), "{counts:?}");
    let number = store.push(9, b"on")?;
    assert!(seen.iter().all(|record| record.number < number));
    store.commit()?;
    assert_eq!(numbers(&all(&mut store)?), [number], "it goes on");
    store.close()?;
    disk.kill();

    let mut again = Store::open(disk.clone(), options()).expect("what a journal has closed opens");
    again.open_consumer("one", Start::Oldest)?;
    let mut expected = numbers(&seen);
    expected.push(number);
    assert_eq!(numbers(&all(&mut again)?), expected);
    let counts = again.counts("one")?;
    assert!(counts.is_conserved(), "{counts:?}");
    Ok(again.close()?)
}

fn all(store: &mut Store) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    loop {
        let more = store.next("one", 4096)?;
        if more.is_empty() {
            return Ok(records);
        }
        records.extend(more);
        assert!(records.len() < 10_000, "it comes again and again");
    }
}

fn numbers(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.number).collect()
}

fn shown(error: &dyn Error) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.chars().all(|char| !char.is_control()), "{text:?}");
}
