//! Disks that are slow or full, limits, and what is heard upstream.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, OutletStats, Policy};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::tracking::{Outcome, Tracker};
use thingflow_journal::model::{Model, Operation};
use thingflow_journal::{Range, SyncPoint, inspect};

use super::hooked::{Hooked, Hooks};
use super::{Reading, SECOND, Server, assert_conserved, on_disk, reading, sample};

/// Files whose syncs wait while somebody holds the gate.
struct Gate(Arc<Mutex<()>>);

impl Hooks for Gate {
    fn syncs(&self, _: SyncPoint) {
        let _open = self.0.lock().unwrap();
    }
}

#[test]
fn a01_a_commit_that_takes_long_holds_up_neither_the_reactor_nor_what_else_it_does() {
    let (disk, dead, gate) = (Model::new(1), Model::new(2), Arc::new(Mutex::new(())));
    let gated = Hooked::new(disk, Gate(gate.clone()));
    let mut scheduler = Scheduler::new().unwrap();
    let mut outbox = Outbox::open_on(gated, dead, Options::new(4 << 20, CommitWindow::every(Duration::ZERO))).unwrap();
    let seen = Recorder::new();
    outbox.port("server", Outlet::default()).unwrap().acknowledge().connect(seen.clone());
    let closed = gate.lock().unwrap();
    let (meter, ticks) = (outbox.meter("server"), Rc::new(RefCell::new(0)));
    let (readings, counted) = (from_iter((0..1000).map(reading)).output(), ticks.clone());
    readings.connect(outbox.input());
    readings.connect(call(move |_| *counted.borrow_mut() += 1));
    scheduler.schedule_recurring(readings).unwrap();
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    while *ticks.borrow() < 1000 {
        scheduler.turn(Some(SECOND)).unwrap(); // with the disk at a standstill
    }
    assert_eq!((meter.stats().waiting, seen.events().len()), (1000, 0));
    drop(closed);
    scheduler.run_forever().unwrap();
    assert_eq!(seen.events().len(), 1000);
    assert_conserved(meter.stats());
}

/// A bounded outbox whose peer never comes: what was taken, how many readings the source has given, and the counts.
fn overfilled(policy: Policy) -> (u64, OutletStats, Vec<u64>) {
    let (disk, dead, server) = (Model::new(1), Model::new(2), Server::default());
    let options = Options::new(512 << 10, CommitWindow::default()).buffer_bytes(16 << 10).policy(policy);
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = Outbox::open_on(disk, dead, options).unwrap();
    server.set_away(true);
    server.connect("server", &mut outbox, Outlet::default().in_flight(10_usize), &scheduler);
    let readings = from_iter((0..12_000).map(reading)).output();
    readings.connect(outbox.input());
    let given = readings.port().clone();
    scheduler.schedule_periodic(readings, Duration::from_millis(1)).unwrap();
    let meter = outbox.meter("server");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    for _ in 0..13 {
        scheduler.run_for(SECOND).unwrap();
        assert_conserved(meter.stats());
    }
    let (taken, full) = (given.events(), meter.stats());
    server.set_away(false);
    scheduler.run_forever().unwrap();
    assert_conserved(meter.stats());
    assert_eq!(meter.stats().waiting, 0);
    let numbers: Vec<u64> = server.values().iter().map(|event| event.ts.as_nanos() as u64 / 1_000_000_000).collect();
    assert!(numbers.is_sorted());
    (taken, full, numbers)
}

#[test]
fn a09_a34_at_the_limit_the_source_waits() {
    let (taken, full, numbers) = overfilled(Policy::Block);
    assert!(taken < 12_000, "{taken} were taken");
    assert_eq!((full.taken, full.dropped()), (taken, 0));
    assert_eq!(numbers, (0..12_000).collect::<Vec<_>>(), "it goes on when there is room, and nothing is missing");
}

#[test]
fn a09_a34_at_the_limit_the_oldest_make_room() {
    let (taken, full, numbers) = overfilled(Policy::DropOldest);
    assert_eq!((taken, full.taken), (12_000, 12_000));
    assert!(full.limits.bytes > 0, "{full}");
    assert_eq!(numbers.last(), Some(&11_999));
}

#[test]
fn a09_a34_at_the_limit_the_newest_are_dropped() {
    let (taken, full, numbers) = overfilled(Policy::DropNewest);
    assert_eq!((taken, full.taken), (12_000, 12_000));
    assert!(full.dropped() > 0, "{full}");
    assert_eq!(numbers[..100], (0..100).collect::<Vec<_>>());
}

#[test]
fn a09_a34_a_full_disk_is_reported_and_it_goes_on_when_there_is_space() {
    let (disk, dead, server) = (Model::new(1), Model::new(2), Server::default());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = on_disk(&disk, &dead);
    server.connect("server", &mut outbox, Outlet::default(), &scheduler);
    sample(&scheduler, &outbox, 0..300);
    let (meter, reports) = (outbox.meter("server"), Recorder::new());
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_for(SECOND).unwrap();
    disk.faults(|faults| faults.capacity = Some(0));
    disk.faults(|faults| faults.next = Some((Operation::Write, std::io::ErrorKind::StorageFull, u64::MAX)));
    scheduler.run_for(SECOND).unwrap();
    assert_conserved(meter.stats());
    assert_eq!(server.got().len(), 100, "nothing is sent that is not on the disk");
    assert!(!reports.events().is_empty(), "it says so");
    disk.faults(|faults| (faults.capacity, faults.next) = (None, None));
    scheduler.run_forever().unwrap();
    assert_eq!(server.values(), (0..300).map(reading).collect::<Vec<_>>());
    assert_conserved(meter.stats());
}

#[test]
fn a01_upstream_hears_of_an_event_only_when_it_is_on_the_disk() {
    let (disk, dead) = (Model::new(1), Model::new(2));
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let outbox = on_disk(&disk, &dead);
    let (log, image) = (Rc::new(RefCell::new(Vec::new())), disk.clone());
    let notes = log.clone();
    let upstream = Tracker::new(move |settled, _| {
        assert_eq!(settled.outcome, Outcome::Done);
        let after = image.copy();
        after.cut_power();
        let mut kept = 0;
        inspect::export(&after, Range::all(), |_| kept += 1).unwrap();
        notes.borrow_mut().push((settled.index, kept));
        Ok(())
    });
    let readings = from_iter((0..50).map(reading)).track_by(&upstream, |_| ()).connect(outbox.tracked_input());
    scheduler.schedule_periodic(readings, Duration::from_millis(10)).unwrap();
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_forever().unwrap();
    let log = log.borrow();
    assert_eq!(log.len(), 50);
    assert!(log.iter().all(|(index, kept)| kept > index), "{log:?}");
}

#[test]
fn a01_at_the_end_of_a_run_upstream_hears_what_is_on_the_disk_and_what_is_not() {
    for fails in [false, true] {
        let (disk, dead) = (Model::new(1), Model::new(2));
        let mut scheduler = Scheduler::new().unwrap();
        let window = CommitWindow::every(Duration::from_secs(3600));
        let outbox = Outbox::<Reading>::open_on(disk.clone(), dead, Options::new(4 << 20, window)).unwrap();
        let outcomes = Rc::new(RefCell::new(Vec::new()));
        let notes = outcomes.clone();
        let upstream = Tracker::new(move |settled, cx| {
            notes.borrow_mut().push(settled.outcome);
            cx.stop();
            Ok(())
        });
        let stopper = scheduler.stopper();
        let stops = call(move |_| stopper.stop());
        let readings = from_iter((0..3).map(reading)).track_by(&upstream, |_| ()).connect(outbox.tracked_input());
        scheduler.schedule_recurring(readings).unwrap();
        scheduler.schedule_later_one_time(from_iter([()]).connect(stops), Duration::from_millis(1)).unwrap();
        scheduler.schedule_on_main_event_loop(outbox).unwrap();
        if fails {
            disk.faults(|faults| faults.capacity = Some(0));
        }
        scheduler.run_forever().unwrap();
        let expected = if fails { Outcome::Abandoned } else { Outcome::Done };
        assert_eq!(*outcomes.borrow(), vec![expected; 3]);
    }
}
