//! On a real file system: limits as `du` counts, locks between handles, costs that do not grow, and kill -9.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use thingflow_journal::model::{Draw, Model};
use thingflow_journal::{CommitWindow, Error, Folder, Journal, Options, Policy, Range, Start, Store};

/// Bytes of a folder and all its files, as `du` counts.
fn used(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().blocks());
    512 * (files.sum::<u64>() + std::fs::metadata(folder).unwrap().blocks())
}

#[test]
fn a08_the_limit_is_kept_at_each_moment_as_du_counts() {
    const LIMIT: u64 = 512 << 10;
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        Store::open(
            Folder::open(folder.path()).unwrap(),
            Options::new(LIMIT, CommitWindow::default()).policy(Policy::DropOldest),
        )
    };
    for opening in 0..20 {
        let mut store = open().unwrap();
        store.open_consumer("slow", Start::Oldest).unwrap();
        for number in 0..60_i64 {
            store.push(number, &vec![7; 100 + number as usize * 97]).unwrap();
            store.commit().unwrap();
            let (used, told) = (used(folder.path()), store.disk_bytes().unwrap());
            assert!(used <= LIMIT, "{used} bytes in opening {opening}");
            assert!(used <= told, "{told} bytes told, {used} used");
        }
        let counts = store.counts("slow").unwrap();
        assert!(counts.is_conserved());
        assert!(opening < 5 || counts.dropped.bytes > 0, "{counts:?}");
    }
}

#[test]
fn what_is_older_than_the_limit_in_age_goes_by_whole_segments() {
    const SECOND: i64 = 1_000_000_000;
    let options = Options::new(1 << 20, CommitWindow::default()).segment_bytes(8192).max_age(Duration::from_secs(60));
    let mut store = Store::open(Model::new(1), options).unwrap();
    store.open_consumer("slow", Start::Oldest).unwrap();
    for second in 0..600 {
        store.push(second * SECOND, &[7; 100]).unwrap();
        store.commit().unwrap();
    }
    let kept = store.read(&mut Range::all(), usize::MAX).unwrap();
    let times: Vec<i64> = kept.iter().map(|record| record.time / SECOND).collect();
    assert_eq!(times, (times[0]..600).collect::<Vec<_>>(), "the newest, without a gap");
    assert!((450..=539).contains(&times[0]), "a minute, and what shares a segment with it: from {} s on", times[0]);
    let counts = store.counts("slow").unwrap();
    assert!(counts.is_conserved());
    assert_eq!(counts.dropped.age, 600 - kept.len() as u64);
}

#[test]
fn a08_what_is_delivered_takes_no_space() {
    let folder = tempfile::tempdir().unwrap();
    let mut store =
        Store::open(Folder::open(folder.path()).unwrap(), Options::new(16 << 20, CommitWindow::default())).unwrap();
    store.open_consumer("one", Start::Oldest).unwrap();
    for number in 0..100 {
        store.push(number, &[1; 100_000]).unwrap();
        store.commit().unwrap();
    }
    loop {
        let records = store.next("one", 1 << 20).unwrap();
        let Some(last) = records.last() else { break };
        store.acknowledge("one", last.number).unwrap();
    }
    assert!(used(folder.path()) < 3 << 20, "the newest segment and a spare one");
    store.close().unwrap();
    assert!(used(folder.path()) < 2 << 20);
}

#[test]
fn a36_a_second_opening_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(1 << 20, CommitWindow::default());
    let first = Journal::open(folder.path().join("made/by/it"), options.clone()).unwrap();
    let error = Journal::open(folder.path().join("made/by/it"), options.clone()).unwrap_err();
    assert!(matches!(&error, Error::InUse { folder } if folder.ends_with("by/it")), "{error:?}");
    first.close().unwrap();
    Journal::open(folder.path().join("made/by/it"), options).unwrap();
}

#[test]
fn a07_opening_asks_the_disk_as_often_for_any_backlog() {
    let operations = |segments: i64| {
        let disk = Model::new(1);
        let options = Options::new(4 << 20, CommitWindow::default()).segment_bytes(8192);
        let mut store = Store::open(disk.clone(), options.clone()).unwrap();
        store.open_consumer("one", Start::Oldest).unwrap();
        for number in 0..segments {
            store.push(number, &[1; 4000]).unwrap();
            store.commit().unwrap();
        }
        disk.kill();
        let before = disk.operations();
        let store = Store::open(disk.clone(), options).unwrap();
        assert_eq!(store.counts("one").unwrap().waiting, segments as u64);
        disk.operations() - before
    };
    assert_eq!(operations(10), operations(400));
}

#[test]
fn a35_no_counter_wraps_in_many_pushes_of_random_sizes() {
    let pushes: u64 = number_from("THINGFLOW_JOURNAL_PUSHES", 100_000);
    let options = Options::new(8 << 20, CommitWindow::default()).policy(Policy::DropOldest).max_records(5_000);
    let mut store = Store::open(Model::new(1), options).unwrap();
    store.open_consumer("one", Start::Oldest).unwrap();
    let mut draw = Draw::new(1);
    let payload = [3; 2_000];
    for pushed in 1..=pushes {
        store.push(pushed as i64, &payload[..draw.below(200) as usize]).unwrap();
        if draw.once_in(300) {
            store.commit().unwrap();
            let records = store.next("one", draw.below(20_000) as usize).unwrap();
            if let Some(record) = draw.index(records.len()).map(|index| &records[index]) {
                store.acknowledge("one", record.number).unwrap();
            }
        }
        let counts = store.counts("one").unwrap();
        assert!(counts.is_conserved() && counts.pushed == pushed, "{counts:?}");
        assert!(store.kept().is_conserved());
    }
}

fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

const CHILD: &str = "THINGFLOW_JOURNAL_CHILD";

/// The program that is killed: it pushes what comes in, says `a` for what is durable and `g` for what it has got, and
/// acknowledges that.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let window = CommitWindow::every(Duration::from_millis(1)).count(8);
    let options = Options::new(8 << 20, window).segment_bytes(8192);
    let journal = Arc::new(Journal::open(Path::new(&folder), options).unwrap());
    let pushed: Arc<Mutex<BTreeSet<(u64, u64)>>> = Arc::default();
    let (told, is_told) = (journal.clone(), pushed.clone());
    let durable = Mutex::new(());
    journal.notify(move || {
        let _one_at_a_time = durable.lock().unwrap();
        let mut pushed = is_told.lock().unwrap();
        while let Some(first) = pushed.first().copied().filter(|(number, _)| *number <= told.durable()) {
            println!("a {}", first.1);
            pushed.remove(&first);
        }
    });
    let mut consumer = journal.consumer("one", Start::Oldest).unwrap();
    std::thread::spawn(move || {
        while let Some(record) = consumer.next_within(Duration::from_secs(60)) {
            let sequence = u64::from_le_bytes(record.payload[..8].try_into().unwrap());
            println!("g {sequence}");
            if sequence % 3 == 0 {
                consumer.acknowledge(record.number);
            }
        }
    });
    let writer = journal.writer();
    for line in std::io::stdin().lines() {
        let sequence: u64 = line.unwrap().trim().parse().unwrap();
        let mut payload = sequence.to_le_bytes().to_vec();
        payload.resize(8 + sequence as usize % 900, 1);
        let number = writer.push_wait(0, &payload).unwrap();
        pushed.lock().unwrap().insert((number, sequence));
    }
    std::process::abort();
}

#[test]
fn a01_a04_a10_a_program_killed_at_random_points_loses_nothing_that_it_acknowledged() {
    let runs = number_from("THINGFLOW_KILL_RUNS", 50);
    let folder = tempfile::tempdir().unwrap();
    let mut draw = Draw::new(number_from("THINGFLOW_KILL_SEED", 1));
    let mut oracle = Oracle::default();
    for run in 0..runs {
        let lines = kill_after(folder.path(), draw.below(400) as usize, oracle.next);
        oracle.hear(&lines);
        let mut store =
            Store::open(Folder::open(folder.path()).unwrap(), Options::new(8 << 20, CommitWindow::default())).unwrap();
        oracle.look(&mut store, run);
    }
    assert!(oracle.acknowledged.len() as u64 > runs, "the child did something");
}

/// Runs the child, feeds it, and kills it after it has said so many lines; gives all that it said.
fn kill_after(folder: &Path, lines: usize, first: u64) -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program)
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || (first..).find(|sequence| writeln!(input, "{sequence}").is_err()));
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said: Vec<String> = output.by_ref().take(lines).map_while(Result::ok).collect();
    child.kill().unwrap();
    // What was said before the kill, and was still in the pipe.
    said.extend(output.map_while(Result::ok));
    child.wait().unwrap();
    feeding.join().unwrap();
    said
}

#[derive(Default)]
struct Oracle {
    /// The next number of the parent's own, never used twice.
    next: u64,
    acknowledged: BTreeSet<u64>,
    got: BTreeSet<u64>,
    /// What the consumer may have acknowledged, so that it need not come again.
    done: u64,
}

impl Oracle {
    fn hear(&mut self, lines: &[String]) {
        let mut last = None;
        for line in lines {
            let Some((kind, sequence)) = line.split_once(' ') else { continue };
            let Ok(sequence) = sequence.parse::<u64>() else { continue };
            match kind {
                "a" => drop(self.acknowledged.insert(sequence)),
                "g" => {
                    assert!(last.is_none_or(|last| last < sequence), "{sequence} after {last:?}");
                    last = Some(sequence);
                    self.got.insert(sequence);
                    if sequence % 3 == 0 {
                        self.done = self.done.max(sequence);
                    }
                }
                _ => {}
            }
        }
        let heard = self.acknowledged.iter().chain(&self.got).max().copied().unwrap_or(0);
        // More may have been pushed than was said: a pipe holds at most 64 KiB of lines.
        self.next = self.next.max(heard) + 100_000;
    }

    /// Everything acknowledged has been got, or is still there, in order.
    fn look(&mut self, store: &mut Store, run: u64) {
        let mut left = Vec::new();
        loop {
            let records = store.next("one", 1 << 20).unwrap_or_default();
            if records.is_empty() {
                break;
            }
            for record in records {
                let sequence = u64::from_le_bytes(record.payload[..8].try_into().unwrap());
                assert!(
                    record.resent || !self.got.contains(&sequence),
                    "run {run}: {sequence} comes again without a mark"
                );
                left.push(sequence);
            }
        }
        assert!(left.windows(2).all(|pair| pair[0] < pair[1]), "run {run}: out of order");
        let lost = self
            .acknowledged
            .iter()
            .find(|sequence| !self.got.contains(sequence) && left.binary_search(sequence).is_err());
        assert!(lost.is_none(), "run {run}: {lost:?} was acknowledged and is lost");
        let held = self.got.range(self.done + 1..).find(|sequence| left.binary_search(sequence).is_err());
        assert!(held.is_none(), "run {run}: {held:?} was never acknowledged by the consumer, and does not come again");
        if let Ok(counts) = store.counts("one") {
            assert!(counts.is_conserved() && counts.lost == 0, "run {run}: {counts:?}");
        }
    }
}

/// Ten minutes of ten events of 100 bytes a second, acknowledged at once, with a commit each so many events. Bytes in blocks that were
/// synced, for each byte of payload, with and without the position of the consumer, which is synced once a second at most.
fn wear(events_a_commit: u64) -> (f64, f64) {
    let disk = Model::new(1);
    let mut store = Store::open(disk, Options::new(8 << 20, CommitWindow::default())).unwrap();
    store.open_consumer("cloud", Start::Oldest).unwrap();
    let (mut commits, mut synced) = (0, 0);
    for event in 1..=6_000_u64 {
        store.push(event as i64, &[7; 100]).unwrap();
        if event % events_a_commit == 0 {
            store.commit().unwrap();
            commits += 1;
            let records = store.next("cloud", 1 << 20).unwrap();
            store.acknowledge("cloud", records.last().unwrap().number).unwrap();
        }
        if event % 10 == 0 && store.has_unsynced_positions() {
            store.sync_positions().unwrap();
            synced += 1;
        }
    }
    let wear = store.wear();
    assert_eq!((wear.stored, commits), (600_000, 6_000 / events_a_commit));
    let records = (wear.written - synced * 4096) as f64 / wear.stored as f64;
    (wear.ratio().unwrap(), records)
}

#[test]
fn a31_what_is_written_for_a_stored_byte_is_told_and_the_window_is_the_knob() {
    let (all, records) = wear(1); // a window of 50 ms: each is a commit
    assert!((41.0..=45.0).contains(&records) && all < 47.0, "{all}, of which the records {records}");
    let (all, records) = wear(50); // a window of 5 s
    assert!((1.24..=2.0).contains(&records) && all < 3.0, "{all}, of which the records {records}");
    let (all, _) = wear(600); // of a minute
    assert!(all < 1.5, "{all}");
}
