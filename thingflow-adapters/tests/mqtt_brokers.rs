//! The MQTT client against brokers that others have written: what one takes for granted, another does not do.
#![cfg(feature = "mqtt")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use support::bounded::new_scheduler;
use support::brokers::Kind;
use support::mosquitto::free_port;
use support::mqtt::{SUBACK, collect, count, options, publish_when, schedule, texts, when};
use support::proxy::{Proxy, Way};
use thingflow_adapters::mqtt::{Message, Qos, Status, Version};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

const HOUR: Duration = Duration::from_secs(3600);

/// The qualities of service that a broker keeps.
fn qualities(kind: Kind) -> &'static [Qos] {
    let all = &[Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];
    if kind.keeps_qos_2() { all } else { &all[..2] }
}

/// Messages go round by each quality; a retained one comes to who subscribes later; who is gone is told apart by its will.
fn goes_round(kind: Kind) {
    let server = kind.start_at(free_port());
    let mut scheduler = new_scheduler();
    let options = || options(server.address()).version(Version::V3_1_1);
    let client = schedule(&scheduler, options().availability("lab/status").unwrap());
    let all = qualities(kind);
    let port = client.subscribe("lab/+/lux", all[all.len() - 1]).unwrap();
    let seen = collect(&scheduler, &port, 30);
    let message = move |n: usize| Message::new(format!("lab/{n}/lux"), n.to_string()).qos(all[n % all.len()]);
    let connected = Rc::new(Cell::new(false));
    let begins = connected.clone();
    client.status().for_each(move |status| connected.set(matches!(status, Status::Connected { .. })));
    let retained = [Message::new("lab/state", "on").qos(Qos::AtLeastOnce).retained()];
    publish_when(&scheduler, &client, move || begins.get(), retained.into_iter().chain((0..30).map(message)));
    scheduler.run_forever().unwrap();
    let mut got: Vec<(usize, Qos)> = seen.borrow().iter().map(|m| (m.text().parse().unwrap(), m.qos)).collect();
    got.sort();
    // amqtt sends by the subscription's quality, whatever a message was published by.
    let quality = |n: usize| all[if kind == Kind::Amqtt { all.len() - 1 } else { n % all.len() }];
    assert_eq!(got, (0..30).map(|n| (n, quality(n))).collect::<Vec<_>>(), "{kind:?}");
    let stats = client.stats();
    assert_eq!((stats.delivered + stats.waiting + stats.lost, stats.dead), (stats.posted, 0), "{kind:?}: {stats:?}");

    let look = || {
        let mut scheduler = new_scheduler();
        let client = schedule(&scheduler, options());
        let port = client.subscribe("lab/#", Qos::AtLeastOnce).unwrap();
        let seen = collect(&scheduler, &port, 2);
        scheduler.run_forever().unwrap();
        let is_retained = seen.borrow().iter().all(|message| message.retained);
        let mut texts = texts(&seen);
        texts.sort();
        (is_retained, texts)
    };
    // A slow broker may not have read the last words yet.
    let is_settled = |(is_retained, texts): &(bool, Vec<String>)| *is_retained && *texts != ["on", "online"];
    let seen = std::iter::repeat_with(look).take(200).find(is_settled);
    assert_eq!(seen, Some((true, vec!["offline".to_owned(), "on".to_owned()])), "{kind:?}");
}

/// The connection is cut and reset again and again, and the broker is killed once and has lost the session: all arrives but what
/// the killed one may have acknowledged and not handed out, subscriptions are made again, and each message is accounted for.
fn survives_faults(kind: Kind, qos: Qos) {
    let address = free_port();
    let broker = Rc::new(RefCell::new(Some(kind.start_at(address))));
    let proxy = Rc::new(Proxy::new(address));
    let mut scheduler = new_scheduler();
    let options =
        options(proxy.address()).version(Version::V3_1_1).client_id("faulty").keep_session(HOUR).in_flight(20);
    let client = schedule(&scheduler, options);
    let port = client.subscribe("lux", qos).unwrap();
    let seen: Rc<RefCell<BTreeSet<u32>>> = Rc::default();
    let kept = seen.clone();
    port.for_each(move |message| {
        kept.borrow_mut().insert(message.text().parse().unwrap());
    });
    let there = proxy.clone();
    let messages = (0..200).map(move |n: u32| Message::new("lux", n.to_string()).qos(qos));
    publish_when(&scheduler, &client, move || count(&there, Way::ToClient, SUBACK) > 0, messages);
    let acknowledged = Rc::new(Cell::new(0));
    for (heard, fault) in [(10, 0), (40, 1), (70, 2), (100, 3)] {
        let (kept, there, broker) = (seen.clone(), proxy.clone(), broker.clone());
        let (meter, counts) = (client.clone(), acknowledged.clone());
        when(
            &scheduler,
            move || kept.borrow().len() >= heard,
            move || match fault {
                0 => there.cut(),
                1 => there.reset_after(Way::ToServer, 500),
                2 => there.reset_after(Way::ToClient, 300),
                _ => {
                    counts.set(meter.stats().delivered as u32);
                    drop(broker.take());
                    *broker.borrow_mut() = Some(kind.start_at(address));
                }
            },
        );
    }
    let (there, counts, meter) = (seen.clone(), acknowledged.clone(), client.clone());
    let rest_is_there = move || (counts.get() + 20..200).all(|n| there.borrow().contains(&n));
    let (holds, stopper) = (rest_is_there.clone(), scheduler.stopper());
    when(&scheduler, move || meter.stats().delivered == 200 && holds(), move || stopper.stop());
    scheduler.run_forever().unwrap();
    let stats = client.stats();
    assert_eq!((stats.posted, stats.delivered, stats.dead, stats.lost), (200, 200, 0, 0), "{kind:?}");
    let acknowledged = acknowledged.get();
    assert!(acknowledged > 0 && rest_is_there(), "{kind:?}: after {acknowledged} only {:?}", seen.borrow());
}

/// Unless told otherwise the client begins by MQTT 5, and goes on by 3.1.1 with a broker that says that it does not know it.
fn speaks_the_older_version(kind: Kind) {
    let server = kind.start_at(free_port());
    let mut scheduler = new_scheduler();
    // Only the one that says nothing has to be given up.
    let timeout = Duration::from_millis(if kind == Kind::Amqtt { 300 } else { 60_000 });
    let client = schedule(&scheduler, options(server.address()).timeout(timeout));
    let (seen, stopper) = (Recorder::new(), scheduler.stopper());
    client.status().also_to(seen.clone()).for_each(move |_| stopper.stop());
    client.subscribe("lux", Qos::AtLeastOnce).unwrap().for_each(drop);
    scheduler.run_forever().unwrap();
    let connected = Status::Connected { version: Version::V3_1_1, session_present: false };
    match (kind, &seen.events()[..]) {
        (Kind::Nats | Kind::Aedes, [status]) => assert_eq!(*status, connected, "{kind:?}"),
        // It says nothing at all, so the client cannot know.
        (Kind::Amqtt, [Status::Disconnected { error, .. }]) => {
            let text = error.to_string();
            assert!(text.contains("3.1.1"), "{text}");
        }
        (_, other) => panic!("{kind:?}: {other:?}"),
    }
}

macro_rules! brokers {
    ($($name:ident: $kind:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn messages_go_round() {
                goes_round($kind);
            }

            #[test]
            fn a15_a34_faults_lose_nothing_that_was_not_acknowledged() {
                survives_faults($kind, Qos::AtLeastOnce);
            }

            #[test]
            fn a15_a34_faults_lose_nothing_by_qos_2() {
                if $kind.keeps_qos_2() {
                    survives_faults($kind, Qos::ExactlyOnce);
                } else {
                    eprintln!("NOT CHECKED: this version of the broker does not keep QoS 2");
                }
            }

            #[test]
            fn the_older_version_is_spoken() {
                speaks_the_older_version($kind);
            }
        }
    )*};
}

brokers! {
    nats: Kind::Nats;
    amqtt: Kind::Amqtt;
    aedes: Kind::Aedes;
}
