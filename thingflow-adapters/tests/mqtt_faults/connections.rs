//! A broker that is not there, is gone, does not answer, and comes back.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use thingflow_adapters::mqtt::testing::Broker;
use thingflow_adapters::mqtt::{Client, Message, Options, Qos, Status, Version};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use super::HOUR;
use super::support::bounded::new_scheduler;
use super::support::mosquitto::Mosquitto;
use super::support::mqtt::{
    PUBLISH, SUBACK, after, collect, count, options, packets, publish, publish_when, schedule, texts, when,
};
use super::support::proxy::{Proxy, Way};

#[test]
fn a14_sampling_begins_at_once_without_network_dns_or_broker() {
    for address in ["mqtt://no-such-host.invalid", "mqtt+unix:///no/such/socket", "mqtt://127.0.0.1:9"] {
        let mut scheduler = new_scheduler();
        let client = schedule(&scheduler, Options::new(address).unwrap());
        let (sampled, stopper) = (Recorder::new(), scheduler.stopper());
        let lux = from_iter(0..20).output();
        lux.also_to(sampled.clone()).map(|n| Message::new("lux", n.to_string())).connect(client.publisher());
        lux.filter(|n| *n == 19).for_each(move |_| stopper.stop());
        scheduler.stop_within(Duration::ZERO);
        scheduler.schedule_periodic(lux, Duration::from_millis(1)).unwrap();
        scheduler.run_forever().unwrap();
        assert_eq!(sampled.events(), (0..20).collect::<Vec<_>>(), "{address}");
        let stats = client.stats();
        assert_eq!((stats.posted, stats.delivered, stats.lost), (20, 0, 20), "{address}");
    }
}

#[test]
fn a14_what_was_sampled_before_the_broker_came_is_delivered() {
    let broker = Mosquitto::start();
    let proxy = Rc::new(Proxy::new(broker.address()));
    proxy.refuse(true);
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options(proxy.address()));
    publish(&scheduler, &client, "lux", 0, 50, Qos::AtLeastOnce);
    let there = proxy.clone();
    after(&scheduler, Duration::from_millis(150), move || there.refuse(false));
    scheduler.run_forever().unwrap();
    assert_eq!(client.stats().delivered, 50);
}

/// A broker that is killed has lost its sessions, since mosquitto saves them only now and then.
#[test]
fn a15_without_the_session_all_is_published_and_subscribed_again() {
    for (version, qos) in [(Version::V3_1_1, Qos::ExactlyOnce), (Version::V5, Qos::AtLeastOnce)] {
        let broker = Rc::new(RefCell::new(Mosquitto::start()));
        let proxy = Rc::new(Proxy::new(broker.borrow().address()));
        let mut scheduler = new_scheduler();
        let client = schedule(&scheduler, options(proxy.address()).version(version).keep_session(HOUR));
        let present = Recorder::new();
        client
            .status()
            .filter_map(|status| match status {
                Status::Connected { session_present, .. } => Some(session_present),
                _ => None,
            })
            .connect(present.clone());
        let seen = Rc::new(RefCell::new(BTreeSet::new()));
        let port = client.subscribe("lux", qos).unwrap();
        let (kept, stopper, is_new) = (seen.clone(), scheduler.stopper(), Rc::new(Cell::new(false)));
        let counts = is_new.clone();
        port.for_each(move |message| {
            if counts.get() {
                kept.borrow_mut().insert(message.text().parse::<u32>().unwrap());
            }
            if kept.borrow().len() == 20 {
                stopper.stop();
            }
        });
        let swallows = Rc::new(Cell::new(false));
        let (there, there_too, begun, begins) = (proxy.clone(), proxy.clone(), swallows.clone(), swallows.clone());
        let subscribed = move || count(&there, Way::ToClient, SUBACK) == 1;
        when(&scheduler, subscribed, move || {
            begun.set(true);
            there_too.black_hole(Way::ToClient, true); // no acknowledgement comes through
        });
        let messages = (0..20).map(move |n| Message::new("lux", n.to_string()).qos(qos));
        publish_when(&scheduler, &client, move || begins.get(), messages);
        let (there, there_too, killed) = (proxy.clone(), proxy.clone(), broker.clone());
        when(
            &scheduler,
            move || count(&there, Way::ToServer, PUBLISH) == 20,
            move || {
                is_new.set(true);
                killed.borrow_mut().restart();
                there_too.black_hole(Way::ToClient, false);
            },
        );
        scheduler.run_forever().unwrap();
        assert_eq!(*seen.borrow(), (0..20).collect(), "{version:?}");
        assert_eq!(present.events(), [false, false], "{version:?}");
    }
}

#[test]
fn a17_what_was_in_flight_is_sent_again_in_order_with_its_id_and_then_what_is_new() {
    let broker = Mosquitto::start();
    let proxy = Rc::new(Proxy::new(broker.address()));
    let mut scheduler = new_scheduler();
    let options = options(proxy.address()).version(Version::V3_1_1).keep_session(HOUR).in_flight(10);
    let client = schedule(&scheduler, options);
    let (there, connected) = (proxy.clone(), Rc::new(Cell::new(false)));
    let begins = connected.clone();
    client.status().take(1).for_each(move |_| {
        there.black_hole(Way::ToClient, true);
        connected.set(true);
    });
    let messages = (0..15).map(|n| Message::new("lux", n.to_string()));
    publish_when(&scheduler, &client, move || begins.get(), messages);
    let (there, there_too) = (proxy.clone(), proxy.clone());
    when(
        &scheduler,
        move || count(&there, Way::ToServer, PUBLISH) == 10,
        move || {
            there_too.black_hole(Way::ToClient, false);
            there_too.cut();
        },
    );
    scheduler.run_forever().unwrap();
    assert_eq!(client.stats().delivered, 15);
    let sent: Vec<_> = packets(&proxy.seen(Way::ToServer)).into_iter().filter(|packet| packet.kind == 3).collect();
    let numbers: Vec<u32> = sent.iter().map(|packet| packet.payload.parse().unwrap()).collect();
    assert_eq!(numbers, (0..10).chain(0..10).chain(10..15).collect::<Vec<_>>());
    for n in 0..10 {
        assert_eq!((sent[n].dup, sent[n + 10].dup, sent[n].id), (false, true, sent[n + 10].id), "{n}");
    }
    assert!(sent[20..].iter().all(|packet| !packet.dup));
}

#[test]
fn a17_with_a_window_of_one_the_order_never_goes_back() {
    for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let broker = Mosquitto::start();
        let proxy = Rc::new(Proxy::new(broker.address()));
        let mut scheduler = new_scheduler();
        let options = options(proxy.address()).version(Version::V3_1_1).keep_session(HOUR).in_flight(1);
        let client = schedule(&scheduler, options);
        publish(&scheduler, &client, "lux", 0, 300, qos);
        for n in 1..8 {
            let (there, client) = (proxy.clone(), client.clone());
            let so_far = proxy.clone();
            when(
                &scheduler,
                move || client.stats().delivered > 7 * n && so_far.accepted() as u64 >= n, // one after the other
                move || {
                    there.reset_after(Way::ToServer, 30 + n as usize);
                },
            );
        }
        scheduler.run_forever().unwrap();
        assert_eq!(client.stats().delivered, 300);
        assert!(proxy.accepted() > 3);
        let sent = packets_of_all_connections(&broker);
        assert!(sent.is_sorted(), "{qos:?}: {sent:?}");
        assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), 300, "{qos:?}");
    }
}

/// What the broker has got, by its log: the packet ids of the messages, in order.
fn packets_of_all_connections(broker: &Mosquitto) -> Vec<u32> {
    let log = broker.log();
    let received = log.lines().filter(|line| line.contains("Received PUBLISH from"));
    received.filter_map(|line| line.split(", m").nth(1)?.split(',').next()?.parse().ok()).collect()
}

#[test]
fn a18_a_connection_that_never_acknowledges_is_renewed() {
    let broker = Mosquitto::start();
    let proxy = Rc::new(Proxy::new(broker.address()));
    let mut scheduler = new_scheduler();
    let options = options(proxy.address()).timeout(Duration::from_millis(150)).keep_alive(Duration::ZERO);
    let client = schedule(&scheduler, options);
    let why = Recorder::new();
    client
        .status()
        .filter_map(|status| match status {
            Status::Disconnected { error, .. } => Some(error.to_string()),
            _ => None,
        })
        .connect(why.clone());
    let there = proxy.clone();
    client.status().for_each(move |status| {
        there.black_hole(Way::ToClient, matches!(status, Status::Connected { .. }) && there.accepted() == 1);
    });
    publish(&scheduler, &client, "lux", 0, 5, Qos::AtLeastOnce);
    scheduler.run_forever().unwrap();
    assert_eq!((client.stats().delivered, proxy.accepted()), (5, 2));
    let expected = "the broker has not acknowledged the message to `lux` within 150ms";
    assert!(why.events()[0].contains(expected), "{:?}", why.events());
}

#[test]
fn a18_a_black_hole_is_noticed_by_a_ping() {
    let broker = Mosquitto::start();
    let proxy = Rc::new(Proxy::new(broker.address()));
    let mut scheduler = new_scheduler();
    let options = options(proxy.address()).timeout(Duration::from_millis(100)).keep_alive(Duration::from_secs(1));
    let client = schedule(&scheduler, options);
    client.subscribe("never", Qos::AtMostOnce).unwrap().for_each(drop);
    let (there, stopper, times) = (proxy.clone(), scheduler.stopper(), Cell::new(0));
    client.status().for_each(move |status| {
        if matches!(status, Status::Connected { .. }) {
            times.set(times.get() + 1);
            if times.get() == 2 {
                stopper.stop();
            }
        }
    });
    let there_too = proxy.clone();
    when(
        &scheduler,
        move || count(&there, Way::ToClient, SUBACK) == 1,
        move || there_too.black_hole(Way::ToServer, true),
    );
    let there = proxy.clone();
    client.status().for_each(move |status| {
        if matches!(status, Status::Disconnected { .. }) {
            there.black_hole(Way::ToServer, false);
        }
    });
    scheduler.run_forever().unwrap();
    assert_eq!(proxy.accepted(), 2);
}

/// A thousand clients whose broker is away, on the virtual clock; the address is one that is refused at once.
#[test]
fn a19_a_thousand_clients_do_not_knock_together() {
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let attempts = Rc::new(RefCell::new(BTreeMap::<u64, u32>::new()));
    let waits = Rc::new(RefCell::new(Vec::new()));
    for n in 0..1000 {
        let options = Options::new("mqtt+unix:///no/such/broker").unwrap().client_id(format!("device-{n}"));
        let client = schedule(&scheduler, options);
        client.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
        let (attempts, waits) = (attempts.clone(), waits.clone());
        client.status().timestamp().for_each(move |(at, status)| {
            if let Status::Disconnected { retry_in, .. } = status {
                let knocks = at + retry_in;
                *attempts.borrow_mut().entry(knocks.as_nanos() as u64 / 1_000_000_000).or_default() += 1;
                if n == 0 {
                    waits.borrow_mut().push(retry_in);
                }
            }
        });
    }
    scheduler.run_for(Duration::from_secs(600)).unwrap();
    let total: u32 = attempts.borrow().values().sum();
    let most = *attempts.borrow().values().max().unwrap();
    assert!(total > 8000 && most * 20 <= total, "{most} of {total} in one second");
    for (n, wait) in waits.borrow().iter().enumerate() {
        let full = Duration::from_secs((4 << n.min(5)).min(120));
        assert!(*wait <= full && *wait >= full / 4, "{n}: {wait:?}");
    }
}

#[test]
fn a19_a_connection_that_lasts_less_than_a_minute_does_not_reset_the_waits() {
    let broker = Broker::start().unwrap();
    let mut scheduler = new_scheduler();
    let retry = thingflow_core::Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
    let client = schedule(&scheduler, Options::new(&broker.address()).unwrap().retry(retry));
    client.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
    let (waits, stopper) = (Recorder::new(), scheduler.stopper());
    client.status().for_each(move |status| {
        if matches!(status, Status::Connected { .. }) {
            broker.cut();
        }
    });
    let four = client.status().filter_map(|status| match status {
        Status::Disconnected { retry_in, .. } => Some(retry_in.as_millis()),
        _ => None,
    });
    four.also_to(waits.clone()).skip(3).for_each(move |_| stopper.stop());
    scheduler.run_forever().unwrap();
    assert_eq!(waits.events(), [10, 20, 40, 80]);
}

#[test]
fn the_subscription_of_a_broker_that_comes_back_is_heard_again() {
    let broker = Rc::new(RefCell::new(Mosquitto::start()));
    let (address, there) = (broker.borrow().address(), broker.clone());
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options(address));
    let seen = collect(&scheduler, &client.subscribe("lux/#", Qos::AtMostOnce).unwrap(), 1);
    let publisher = schedule(&scheduler, options(address));
    let log = broker.clone();
    let subscribed = move |times| log.borrow().log().matches("Sending SUBACK").count() == times;
    let again = subscribed.clone();
    publish_when(&scheduler, &publisher, move || again(2), [Message::new("lux/a", "1")].into_iter());
    when(
        &scheduler,
        move || subscribed(1),
        move || {
            there.borrow_mut().stop();
            there.borrow_mut().restart();
        },
    );
    scheduler.run_forever().unwrap();
    assert_eq!(texts(&seen), ["1"]);
}

/// Ticks of the connection are its wake-ups: nothing else calls it.
#[test]
fn a_client_that_has_nothing_to_send_wakes_only_to_keep_the_connection_alive() {
    let broker = Broker::start().unwrap();
    let proxy = Proxy::new(broker.address().strip_prefix("mqtt://").unwrap().parse().unwrap());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    // The broker answers in real time, so the virtual clock would run past any timeout.
    let hours = Duration::from_secs(24 * 3600);
    let client = Client::new(options(proxy.address()).version(Version::V3_1_1).timeout(hours));
    let handle = scheduler.schedule_on_main_event_loop(client.thing()).unwrap();
    client.subscribe("lamp/set", Qos::AtLeastOnce).unwrap().for_each(drop);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let until = |scheduler: &mut Scheduler, holds: &dyn Fn() -> bool| {
        while !holds() {
            scheduler.run_for(Duration::ZERO).unwrap();
            assert!(std::time::Instant::now() < deadline, "{:?}", handle.stats());
        }
    };
    until(&mut scheduler, &|| count(&proxy, Way::ToClient, SUBACK) == 1);
    scheduler.run_for(Duration::from_secs(1)).unwrap();
    let begin = handle.stats().ticks;
    for minute in 1..=60 {
        scheduler.run_for(Duration::from_secs(60)).unwrap();
        until(&mut scheduler, &|| handle.stats().ticks >= begin + 2 * minute); // a ping, and its answer
    }
    until(&mut scheduler, &|| count(&proxy, Way::ToClient, 13) == 60);
    scheduler.run_for(Duration::from_secs(30)).unwrap();
    let woken = handle.stats().ticks - begin;
    assert!((120..=130).contains(&woken), "{woken} wake-ups"); // an answer may come in two pieces
    assert_eq!([count(&proxy, Way::ToServer, 12), count(&proxy, Way::ToClient, 13)], [60, 60]);
}
