//! The MQTT client against a real broker: publish and subscribe, by both versions and all qualities of service.
#![cfg(feature = "mqtt")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use support::mosquitto::Mosquitto;
use thingflow_adapters::mqtt::{Client, Message, Options, Qos, Received, Status, Version};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

const VERSIONS: [Version; 2] = [Version::V3_1_1, Version::V5];

fn options(broker: &Mosquitto) -> Options {
    Options::new(&format!("mqtt://{}", broker.address())).expect("it is an address")
}

/// Runs until `n` messages have come, for ten seconds at most.
fn collect(scheduler: &mut Scheduler, port: &Port<Received>, n: usize) -> Rc<RefCell<Vec<Received>>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (kept, stopper) = (seen.clone(), scheduler.stopper());
    port.for_each(move |message| {
        kept.borrow_mut().push(message);
        if kept.borrow().len() == n {
            stopper.stop();
        }
    });
    give_up_after(scheduler, Duration::from_secs(10));
    seen
}

fn give_up_after(scheduler: &Scheduler, d: Duration) {
    let stopper = scheduler.stopper();
    let late = from_iter([()]).map(move |()| stopper.stop()).connect(call(drop));
    scheduler.schedule_later_one_time(late, d).expect("it is this scheduler's");
}

/// When subscribed, `then` is published.
fn publish_when_connected(scheduler: &Scheduler, client: &Client, messages: Vec<Message>) {
    let publisher = client.publisher();
    let source = from_iter(messages).connect(publisher);
    scheduler
        .schedule_later_one_time(from_iter([()]).connect(call(drop)), Duration::ZERO)
        .expect("it is this scheduler's");
    scheduler.schedule_periodic(source, Duration::from_millis(2)).expect("it is this scheduler's");
}

#[test]
fn messages_go_round_by_both_versions_and_all_qualities() {
    let broker = Mosquitto::start();
    for version in VERSIONS {
        let mut scheduler = Scheduler::new().unwrap();
        let client = Client::new(options(&broker).version(version));
        scheduler.schedule_on_main_event_loop(client.connection()).unwrap();
        let port = client.subscribe("lab/+/lux", Qos::ExactlyOnce).unwrap();
        let seen = collect(&mut scheduler, &port, 30);
        let all = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];
        let messages = (0..30).map(|n| Message::new(format!("lab/{n}/lux"), format!("{n}")).qos(all[n % 3])).collect();
        publish_when_connected(&scheduler, &client, messages);
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
    let mut scheduler = Scheduler::new().unwrap();
    let client = Client::new(options(&broker));
    scheduler.schedule_on_main_event_loop(client.connection()).unwrap();
    let messages = (0..100).map(|n| Message::new("lux", n.to_string()));
    scheduler.schedule_recurring(from_iter(messages).connect(client.publisher())).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(client.stats().delivered, 100);
    broker.wait_for_log("Received DISCONNECT");
}

#[test]
fn a_retained_message_comes_to_who_subscribes_later() {
    let broker = Mosquitto::start();
    let mut scheduler = Scheduler::new().unwrap();
    let client = Client::new(options(&broker));
    scheduler.schedule_on_main_event_loop(client.connection()).unwrap();
    let state = from_iter([Message::new("state", "on").retained()]).connect(client.publisher());
    scheduler.schedule_recurring(state).unwrap();
    scheduler.run_forever().unwrap();

    let mut scheduler = Scheduler::new().unwrap();
    let client = Client::new(options(&broker));
    scheduler.schedule_on_main_event_loop(client.connection()).unwrap();
    let port = client.subscribe("state", Qos::AtLeastOnce).unwrap();
    let seen = collect(&mut scheduler, &port, 1);
    scheduler.run_forever().unwrap();
    assert!(matches!(&seen.borrow()[..], [message] if message.retained && message.text() == "on"));
}

#[test]
fn what_cannot_be_published_is_a_dead_letter_and_the_rest_goes_on() {
    let broker = Mosquitto::start();
    let mut scheduler = Scheduler::new().unwrap();
    let client = Client::new(options(&broker));
    scheduler.schedule_on_main_event_loop(client.connection()).unwrap();
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
    let mut scheduler = Scheduler::new().unwrap();
    let client = Client::new(options(&broker).retry(thingflow_core::Backoff::constant(Duration::from_millis(20))));
    scheduler.schedule_on_main_event_loop(client.connection()).unwrap();
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
    give_up_after(&scheduler, Duration::from_secs(10));
    scheduler.run_forever().unwrap();
    let seen = seen.events();
    let connected = Status::Connected { version: Version::V5, session_present: false };
    assert_eq!((seen.first(), seen.last()), (Some(&connected), Some(&connected)));
    assert!(seen.iter().any(|status| matches!(status, Status::Disconnected { .. })), "{seen:?}");
}
