//! Peers that are away, slow or dead, and what they get when they come.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, Policy};
use thingflow_core::prelude::*;
use thingflow_core::{Backoff, Delivery, Limit, interval};
use thingflow_journal::model::Model;

use super::{SECOND, Sent, Server, assert_conserved, on_disk, reading, sample};

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
