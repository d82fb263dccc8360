//! What becomes of messages: acknowledged, abandoned, held up, dropped, kept by an outbox.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use thingflow_adapters::mqtt::{Message, Qos, Status, Version};
use thingflow_core::DeliveryStats;
use thingflow_core::prelude::*;
use thingflow_core::tracking::Outcome;

use super::HOUR;
use super::support::bounded::new_scheduler;
use super::support::mosquitto::{Mosquitto, free_port};
use super::support::mqtt::{PUBLISH, after, count, options, packets, publish, publish_when, schedule, when};
use super::support::proxy::{Proxy, Way};

#[test]
fn a_tracked_message_is_done_when_the_broker_has_it_and_not_before() {
    for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let broker = Mosquitto::start();
        let proxy = Rc::new(Proxy::new(broker.address()));
        let mut scheduler = new_scheduler();
        let client = schedule(&scheduler, options(proxy.address()));
        let settled = Rc::new(RefCell::new(Vec::new()));
        let (notes, there) = (settled.clone(), proxy.clone());
        let messages = (0..3).map(move |n| Message::new(if n == 1 { "#" } else { "lux" }, n.to_string()).qos(qos));
        let tracked = from_iter(messages).track(move |event| {
            let acks = packets(&there.seen(Way::ToClient)).iter().filter(|packet| matches!(packet.kind, 4 | 7)).count();
            notes.borrow_mut().push((event.index, event.outcome == Outcome::Done, acks > 0));
        });
        scheduler.schedule_recurring(tracked.connect(client.publisher())).unwrap();
        scheduler.run_forever().unwrap();
        let mut settled = settled.take();
        settled.sort_unstable();
        assert_eq!(settled, [(0, true, true), (1, false, false), (2, true, true)], "{qos:?}");
    }
}

#[test]
fn what_is_not_acknowledged_at_the_end_of_the_run_is_abandoned() {
    let address = free_port(); // nobody is there
    let mut scheduler = new_scheduler();
    scheduler.stop_within(Duration::ZERO);
    let client = schedule(&scheduler, options(address));
    let settled = Rc::new(RefCell::new(Vec::new()));
    let notes = settled.clone();
    let messages = (0..5).map(|n| Message::new("lux", n.to_string()));
    let tracked = from_iter(messages).track(move |event| notes.borrow_mut().push(event.outcome));
    scheduler.schedule_recurring(tracked.connect(client.publisher())).unwrap();
    let stopper = scheduler.stopper();
    after(&scheduler, Duration::from_millis(50), move || stopper.stop());
    scheduler.run_forever().unwrap();
    assert_eq!(settled.take(), vec![Outcome::Abandoned; 5]);
    let stats = client.stats();
    assert_eq!((stats.posted, stats.lost, stats.waiting), (5, 5, 0));
}

#[test]
fn a_received_message_is_acknowledged_when_the_graph_is_done_with_it() {
    for (version, qos) in [(Version::V3_1_1, Qos::AtLeastOnce), (Version::V5, Qos::ExactlyOnce)] {
        let broker = Rc::new(Mosquitto::start());
        let kept = || options(broker.address()).version(version).keep_session(HOUR).client_id("reader");
        // The first run holds all three, and is done with the first one.
        let mut first = new_scheduler();
        first.stop_within(Duration::ZERO);
        let client = schedule(&first, kept());
        let held = Rc::new(RefCell::new(Vec::new()));
        let (holds, stopper) = (held.clone(), first.stopper());
        client.subscribe_tracked("news", qos).unwrap().for_each(move |event| {
            holds.borrow_mut().push(event);
            if holds.borrow().len() == 3 {
                holds.borrow_mut().remove(0).done();
            }
        });
        after(&first, Duration::from_millis(400), move || stopper.stop());
        let writer = schedule(&first, options(broker.address()));
        let source =
            from_iter((0..3).map(move |n| Message::new("news", n.to_string()).qos(qos))).connect(writer.publisher());
        first
            .schedule_periodic(
                source,
                Periodic::every(Duration::from_millis(5)).first_after(Duration::from_millis(100)),
            )
            .unwrap();
        first.run_forever().unwrap();
        assert_eq!(held.borrow().len(), 2);
        held.take().into_iter().for_each(Tracked::abandon);

        let mut second = new_scheduler();
        let client = schedule(&second, kept());
        let seen = Rc::new(RefCell::new(Vec::new()));
        let (notes, stopper) = (seen.clone(), second.stopper());
        client.subscribe_tracked("news", qos).unwrap().for_each(move |event| {
            notes.borrow_mut().push((event.value.text().into_owned(), event.value.duplicate));
            if notes.borrow().len() == 2 {
                stopper.stop();
            }
        });
        second.run_forever().unwrap();
        let expected = [("1".to_owned(), true), ("2".to_owned(), true)];
        assert_eq!(*seen.borrow(), expected, "{version:?}");
    }
}

#[test]
fn a_message_that_comes_again_while_it_is_dealt_with_is_not_handed_on_twice() {
    let broker = Rc::new(Mosquitto::start());
    let proxy = Rc::new(Proxy::new(broker.address()));
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options(proxy.address()).keep_session(HOUR).client_id("reader"));
    let held = Rc::new(RefCell::new(Vec::new()));
    let holds = held.clone();
    client.subscribe_tracked("news", Qos::AtLeastOnce).unwrap().for_each(move |event| holds.borrow_mut().push(event));
    let writer = schedule(&scheduler, super::support::mqtt::options(broker.address()));
    let log = broker.clone();
    let messages = [Message::new("news", "0")].into_iter();
    publish_when(&scheduler, &writer, move || log.log().contains("Sending SUBACK to reader"), messages);
    let (there, holds) = (proxy.clone(), held.clone());
    when(&scheduler, move || holds.borrow().len() == 1, move || there.cut());
    let (there, holds, times) = (proxy.clone(), held.clone(), Rc::new(Cell::new(0)));
    let noted = times.clone();
    when(
        &scheduler,
        move || count(&there, Way::ToClient, PUBLISH) == 2,
        move || {
            noted.set(holds.borrow().len());
            holds.borrow_mut().clear(); // done
        },
    );
    let (log, stopper) = (broker.clone(), scheduler.stopper());
    when(&scheduler, move || log.log().contains("Received PUBACK from reader"), move || stopper.stop());
    scheduler.run_forever().unwrap();
    assert_eq!(times.get(), 1);
    assert_eq!(proxy.accepted(), 2);
}

#[test]
fn a_stop_waits_for_what_is_on_its_way() {
    let broker = Mosquitto::start();
    let mut scheduler = new_scheduler();
    scheduler.stop_within(Duration::from_secs(8));
    let client = schedule(&scheduler, options(broker.address()).in_flight(2));
    let source = from_iter((0..200).map(|n| Message::new("lux", n.to_string()))).connect(client.publisher());
    scheduler.schedule_recurring(source).unwrap();
    client.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
    let stopper = scheduler.stopper();
    client.status().for_each(move |status| {
        if matches!(status, Status::Connected { .. }) {
            stopper.stop();
        }
    });
    scheduler.run_forever().unwrap();
    let stats = client.stats();
    assert!(stats.posted > 0);
    assert_eq!((stats.delivered, stats.lost), (stats.posted, 0));
}

#[test]
fn a_slow_broker_holds_the_source_up_and_nothing_is_dropped() {
    let broker = Mosquitto::start();
    let proxy = Rc::new(Proxy::new(broker.address()));
    let mut scheduler = new_scheduler();
    let options = options(proxy.address()).queue(thingflow_core::Limit::block(10)).in_flight(5);
    let client = schedule(&scheduler, options);
    let made = Rc::new(Cell::new(0));
    let counted = made.clone();
    let numbers = from_iter(0..300).inspect(move |_| counted.set(counted.get() + 1));
    scheduler
        .schedule_recurring(numbers.map(|n| Message::new("lux", n.to_string())).connect(client.publisher()))
        .unwrap();
    proxy.hold(Way::ToServer, true);
    let (ahead, held) = (Rc::new(Cell::new(0)), made.clone());
    let (there, noted) = (proxy.clone(), ahead.clone());
    after(&scheduler, Duration::from_millis(200), move || {
        noted.set(held.get());
        there.hold(Way::ToServer, false);
    });
    scheduler.run_forever().unwrap();
    assert!(ahead.get() <= 16, "{} were made ahead", ahead.get());
    let stats = client.stats();
    assert_eq!((stats.posted, stats.delivered, stats.dropped), (300, 300, 0));
}

#[test]
fn a_full_queue_drops_as_its_policy_says_and_counts_it() {
    let mut scheduler = new_scheduler();
    scheduler.stop_within(Duration::ZERO);
    let client = schedule(&scheduler, options(free_port()).queue(thingflow_core::Limit::drop_oldest(10)));
    publish(&scheduler, &client, "lux", 0, 50, Qos::AtLeastOnce);
    let stopper = scheduler.stopper();
    let (posts, meter, seen) = (client.clone(), client.meter(), Rc::new(Cell::new(DeliveryStats::default())));
    let there = seen.clone();
    when(
        &scheduler,
        move || posts.stats().posted == 50,
        move || {
            let meter = meter.clone();
            there.set(std::thread::spawn(move || meter.stats()).join().unwrap()); // as a page reads it
            stopper.stop();
        },
    );
    scheduler.run_forever().unwrap();
    let full = seen.get();
    assert_eq!((full.posted, full.dropped, full.waiting, full.is_full), (50, 40, 10, true));
    let stats = client.stats();
    assert!(!stats.is_full);
    assert_eq!((stats.posted, stats.dropped, stats.lost, stats.waiting), (50, 40, 10, 0));
}

/// All kinds of faults, one after the other: nothing is lost, and all that was posted is accounted for at each moment.
#[test]
fn a34_what_is_posted_is_delivered_waiting_or_accounted_for_under_every_fault() {
    let broker = Rc::new(Mosquitto::start());
    let proxy = Rc::new(Proxy::new(broker.address()));
    let mut scheduler = new_scheduler();
    let options = options(proxy.address()).keep_session(HOUR).timeout(Duration::from_millis(200));
    let client = schedule(&scheduler, options);
    let other = schedule(&scheduler, super::support::mqtt::options(broker.address()));
    let seen = Rc::new(RefCell::new(BTreeSet::new()));
    let (kept, stopper) = (seen.clone(), scheduler.stopper());
    other.subscribe("lux", Qos::AtLeastOnce).unwrap().for_each(move |message| {
        kept.borrow_mut().insert(message.text().parse::<u32>().unwrap());
        if kept.borrow().len() == 600 {
            stopper.stop();
        }
    });
    let source = from_iter((0..600).map(|n| Message::new("lux", n.to_string()))).connect(client.publisher());
    scheduler
        .schedule_periodic(source, Periodic::every(Duration::from_millis(1)).first_after(Duration::from_millis(100)))
        .unwrap();
    let faults: [fn(&Proxy); 8] = [
        Proxy::cut,
        |proxy| proxy.reset_after(Way::ToServer, 77),
        |proxy| proxy.reset_after(Way::ToClient, 3),
        |proxy| proxy.black_hole(Way::ToClient, true),
        |proxy| proxy.black_hole(Way::ToClient, false),
        Proxy::half_close,
        |proxy| proxy.delay(Duration::from_millis(3)),
        |proxy| proxy.delay(Duration::ZERO),
    ];
    for (fault, n) in faults.into_iter().zip(2..) {
        let there = proxy.clone();
        after(&scheduler, Duration::from_millis(80 * n), move || fault(&there));
    }
    let watched = client.clone();
    let watch = interval(Duration::from_millis(5)).connect(call(move |_| {
        let stats = watched.stats();
        assert_eq!(stats.posted, stats.delivered + stats.waiting + stats.dropped + stats.dead + stats.lost);
    }));
    scheduler.schedule_recurring(watch).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(seen.borrow().len(), 600);
    assert!(proxy.accepted() >= 4, "{}", proxy.accepted());
}

/// Each run is stopped in the middle without patience, and the broker is away in every other one.
#[cfg(feature = "outbox")]
#[test]
fn with_an_outbox_in_front_nothing_is_lost_over_many_runs() {
    use thingflow_adapters::outbox::{CommitWindow, Options as Stores, Outbox, Outlet};
    let broker = Mosquitto::start();
    let proxy = Rc::new(Proxy::new(broker.address()));
    let folder = tempfile::tempdir().unwrap();
    let seen = Rc::new(RefCell::new(BTreeSet::new()));
    let (runs, each) = (6, 20);
    for run in 0..=runs {
        proxy.refuse(run % 2 == 1);
        let mut scheduler = new_scheduler();
        scheduler.stop_within(Duration::ZERO);
        let mut outbox = Outbox::<u32>::open(folder.path(), Stores::new(1 << 20, CommitWindow::default())).unwrap();
        let stored = outbox.port("broker", Outlet::default()).unwrap();
        let client = schedule(&scheduler, options(proxy.address()).client_id("writer").keep_session(HOUR).in_flight(4));
        stored.map_value(|n| Message::new("lux", n.to_string()).qos(Qos::ExactlyOnce)).connect(client.publisher());
        let reader = schedule(&scheduler, options(broker.address()).client_id("reader").keep_session(HOUR));
        let kept = seen.clone();
        reader.subscribe("lux", Qos::ExactlyOnce).unwrap().for_each(move |message| {
            kept.borrow_mut().insert(message.text().parse::<u32>().unwrap());
        });
        let made = Rc::new(Cell::new(0));
        if run < runs {
            let counts = made.clone();
            let numbers = from_iter(run * each..(run + 1) * each).inspect(move |_| counts.set(counts.get() + 1));
            scheduler.schedule_periodic(numbers.connect(outbox.input()), Duration::from_millis(1)).unwrap();
        }
        let meter = outbox.meter("broker");
        scheduler.schedule_on_main_event_loop(outbox).unwrap();
        let (kept, stopper) = (seen.clone(), scheduler.stopper());
        let over = move || match run {
            _ if run == runs => kept.borrow().len() as u32 == runs * each,
            _ if run % 2 == 1 => made.get() == each && meter.stats().waiting > 0,
            _ => made.get() == each,
        };
        when(&scheduler, over, move || stopper.stop());
        scheduler.run_forever().unwrap();
    }
    assert_eq!(*seen.borrow(), (0..runs * each).collect());
}
