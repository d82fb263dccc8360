//! The MQTT client against a real broker: publish and subscribe, by both versions and all qualities of service.
#![cfg(feature = "mqtt")]

mod support;

use std::time::Duration;

use support::bounded::new_scheduler;
use support::mosquitto::Mosquitto;
use support::mqtt::{collect, options, schedule};
use thingflow_adapters::mqtt::{Message, Qos, Status, Version};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

const VERSIONS: [Version; 2] = [Version::V3_1_1, Version::V5];

#[test]
fn messages_go_round_by_both_versions_and_all_qualities() {
    let broker = Mosquitto::start();
    for version in VERSIONS {
        let mut scheduler = new_scheduler();
        let client = schedule(&scheduler, options(broker.address()).version(version));
        let port = client.subscribe("lab/+/lux", Qos::ExactlyOnce).unwrap();
        let seen = collect(&scheduler, &port, 30);
        let all = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];
        let messages = (0..30).map(|n| Message::new(format!("lab/{n}/lux"), format!("{n}")).qos(all[n % 3])).collect();
        let source = from_iter::<Vec<Message>>(messages).connect(client.publisher());
        scheduler.schedule_periodic(source, Duration::from_millis(2)).unwrap();
        scheduler.run_forever().unwrap();
        let mut texts: Vec<(String, Qos)> = seen.borrow().iter().map(|m| (m.text().into_owned(), m.qos)).collect();
        texts.sort_by_key(|(text, _)| text.parse::<u32>().unwrap());
        let expected: Vec<(String, Qos)> = (0..30).map(|n| (n.to_string(), all[n % 3])).collect();
        assert_eq!(texts, expected, "{version:?}");
        let stats = client.stats();
        assert_eq!((stats.posted, stats.delivered, stats.waiting), (30, 30, 0), "{version:?}");
    }
}

#[test]
fn the_client_ends_when_all_is_acknowledged_and_nobody_listens() {
    let broker = Mosquitto::start();
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options(broker.address()));
    let messages = (0..100).map(|n| Message::new("lux", n.to_string()));
    scheduler.schedule_recurring(from_iter(messages).connect(client.publisher())).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(client.stats().delivered, 100);
    broker.wait_for_log("Received DISCONNECT");
}

#[test]
fn a_retained_message_comes_to_who_subscribes_later() {
    let broker = Mosquitto::start();
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options(broker.address()));
    let state = from_iter([Message::new("state", "on").retained()]).connect(client.publisher());
    scheduler.schedule_recurring(state).unwrap();
    scheduler.run_forever().unwrap();

    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options(broker.address()));
    let port = client.subscribe("state", Qos::AtLeastOnce).unwrap();
    let seen = collect(&scheduler, &port, 1);
    scheduler.run_forever().unwrap();
    assert!(matches!(&seen.borrow()[..], [message] if message.retained && message.text() == "on"));
}

#[test]
fn what_cannot_be_published_is_a_dead_letter_and_the_rest_goes_on() {
    let broker = Mosquitto::start();
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options(broker.address()));
    let dead = Recorder::new();
    client.refused().map(|letter| letter.event.topic).connect(dead.clone());
    let topics = ["a", "b/#", "", "c\0", "d"].map(|topic| Message::new(topic, "x"));
    scheduler.schedule_recurring(from_iter(topics).connect(client.publisher())).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(dead.events(), ["b/#", "", "c\0"]);
    let stats = client.stats();
    assert_eq!((stats.posted, stats.delivered, stats.dead, stats.waiting), (5, 2, 3, 0));
}

#[test]
fn the_status_tells_of_each_connection() {
    let mut broker = Mosquitto::start();
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options(broker.address()));
    let port = client.subscribe("never", Qos::AtMostOnce).unwrap();
    port.for_each(drop);
    let seen = Recorder::new();
    let stopper = scheduler.stopper();
    let mut times = 0;
    client.status().tap(seen.clone()).for_each(move |status| match status {
        Status::Connected { .. } if times == 0 => {
            times += 1;
            broker.restart();
        }
        Status::Connected { .. } => stopper.stop(),
        _ => {}
    });
    scheduler.run_forever().unwrap();
    let seen = seen.events();
    let connected = Status::Connected { version: Version::V5, session_present: false };
    assert_eq!((seen.first(), seen.last()), (Some(&connected), Some(&connected)));
    assert!(seen.iter().any(|status| matches!(status, Status::Disconnected { .. })), "{seen:?}");
}

/// The broker has one subscription for a filter, and sends a message once for each filter that it matches, or once in all.
#[test]
fn each_subscription_gets_a_message_once_however_their_filters_overlap() {
    let broker = Mosquitto::start();
    for version in VERSIONS {
        let mut scheduler = new_scheduler();
        let client = schedule(&scheduler, options(broker.address()).version(version));
        let seen = Recorder::new();
        for (n, filter) in ["lab/lux", "lab/lux", "lab/+", "#"].into_iter().enumerate() {
            let port = client.subscribe(filter, Qos::AtLeastOnce).unwrap();
            port.map(move |message| (n, message.text().into_owned())).connect(seen.clone());
        }
        let (there, stopper) = (seen.clone(), scheduler.stopper());
        let messages = ["1", "2", "end"].map(|text| Message::new("lab/lux", text));
        scheduler.schedule_recurring(from_iter(messages).connect(client.publisher())).unwrap();
        support::mqtt::when(&scheduler, move || there.events().len() >= 12, move || stopper.stop());
        scheduler.run_forever().unwrap();
        let mut expected = Vec::new();
        for text in ["1", "2", "end"] {
            expected.extend((0..4).map(|n| (n, text.to_owned())));
        }
        let mut seen = seen.events();
        seen.sort();
        expected.sort();
        assert_eq!(seen, expected, "{version:?}");
    }
}
