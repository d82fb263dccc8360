//! The journal behind its thread: nobody waits for a disk, and nothing is forgotten.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support {
    pub(crate) mod hooked;
}

use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::time::Duration;

use thingflow_journal::model::{Model, Operation};
use thingflow_journal::{
    BootClock, CommitWindow, Error, Full, Journal, Options, Policy, PushError, Range, Start, Store, SyncPoint,
};

use support::hooked::{Hooked, Hooks};

/// Long enough for any machine; only a test that fails waits for it.
const LONG: Duration = Duration::from_secs(60);

/// A window that no test waits for.
fn never() -> CommitWindow {
    CommitWindow::every(Duration::from_secs(3600))
}

fn options(window: CommitWindow) -> Options {
    Options::new(1 << 20, window)
}

/// A channel that is sent to at each notification.
fn bell(journal: &Journal) -> Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    journal.notify(move || {
        let _ = sender.send(());
    });
    receiver
}

#[test]
fn a02_a_lone_record_commits_within_the_window_without_a_second_one() {
    let journal = Journal::open_on(Model::new(1), options(CommitWindow::default())).unwrap();
    let bell = bell(&journal);
    let number = journal.writer().push(5, b"alone").unwrap();
    while journal.durable() < number {
        bell.recv_timeout(LONG).expect("the window ends");
    }
}

#[test]
fn a02_count_and_bytes_end_the_window() {
    for window in [never().count(3), never().bytes(3 * (24 + 10))] {
        let journal = Journal::open_on(Model::new(1), options(window)).unwrap();
        let (bell, writer) = (bell(&journal), journal.writer());
        writer.push(0, &[1; 10]).unwrap();
        writer.push(0, &[2; 10]).unwrap();
        assert_eq!(journal.durable(), 0);
        let last = writer.push(0, &[3; 10]).unwrap();
        while journal.durable() < last {
            bell.recv_timeout(LONG).expect("the third record ends the window");
        }
    }
}

#[test]
fn a_sync_does_not_wait_for_the_window() {
    let journal = Journal::open_on(Model::new(1), options(never())).unwrap();
    let number = journal.writer().push(0, b"now").unwrap();
    journal.sync().unwrap();
    assert_eq!(journal.durable(), number);
    journal.sync().unwrap();
}

#[test]
fn consumers_get_every_record_once_in_order_across_segments() {
    let options = Options::new(4 << 20, CommitWindow::default().count(7)).segment_bytes(8192);
    let journal = Journal::open_on(Model::new(1), options).unwrap();
    let mut consumers = ["one", "two"].map(|name| journal.consumer(name, Start::Oldest).unwrap());
    let writer = journal.writer();
    let pushing = std::thread::spawn(move || {
        for number in 0..2_000_u64 {
            writer.push_wait(number as i64, &number.to_le_bytes()).unwrap();
        }
    });
    for expected in 0..2_000_u64 {
        for consumer in &mut consumers {
            let record = consumer.next_within(LONG).expect("it was pushed");
            assert_eq!((record.number, record.time), (expected + 1, expected as i64));
            assert_eq!(record.payload, expected.to_le_bytes());
            assert!(!record.resent);
            consumer.acknowledge(record.number);
            let counts = consumer.counts();
            assert!(counts.is_conserved(), "{counts:?}");
        }
    }
    pushing.join().unwrap();
    drop(consumers);
    journal.close().unwrap();
}

#[test]
fn a_consumer_is_told_when_records_come() {
    let journal = Journal::open_on(Model::new(1), options(CommitWindow::every(Duration::ZERO))).unwrap();
    let mut consumer = journal.consumer("one", Start::Oldest).unwrap();
    let (sender, told) = mpsc::channel();
    consumer.notify(move || {
        let _ = sender.send(());
    });
    assert!(consumer.try_next().is_none());
    journal.writer().push(0, b"here").unwrap();
    told.recv_timeout(LONG).expect("it is told");
    assert_eq!(consumer.try_next().unwrap().payload, b"here");
}

#[test]
fn a10_a_clean_restart_resends_nothing_and_marks_nothing() {
    let disk = Model::new(1);
    let journal = Journal::open_on(disk.clone(), options(CommitWindow::default())).unwrap();
    let mut consumer = journal.consumer("one", Start::Oldest).unwrap();
    let writer = journal.writer();
    for number in 1..=500 {
        writer.push(number, b"x").unwrap();
    }
    for expected in 1..=200 {
        assert_eq!(consumer.next_within(LONG).unwrap().number, expected);
    }
    consumer.acknowledge(200);
    drop(consumer);
    journal.close().unwrap();

    let journal = Journal::open_on(disk, options(CommitWindow::default())).unwrap();
    let mut consumer = journal.consumer("one", Start::Oldest).unwrap();
    for expected in 201..=500 {
        let record = consumer.next_within(LONG).unwrap();
        assert_eq!((record.number, record.resent), (expected, false));
    }
}

#[test]
fn what_a_consumer_took_and_did_not_acknowledge_goes_to_the_next_one() {
    let journal = Journal::open_on(Model::new(1), options(CommitWindow::default())).unwrap();
    let writer = journal.writer();
    for number in 1..=9 {
        writer.push(number, b"x").unwrap();
    }
    let mut first = journal.consumer("one", Start::Oldest).unwrap();
    for _ in 1..=5 {
        first.next_within(LONG).unwrap();
    }
    first.acknowledge(2);
    assert!(matches!(journal.consumer("one", Start::Oldest), Err(Error::ConsumerInUse(_))));
    drop(first);
    let mut second = journal.consumer("one", Start::Oldest).unwrap();
    let rest: Vec<_> = (3..=9).map(|_| second.next_within(LONG).unwrap()).collect();
    let seen: Vec<_> = rest.iter().map(|record| (record.number, record.resent)).collect();
    let expected = [(3, true), (4, true), (5, true), (6, false), (7, false), (8, false), (9, false)];
    assert_eq!(seen, expected);
    second.acknowledge(9);
    drop(second);
    journal.close().unwrap();
}

/// Files whose syncs wait until the test lets them go on.
struct Gate {
    began: Mutex<Option<Sender<()>>>,
    go_on: Mutex<Receiver<()>>,
}

impl Hooks for Gate {
    fn syncs(&self, point: SyncPoint) {
        if point == SyncPoint::Batch {
            let began = self.began.lock().unwrap().clone();
            if began.is_some_and(|began| began.send(()).is_ok()) {
                // An error means that the test lets everything pass.
                let _ = self.go_on.lock().unwrap().recv();
            }
        }
    }
}

fn gated(model: Model) -> (Hooked<Model, Gate>, Receiver<()>, SyncSender<()>) {
    let (began, begins) = mpsc::channel();
    let (go_on, goes_on) = mpsc::sync_channel(100);
    let gate = Gate { began: Mutex::new(Some(began)), go_on: Mutex::new(goes_on) };
    (Hooked::new(model, gate), begins, go_on)
}

#[test]
fn pushes_reads_and_acknowledgements_do_not_wait_for_a_commit() {
    let (files, begins, go_on) = gated(Model::new(1));
    let journal = Journal::open_on(files, options(CommitWindow::every(Duration::ZERO))).unwrap();
    let mut consumer = journal.consumer("one", Start::Oldest).unwrap();
    let writer = journal.writer();
    writer.push(0, b"first").unwrap();
    begins.recv_timeout(LONG).unwrap();
    go_on.send(()).unwrap();
    let first = consumer.next_within(LONG).unwrap();

    writer.push(0, b"second").unwrap();
    begins.recv_timeout(LONG).unwrap();
    // The disk hangs. Everything here returns all the same, or the test never ends.
    for _ in 0..1_000 {
        writer.push(0, b"more").unwrap();
    }
    consumer.acknowledge(first.number);
    assert!(consumer.try_next().is_none(), "not synced, so not delivered");
    assert_eq!(journal.durable(), 1, "not synced, so not acknowledged");
    assert_eq!(consumer.counts().pushed, 1_002);
    assert!(consumer.counts().is_conserved());
    assert!(journal.kept().is_conserved());
    drop(go_on);
    assert_eq!(consumer.next_within(LONG).unwrap().payload, b"second");
    drop(begins);
    drop(consumer);
    journal.close().unwrap();
}

#[test]
fn a09_full_the_policy_that_was_named_acts_and_is_counted() {
    let small = |policy| options(CommitWindow::every(Duration::ZERO)).policy(policy).buffer_bytes(100 * (24 + 8));
    for policy in [Policy::Block, Policy::DropOldest, Policy::DropNewest] {
        let (files, begins, go_on) = gated(Model::new(1));
        let journal = Journal::open_on(files, small(policy)).unwrap();
        let bell = bell(&journal);
        let mut consumer = journal.consumer("one", Start::Oldest).unwrap();
        let writer = journal.writer();
        writer.push(0, &0_u64.to_le_bytes()).unwrap();
        begins.recv_timeout(LONG).unwrap();
        let (mut refused, mut dropped) = (0, 0);
        for number in 1..=150_u64 {
            match writer.push(number as i64, &number.to_le_bytes()) {
                Ok(_) => {}
                Err(PushError::Full) => refused += 1,
                Err(PushError::Dropped) => dropped += 1,
                Err(error) => panic!("{error}"),
            }
            assert!(consumer.counts().is_conserved());
        }
        let expected: Vec<i64> = match policy {
            Policy::Block | Policy::DropNewest => (0..=100).collect(),
            Policy::DropOldest => [0].into_iter().chain(51..=150).collect(),
        };
        assert_eq!(dropped, if policy == Policy::DropNewest { 50 } else { 0 });
        assert_eq!(refused, if policy == Policy::Block { 50 } else { 0 });
        assert_eq!(consumer.counts().dropped.buffer, if policy == Policy::Block { 0 } else { 50 });
        assert_eq!(consumer.counts().pushed, if policy == Policy::Block { 101 } else { 151 });
        drop(go_on);
        let seen: Vec<i64> = expected.iter().map(|_| consumer.next_within(LONG).unwrap().time).collect();
        assert_eq!(seen, expected, "{policy:?}");
        if policy == Policy::Block {
            while !writer.has_room(8) {
                bell.recv_timeout(LONG).expect("there is room again");
            }
            writer.push(151, b"again").unwrap();
        }
        drop(begins);
    }
}

#[test]
fn a09_a_full_disk_is_told_and_acknowledging_makes_room_without_reopening() {
    let disk = Model::new(1);
    disk.faults(|faults| faults.capacity = Some(5 * 65_536));
    let journal = Journal::open_on(disk, options(CommitWindow::default())).unwrap();
    let mut consumer = journal.consumer("one", Start::Oldest).unwrap();
    let writer = journal.writer();
    let mut pushed = 0;
    loop {
        match writer.push(pushed, &[7; 5_000]) {
            Ok(_) => pushed += 1,
            Err(PushError::Full) => match journal.sync() {
                Ok(()) => {}
                Err(Error::Full(Full::Disk)) => break,
                Err(error) => panic!("{error:?}"),
            },
            Err(error) => panic!("{error}"),
        }
    }
    let mut last = 0;
    while last < pushed as u64 {
        let record = consumer.next_within(LONG).expect("acknowledging makes room for the rest");
        consumer.acknowledge(record.number);
        last = record.number;
    }
    journal.sync().unwrap();
    writer.push(pushed, b"goes on").unwrap();
    journal.sync().unwrap();
    assert_eq!(consumer.next_within(LONG).unwrap().payload, b"goes on");
    drop(consumer);
    journal.close().unwrap();
}

#[test]
fn a_failure_is_reported_and_tried_again() {
    let disk = Model::new(1);
    let journal = Journal::open_on(disk.clone(), options(CommitWindow::every(Duration::ZERO))).unwrap();
    let bell = bell(&journal);
    disk.faults(|faults| faults.next = Some((Operation::Sync, std::io::ErrorKind::Other, 1)));
    let number = journal.writer().push(0, b"x").unwrap();
    while journal.durable() < number {
        bell.recv_timeout(LONG).expect("it is tried again");
    }
}

#[test]
fn a25_the_clock_of_a_boot_is_noted_by_the_thread_and_known_to_the_next_process() {
    let disk = Model::new(1);
    let journal = Journal::open_on(disk.clone(), options(never())).unwrap();
    let [unset, set] = [None, Some(1050)].map(|time| BootClock { boot: 7, monotonic: 50, time });
    [unset, unset, set, unset].into_iter().for_each(|note| journal.note_clock(note));
    journal.note_clock(BootClock { boot: 0, ..set }); // no boot
    assert_eq!(journal.clocks(), [set]);
    journal.close().unwrap();
    let journal = Journal::open_on(disk, options(never())).unwrap();
    assert_eq!((journal.clocks(), set.time_at(20)), (vec![set], Some(1020)));
    for boot in 8..40 {
        journal.note_clock(BootClock { boot, ..unset });
    }
    assert_eq!(journal.clocks().iter().map(|clock| clock.boot).collect::<Vec<_>>(), (24..40).collect::<Vec<_>>());
}

#[test]
fn a25_a_note_that_cannot_be_written_is_told_and_kept() {
    let disk = Model::new(1);
    let journal = Journal::open_on(disk.clone(), options(never())).unwrap();
    disk.faults(|faults| faults.capacity = Some(0));
    let news = bell(&journal);
    let note = BootClock { boot: 7, monotonic: 50, time: Some(1050) };
    journal.note_clock(note);
    news.recv_timeout(LONG).unwrap();
    assert!(matches!(journal.take_failure(), Some(Error::Io { .. })));
    disk.faults(|faults| faults.capacity = None);
    journal.close().unwrap(); // tries again
    let journal = Journal::open_on(disk, options(never())).unwrap();
    assert_eq!(journal.clocks(), [note]);
}

#[test]
fn a11_an_idle_journal_does_nothing() {
    let disk = Model::new(1);
    let journal = Journal::open_on(disk.clone(), options(CommitWindow::default())).unwrap();
    let mut consumer = journal.consumer("one", Start::Oldest).unwrap();
    journal.writer().push(0, b"x").unwrap();
    let record = consumer.next_within(LONG).unwrap();
    consumer.acknowledge(record.number);
    let (tick, ticks) = mpsc::channel::<()>();
    // The position is synced within a second; then there is nothing left to do.
    let mut before = disk.operations();
    loop {
        assert!(ticks.recv_timeout(Duration::from_millis(1_500)).is_err());
        let now = disk.operations();
        if now == before {
            break;
        }
        before = now;
    }
    drop(tick);
    assert_eq!(consumer.counts().delivered, 1);
}

#[test]
fn ranges_of_the_past_are_read_beside_consumers() {
    let journal = Journal::open_on(Model::new(1), options(CommitWindow::default())).unwrap();
    let writer = journal.writer();
    for time in 0..1_000 {
        writer.push(time * 10, b"x").unwrap();
    }
    journal.sync().unwrap();
    let mut range = Range::all().times(200..=300);
    let times: Vec<i64> = journal.read(&mut range, 1 << 20).unwrap().iter().map(|record| record.time).collect();
    assert_eq!(times, [200, 210, 220, 230, 240, 250, 260, 270, 280, 290, 300]);
    assert!(journal.read(&mut range, 1 << 20).unwrap().is_empty());
}

#[test]
fn a_closed_journal_takes_and_gives_nothing() {
    let disk = Model::new(1);
    let journal = Journal::open_on(disk.clone(), options(CommitWindow::default())).unwrap();
    let writer = journal.writer();
    let mut consumer = journal.consumer("one", Start::Oldest).unwrap();
    let number = writer.push(0, b"kept").unwrap();
    journal.close().unwrap();
    assert_eq!(writer.push(0, b"x"), Err(PushError::Closed));
    assert_eq!(writer.push_wait(0, b"x"), Err(PushError::Closed));
    while let Some(record) = consumer.next_within(LONG) {
        assert_eq!(record.number, number);
    }
    let mut store = Store::open(disk, options(CommitWindow::default())).unwrap();
    assert!(store.durable() >= number, "a close commits");
    assert!(store.next("one", 1 << 20).is_ok());
}
