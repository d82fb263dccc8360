//! What others do in a journal's folder while it is open: files go, files come, a second program tries; and looking in while
//! the program runs.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support {
    pub(crate) mod hooked;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use thingflow_journal::{CommitWindow, Error, Folder, Options, Policy, Range, Report, Start, Store, inspect};

use support::hooked::{Hooked, Hooks};

const SEGMENT: u64 = 8192;

fn open(folder: &Path) -> Result<Store, Error> {
    let options = Options::new(1 << 20, CommitWindow::default()).segment_bytes(SEGMENT);
    Store::open(Folder::open(folder).unwrap(), options)
}

fn push(store: &mut Store, numbers: std::ops::RangeInclusive<i64>) {
    for number in numbers {
        store.push(number, &[7; 1100]).unwrap();
        store.commit().unwrap();
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut segments: Vec<_> = files.filter(|file| file.extension().is_some_and(|ending| ending == "seg")).collect();
    segments.sort();
    segments
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.is_file()).map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

/// Somebody may take it for one that a killed program has left.
#[test]
fn a_removed_lock_lets_no_second_program_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = open(folder.path()).unwrap();
    push(&mut first, 1..=3);
    fs::remove_file(folder.path().join("lock")).unwrap();
    assert!(matches!(open(folder.path()), Err(Error::InUse { .. })));
    push(&mut first, 4..=20);
    first.close().unwrap();
    let again = open(folder.path()).unwrap();
    assert_eq!((again.durable(), again.kept().waiting), (20, 20));
}

#[test]
fn a01_what_goes_to_a_file_that_was_removed_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).unwrap();
    push(&mut store, 1..=1);
    fs::remove_file(&segments(folder.path())[0]).unwrap();
    push(&mut store, 2..=2);
    drop(store); // as a kill does
    let records = open(folder.path()).unwrap().read(&mut Range::all(), 1 << 20).unwrap();
    assert_eq!(records.iter().map(|record| record.number).collect::<Vec<_>>(), [2]);
}

#[test]
fn a01_nothing_is_acknowledged_once_the_folder_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox");
    let mut store = open(&path).unwrap();
    push(&mut store, 1..=1);
    fs::remove_dir_all(&path).unwrap();
    for made_anew in [false, true] {
        if made_anew {
            fs::create_dir(&path).unwrap(); // another one by that name, which nobody has locked
        }
        let number = store.push(2, b"two").unwrap();
        assert!(matches!(store.commit(), Err(Error::Io { .. })));
        assert!(store.durable() < number);
    }
}

/// By hand, to make room.
#[test]
fn a04_segments_that_were_removed_count_as_lost_and_hold_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(80 << 10, CommitWindow::default()).segment_bytes(SEGMENT).policy(Policy::DropOldest);
    let mut store = Store::open(Folder::open(folder.path()).unwrap(), options).unwrap();
    store.open_consumer("cloud", Start::Oldest).unwrap();
    push(&mut store, 1..=10);
    let removed = segments(folder.path());
    removed[..2].iter().for_each(|segment| fs::remove_file(segment).unwrap());
    let mut numbers = Vec::new();
    for round in 0..10 {
        push(&mut store, 10 * round + 11..=10 * round + 20); // the oldest have to give way
        while let Some(last) = store.next("cloud", 2000).unwrap().last() {
            numbers.push(last.number);
            store.acknowledge("cloud", last.number).unwrap();
        }
        let counts = store.counts("cloud").unwrap();
        assert!(counts.is_conserved() && counts.waiting == 0, "{counts:?}");
    }
    assert_eq!(numbers.last(), Some(&110));
    let counts = store.counts("cloud").unwrap();
    assert_eq!((counts.lost, counts.delivered), (6, 104), "three records each");
    let told = store.take_reports().0.into_iter();
    let missing = told.map(|report| matches!(report, Report::Damage { missing: 3, .. }));
    assert_eq!(missing.collect::<Vec<_>>(), [true, true]);
    store.close().unwrap();
}

/// Its number would leave none to go on with: what came after could not be read again.
#[test]
fn a36_a_file_whose_number_no_journal_reaches_is_refused_and_nothing_is_touched() {
    for number in [(1_u64 << 61) + 1, (1 << 62) - 1, 1 << 62] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path()).unwrap();
        push(&mut store, 1..=3);
        store.close().unwrap();
        let far = format!("{number:020}.seg");
        fs::write(folder.path().join(&far), b"").unwrap();
        let before = contents(folder.path());
        assert!(matches!(open(folder.path()), Err(Error::Foreign { file }) if file == far));
        assert_eq!(contents(folder.path()), before);
    }
}

#[test]
fn files_of_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let others = ["settings.new", "notes.bad", "x-1.bad", "clocks", ".new", "00000000000000000001-.bad", "a b.pos.new"];
    others[..3].iter().chain(&others[4..]).for_each(|name| fs::write(folder.path().join(name), name).unwrap());
    fs::write(folder.path().join("cloud.pos.new"), "left by a crash").unwrap();
    let options = Options::new(64 << 10, CommitWindow::default()).segment_bytes(SEGMENT).policy(Policy::DropOldest);
    let mut store = Store::open(Folder::open(folder.path()).unwrap(), options).unwrap();
    push(&mut store, 1..=100);
    store.close().unwrap();
    for name in others.iter().filter(|name| **name != "clocks") {
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), *name);
    }
    assert!(!folder.path().join("cloud.pos.new").exists());
}

/// Whoever opens one to read waits for somebody who writes.
#[test]
fn a_pipe_in_the_place_of_a_file_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, mode) = (folder.path().join("lock"), rustix::fs::Mode::from_raw_mode(0o600));
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(matches!(open(folder.path()), Err(Error::Io { .. })));
}

/// What somebody does in a folder right after it was listed, or a file of this name was made.
struct Meddling<L, M>(L, M);

impl<L: Fn() + Send + Sync + 'static, M: Fn(&str) + Send + Sync + 'static> Hooks for Meddling<L, M> {
    fn listed(&self) {
        (self.0)();
    }
    fn created(&self, name: &str) {
        (self.1)(name);
    }
}

#[test]
fn a36_two_programs_that_begin_a_journal_at_once_have_the_same_one() {
    for ends in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let other = Arc::new(Mutex::new(None));
        let (place, running) = (folder.path().to_owned(), other.clone());
        let begin = move |name: &str| {
            if name == "lock" {
                let mut store = open(&place).unwrap();
                push(&mut store, 1..=3);
                *running.lock().unwrap() = Some(store).filter(|_| !ends);
            }
        };
        let options = Options::new(1 << 20, CommitWindow::default()).segment_bytes(SEGMENT);
        let opened = Store::open(Hooked::new(Folder::open(folder.path()).unwrap(), Meddling(|| (), begin)), options);
        match opened {
            Ok(store) => assert!(ends && store.kept().waiting == 3),
            Err(error) => assert!(!ends && matches!(error, Error::InUse { .. }), "{error:?}"),
        }
        drop(other.lock().unwrap().take());
        assert_eq!(open(folder.path()).unwrap().kept().waiting, 3);
    }
}

#[test]
fn a37_what_a_running_program_lets_go_of_is_no_damage() {
    for gone in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path()).unwrap();
        store.open_consumer("cloud", Start::Oldest).unwrap();
        push(&mut store, 1..=12);
        let (all, place) = (segments(folder.path()), folder.path().join("aside"));
        assert_eq!(all.len(), 4);
        let vanishing = || {
            let segment = all[gone].clone();
            let removes = Meddling(move || drop(fs::remove_file(&segment)), |_: &str| ());
            Hooked::new(Folder::open(folder.path()).unwrap(), removes)
        };
        fs::copy(&all[gone], &place).unwrap();
        let back = || fs::copy(&place, &all[gone]).map(drop).unwrap();
        assert_eq!(inspect::list(&vanishing()).unwrap().segments.len(), 3);
        back();
        let check = inspect::check(&vanishing(), |_, _| {}).unwrap();
        assert!(check.is_sound() && check.records == 9, "{gone}: {check:?}");
        back();
        let mut left = Vec::new();
        inspect::export(&vanishing(), Range::all(), |record| left.push(record.number)).unwrap();
        let gone_from = 3 * gone as u64 + 1;
        assert_eq!(left, (1..=12).filter(|n| !(gone_from..gone_from + 3).contains(n)).collect::<Vec<_>>());
        assert!(
            !matches!(inspect::Reader::open(vanishing(), Range::all()).unwrap().next(1), Ok(found) if found.is_empty())
        );
    }
}
