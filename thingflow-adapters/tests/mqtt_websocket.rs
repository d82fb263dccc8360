//! MQTT through WebSockets: the broker mosquitto, by both versions, with large and many messages, with TLS, cut in the middle.
#![cfg(all(feature = "mqtt", feature = "websocket"))]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use support::bounded::new_scheduler;
use support::mosquitto::{Mosquitto, free_port, wait_until_it_answers};
use support::mqtt::{collect, schedule};
use support::proxy::{Proxy, Way};
use thingflow_adapters::mqtt::{Message, Options, Qos, Version};
use thingflow_core::Backoff;
use thingflow_core::prelude::*;

/// A broker, and where it takes WebSockets: beside the other port, since it begins with none of them alone.
fn broker(access: &str, lines: &str, prepare: impl FnOnce(&Path)) -> (Mosquitto, SocketAddr) {
    let address = free_port();
    let listener = format!("listener {} 127.0.0.1\nprotocol websockets\n", address.port());
    let broker = Mosquitto::prepared(&format!("{access}{listener}{lines}"), prepare);
    wait_until_it_answers(address, || broker.log());
    (broker, address)
}

const OPEN: &str = "allow_anonymous true\n";
const SOON: Backoff = Backoff::constant(Duration::from_millis(20));

/// A few messages: the broker reads some kilobytes ten times a second.
fn run(options: Options, messages: usize, then: impl FnOnce()) -> Vec<String> {
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options);
    let port = client.subscribe("lux/#", Qos::AtLeastOnce).unwrap();
    let seen = collect(&scheduler, &port, messages);
    let text = |n: usize| format!("{n} {}", "x".repeat(n * 500));
    let all: Vec<Message> =
        (0..messages).map(|n| Message::new(format!("lux/{n}"), text(n)).qos(Qos::AtLeastOnce)).collect();
    scheduler.schedule_periodic(from_iter(all).connect(client.publisher()), Duration::from_millis(2)).unwrap();
    then();
    scheduler.run_forever().unwrap();
    let mut texts: Vec<String> = seen.borrow().iter().map(|message| message.text().into_owned()).collect();
    assert!((0..messages).all(|n| texts.contains(&text(n))));
    texts.dedup();
    texts
}

#[test]
fn messages_go_round_by_both_versions() {
    let (_broker, address) = broker(OPEN, "", |_| ());
    for version in [Version::V3_1_1, Version::V5] {
        let options = Options::new(&format!("ws://{address}/mqtt")).unwrap().version(version);
        assert_eq!(run(options, 12, || ()).len(), 12, "{version:?}");
    }
}

#[test]
fn a_cut_in_the_middle_of_a_message_loses_nothing() {
    let (_broker, address) = broker(OPEN, "", |_| ());
    let proxy = Proxy::new(address);
    let options = Options::new(&format!("ws://{}", proxy.address())).unwrap().retry(SOON);
    let options = options.keep_session(Duration::from_secs(60)).client_id("lux");
    run(options, 12, || proxy.reset_after(Way::ToServer, 12_345));
    assert!(proxy.accepted() > 1);
}

#[cfg(feature = "tls")]
#[test]
fn by_tls_and_with_a_name_and_a_password() {
    use support::authority::{Authority, DAY};
    use thingflow_adapters::net::{Secret, Tls};

    let access = "allow_anonymous false\npassword_file FOLDER/users\n";
    let lines = "certfile FOLDER/localhost.pem\nkeyfile FOLDER/localhost.key\n";
    let (broker, address) = broker(access, lines, |folder| {
        let authority = Authority::new();
        authority.write(&folder.join("ca.pem"));
        authority.issue(folder, "localhost", Duration::ZERO, DAY);
        let made = std::process::Command::new("mosquitto_passwd")
            .args(["-b", "-c"])
            .arg(folder.join("users"))
            .args(["lamp", "s3cret"])
            .status();
        assert!(made.unwrap().success());
        std::fs::write(folder.join("password"), "s3cret\n").unwrap();
    });
    let options = Options::new(&format!("wss://lamp@{address}/mqtt")).unwrap();
    let options = options.tls(Tls::default().trust_only(broker.folder().join("ca.pem")));
    run(options.password(Secret::file(broker.folder().join("password"))), 6, || ());
}

#[test]
fn addresses_are_told_apart() {
    for (address, why) in [("ws://", "no host"), ("ws://h/a b", "%20"), ("wsx://h", "`ws` and `wss`")] {
        let error = Options::new(address).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
