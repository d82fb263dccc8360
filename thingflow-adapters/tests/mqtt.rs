//! The MQTT client against a real broker: publish and subscribe, by both versions and all qualities of service.
#![cfg(feature = "mqtt")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use support::bounded::new_scheduler;
use support::mosquitto::{Mosquitto, free_port};
use support::mqtt::{collect, options, schedule, when};
use thingflow_adapters::mqtt::{Message, Qos, Status, Version};
use thingflow_core::ends::Notification;
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

/// The stream of another program ends here as it ended there.
#[test]
fn io73_a_stream_goes_to_another_program_with_its_end() {
    let broker = Mosquitto::start();
    for last in [Ok(3.5), Err("no answer")] {
        let mut scheduler = new_scheduler();
        let client = schedule(&scheduler, options(broker.address()));
        let notices = client.subscribe("lab/levels", Qos::ExactlyOnce).unwrap();
        let seen = Recorder::new();
        notices.try_map(|message| message.json::<Notification<f64>>()).dematerialize().connect(seen.clone());
        let notices = try_from_iter([Ok(1.5), Ok(-2.0), last]).materialize();
        let messages = notices.try_map(|notice| Message::json("lab/levels", &notice));
        let messages = messages.map(|message| message.qos(Qos::ExactlyOnce)).connect(client.publisher());
        scheduler.schedule_recurring(messages).unwrap();
        scheduler.run_forever().unwrap();
        let end = if last.is_ok() { "1.5 -2.0 3.5 |" } else { "1.5 -2.0 ! no answer" };
        assert_eq!(seen.text(), end);
    }
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

/// Nobody takes the dead letters: the reports have to say which message it was, and which broker.
#[test]
fn what_goes_wrong_is_reported_with_its_topic_and_its_broker() {
    let only_lamps = |folder: &std::path::Path| std::fs::write(folder.join("rules"), "topic write lamp\n").unwrap();
    let broker = Mosquitto::prepared("allow_anonymous true\nacl_file FOLDER/rules\n", only_lamps);
    let gone = free_port();
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options(broker.address()).version(Version::V5));
    let lost = schedule(&scheduler, options(gone));
    lost.subscribe("lux", Qos::AtLeastOnce).unwrap().for_each(drop);
    let reports = Recorder::new();
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let messages = ["lux", "lamp"].map(|topic| Message::new(topic, "x").qos(Qos::AtLeastOnce));
    scheduler.schedule_recurring(from_iter(messages).connect(client.publisher())).unwrap();
    let (seen, stopper) = (reports.clone(), scheduler.stopper());
    let (counts, address) = (client.clone(), gone.to_string());
    let is_told = move || seen.events().iter().any(|text| text.contains(&address));
    when(&scheduler, move || counts.stats().delivered + counts.stats().dead == 2 && is_told(), move || stopper.stop());
    scheduler.run_forever().unwrap();
    let refused = format!("mqtt://{}: the message to `lux` is refused: not authorized", broker.address());
    let away =
        format!("mqtt://{gone}: no connection to the broker: cannot connect to mqtt://{gone}: Connection refused");
    let reports = reports.events();
    for expected in [refused, away] {
        assert!(reports.iter().any(|text| text.starts_with(&expected)), "{expected}: {reports:?}");
    }
    assert_eq!((client.stats().delivered, client.stats().dead), (1, 1));
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
    client.status().also_to(seen.clone()).for_each(move |status| match status {
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

/// A packet of MQTT 3.1.1: QoS 0 if it has no id.
fn publish(topic: &str, id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    let mut body = [&u16::try_from(topic.len()).unwrap().to_be_bytes(), topic.as_bytes()].concat();
    body.extend(id.into_iter().flat_map(u16::to_be_bytes));
    body.extend(payload);
    let mut packet = vec![if id.is_some() { 0x32 } else { 0x30 }];
    let mut length = body.len();
    while length > 0x7f {
        packet.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    packet.push(u8::try_from(length).unwrap());
    packet.extend(body);
    packet
}

/// What a broker of our own does when it has let a client in, which has subscribed to one topic.
fn broker(serve: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = read_packet(&mut socket); // CONNECT
        socket.write_all(&[0x20, 2, 0, 0]).unwrap();
        let subscribe = read_packet(&mut socket).unwrap();
        socket.write_all(&[0x90, 3, subscribe[0], subscribe[1], 2]).unwrap();
        serve(socket);
    });
    address
}

/// What follows the length of a short packet.
fn read_packet(socket: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = [0; 2];
    socket.read_exact(&mut head)?;
    let mut body = vec![0; usize::from(head[1])];
    socket.read_exact(&mut body)?;
    Ok(body)
}

/// A graph that takes nothing any more holds the broker up, whatever that sends; nothing of it fills the memory.
#[test]
fn a_broker_that_brings_more_than_the_graph_takes_is_held_up() {
    const MOST: u64 = 64 << 20;
    for (version, id) in [(Version::V3_1_1, None), (Version::V3_1_1, Some(1))] {
        let sent = Arc::<AtomicU64>::default();
        let there = sent.clone();
        let address = broker(move |mut socket| {
            for n in 1..=u16::MAX {
                let packet = publish("in", id.map(|_| n), &[b'x'; 1 << 10]);
                let so_far = there.fetch_add(packet.len() as u64, Ordering::Relaxed);
                if so_far > MOST || socket.write_all(&packet).is_err() {
                    return;
                }
            }
        });
        let mut scheduler = new_scheduler();
        scheduler.stop_within(Duration::ZERO);
        let client = schedule(&scheduler, options(address).version(version));
        let stuck = schedule(&scheduler, options(free_port()).queue(Limit::block(10)));
        if id.is_none() {
            client.subscribe("in", Qos::AtMostOnce).unwrap().map(Message::from).connect(stuck.publisher());
        } else {
            let tracked = client.subscribe_tracked("in", Qos::AtLeastOnce).unwrap();
            tracked.map_value(Message::from).connect(stuck.publisher());
        }
        let (so_far, stopper) = (sent.clone(), scheduler.stopper());
        let (mut before, mut still) = (0, 0);
        let is_over = move || {
            let now = so_far.load(Ordering::Relaxed);
            still = if now == before && now > 0 { still + 1 } else { 0 };
            before = now;
            still == 50
        };
        when(&scheduler, is_over, move || stopper.stop());
        scheduler.run_forever().unwrap();
        let sent = sent.load(Ordering::Relaxed);
        assert!(sent < MOST, "{id:?}: {} MiB have been read", sent >> 20);
    }
}

/// What a client publishes is acknowledged by the connection that brings what it has subscribed to: neither may wait for the
/// other for ever.
#[test]
fn a_client_that_passes_on_what_it_receives_does_not_wait_for_itself() {
    for version in VERSIONS {
        let broker = Mosquitto::with("allow_anonymous true\nmax_queued_messages 0\n");
        let mut scheduler = new_scheduler();
        let options = || options(broker.address()).version(version);
        let client = schedule(&scheduler, options().queue(Limit::block(4)).in_flight(2).receive_maximum(3));
        let noise = client.subscribe("noise", Qos::AtMostOnce).unwrap();
        noise.map(|it| Message::new("out", it.payload)).connect(client.publisher());
        let words = client.subscribe_tracked("words", Qos::AtLeastOnce).unwrap();
        words.map_value(|it| Message::new("out/words", it.payload)).connect(client.publisher());

        let reader = schedule(&scheduler, options());
        let port = reader.subscribe("out/words", Qos::AtLeastOnce).unwrap();
        let seen = collect(&scheduler, &port, 40);
        let writer = schedule(&scheduler, options());
        let (begins, long) = (Rc::new(Cell::new(false)), "x".repeat(8 << 10));
        let begun = begins.clone();
        let broker = Rc::new(broker);
        let log = broker.clone();
        when(&scheduler, move || log.log().matches("Sending SUBACK").count() == 3, move || begins.set(true));
        let message = move |n: usize| match n % 100 {
            0 => Message::new("words", format!("{} {long}", n / 100)),
            _ => Message::new("noise", "x".repeat(1 << 10)).qos(Qos::AtMostOnce),
        };
        let hundreds = interval(Duration::from_millis(1))
            .filter(move |_| begun.get())
            .take(40)
            .enumerate()
            .flat_map(|(n, _)| 100 * n..100 * (n + 1))
            .map(message);
        scheduler.schedule_recurring(hundreds.connect(writer.publisher())).unwrap();
        scheduler.run_forever().unwrap();
        let numbers: Vec<u32> =
            seen.borrow().iter().map(|it| it.text().split(' ').next().unwrap().parse().unwrap()).collect();
        assert_eq!(numbers, (0..40).collect::<Vec<_>>(), "{version:?}");
    }
}

/// Whoever looks for the fault has to know where it comes from; the broker does not wait for a message of QoS 0.
#[test]
fn a_message_that_cannot_be_dealt_with_is_reported_by_its_topic_at_every_quality() {
    let broker = Mosquitto::start();
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let mut scheduler = new_scheduler();
        let client = schedule(&scheduler, options(broker.address()));
        let reports = Recorder::new();
        scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
        let numbers = client.subscribe_tracked("lab/#", qos).unwrap().try_map_value(|it| it.text().parse::<u8>());
        let (seen, stopper) = (Recorder::new(), scheduler.stopper());
        let enough = numbers.map(|number| number.value).also_to(seen.clone());
        enough.for_each(move |number| {
            if number == 2 {
                stopper.stop();
            }
        });
        let messages = [("a", "1"), ("b", "x"), ("c", "2")];
        let messages = messages.map(|(topic, text)| Message::new(format!("lab/{topic}"), text).qos(qos));
        let (publisher, mut messages) = (client.publisher(), Some(messages));
        let connected = client.status().filter(|status| matches!(status, Status::Connected { .. }));
        connected.flat_map(move |_| messages.take().into_iter().flatten()).connect(publisher);
        scheduler.run_forever().unwrap();
        assert_eq!(seen.events(), [1, 2], "{qos:?}");
        let said = "a message of `lab/b` could not be dealt with: invalid digit found in string";
        assert_eq!(reports.events(), [said], "{qos:?}");
    }
}
