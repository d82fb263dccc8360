//! Torn ends, flipped bits, and segments that are gone: what is whole is read, what is lost is counted.

use std::collections::BTreeMap;

use thingflow_journal::model::Model;
use thingflow_journal::{BootClock, CommitWindow, Options, Range, Report, Start, Store, inspect};

use super::{all, journal, numbers, options, payload, segment};

#[test]
fn a03_a_torn_tail_cut_at_every_byte_keeps_every_whole_record() {
    let whole = journal(5, false);
    let (name, last) = (segment(&whole), 24 + payload(5).len());
    let contents = whole.contents(&name).unwrap();
    let end = 4096 + (1..=5).map(|number| 24 + payload(number).len()).sum::<usize>();
    for cut in 0..last {
        for zeros in [0, 5000] {
            let disk = whole.copy();
            let mut torn = contents[..end - last + cut].to_vec();
            torn.resize(torn.len() + zeros, 0);
            disk.put(&name, &torn);
            let mut store = Store::open(disk.clone(), options()).unwrap();
            assert_eq!(numbers(&all(&mut store)), [1, 2, 3, 4], "cut at {cut}");
            let told = store.take_reports().0.iter().any(|report| matches!(report, Report::Torn { .. }));
            assert_eq!(told, cut > 0, "cut at {cut}");
            assert!(store.next_number() > 5, "a number that may have been used is not used again");
            store.push(0, b"on").unwrap();
            store.commit().unwrap();
            assert_eq!(all(&mut store).len(), 1);
        }
    }
}

#[test]
fn a04_a_flipped_bit_anywhere_costs_one_record_and_is_counted() {
    for closed in [true, false] {
        let whole = journal(6, closed);
        for name in whole.names() {
            let len = whole.contents(&name).unwrap().len().min(4096 + 300);
            for offset in (0..140).chain(4090..len) {
                for bit in 0..8 {
                    let disk = whole.copy();
                    disk.damage(&name, offset, 1 << bit);
                    one_flip(&disk, &format!("{name}, byte {offset}, bit {bit}"), closed);
                }
            }
        }
    }
}

fn one_flip(disk: &Model, place: &str, closed: bool) {
    let mut store = Store::open(disk.clone(), options()).unwrap_or_else(|error| panic!("{place}: {error:?}"));
    let seen = numbers(&all(&mut store));
    let counts = store.counts("one").unwrap();
    let lost = (1..=6).filter(|number| !seen.contains(number)).count() as u64;
    assert!(lost <= 1, "{place}: {seen:?}");
    assert!(counts.is_conserved(), "{place}: {counts:?}");
    // Without a closing mark, a damaged last record looks like one that was never finished.
    let looks_torn = !closed && !seen.contains(&6);
    if !looks_torn {
        assert_eq!(counts.lost, lost, "{place}");
        assert_eq!(store.quarantined(), lost, "{place}");
        let damage = store.take_reports().0.iter().filter(|report| matches!(report, Report::Damage { .. })).count();
        assert_eq!(damage as u64, lost, "{place}: reported once");
    }
    assert!(store.next_number() > 6, "{place}");
    store.push(7, &payload(7)).unwrap();
    store.commit().unwrap();
    assert_eq!(all(&mut store).len(), 1, "{place}: it goes on");
}

#[test]
fn a04_damage_in_an_older_segment_is_stepped_over_by_every_reader() {
    let disk = journal(600, true);
    let name = segment(&disk);
    for offset in 5000..5512 {
        disk.damage(&name, offset, 0x55);
    }
    let mut store = Store::open(disk.clone(), options()).unwrap();
    let seen = numbers(&all(&mut store));
    let counts = store.counts("one").unwrap();
    assert_eq!(seen.len() as u64 + counts.lost, 600);
    assert!((10..=25).contains(&counts.lost), "one sector costs what was in it: {}", counts.lost);
    let mut range = Range::all();
    let mut count = 0;
    while let Some(more) = Some(store.read(&mut range, 4096).unwrap()).filter(|more| !more.is_empty()) {
        count += more.len();
    }
    assert_eq!(count, seen.len());
    drop(store);
    disk.kill();
    let checked = inspect::check(&disk, |_, _| {}).unwrap();
    assert_eq!((checked.lost(), checked.records), (counts.lost, 600 - counts.lost));
    assert!(disk.names().iter().any(|name| name.ends_with(".bad")), "what was damaged is kept");
}

#[test]
fn a05_a_segment_that_is_gone_and_one_that_is_back_make_neither_gap_nor_loop() {
    let whole = journal(600, true);
    let oldest = segment(&whole);
    // Gone, although the position is before it.
    let mut files: BTreeMap<String, Vec<u8>> =
        whole.names().into_iter().map(|name| (name.clone(), whole.contents(&name).unwrap())).collect();
    let back = files.remove(&oldest).unwrap();
    let disk = Model::new(2);
    files.iter().for_each(|(name, contents)| disk.put(name, contents));
    let mut store = Store::open(disk.clone(), options()).unwrap();
    let seen = numbers(&all(&mut store));
    assert_eq!(seen.last(), Some(&600));
    assert!(seen.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    store.acknowledge("one", 600).unwrap();
    assert!(store.counts("one").unwrap().is_conserved());
    drop(store);
    disk.kill();
    // Back, although it has been delivered.
    disk.put(&oldest, &back);
    let mut store = Store::open(disk.clone(), options()).unwrap();
    assert!(all(&mut store).is_empty());
    assert!(!disk.names().contains(&oldest), "it is deleted again");
}

/// Two segments of four records, of which a consumer has acknowledged two; and where each record ends: its file, and there.
fn small(closed: bool) -> (Model, Vec<(String, usize)>) {
    let disk = Model::new(4);
    let mut store = Store::open(disk.clone(), options()).unwrap();
    store.open_consumer("one", Start::Oldest).unwrap();
    for number in 1..=8 {
        assert_eq!(store.push(number as i64, &long(number)).unwrap(), number);
        store.commit().unwrap();
    }
    assert_eq!(store.next("one", 1 << 20).unwrap().len(), 8);
    store.acknowledge("one", 2).unwrap();
    store.note_clock(BootClock { boot: 7, monotonic: 50, time: Some(1050) }).unwrap();
    store.commit().unwrap();
    if closed {
        store.close().unwrap();
    }
    disk.kill();
    let ends = (1..=8).map(|number| {
        disk.names().into_iter().filter(|name| name.ends_with(".seg")).find_map(|name| {
            let contents = disk.contents(&name)?;
            let start = contents.windows(1000).position(|bytes| *bytes == *long(number))?;
            Some((name, start + 1000))
        })
    });
    let ends = ends.collect::<Option<_>>().unwrap();
    (disk, ends)
}

fn long(number: u64) -> Vec<u8> {
    vec![number as u8; 1000]
}

/// The numbers of the records that a cut of a file has left whole.
fn before_the_cut(ends: &[(String, usize)], name: &str, len: usize) -> Vec<u64> {
    let is_there = |(file, end): &(String, usize)| file != name || *end <= len;
    (1..).zip(ends).filter(|(_, end)| is_there(end)).map(|(number, _)| number).collect()
}

#[test]
fn a04_a_journal_cut_at_each_byte_of_each_file_keeps_what_was_before_the_cut_and_counts_the_rest() {
    for closed in [true, false] {
        let (whole, ends) = small(closed);
        for name in whole.names() {
            let contents = whole.contents(&name).unwrap();
            // Of a run of the same byte, each sixteenth.
            let matters = |len: &usize| len.is_multiple_of(16) || contents[len - 1] != contents[*len];
            for len in (0..contents.len()).filter(matters) {
                let disk = whole.copy();
                disk.put(&name, &contents[..len]);
                one_cut(&disk, &ends, &name, len);
            }
        }
    }
}

fn one_cut(disk: &Model, ends: &[(String, usize)], name: &str, len: usize) {
    let place = format!("{name}, cut at {len}");
    let (oldest, newest) = (name == ends[0].0, name == ends[7].0);
    let there = before_the_cut(ends, name, len);
    assert_eq!(inspect::check(disk, |_, _| ()).unwrap().records, there.len() as u64, "{place}");
    let mut store = Store::open(disk.clone(), options()).unwrap_or_else(|error| panic!("{place}: {error:?}"));
    let is_position_lost = name == "one.pos" && len < 60;
    let unread: Vec<u64> = there.iter().copied().filter(|number| *number > 2 || is_position_lost).collect();
    let seen: Vec<u64> =
        all(&mut store).iter().map(|record| (record.number, &record.payload)).map(whole_record).collect();
    assert_eq!(seen, unread, "{place}");

    let gone = [3, 4].iter().filter(|number| !there.contains(number)).count() as u64;
    let counts = store.counts("one").unwrap();
    assert!(counts.is_conserved() && counts.lost == gone, "{place}: {counts:?}");
    // What follows the last whole record in the file.
    let part = ends.iter().filter(|(file, end)| file == name && *end <= len).map(|(_, end)| len - end).next_back();
    let part = part.unwrap_or(len.saturating_sub(4096)) as u64;
    let (reports, more) = store.take_reports();
    assert!(reports.len() <= 1 && more == 0, "{place}: {reports:?}");
    match reports.first() {
        Some(Report::Damage { missing, kept, bytes, .. }) => {
            assert!(oldest && *missing >= gone && *bytes >= part, "{place}: {reports:?}");
            assert_eq!(kept.is_some(), part > 0, "{place}: what is left is kept");
            assert!(kept.iter().all(|kept| disk.names().contains(kept)), "{place}");
        }
        Some(Report::Unfinished { kept, .. }) => assert!(newest && kept.is_some() == (len > 0), "{place}"),
        Some(Report::Torn { bytes, .. }) => assert!(newest && *bytes == part, "{place}: {reports:?}"),
        Some(Report::Short { last, .. }) => assert!(newest && there.last() == Some(last), "{place}: {reports:?}"),
        Some(Report::Position { .. }) => assert!(is_position_lost, "{place}"),
        Some(Report::Clocks) => assert_eq!(name, "clocks", "{place}"),
        other => assert!(other.is_none() && !oldest && !is_position_lost && name != "clocks", "{place}: {other:?}"),
    }

    let number = store.push(9, &long(9)).unwrap();
    assert!(number > 8, "{place}: {number} may have been used");
    store.commit().unwrap();
    assert_eq!(all(&mut store).iter().map(|record| record.number).collect::<Vec<_>>(), [number], "{place}: it goes on");
    store.close().unwrap();
}

fn whole_record((number, payload): (u64, &Vec<u8>)) -> u64 {
    assert_eq!(*payload, long(number));
    number
}

#[test]
fn a04_a_newest_segment_cut_right_behind_a_record_is_told() {
    for closed in [true, false] {
        let whole = journal(5, closed);
        assert!(inspect::check(&whole, |_, _| ()).unwrap().is_sound());
        let name = segment(&whole);
        let contents = whole.contents(&name).unwrap();
        let mut end = 4096;
        for last in 0..=5 {
            end += if last == 0 { 0 } else { 24 + payload(last).len() };
            let disk = whole.copy();
            disk.put(&name, &contents[..end]);
            let place = format!("closed {closed}, cut behind record {last}");
            let checked = inspect::check(&disk, |_, _| ()).unwrap();
            assert_eq!((checked.records, checked.short), (last, vec![name.clone()]), "{place}");
            let mut store = Store::open(disk.clone(), options()).unwrap();
            assert_eq!(numbers(&all(&mut store)), (1..=last).collect::<Vec<_>>(), "{place}");
            let reports = store.take_reports().0;
            let [Report::Short { file, last: told }] = &reports[..] else { panic!("{place}: {reports:?}") };
            assert_eq!((file, *told), (&name, last), "{place}");
            // Once there is another segment that one says how far this one reaches.
            store.push(6, &payload(6)).unwrap();
            store.close().unwrap();
            assert!(inspect::check(&disk, |_, _| ()).unwrap().is_sound(), "{place}");
            assert!(Store::open(disk, options()).unwrap().take_reports().0.is_empty(), "{place}");
        }
    }
}

/// Commits of 60 records, each a little longer than a block of the disk, into segments that have been used before.
fn in_blocks() -> Model {
    let disk = Model::new(3);
    let options = Options::new(512 << 10, CommitWindow::default()).segment_bytes(32 << 10);
    let mut store = Store::open(disk.clone(), options).unwrap();
    store.open_consumer("one", Start::Oldest).unwrap();
    for commit in 0..40_u64 {
        for number in 60 * commit + 1..=60 * commit + 60 {
            assert_eq!(store.push(number as i64, &[number as u8; 60]).unwrap(), number);
        }
        store.commit().unwrap();
        if commit < 30 {
            let last = store.next("one", 1 << 20).unwrap().last().unwrap().number;
            store.acknowledge("one", last).unwrap();
        }
    }
    store.close().unwrap();
    disk.kill();
    disk
}

/// What can be read from the number on that the consumer is to get, in pieces of some bytes, and what counts as lost.
fn read_blocks(disk: &Model, piece: usize) -> (Vec<u64>, u64) {
    let options = Options::new(512 << 10, CommitWindow::default()).segment_bytes(32 << 10);
    let mut store = Store::open(disk.clone(), options).unwrap();
    let mut numbers = Vec::new();
    while let Some(records) = Some(store.next("one", piece).unwrap()).filter(|records| !records.is_empty()) {
        for record in records {
            assert_eq!(record.payload, [record.number as u8; 60]);
            numbers.push(record.number);
        }
    }
    (numbers, store.counts("one").unwrap().lost)
}

#[test]
fn the_end_of_a_block_that_a_commit_has_left_out_is_no_damage() {
    let disk = in_blocks();
    let check = inspect::check(&disk, |_, _| {}).unwrap();
    assert!(check.is_sound(), "{check:?}");
    for piece in [1, 84, 1000, 5000, 1 << 20] {
        assert_eq!(read_blocks(&disk.copy(), piece), ((1801..=2400).collect(), 0), "{piece}");
    }
    let mut all = Vec::new();
    inspect::export(&disk, Range::all().numbers(2000..), |record| all.push(record.number)).unwrap();
    assert_eq!(all, (2000..=2400).collect::<Vec<_>>());
}

#[test]
fn a04_a_flipped_bit_beside_such_an_end_costs_one_record_at_most() {
    let disk = in_blocks();
    let files = disk.names().into_iter().filter(|name| name.ends_with(".seg")).skip(1);
    for file in files {
        let len = disk.contents(&file).unwrap().len();
        for offset in (4096..len).step_by(61) {
            let hurt = disk.copy();
            hurt.damage(&file, offset, 1);
            let lost = inspect::check(&hurt, |_, _| {}).unwrap().lost();
            let (numbers, missing) = read_blocks(&hurt, 1 << 20);
            assert!(
                lost <= 1 && missing == lost && numbers.len() as u64 + lost == 600,
                "{file} at {offset}: {lost}, {missing}"
            );
        }
    }
}
