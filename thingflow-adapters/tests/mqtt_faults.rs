//! The MQTT client when the network, the broker or the process fails, against a real broker behind a proxy that injects faults.
#![cfg(feature = "mqtt")]

mod support;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use support::bounded::new_scheduler;
use support::mosquitto::{Mosquitto, free_port};
use support::mqtt::{
    PUBLISH, SUBACK, after, collect, count, options, packets, publish, publish_when, schedule, texts, when,
};
use support::proxy::{Proxy, Way};
use thingflow_adapters::mqtt::testing::Broker;
use thingflow_adapters::mqtt::{Client, Connection, Message, Options, Qos, Status, Version};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::tracking::Outcome;
use thingflow_core::{DeliveryStats, StreamError};

const HOUR: Duration = Duration::from_secs(3600);

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
        publish(&scheduler, &client, "lux", 0, 60, qos);
        for n in 1..8 {
            let (there, client) = (proxy.clone(), client.clone());
            when(
                &scheduler,
                move || client.stats().delivered > 7 * n,
                move || {
                    there.reset_after(Way::ToServer, 30 + n as usize);
                },
            );
        }
        scheduler.run_forever().unwrap();
        assert_eq!(client.stats().delivered, 60);
        assert!(proxy.accepted() > 3);
        let sent = packets_of_all_connections(&broker);
        assert!(sent.is_sorted(), "{qos:?}: {sent:?}");
        assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), 60, "{qos:?}");
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

/// Connects later.
struct Late(Option<Connection>);

impl Sink for Late {
    type Event = ();
    fn on_next(&mut self, (): (), cx: &mut Context<'_>) -> Receipt {
        if let Some(connection) = self.0.take() {
            cx.schedule_on_main_event_loop(connection).map_err(|refused| cx.fatal(refused.error))?;
        }
        Ok(Demand::Done)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}

#[test]
fn a20_who_is_taken_over_stops_and_reports() {
    let broker = Broker::start().unwrap(); // mosquitto of Debian 12 only hangs up
    let retry = thingflow_core::Backoff::constant(Duration::from_millis(10));
    let same = || Options::new(&broker.address()).unwrap().client_id("same").retry(retry);
    let mut scheduler = new_scheduler();
    let first = schedule(&scheduler, same());
    let reports = Recorder::new();
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let (seen, stopper) = (Recorder::new(), scheduler.stopper());
    first.status().connect(seen.clone());
    first.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
    let second = Client::new(same());
    second.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
    let there = Recorder::new();
    second.status().connect(there.clone());
    first.status().map(drop).connect(Late(Some(second.connection())));
    after(&scheduler, Duration::from_millis(300), move || stopper.stop());
    scheduler.run_forever().unwrap();
    let stopped = |status: &Status| matches!(status, Status::Stopped { .. });
    assert!(matches!(&seen.events()[..], [Status::Connected { .. }, last] if stopped(last)), "{:?}", seen.events());
    assert!(matches!(there.events()[..], [Status::Connected { .. }]), "{:?}", there.events());
    assert!(reports.events()[0].contains("client id of its own"), "{:?}", reports.events());
}

#[test]
fn a21_a_clean_stop_says_goodbye_and_a_crash_sends_the_will_once() {
    for version in [Version::V3_1_1, Version::V5] {
        let broker = Rc::new(Mosquitto::start());
        let proxy = Rc::new(Proxy::new(broker.address()));
        let mut scheduler = new_scheduler();
        let watcher = schedule(&scheduler, options(broker.address()));
        let wills = collect(&scheduler, &watcher.subscribe("will", Qos::AtLeastOnce).unwrap(), usize::MAX);

        // Both have ended in the run: one is cut off, and does not come back; one is stopped.
        let lost =
            options(proxy.address()).version(version).client_id("lost").will(Message::new("will", "lost")).unwrap();
        let lost = schedule(&scheduler, lost.retry(thingflow_core::Backoff::constant(HOUR)));
        lost.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
        let clean = options(broker.address()).version(version).client_id("clean");
        let clean = Client::new(clean.will(Message::new("will", "clean")).unwrap());
        clean.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
        let handle = scheduler.schedule_on_main_event_loop(clean.connection()).unwrap();
        let here = Rc::new(Cell::new(0));
        for client in [&watcher, &lost, &clean] {
            let here = here.clone();
            client.status().for_each(move |status| {
                here.set(here.get() + u32::from(matches!(status, Status::Connected { .. })));
            });
        }
        let there = proxy.clone();
        when(
            &scheduler,
            move || here.get() == 3,
            move || {
                there.cut();
                handle.cancel();
            },
        );
        let (log, had, stopper) = (broker.clone(), wills.clone(), scheduler.stopper());
        let over = move || had.borrow().len() == 1 && log.log().contains("Received DISCONNECT from clean");
        when(&scheduler, over, move || stopper.stop());
        scheduler.run_forever().unwrap();
        assert_eq!(texts(&wills), ["lost"], "{version:?}");
    }
}

#[test]
fn a21_a_clean_stop_keeps_the_subscriptions_of_a_kept_session() {
    let broker = Rc::new(Mosquitto::start());
    for version in [Version::V3_1_1, Version::V5] {
        let id = format!("kept-{version:?}").replace('_', "-");
        let kept = || options(broker.address()).version(version).keep_session(HOUR).client_id(&id);
        let mut first = new_scheduler();
        let client = schedule(&first, kept());
        client.subscribe("news", Qos::AtLeastOnce).unwrap().for_each(drop);
        let (stopper, log, answer) = (first.stopper(), broker.clone(), format!("Sending SUBACK to {id}"));
        when(&first, move || log.log().contains(&answer), move || stopper.stop());
        first.run_forever().unwrap();

        let mut meanwhile = new_scheduler();
        let other = schedule(&meanwhile, options(broker.address()));
        publish(&meanwhile, &other, "news", 0, 3, Qos::AtLeastOnce);
        meanwhile.run_forever().unwrap();

        let mut second = new_scheduler();
        let client = schedule(&second, kept());
        let seen = collect(&second, &client.subscribe("news", Qos::AtLeastOnce).unwrap(), 3);
        second.run_forever().unwrap();
        assert_eq!(texts(&seen), ["0", "1", "2"], "{version:?}");
    }
}

#[test]
fn a22_availability_and_announcements_come_again_after_each_connection_and_at_a_birth() {
    let broker = Broker::start().unwrap();
    let mut scheduler = new_scheduler();
    let announced = Options::new(&broker.address()).unwrap().availability("lamp/status").unwrap();
    let announced = announced.announce(Message::new("homeassistant/lamp/config", "{}").retained()).unwrap();
    let announced = announced.announce_on("homeassistant/status", "online").unwrap();
    let client = schedule(&scheduler, announced.retry(thingflow_core::Backoff::constant(Duration::from_millis(10))));
    client.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
    let broker = Rc::new(broker);
    let (there, stopper) = (broker.clone(), scheduler.stopper());
    let mut step = 0;
    let watch = interval(Duration::from_millis(5)).connect(call(move |_| {
        let said = there.published("homeassistant/lamp/config").len();
        match (step, said) {
            (0, 1) => there.cut(),
            (1, 2) => there.publish(Message::new("homeassistant/status", "offline")),
            (2, 2) => there.publish(Message::new("homeassistant/status", "online")),
            (3, 3) => stopper.stop(),
            _ => return,
        }
        step += 1;
    }));
    scheduler.schedule_recurring(watch).unwrap();
    scheduler.run_forever().unwrap();
    assert!(
        broker
            .wait_until(Duration::from_secs(5), |broker| broker.retained("lamp/status").as_deref() == Some("offline"))
    );
    let said = broker.published("lamp/status");
    assert_eq!(said.iter().filter(|said| *said == "online").count(), 3, "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("offline"));
}

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
    let writer = schedule(&scheduler, options(broker.address()));
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
    let other = schedule(&scheduler, support::mqtt::options(broker.address()));
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

#[test]
fn a22_discovery_and_the_last_state_come_again_after_each_connection_and_at_the_birth_of_home_assistant() {
    use thingflow_adapters::mqtt::Device;
    let broker = Rc::new(Broker::start().unwrap());
    let mut scheduler = new_scheduler();
    let device = Device::new("lab", "Lab").entities("lab/lux", &20.5).unwrap();
    let options = Options::new(&broker.address()).unwrap().availability("lab/status").unwrap();
    let options =
        options.discovery(&device).unwrap().retry(thingflow_core::Backoff::constant(Duration::from_millis(10)));
    let client = schedule(&scheduler, options);
    client.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
    publish(&scheduler, &client, "lab/lux", 1, 3, Qos::AtLeastOnce);
    let config = "homeassistant/sensor/lab/lux/config";
    let said = |broker: &Rc<Broker>, topic: &'static str, n: usize| {
        let broker = broker.clone();
        move || broker.published(topic).len() == n
    };
    let there = broker.clone();
    when(&scheduler, said(&broker, "lab/lux", 3), move || there.cut());
    let there = broker.clone();
    when(&scheduler, said(&broker, "lab/lux", 4), move || {
        there.publish(Message::new("homeassistant/status", "online"));
    });
    let stopper = scheduler.stopper();
    when(&scheduler, said(&broker, "lab/lux", 5), move || stopper.stop());
    scheduler.run_forever().unwrap();
    assert_eq!(broker.published("lab/lux"), ["1", "2", "3", "3", "3"]);
    assert_eq!(broker.published(config).len(), 3);
    let config = broker.retained(config).unwrap();
    for part in [r#""availability_topic":"lab/status""#, r#""unit_of_measurement":"lx""#, r#""state_topic":"lab/lux""#]
    {
        assert!(config.contains(part), "{part} in {config}");
    }
}

/// Ticks of the connection are its wake-ups: nothing else calls it.
#[test]
fn a_client_that_has_nothing_to_send_wakes_only_to_keep_the_connection_alive() {
    let broker = Broker::start().unwrap();
    let proxy = Proxy::new(broker.address().strip_prefix("mqtt://").unwrap().parse().unwrap());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    // The broker answers in real time, so the virtual clock would run past any patience.
    let hours = Duration::from_secs(24 * 3600);
    let client = Client::new(options(proxy.address()).version(Version::V3_1_1).timeout(hours));
    let handle = scheduler.schedule_on_main_event_loop(client.connection()).unwrap();
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
