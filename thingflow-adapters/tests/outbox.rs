//! Whole flows through an outbox: peers that are away, slow or refuse, limits, ends of all kinds.
#![cfg(feature = "outbox")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use thingflow_adapters::outbox::{
    CommitWindow, DeadLetterRecord, Options, Outbox, Outlet, OutletStats, Policy, Stored,
};
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder};
use thingflow_core::tracking::{Outcome, Tracked, Tracker, Tracking};
use thingflow_core::{Backoff, Batch, Delivery, Limit, Refusal, StreamError, interval};
use thingflow_journal::model::{Model, Operation};
use thingflow_journal::{Entry, File, Files, Folder, Range, SyncPoint, inspect};

type Reading = SensorEvent<f64>;
type Sent = Tracked<Reading, Stored>;

const SECOND: Duration = Duration::from_secs(1);

fn options() -> Options {
    Options::new(4 << 20, CommitWindow::default())
}

fn on_disk(disk: &Model, dead: &Model) -> Outbox<Reading> {
    Outbox::open_on(disk.clone(), dead.clone(), options()).unwrap()
}

fn reading(n: u64) -> Reading {
    SensorEvent::new("lux", Timestamp::from_secs(i64::try_from(n).unwrap()), n as f64 / 3.0)
}

/// What a server has got: numbers in the outbox, values, marks.
#[derive(Clone, Default)]
struct Server {
    got: Arc<Mutex<Vec<(u64, Reading, bool)>>>,
    away: Arc<Mutex<bool>>,
}

impl Server {
    fn set_away(&self, away: bool) {
        *self.away.lock().unwrap() = away;
    }

    fn got(&self) -> Vec<(u64, Reading, bool)> {
        self.got.lock().unwrap().clone()
    }

    fn values(&self) -> Vec<Reading> {
        self.got().into_iter().map(|(_, reading, _)| reading).collect()
    }

    fn take(&self, event: &Sent) {
        let stored = event.metadata().next().unwrap();
        self.got.lock().unwrap().push((stored.number, event.value, stored.resent));
    }

    /// A writer to the server, as an adapter has it. It refuses negative values.
    fn writer(&self) -> impl FnMut(&mut Batch<Sent>) -> Result<(), Refusal> + Send + 'static {
        let server = self.clone();
        move |batch| {
            if *server.away.lock().unwrap() {
                return Err(Refusal::Peer(StreamError::new("connection refused")));
            }
            while let Some(event) = batch.first() {
                if event.value.val < 0.0 {
                    return Err(Refusal::Event { index: 0, error: StreamError::new("negative") });
                }
                server.take(event);
                batch.done(1);
            }
            Ok(())
        }
    }

    /// Connects a writer to a port of an outbox.
    fn connect(&self, name: &str, outbox: &mut Outbox<Reading>, outlet: Outlet, scheduler: &Scheduler) {
        let delivery = Delivery::within(Limit::block(16)).batches_of(8_usize).retry(Backoff::constant(SECOND));
        let (sink, refused) = scheduler.worker(name, self.writer(), delivery).unwrap();
        outbox.port(name, outlet).unwrap().connect(sink);
        refused.connect(outbox.dead_letters());
    }
}

/// Schedules so many readings, one each 10 ms.
fn sample(scheduler: &Scheduler, outbox: &Outbox<Reading>, numbers: std::ops::Range<u64>) {
    let readings = from_iter(numbers.map(reading).collect::<Vec<_>>()).output();
    readings.connect(outbox.input());
    scheduler.schedule_periodic(readings, Duration::from_millis(10)).unwrap();
}

fn assert_conserved(stats: OutletStats) {
    assert!(stats.is_conserved(), "{stats}");
}

#[test]
fn a14_it_stores_while_the_peer_is_away_from_the_start_and_drains_by_itself_a13() {
    let (disk, dead, server) = (Model::new(1), Model::new(2), Server::default());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = on_disk(&disk, &dead);
    server.set_away(true);
    server.connect("server", &mut outbox, Outlet::default(), &scheduler);
    sample(&scheduler, &outbox, 0..500);
    let meter = outbox.meter("server");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();

    scheduler.run_for(4 * SECOND).unwrap();
    assert_eq!((meter.stats().taken, meter.stats().waiting, server.got().len()), (400, 400, 0));
    assert_conserved(meter.stats());
    assert_eq!(meter.stats().oldest, Some(Timestamp::from_nanos(10_000_000)), "the first has waited longest");
    server.set_away(false);
    scheduler.run_for(SECOND).unwrap(); // one step of the back-off
    assert!(server.got().len() >= 400, "{}", meter.stats());
    scheduler.run_forever().unwrap();
    assert_eq!(server.values(), (0..500).map(reading).collect::<Vec<_>>(), "in order, each once, with its own time");
    assert!(server.got().iter().all(|(_, _, resent)| !resent));
    assert_eq!(meter.stats().to_string(), "500 taken = 500 delivered + 0 waiting + 0 dropped + 0 dead + 0 lost");
    assert_eq!(meter.stats().oldest, None);
}

#[test]
fn a10_a_clean_end_resends_nothing_that_was_delivered() {
    let (disk, dead, server) = (Model::new(1), Model::new(2), Server::default());
    for run in 0..3 {
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let mut outbox = on_disk(&disk, &dead);
        server.connect("server", &mut outbox, Outlet::default(), &scheduler);
        sample(&scheduler, &outbox, run * 100..run * 100 + 100);
        scheduler.schedule_on_main_event_loop(outbox).unwrap();
        if run == 1 {
            scheduler.run_for(Duration::from_millis(505)).unwrap();
            scheduler.stopper().stop();
        }
        scheduler.run_forever().unwrap();
        disk.kill(); // a clean end needs nothing of the process
    }
    let expected: Vec<_> = (0..150).chain(200..300).map(reading).collect();
    assert_eq!(server.values(), expected);
    assert!(server.got().iter().all(|(_, _, resent)| !resent));
}

#[test]
fn a10_what_was_handed_out_and_not_acknowledged_comes_again_with_a_mark() {
    let (disk, dead, server) = (Model::new(1), Model::new(2), Server::default());
    {
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let mut outbox = on_disk(&disk, &dead);
        server.set_away(true);
        server.connect("server", &mut outbox, Outlet::default().in_flight(10_usize), &scheduler);
        sample(&scheduler, &outbox, 0..100);
        scheduler.schedule_on_main_event_loop(outbox).unwrap();
        scheduler.run_for(2 * SECOND).unwrap();
        scheduler.stopper().stop();
        scheduler.stop_within(Duration::ZERO);
        scheduler.run_forever().unwrap();
    }
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = on_disk(&disk, &dead);
    server.set_away(false);
    server.connect("server", &mut outbox, Outlet::default(), &scheduler);
    let meter = outbox.meter("server");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(server.values(), (0..100).map(reading).collect::<Vec<_>>());
    let marks: Vec<bool> = server.got().iter().map(|(_, _, resent)| *resent).collect();
    assert_eq!(marks.iter().filter(|resent| **resent).count(), 10, "those that were on their way");
    assert!(marks[..10].iter().all(|resent| *resent));
    assert_eq!(meter.stats().resent, 10);
}

#[test]
fn a12_a_dead_peer_holds_up_nobody_else() {
    let (disk, dead) = (Model::new(1), Model::new(2));
    let (healthy, gone) = (Server::default(), Server::default());
    gone.set_away(true);
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = on_disk(&disk, &dead);
    gone.connect("gone", &mut outbox, Outlet::default(), &scheduler);
    healthy.connect("healthy", &mut outbox, Outlet::default(), &scheduler);
    let readings = from_iter((0..3000).map(reading)).output();
    readings.connect(outbox.input());
    scheduler.schedule_periodic(readings, Duration::from_millis(1)).unwrap();
    let meters = [outbox.meter("gone"), outbox.meter("healthy")];
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    for tenth in 1..=30 {
        scheduler.run_for(Duration::from_millis(100)).unwrap();
        assert_eq!(healthy.got().len(), tenth * 100, "it has all of the 1,000 a second at once");
        meters.iter().for_each(|meter| assert_conserved(meter.stats()));
    }
    assert_eq!((meters[0].stats().delivered, meters[0].stats().waiting), (0, 3000));
    scheduler.stopper().stop();
    scheduler.stop_within(Duration::ZERO);
    scheduler.run_forever().unwrap();
}

/// For an hour of the virtual clock, a burst each second: 20 events, or `THINGFLOW_DEAD_HOUR_HZ`.
#[test]
fn a12_a_peer_that_is_dead_for_an_hour_holds_up_nobody_else() {
    let hertz = std::env::var("THINGFLOW_DEAD_HOUR_HZ").ok().and_then(|n| n.parse().ok()).unwrap_or(20_usize);
    let (disk, dead) = (Model::new(1), Model::new(2));
    let (healthy, gone) = (Server::default(), Server::default());
    gone.set_away(true);
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let options = Options::new(1 << 20, CommitWindow::default()).policy(Policy::DropOldest).buffer_bytes(256 << 10);
    let mut outbox = Outbox::open_on(disk, dead, options).unwrap();
    gone.connect("gone", &mut outbox, Outlet::default(), &scheduler);
    let delivery = Delivery::within(Limit::block(4096)).batches_of(1024_usize);
    let (sink, _) = scheduler.worker("healthy", healthy.writer(), delivery).unwrap();
    outbox.port("healthy", Outlet::default()).unwrap().connect(sink);
    let bursts = from_iter((0..).map(move |n: u64| vec![reading(n); hertz])).flatten().connect(outbox.input());
    scheduler.schedule_periodic(bursts, SECOND).unwrap();
    let meters = [outbox.meter("gone"), outbox.meter("healthy")];
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    for minute in 1..=60 {
        scheduler.run_for(60 * SECOND).unwrap();
        assert_eq!(healthy.got().len(), minute * 60 * hertz, "it has all of them at once");
        meters.iter().for_each(|meter| assert_conserved(meter.stats()));
    }
    let [gone, healthy] = meters.map(|meter| meter.stats());
    assert_eq!((healthy.dropped(), healthy.waiting, gone.delivered), (0, 0, 0), "{gone}, {healthy}");
    assert!(gone.limits.bytes > 0 && gone.waiting > 0, "{gone}");
    scheduler.stopper().stop();
    scheduler.stop_within(Duration::ZERO);
    scheduler.run_forever().unwrap();
}

#[test]
fn a32_an_output_gets_other_settings_while_all_goes_on() {
    let (disk, dead) = (Model::new(1), Model::new(2));
    let [old, new, archive] = [(); 3].map(|()| Server::default());
    old.set_away(true);
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = on_disk(&disk, &dead);
    let port = outbox.port("server", Outlet::default()).unwrap();
    let delivery = || Delivery::within(Limit::block(16)).batches_of(8_usize).retry(Backoff::constant(SECOND));
    let (sink, _) = scheduler.worker("old", old.writer(), delivery()).unwrap();
    let connection = port.connect(sink);
    archive.connect("archive", &mut outbox, Outlet::default(), &scheduler);
    sample(&scheduler, &outbox, 0..400);
    let meters = [outbox.meter("server"), outbox.meter("archive")];
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_for(SECOND).unwrap();
    // Another address, another size of batches; what the old writer had in hand goes back.
    let (sink, _) = scheduler.worker("new", new.writer(), delivery().batches_of(64_usize)).unwrap();
    assert!(port.replace(&connection, sink).is_ok());
    for tenth in 11..=30 {
        scheduler.run_for(Duration::from_millis(100)).unwrap();
        assert_eq!(archive.got().len(), tenth * 10, "the other one never waits");
        meters.iter().for_each(|meter| assert_conserved(meter.stats()));
    }
    scheduler.run_forever().unwrap();
    let numbers = |server: &Server| server.got().iter().map(|(number, ..)| *number).collect::<Vec<_>>();
    assert!(old.got().is_empty());
    let mut got = numbers(&new);
    got.sort_unstable();
    assert_eq!(got, (1..=400).collect::<Vec<_>>(), "each once");
    assert_eq!(numbers(&archive), got);
    meters.iter().for_each(|meter| assert_eq!(meter.stats().delivered, 400));
}

#[test]
fn a33_what_is_refused_for_good_is_a_dead_letter_with_its_reason_and_never_delivered() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::default());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = Outbox::open(folder.path(), options()).unwrap();
    server.connect("server", &mut outbox, Outlet::default(), &scheduler);
    let values = [1.0, -2.0, 3.0, f64::NAN, -5.0];
    let sensor = SensorOutput::new(ListSensor::new("lux", values));
    sensor.connect(outbox.input());
    let meter = outbox.meter("server");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.schedule_periodic(sensor, SECOND).unwrap();
    scheduler.run_forever().unwrap();

    let got: Vec<String> = server.values().iter().map(|event| event.val.to_string()).collect();
    assert_eq!(got, ["1", "3", "NaN"], "to the last bit, a NaN too");
    let stats = meter.stats();
    assert_eq!((stats.delivered, stats.dead, stats.waiting), (3, 2, 0), "{stats}");
    assert_conserved(stats);
    let letters = letters(&folder.path().join("dead"));
    let told: Vec<_> = letters.iter().map(|letter| (letter.outlet.as_str(), letter.reason.as_str())).collect();
    assert_eq!(told, [("server", "negative"); 2]);
    let event: Reading = thingflow_adapters::outbox::code::decode(&letters[1].event).unwrap();
    assert_eq!((event.val, event.ts), (-5.0, Timestamp::from_secs(5)));
}

#[test]
fn a33_what_is_refused_in_another_form_is_kept_as_the_outbox_took_it() {
    let (folder, mut scheduler) = (tempfile::tempdir().unwrap(), Scheduler::virtual_time().unwrap());
    let mut outbox = Outbox::open(folder.path(), options()).unwrap();
    let refuse = |_: &mut Batch<Tracked<String, Stored>>| -> Result<(), Refusal> {
        Err(Refusal::Event { index: 0, error: StreamError::new("no room for texts") })
    };
    let (writer, refused) = scheduler.worker("server", refuse, Delivery::within(Limit::block(16))).unwrap();
    let port = outbox.port("server", Outlet::default()).unwrap();
    port.map_value(|event: Reading| event.to_string()).connect(writer);
    refused.connect(outbox.dead_letters());
    sample(&scheduler, &outbox, 0..2);
    let meter = outbox.meter("server");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!((meter.stats().delivered, meter.stats().dead), (0, 2));
    let kept: Vec<Reading> = letters(&folder.path().join("dead"))
        .iter()
        .map(|letter| thingflow_adapters::outbox::code::decode(&letter.event).unwrap())
        .collect();
    assert_eq!(kept, [reading(0), reading(1)]);
}

fn letters(folder: &Path) -> Vec<DeadLetterRecord> {
    let mut letters = Vec::new();
    let files = Folder::open_existing(folder).unwrap();
    inspect::export(&files, Range::all(), |record| letters.extend(DeadLetterRecord::decode(&record.payload).unwrap()))
        .unwrap();
    letters
}

#[test]
fn a33_an_event_that_fails_on_the_reactor_is_a_dead_letter_too() {
    let (disk, dead, seen) = (Model::new(1), Model::new(2), Recorder::new());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = on_disk(&disk, &dead);
    let port = outbox.port("strict", Outlet::default()).unwrap();
    let checked = |event: Reading| if event.val < 1.0 { Err("too small") } else { Ok(event.val) };
    port.try_map_value(checked).acknowledge().connect(seen.clone());
    sample(&scheduler, &outbox, 0..6);
    let meter = outbox.meter("strict");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(seen.events(), [1.0, 4.0 / 3.0, 5.0 / 3.0]);
    assert_eq!((meter.stats().delivered, meter.stats().dead), (3, 3));
}

#[test]
fn a33_what_a_writer_refuses_is_a_dead_letter_although_nobody_takes_it() {
    let (disk, dead, server) = (Model::new(1), Model::new(2), Server::default());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = on_disk(&disk, &dead);
    let (sink, _) = scheduler.worker("server", server.writer(), Delivery::within(Limit::block(16))).unwrap();
    outbox.port("server", Outlet::default()).unwrap().connect(sink);
    let sensor = SensorOutput::new(ListSensor::new("lux", [1.0, -2.0, 3.0]));
    sensor.connect(outbox.input());
    let meter = outbox.meter("server");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.schedule_periodic(sensor, SECOND).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!((meter.stats().delivered, meter.stats().dead, server.got().len()), (2, 1, 2));
}

/// Files whose syncs wait while somebody holds the gate.
#[derive(Debug)]
struct Gated {
    files: Model,
    gate: Arc<Mutex<()>>,
}

#[derive(Debug)]
struct GatedFile(Box<dyn File>, Arc<Mutex<()>>);

impl Files for Gated {
    fn list(&self) -> io::Result<Vec<Entry>> {
        self.files.list()
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        Ok(Box::new(GatedFile(self.files.open(name)?, self.gate.clone())))
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        Ok(Box::new(GatedFile(self.files.create(name)?, self.gate.clone())))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.files.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name)
    }
    fn sync_folder(&self, point: SyncPoint) -> io::Result<()> {
        self.files.sync_folder(point)
    }
    fn folder_bytes(&self) -> io::Result<u64> {
        self.files.folder_bytes()
    }
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send>>> {
        self.files.lock(name)
    }
    fn describe(&self) -> String {
        self.files.describe()
    }
}

impl File for GatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.0.allocate(bytes)
    }
    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.0.truncate(bytes)
    }
    fn sync_data(&self, point: SyncPoint) -> io::Result<()> {
        let _open = self.1.lock().unwrap();
        self.0.sync_data(point)
    }
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn allocated(&self) -> io::Result<u64> {
        self.0.allocated()
    }
}

#[test]
fn a01_a_commit_that_takes_long_holds_up_neither_the_reactor_nor_what_else_it_does() {
    let (disk, dead, gate) = (Model::new(1), Model::new(2), Arc::new(Mutex::new(())));
    let gated = Gated { files: disk, gate: gate.clone() };
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

#[test]
fn an_abandoned_event_is_sent_again_first_and_marked() {
    let (disk, dead, seen) = (Model::new(1), Model::new(2), Rc::new(RefCell::new(Vec::new())));
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = on_disk(&disk, &dead);
    let port = outbox.port("client", Outlet::default().in_flight(1_usize)).unwrap();
    let (notes, mut tries) = (seen.clone(), 0);
    port.for_each(move |event: Sent| {
        let stored = event.metadata().next().unwrap();
        notes.borrow_mut().push((stored.number, stored.resent));
        tries += 1;
        if tries == 2 { event.abandon() } else { drop(event) }
    });
    sample(&scheduler, &outbox, 0..3);
    let meter = outbox.meter("client");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(*seen.borrow(), [(1, false), (2, false), (2, true), (3, false)]);
    assert_eq!(scheduler.now().since(Instant::ZERO), Duration::from_millis(1020), "a second later");
    assert_eq!((meter.stats().delivered, meter.stats().resent), (3, 1));
    assert_conserved(meter.stats());
}

#[test]
fn what_a_queue_drops_behind_an_outbox_is_sent_again() {
    for limit in [Limit::drop_oldest(4), Limit::drop_newest(4)] {
        let (disk, dead, server) = (Model::new(1), Model::new(2), Server::default());
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let mut outbox = on_disk(&disk, &dead);
        server.set_away(true);
        let delivery = Delivery::within(limit).batches_of(8_usize).retry(Backoff::constant(SECOND));
        let (sink, _refused) = scheduler.worker("server", server.writer(), delivery).unwrap();
        outbox.port("server", Outlet::default()).unwrap().connect(sink);
        sample(&scheduler, &outbox, 0..100);
        let meter = outbox.meter("server");
        scheduler.schedule_on_main_event_loop(outbox).unwrap();

        scheduler.run_for(10 * SECOND).unwrap();
        assert_eq!((meter.stats().taken, meter.stats().delivered), (100, 0), "{}", meter.stats());
        assert_conserved(meter.stats());
        server.set_away(false);
        scheduler.run_forever().unwrap();
        assert_eq!(meter.stats().to_string(), "100 taken = 100 delivered + 0 waiting + 0 dropped + 0 dead + 0 lost");
        let numbers: BTreeSet<_> = server.got().into_iter().map(|(number, ..)| number).collect();
        assert_eq!((numbers.len(), server.got().len()), (100, 100), "each once");
    }
}

#[test]
fn a13_live_events_get_their_share_while_a_backlog_drains() {
    let (disk, dead, server) = (Model::new(1), Model::new(2), Server::default());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = on_disk(&disk, &dead);
    let outlet = Outlet::default().in_flight(8_usize).newest_one_in(4);
    // A writer that takes an event in 5 ms, twice as fast as they come.
    let port = outbox.port("server", outlet).unwrap();
    let slow = server.clone();
    server.set_away(true);
    let away = server.away.clone();
    let busy = Rc::new(RefCell::new(Vec::<Sent>::new()));
    let hands = busy.clone();
    port.for_each(move |event: Sent| hands.borrow_mut().push(event));
    scheduler
        .schedule_recurring(interval(Duration::from_millis(5)).for_each(move |_| {
            if !*away.lock().unwrap() && !busy.borrow().is_empty() {
                let event = busy.borrow_mut().remove(0);
                slow.take(&event);
            }
        }))
        .unwrap();
    sample(&scheduler, &outbox, 0..600);
    let meter = outbox.meter("server");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_for(3 * SECOND).unwrap();
    assert_conserved(meter.stats());
    server.set_away(false);
    scheduler.run_for(SECOND).unwrap();
    let first = server.got().len();
    let live = server.got().iter().filter(|(number, ..)| *number > 300).count();
    assert!(live * 5 > first, "{live} of the first {first} are live ones");
    for _ in 0..5 {
        scheduler.run_for(SECOND).unwrap();
        assert_conserved(meter.stats());
    }
    let numbers: Vec<u64> = server.got().iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers.len(), 600, "none twice");
    assert_eq!(numbers.iter().copied().collect::<BTreeSet<_>>(), (1..=600).collect());
    assert_eq!((meter.stats().delivered, meter.stats().waiting), (600, 0));
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

#[derive(Clone, serde::Serialize, serde::Deserialize, PartialEq, Debug)]
struct Picture {
    bytes: Vec<u8>,
}

#[test]
fn an_event_that_does_not_fit_is_dropped_counted_and_reported() {
    let (disk, dead) = (Model::new(1), Model::new(2));
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = Outbox::open_on(disk, dead, Options::new(512 << 10, CommitWindow::default())).unwrap();
    let (seen, reports) = (Recorder::new(), Recorder::new());
    outbox.port("album", Outlet::default()).unwrap().acknowledge().connect(seen.clone());
    let pictures = [10, 1 << 20, 20].map(|n| Picture { bytes: vec![1; n] });
    scheduler.schedule_recurring(from_iter(pictures.clone()).connect(outbox.input())).unwrap();
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let meter = outbox.meter("album");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(seen.events(), [pictures[0].clone(), pictures[2].clone()]);
    assert_eq!(meter.stats().to_string(), "3 taken = 2 delivered + 0 waiting + 1 dropped (unfit 1) + 0 dead + 0 lost");
    assert!(reports.events()[0].starts_with("outbox: cannot store an event: invalid record: at most"), "{reports:?}");
}

#[test]
fn a_record_of_another_type_is_a_dead_letter_and_holds_up_nothing() {
    let (disk, dead) = (Model::new(1), Model::new(2));
    {
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let mut outbox = Outbox::open_on(disk.clone(), dead.clone(), options()).unwrap();
        outbox.port("album", Outlet::default()).unwrap();
        let old = [Picture { bytes: vec![7] }];
        scheduler.schedule_recurring(from_iter(old).connect(outbox.input())).unwrap();
        scheduler.schedule_on_main_event_loop(outbox).unwrap();
        scheduler.run_for(SECOND).unwrap();
        scheduler.stopper().stop();
        scheduler.run_forever().unwrap();
    }
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = on_disk(&disk, &dead);
    let seen = Recorder::new();
    outbox.port("album", Outlet::default()).unwrap().acknowledge().connect(seen.clone());
    sample(&scheduler, &outbox, 0..2);
    let meter = outbox.meter("album");
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(seen.events(), [reading(0), reading(1)]);
    assert_eq!((meter.stats().dead, meter.stats().delivered), (1, 2));
}

#[derive(Clone, serde::Serialize, serde::Deserialize, PartialEq, Debug)]
struct Old {
    val: f64,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, PartialEq, Debug)]
struct New {
    #[serde(default)]
    unit: Option<String>,
    val: f64,
}

#[test]
fn a36_a_later_version_of_a_program_reads_what_an_earlier_one_has_stored() {
    let mut bytes = Vec::new();
    thingflow_adapters::outbox::code::encode(&Old { val: 0.1 }, &mut bytes).unwrap();
    let new: New = thingflow_adapters::outbox::code::decode(&bytes).unwrap();
    assert_eq!(new, New { unit: None, val: 0.1 });
    bytes[0] = 99;
    let refused = thingflow_adapters::outbox::code::decode::<New>(&bytes).unwrap_err();
    assert_eq!(refused.to_string(), "invalid encoding 99: this version reads 1; use the version that wrote it");
}

/// What a peer does with what comes.
#[derive(Clone, Copy, Debug)]
enum Course {
    Take,
    Fail,
    Abandon,
    Hold,
}

fn courses() -> impl Strategy<Value = Vec<Course>> {
    let course = prop_oneof![
        6 => Just(Course::Take), 1 => Just(Course::Fail), 1 => Just(Course::Abandon), 3 => Just(Course::Hold)
    ];
    prop::collection::vec(course, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However readers treat the events, and whenever the run ends, each is delivered or a dead letter once for each port,
    /// but for those that were done before an earlier one was, which come again with a mark; and the counts add up at every
    /// moment.
    #[test]
    fn a34_nothing_is_lost_or_doubled_whatever_readers_do(
        one in courses(), two in courses(), end in 0_u64..600, seed: u64, share in 0_u32..5,
    ) {
        let (disk, dead) = (Model::new(seed), Model::new(seed ^ 1));
        let ended = Ended::default();
        let outlet = Outlet::default().in_flight(4_usize).retry(Backoff::constant(Duration::from_millis(50)));
        let outlet = if share == 0 { outlet } else { outlet.newest_one_in(share) };
        let mut given = 0;
        for courses in [[one, two], [vec![], vec![]]] {
            let mut scheduler = Scheduler::virtual_time().unwrap();
            let mut outbox = on_disk(&disk, &dead);
            let is_last = courses[0].is_empty();
            let mut meters = Vec::new();
            for (i, courses) in courses.into_iter().enumerate() {
                let name = ["one", "two"][i];
                outbox.port(name, outlet.clone()).unwrap().connect(reader(courses, ended.clone(), i));
                meters.push(outbox.meter(name));
            }
            if is_last {
                scheduler.schedule_on_main_event_loop(outbox).unwrap();
                scheduler.run_forever().unwrap();
                meters.iter().for_each(|meter| assert_conserved(meter.stats()));
                continue;
            }
            let readings = from_iter((0..40).map(reading)).output();
            readings.connect(outbox.input());
            let port = readings.port().clone();
            scheduler.schedule_periodic(readings, Duration::from_millis(10)).unwrap();
            scheduler.schedule_on_main_event_loop(outbox).unwrap();
            for _ in 0..=end / 50 {
                scheduler.run_for(Duration::from_millis(end.min(50))).unwrap();
                meters.iter().for_each(|meter| assert_conserved(meter.stats()));
            }
            given = port.events();
            scheduler.stopper().stop();
            scheduler.stop_within(Duration::ZERO);
            scheduler.run_forever().unwrap();
        }
        for ended in &mut *ended.borrow_mut() {
            ended.sort_unstable();
            ended.dedup_by(|again, before| again.1 && again.0 == before.0);
            let ended: Vec<i64> = ended.iter().map(|(seconds, _)| *seconds).collect();
            prop_assert_eq!(ended, (0..given as i64).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whenever the power goes or the process is killed, what upstream was told is there comes out of the next run, in order;
    /// what comes again has a mark.
    #[test]
    fn a01_a10_a_crash_at_any_operation_loses_nothing_that_was_acknowledged(
        seed: u64, crashes in prop::collection::vec((1_u64..250, any::<bool>()), 1..4),
    ) {
        let (disk, dead) = (Model::new(seed), Model::new(seed ^ 1));
        let (told, got) = (Rc::new(RefCell::new(BTreeSet::new())), Rc::new(RefCell::new(Vec::new())));
        let mut first = 0;
        for crash in crashes.iter().copied().map(Some).chain([None]) {
            if let Some((operations, _)) = crash {
                disk.stop_after(operations);
            }
            first += 1000;
            flow(&disk, &dead, first..first + if crash.is_some() { 40 } else { 0 }, &told, &got);
            match crash {
                Some((_, true)) => disk.cut_power(),
                _ => disk.kill(),
            }
        }
        let (mut seen, mut last) = (BTreeSet::new(), 0);
        for (number, seconds, resent) in got.borrow().iter().copied() {
            prop_assert!(seen.insert(seconds) || resent, "{seconds} comes again without a mark");
            prop_assert!(number > last || resent, "{number} comes behind {last}");
            last = number;
        }
        let lost: Vec<_> = told.borrow().difference(&seen).copied().collect();
        prop_assert!(lost.is_empty(), "{lost:?} were acknowledged and are lost");
    }
}

type Told = Rc<RefCell<BTreeSet<i64>>>;
type Got = Rc<RefCell<Vec<(u64, i64, bool)>>>;

/// Runs a flow until its source has ended, or its disk has crashed: what was acknowledged upstream, and what came out.
fn flow(disk: &Model, dead: &Model, numbers: std::ops::Range<u64>, told: &Told, got: &Got) {
    let Ok(mut outbox) = Outbox::open_on(disk.clone(), dead.clone(), options().segment_bytes(8192)) else { return };
    let Ok(port) = outbox.port("server", Outlet::default()) else { return };
    let notes = got.clone();
    port.for_each(move |event: Sent| {
        let stored = event.metadata().next().unwrap();
        notes.borrow_mut().push((stored.number, event.value.ts.as_nanos(), stored.resent));
    });
    let (notes, image) = (told.clone(), disk.clone());
    let upstream = Tracker::new(move |settled: thingflow_core::tracking::Settled<i64>, _| {
        if settled.outcome == Outcome::Done && !image.is_stopped() {
            notes.borrow_mut().insert(settled.meta);
        }
        Ok(())
    });
    let readings = from_iter(numbers.map(reading).collect::<Vec<_>>()).track_by(&upstream, |event| event.ts.as_nanos());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    scheduler.schedule_periodic(readings.connect(outbox.tracked_input()), Duration::from_millis(10)).unwrap();
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_for(SECOND).unwrap();
    scheduler.stopper().stop();
    scheduler.run_forever().unwrap();
}

/// The times of events that were done with, and whether they were marked, for each port.
type Ended = Rc<RefCell<[Vec<(i64, bool)>; 2]>>;

/// A reader that treats events as it is told, and notes those that it was done with.
fn reader(courses: Vec<Course>, ended: Ended, i: usize) -> impl Sink<Event = Sent> {
    let (mut courses, mut held) = (courses.into_iter(), Vec::new());
    let note = move |event: &Sent| {
        let resent = event.metadata().any(|stored| stored.resent);
        ended.borrow_mut()[i].push((event.value.ts.as_nanos() / 1_000_000_000, resent));
    };
    call(move |event: Sent| {
        match courses.next().unwrap_or(Course::Take) {
            Course::Hold if held.len() < 2 => return held.push(event),
            Course::Abandon => event.abandon(),
            Course::Fail => {
                note(&event);
                event.fail(StreamError::new("no"));
            }
            Course::Hold | Course::Take => note(&event),
        }
        held.drain(..).for_each(|event| note(&event));
    })
}
