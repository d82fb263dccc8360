//! Clients and servers that send without a pause: everything else in the program has its turn all the same.
#![cfg(all(feature = "mqtt", feature = "tcp", feature = "webhook", feature = "websocket"))]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use support::bounded::new_scheduler;
use support::raw_websocket::{accept, client_frame, request};
use thingflow_adapters::{mqtt, tcp, webhook, websocket};
use thingflow_core::EventThing;
use thingflow_core::prelude::*;

/// How much a flood is at most, and how much of it has come before it is looked whether a timer has its turn.
const MOST: u64 = 96 << 20;
const BEGUN: u64 = 256 << 10;

/// Sends the same again and again, while it is taken. How much that was.
fn flood(mut socket: TcpStream, again: &[u8], sent: &AtomicU64) {
    let piece = again.repeat((1 << 16) / again.len() + 1);
    while sent.load(Ordering::Relaxed) < MOST && socket.write_all(&piece).is_ok() {
        sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
}

/// A timer ticks twice while the other side floods a Thing, which it would not if that read on as long as there is something.
#[track_caller]
fn others_have_their_turn(
    thing: impl EventThing + 'static,
    connect: impl FnOnce() -> TcpStream + Send + 'static,
    again: &[u8],
) {
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(thing).unwrap();
    let sent = Arc::<AtomicU64>::default();
    let (there, stopper, again) = (sent.clone(), scheduler.stopper(), again.to_vec());
    let other = thread::spawn(move || {
        flood(connect(), &again, &there);
        stopper.stop(); // unless it has ended
    });
    let (so_far, stopper) = (sent.clone(), scheduler.stopper());
    let ticks = interval(Duration::from_millis(1)).filter(move |_| so_far.load(Ordering::Relaxed) > BEGUN);
    let ticks = ticks.take(2).fold(0, |n, _| n + 1).for_each(move |_| stopper.stop());
    scheduler.schedule_recurring(ticks).unwrap();
    scheduler.run_forever().unwrap();
    drop(scheduler); // hangs up
    other.join().unwrap();
    let sent = sent.load(Ordering::Relaxed);
    assert!((BEGUN..MOST).contains(&sent), "{} KiB were read in one go", sent >> 10);
}

/// A client that begins so.
fn client(address: SocketAddr, greeting: &[u8]) -> impl FnOnce() -> TcpStream + use<> {
    let greeting = greeting.to_vec();
    move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(&greeting).unwrap();
        socket
    }
}

#[test]
fn sz43_bad_lines_without_a_pause_do_not_keep_the_thread() {
    let server = tcp::listen("127.0.0.1:0").unwrap();
    others_have_their_turn(
        server.thing(),
        client(server.local_addr(), b""),
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\n",
    );
}

fn websocket_flood(begun: &[u8], again: &[u8]) {
    let server = websocket::ServerOptions::default().without_token().listen("127.0.0.1:0").unwrap();
    let greeting = [request("/", "").as_bytes(), begun].concat();
    others_have_their_turn(server.thing(), client(server.local_addr(), &greeting), again);
}

#[test]
fn sz47_pings_without_a_pause_do_not_keep_the_thread() {
    websocket_flood(b"", &client_frame(0x89, b""));
}

#[test]
fn sz47_fragments_without_an_end_do_not_keep_the_thread() {
    websocket_flood(&client_frame(0x01, b"it begins"), &client_frame(0x00, b""));
}

#[test]
fn a_body_of_smallest_chunks_does_not_keep_the_thread() {
    let hook = webhook::Options::<u32>::json().max_body(1 << 30).without_token().listen("127.0.0.1:0").unwrap();
    hook.received().for_each(drop);
    let head = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("1;{}\r\n7\r\n", "x".repeat(900));
    others_have_their_turn(hook.thing(), client(hook.local_addr(), head), chunk.as_bytes());
}

/// A server that takes one client.
fn server(headers: &'static str) -> (SocketAddr, impl FnOnce() -> TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (listener.local_addr().unwrap(), move || accept(&listener, headers).into_socket())
}

#[test]
fn sz47_a_server_that_pings_without_a_pause_does_not_keep_the_thread() {
    let (address, connected) = server("");
    let client = websocket::connect(&format!("ws://{address}/")).unwrap();
    client.received().for_each(drop);
    others_have_their_turn(client.thing(), connected, &[0x89, 0]);
}

#[test]
fn sz47_a_broker_that_pings_without_a_pause_does_not_keep_the_thread() {
    let (address, connected) = server("Sec-WebSocket-Protocol: mqtt\r\n");
    let client = mqtt::Client::new(mqtt::Options::new(&format!("ws://{address}/")).unwrap());
    let received = client.subscribe("lux", mqtt::Qos::AtMostOnce).unwrap();
    received.for_each(drop);
    others_have_their_turn(client.thing(), connected, &[0x89, 0]);
}
