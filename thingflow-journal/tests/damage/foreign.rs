//! Other versions, other journals, settings and files that do not fit, and what looks at a journal from outside.

use std::collections::BTreeMap;
use std::time::Duration;

use thingflow_journal::model::Model;
use thingflow_journal::{BootClock, CommitWindow, Error, Options, Range, Report, Start, Store, inspect};

use super::{all, journal, numbers, options, payload};

#[test]
fn a25_a_damaged_file_of_clocks_is_told_and_made_anew() {
    let whole = journal(3, true);
    let contents = whole.contents("clocks").unwrap();
    let damaged = (0..contents.len()).flat_map(|at| {
        let mut flipped = contents.clone();
        flipped[at] ^= 0x10;
        [contents[..at].to_vec(), flipped]
    });
    let note = BootClock { boot: 8, monotonic: 1, time: None };
    for bytes in damaged.chain([Vec::new()]) {
        let disk = whole.copy();
        disk.put("clocks", &bytes);
        assert!(!inspect::check(&disk, |_, _| ()).unwrap().is_sound());
        let mut store = Store::open(disk.clone(), options()).unwrap();
        let (reports, _) = store.take_reports();
        assert!(reports.iter().any(|report| matches!(report, Report::Clocks)), "{reports:?}");
        assert!(store.clocks().is_empty());
        assert_eq!(numbers(&all(&mut store)), [1, 2, 3]);
        store.note_clock(note).unwrap();
        store.close().unwrap();
        assert_eq!(Store::open(disk, options()).unwrap().clocks(), [note]);
    }
}

#[test]
fn limits_of_nothing_and_of_one_are_refused_or_kept() {
    for options in [
        Options::new(0, CommitWindow::default()),
        Options::new(1, CommitWindow::default()),
        options().max_records(0),
        options().segment_bytes(0),
        options().segment_bytes(1),
        options().segment_bytes(u64::MAX / 4096 * 4096),
    ] {
        let disk = Model::new(1);
        assert!(matches!(Store::open(disk.clone(), options), Err(Error::Options(_))));
        assert!(disk.names().is_empty(), "nothing is touched");
    }
    let mut store =
        Store::open(Model::new(1), options().max_records(1).max_age(Duration::ZERO).buffer_bytes(0)).unwrap();
    store.open_consumer("one", Start::Oldest).unwrap();
    store.push(i64::MIN, &payload(1)).unwrap();
    store.commit().unwrap();
    store.push(i64::MAX, &payload(2)).unwrap();
    assert!(matches!(store.commit(), Err(Error::Full(_))), "one waits");
    for number in 1..=2 {
        assert_eq!(numbers(&store.next("one", 0).unwrap()), [number]);
        store.acknowledge("one", number).unwrap();
        store.commit().unwrap();
    }
    assert!(store.counts("one").unwrap().is_conserved());
}

#[test]
fn a36_another_version_another_journal_and_a_second_process_are_refused_and_nothing_is_touched() {
    let whole = journal(3, true);
    let other = journal(3, true);
    for name in whole.names() {
        let disk = whole.copy();
        let mut contents = disk.contents(&name).unwrap();
        contents[8] = 2;
        let sum = crc32c::crc32c(&contents[..12]);
        contents[12..16].copy_from_slice(&sum.to_le_bytes());
        disk.put(&name, &contents);
        if name.ends_with(".pos") {
            let slot = contents[..4096].to_vec();
            disk.put(&name, &[slot.clone(), slot].concat());
        }
        refused(&disk, |error| matches!(error, Error::Version { file, found: 2 } if *file == name));
        let disk = whole.copy();
        disk.put(&name, &other.contents(&name).unwrap());
        refused(&disk, |error| matches!(error, Error::Foreign { .. }));
    }
    let disk = whole.copy();
    let first = Store::open(disk.clone(), options()).unwrap();
    refused(&disk, |error| matches!(error, Error::InUse { .. }));
    drop(first);
}

fn refused(disk: &Model, right: impl Fn(&Error) -> bool) {
    let changes = disk.changes();
    let error = Store::open(disk.clone(), options()).unwrap_err();
    assert!(right(&error), "{error:?}");
    assert_eq!(format!("{error:?}"), error.to_string());
    assert_eq!(disk.changes(), changes);
}

#[test]
fn a36_files_of_format_1_are_read_and_written_byte_by_byte() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format-1");
    let golden: BTreeMap<String, Vec<u8>> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    let disk = Model::new(1);
    disk.put("lock", &golden["lock"]);
    let mut store = Store::open(disk.clone(), options()).unwrap();
    store.open_consumer("mqtt", Start::Oldest).unwrap();
    for (time, payload) in [(-1_i64, &b"first"[..]), (i64::MAX, b""), (1_700_000_000, b"third")] {
        store.push(time, payload).unwrap();
    }
    store.push(4, &[4; 4000]).unwrap();
    store.commit().unwrap();
    let records = store.next("mqtt", 1).unwrap();
    store.acknowledge("mqtt", records[0].number).unwrap();
    store.note_clock(BootClock { boot: 1, monotonic: 2, time: None }).unwrap();
    store.note_clock(BootClock { boot: u128::MAX, monotonic: u64::MAX, time: Some(-1) }).unwrap();
    store.close().unwrap();
    let written: BTreeMap<String, Vec<u8>> =
        disk.names().into_iter().map(|name| (name.clone(), disk.contents(&name).unwrap())).collect();
    if std::env::var_os("THINGFLOW_WRITE_GOLDEN").is_some() {
        written.iter().for_each(|(name, contents)| std::fs::write(folder.join(name), contents).unwrap());
    }
    assert_eq!(written.keys().collect::<Vec<_>>(), golden.keys().collect::<Vec<_>>());
    for (name, contents) in &golden {
        assert!(written[name] == *contents, "{name} differs");
    }

    let disk = Model::new(1);
    golden.iter().for_each(|(name, contents)| disk.put(name, contents));
    let mut store = Store::open(disk, options()).unwrap();
    assert_eq!(store.clocks().iter().map(|clock| clock.time).collect::<Vec<_>>(), [None, Some(-1)]);
    let records = store.next("mqtt", 1 << 20).unwrap();
    let seen: Vec<_> = records.iter().map(|record| (record.number, record.time, record.payload.len())).collect();
    assert_eq!(seen, [(2, i64::MAX, 0), (3, 1_700_000_000, 5), (4, 4, 4000)]);
}

#[test]
fn a37_a_journal_is_listed_checked_exported_and_cut_without_the_program() {
    let disk = journal(600, true);
    let overview = inspect::list(&disk).unwrap();
    assert!(overview.segments.len() > 3);
    assert_eq!(overview.segments.last().unwrap().last, 600);
    assert_eq!(overview.segments[0].times.unwrap().0, 1);
    assert_eq!((overview.consumers[0].name.as_str(), overview.consumers[0].waiting), ("one", 600));
    let checked = inspect::check(&disk, |_, _| {}).unwrap();
    assert!(checked.is_sound());
    assert_eq!(checked.records, 600);
    let mut exported = Vec::new();
    let count = inspect::export(&disk, Range::all().numbers(100..=102), |record| exported.push(record)).unwrap();
    assert_eq!((count, numbers(&exported)), (3, vec![100, 101, 102]));

    let second = overview.segments[1].first;
    let mut told = Vec::new();
    assert_eq!(inspect::cut(disk.clone(), second, |done, of| told.push((done, of))).unwrap(), second - 1);
    assert_eq!(told, [(1, 1)]);
    let overview = inspect::list(&disk).unwrap();
    assert_eq!(overview.segments[0].first, second);
    assert_eq!(overview.consumers[0].waiting, 601 - second);
    let newest = overview.segments.last().unwrap().first;
    let gone = overview.segments.len() - 1;
    told.clear();
    inspect::cut(disk.copy(), newest, |done, of| told.push((done, of))).unwrap();
    assert_eq!(told, (1..=gone).map(|done| (done, gone)).collect::<Vec<_>>());
    let mut store = Store::open(disk, options()).unwrap();
    assert_eq!(numbers(&all(&mut store)).first(), Some(&second));
}
