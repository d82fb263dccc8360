//! What is refused for good, does not fit, or is of another type.

use std::path::Path;

use thingflow_adapters::outbox::{CommitWindow, DeadLetterRecord, Options, Outbox, Outlet, Stored};
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder};
use thingflow_core::tracking::Tracked;
use thingflow_core::{Batch, Delivery, Limit, Refusal, StreamError};
use thingflow_journal::model::Model;
use thingflow_journal::{Folder, Range, inspect};

use super::{Reading, SECOND, Server, assert_conserved, on_disk, options, reading, sample};

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
