//! Both sides: our client and our server with each other, and what is the same for either.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use thingflow_adapters::websocket::{self, ClientOptions, Message};
use thingflow_core::prelude::*;

use super::support::bounded::new_scheduler;
use super::support::raw_websocket::{Frame, Raw, accept, client_frame, request};
use super::{Result, SECOND, SOON, collect, echo, open, url, with_client};

#[test]
fn sz47_messages_of_all_lengths_and_both_kinds_go_both_ways_in_order() -> Result {
    let lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000];
    let texts = lengths.map(|n| Message::from("ü".repeat(n)));
    let all: Vec<Message> = lengths.map(|n| Message::from(vec![7; n])).into_iter().chain(texts).collect();
    let server = echo(open().max_message(1 << 20).max_unsent(1 << 24))?;
    let client = ClientOptions::new(&url(&server))?.max_message(1 << 20).connect();
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(server.thing())?;
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let seen = collect(&scheduler, &client, all.len());
    scheduler.schedule_recurring(from_iter(all.clone()).connect(client.sender()))?;
    scheduler.run_forever()?;
    assert!(seen.events() == all);
    let stats = client.stats();
    assert_eq!((stats.posted, stats.sent, stats.waiting, stats.received), (16, 16, 0, 16));
    Ok(())
}

#[test]
fn a_server_that_ends_says_goodbye_and_so_does_a_client_that_nobody_uses() -> Result {
    let server = open().listen("127.0.0.1:0")?;
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_on_main_event_loop(server.thing())?;
    let mut raw = Raw::new(server.local_addr());
    raw.send(request("/", "").as_bytes());
    scheduler.run_for(SECOND)?;
    drop(scheduler);
    raw.head();
    assert_eq!(raw.frame().code(), 1001);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = websocket::connect(&format!("ws://{}", listener.local_addr()?))?;
    let heard = thread::spawn(move || {
        let mut raw = accept(&listener, "");
        [raw.frame(), raw.frame(), raw.frame()]
    });
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let sent = [Message::from("on"), Message::from(vec![0, 255])];
    scheduler.schedule_recurring(from_iter(sent).connect(client.sender()))?;
    scheduler.run_forever()?;
    let [text, bytes, close] = heard.join().unwrap();
    assert_eq!((text, bytes), (Frame::new(0x81, b"on"), Frame::new(0x82, &[0, 255])));
    assert_eq!((close.first, close.code()), (0x88, 1000));
    Ok(())
}

/// Both sides may speak at once, in the same packet as the handshake or in pieces of it, and the other may have stopped sending.
#[test]
fn what_comes_together_with_the_handshake_is_heard() -> Result {
    let server = echo(open())?;
    with_client(&server, |address| {
        let all = [request("/", "").as_bytes(), &client_frame(0x81, b"at once")].concat();
        for piece in [all.len(), 1, 7] {
            let mut raw = Raw::new(address);
            all.chunks(piece).for_each(|bytes| raw.send(bytes));
            assert!(raw.head().starts_with("HTTP/1.1 101 "), "{piece}");
            assert_eq!(raw.frame(), Frame::new(0x81, b"at once"), "{piece}");
            raw.send(&[client_frame(0x01, b"half"), client_frame(0x88, &1000_u16.to_be_bytes())].concat());
            let frame = raw.frame();
            assert_eq!((frame.first, frame.code()), (0x88, 1000), "a goodbye within a message");
            assert!(raw.is_over());
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = ClientOptions::new(&format!("ws://{}", listener.local_addr()?))?.retry(SOON).connect();
    let peer = thread::spawn(move || {
        for piece in [1000, 1, 7] {
            let mut raw = Raw::of(listener.accept().unwrap().0);
            let asked = raw.head();
            let key = asked.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
            let accepted = tungstenite::handshake::derive_accept_key(key.as_bytes());
            let head = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept:";
            let all = [format!("{head} {accepted}\r\n\r\n").as_bytes(), &[0x82, 1, 7], &[0x88, 0]].concat();
            all.chunks(piece).for_each(|bytes| raw.send(bytes));
            assert_eq!(raw.frame().first, 0x88, "the goodbye without a code is answered");
        }
    });
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let seen = collect(&scheduler, &client, 3);
    scheduler.run_forever()?;
    drop(scheduler);
    peer.join().unwrap();
    assert_eq!(seen.events(), [7, 7, 7].map(|byte| Message::from(vec![byte])));
    Ok(())
}

/// Codes that stand for what is never sent, and those that nobody has given out.
#[test]
fn who_closes_by_a_code_that_is_none_is_told_so() -> Result {
    let server = echo(open())?;
    with_client(&server, |address| {
        for (code, answer) in [
            (1000, 1000),
            (3000, 3000),
            (4999, 4999),
            (999, 1002),
            (1005, 1002),
            (1006, 1002),
            (1015, 1002),
            (5000, 1002),
        ] {
            let mut raw = Raw::connect(address);
            raw.send(&client_frame(0x88, &u16::to_be_bytes(code)));
            assert_eq!(raw.frame().code(), answer, "{code}");
            assert!(raw.is_over(), "{code}");
        }
        let mut raw = Raw::connect(address);
        raw.send(&client_frame(0x88, b"\x03\xe8\xff")); // with a reason that is no text
        assert!([1002, 1007].contains(&raw.frame().code()));
        assert!(raw.is_over());
    });
    Ok(())
}

#[cfg(feature = "tls")]
#[test]
fn both_sides_speak_by_tls_and_a_stranger_is_kept_out() -> Result {
    use super::support::authority::{Authority, DAY};
    use thingflow_adapters::net::Tls;

    let (folder, authority) = (tempfile::tempdir()?, Authority::new());
    let path = folder.path();
    authority.write(&path.join("ca.pem"));
    authority.issue(path, "localhost", Duration::ZERO, DAY);
    let trusting = Tls::default().trust_only(path.join("ca.pem"));
    let server = echo(open().tls(Tls::default().identity(path.join("localhost.pem"), path.join("localhost.key"))))?;
    let url = url(&server).replace("ws:", "wss:");
    let (client, stranger) = (ClientOptions::new(&url)?.tls(trusting).connect(), websocket::connect(&url)?);
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(server.thing())?;
    scheduler.schedule_on_main_event_loop(client.thing())?;
    scheduler.schedule_on_main_event_loop(stranger.thing())?;
    stranger.received().for_each(drop);
    let all: Vec<Message> = (0..100_u8).map(|n| vec![n; 50_000].into()).collect();
    let seen = collect(&scheduler, &client, all.len());
    scheduler.schedule_recurring(from_iter(all.clone()).connect(client.sender()))?;
    scheduler.run_forever()?;
    assert!(seen.events() == all);
    assert_eq!(stranger.stats().connections, 0);
    Ok(())
}
