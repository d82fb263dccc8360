//! WebSockets: our client and our server with each other, and each against bytes by hand: rude, slow, broken and malicious ones.
#![cfg(feature = "websocket")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use support::bounded::new_scheduler;
use support::mosquitto::free_port;
use support::proxy::{Proxy, Way};
use support::raw_websocket::{ACCEPT, Frame, KEY, Raw, accept, client_frame, request};
use thingflow_adapters::net::Secret;
use thingflow_adapters::tcp::Change;
use thingflow_adapters::websocket::{self, Client, ClientOptions, Message, Options, Received, Server, Slow, Status};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Backoff, Limit};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SOON: Backoff = Backoff::constant(Duration::from_millis(10));
const SECOND: Duration = Duration::from_secs(1);

fn open() -> Options {
    Options::default().without_token()
}

fn url(server: &Server) -> String {
    format!("ws://{}/", server.local_addr())
}

/// Runs a server on real time while a client works on a thread.
fn with_client<R: Send + 'static>(server: &Server, work: impl FnOnce(SocketAddr) -> R + Send + 'static) -> R {
    let mut scheduler = new_scheduler();
    let (stopper, address) = (scheduler.stopper(), server.local_addr());
    scheduler.schedule_on_main_event_loop(server.thing()).unwrap();
    let client = thread::spawn(move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(address)));
        stopper.stop();
        result
    });
    scheduler.run_forever().unwrap();
    client.join().unwrap().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Stops the run with the `n`th message of a client.
fn collect(scheduler: &Scheduler, client: &Client, n: usize) -> Recorder<Message> {
    let (seen, stopper) = (Recorder::new(), scheduler.stopper());
    let there = seen.clone();
    client.received().also_to(seen.clone()).for_each(move |_| {
        if there.events().len() == n {
            stopper.stop();
        }
    });
    seen
}

fn echo(options: Options) -> Result<Server> {
    let server = options.listen("127.0.0.1:0")?;
    server.received().connect(server.reply());
    Ok(server)
}

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
fn the_handshake_of_the_standard_is_answered_as_there() -> Result {
    let server = open().listen("127.0.0.1:0")?;
    let answer = with_client(&server, |address| {
        let mut raw = Raw::new(address);
        raw.send(request("/chat", "").as_bytes());
        raw.head()
    });
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains(ACCEPT), "{answer}");
    Ok(())
}

#[test]
fn fragments_are_put_together_and_pings_between_them_are_answered() -> Result {
    let server = echo(open())?;
    with_client(&server, |address| {
        let mut raw = Raw::connect(address);
        let bytes = [client_frame(0x01, b"twenty "), client_frame(0x89, b"there?"), client_frame(0x80, b"lux")];
        for byte in bytes.concat() {
            raw.send(&[byte]); // however they come
        }
        assert_eq!(raw.frame(), Frame::new(0x8a, b"there?"));
        assert_eq!(raw.frame(), Frame::new(0x81, b"twenty lux"));
        raw.send(&client_frame(0x88, &[0x03, 0xe8]));
        assert_eq!(raw.frame(), Frame::new(0x88, &[0x03, 0xe8]), "the goodbye is answered");
        assert!(raw.is_over());
    });
    Ok(())
}

#[test]
fn what_breaks_the_protocol_ends_that_connection_by_its_code_and_no_other() -> Result {
    let server = echo(open().max_message(1000))?;
    let reserved = |first: u8| client_frame(first, b"x");
    let huge = [&[0x82, 0xff][..], &u64::MAX.to_be_bytes(), &[1, 2, 3, 4]].concat();
    let large = [&[0x82, 0xfe, 0x03, 0xe9][..], &[1, 2, 3, 4]].concat();
    let pieces = [client_frame(0x02, &[0; 600]), client_frame(0x80, &[0; 600])].concat();
    let cases = [
        (vec![0x81, 1, b'x'], 1002, "a frame that is not masked"),
        (huge, 1009, "a length of 2^64 - 1"),
        (large, 1009, "one byte too many"),
        (pieces, 1009, "fragments that are too long together"),
        (client_frame(0x81, b"\xff\xfe"), 1007, "a text that is none"),
        ([client_frame(0x01, b"\xc3"), client_frame(0x80, b"\xff")].concat(), 1007, "a text in pieces that is none"),
        (reserved(0x80), 1002, "the end of a message that has not begun"),
        ([client_frame(0x01, b"a"), client_frame(0x81, b"b")].concat(), 1002, "a message within a message"),
        (reserved(0xc1), 1002, "a bit that nobody has spoken of"),
        (reserved(0x83), 1002, "a kind of frame that there is not"),
        (reserved(0x09), 1002, "a ping in pieces"),
        (client_frame(0x89, &[0; 126]), 1002, "a ping that is too long"),
        (client_frame(0x88, &[3]), 1002, "half a code to close with"),
    ];
    let n = cases.len() as u64;
    with_client(&server, |address| {
        let mut good = Raw::connect(address);
        for (bytes, code, what) in cases {
            let mut raw = Raw::connect(address);
            raw.send(&bytes);
            let frame = raw.frame();
            assert_eq!((frame.first, frame.code()), (0x88, code), "{what}");
            assert!(raw.is_over(), "{what}");
            good.send(&client_frame(0x81, what.as_bytes()));
            assert_eq!(good.frame(), Frame::new(0x81, what.as_bytes()));
        }
    });
    let stats = server.stats();
    assert_eq!((stats.invalid, stats.disconnected, stats.received), (n, n, n));
    Ok(())
}

#[test]
fn who_asks_wrongly_is_told_so_and_is_no_client() -> Result {
    let folder = tempfile::tempdir()?;
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n")?;
    let server = open().path("/lux").allow_origin("https://page.example").listen("127.0.0.1:0")?;
    let guarded = Options::default().token(Secret::file(&token)).listen("127.0.0.1:0")?;
    let changes = Recorder::new();
    server.changes().connect(changes.clone());
    let get = |headers: &str| format!("GET /lux HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
    let upgrade = "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n";
    let key = format!("Sec-WebSocket-Key: {KEY}\r\n");
    let cases = vec![
        (request("/lux?room=2", ""), 101),
        (request("/lux", "Origin: https://page.example\r\n"), 101),
        (get(&format!("{upgrade}{key}Sec-WebSocket-Version: 13\r\n")), 101),
        (request("/lux", "Origin: https://evil.example\r\n"), 403),
        (request("/lux", "Origin: null\r\n"), 403),
        (request("/other", ""), 404),
        (request("/lux", "").replace("GET", "POST"), 405),
        (request("/lux", "").replace("HTTP/1.1", "HTTP/1.0"), 426),
        (request("/lux", "").replace("HTTP/1.1", "HTTP/3.0"), 505),
        (get(""), 426),
        (get(&format!("{upgrade}{key}Sec-WebSocket-Version: 8\r\n")), 426),
        (get(&format!("{upgrade}Sec-WebSocket-Version: 13\r\n")), 400),
        (get(&format!("{upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n")), 400),
        (get(&format!("{upgrade}{key}{key}Sec-WebSocket-Version: 13\r\n")), 400),
        ("\u{16}\u{3}\u{1} hello\r\n\r\n".to_owned(), 400),
        (get(&format!("X: {}\r\n", "x".repeat(20_000))), 431),
        (get(&"X: y\r\n".repeat(65)), 431),
    ];
    let refused = cases.iter().filter(|(_, status)| *status != 101).count();
    with_client(&server, |address| {
        for (bytes, status) in cases {
            let mut raw = Raw::new(address);
            raw.send(bytes.as_bytes());
            let head = raw.head();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{bytes:.200}: {head}");
            assert!(status == 101 || raw.is_over(), "{bytes:.200}");
        }
    });
    assert_eq!(server.stats().refused, refused as u64);
    assert_eq!(changes.events().iter().filter(|change| matches!(change, Change::Connected(..))).count(), 3);
    with_client(&guarded, |address| {
        let bearer = |token: &str| request("/", &format!("Authorization: Bearer {token}\r\n"));
        for (bytes, status) in [
            (bearer("s3cret"), 101),
            (bearer("s3cre"), 401),
            (request("/", ""), 401),
            (request("/", "Origin: https://page.example\r\n"), 401),
        ] {
            let mut raw = Raw::new(address);
            raw.send(bytes.as_bytes());
            let head = raw.head();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{bytes}: {head}");
        }
    });
    for options in [Options::default(), Options::default().token(Secret::file("/dev/null"))] {
        let error = options.listen("127.0.0.1:0").unwrap_err().to_string();
        assert!(error.starts_with("invalid") && error.contains("token"), "{error}");
    }
    Ok(())
}

#[test]
fn half_a_handshake_is_waited_for_ten_seconds_and_holds_up_nobody() -> Result {
    let server = echo(open().max_clients(3))?;
    let changes = Recorder::new();
    server.changes().connect(changes.clone());
    let address = server.local_addr();
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_on_main_event_loop(server.thing())?;
    let (mut slow, silent) = (Raw::new(address), Raw::new(address));
    let mut good = Raw::new(address);
    good.send(request("/", "").as_bytes());
    for byte in request("/", "").bytes().take(8) {
        slow.send(&[byte]);
        scheduler.run_for(SECOND)?;
    }
    assert_eq!((server.stats().clients, changes.events().len()), (3, 1));
    scheduler.run_for(3 * SECOND)?;
    assert_eq!((server.stats().clients, server.stats().disconnected), (1, 2));
    assert!([slow, silent].iter_mut().all(Raw::is_over));
    good.head();
    good.send(&client_frame(0x81, b"still here"));
    scheduler.run_for(SECOND)?;
    assert_eq!(good.frame(), Frame::new(0x81, b"still here"));
    Ok(())
}

#[test]
fn a_client_that_answers_no_ping_is_gone_and_one_that_does_stays() -> Result {
    let server = open().listen("127.0.0.1:0")?;
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_on_main_event_loop(server.thing())?;
    let [mut alive, mut dead] = [(); 2].map(|()| Raw::new(server.local_addr()));
    for raw in [&mut alive, &mut dead] {
        raw.send(request("/", "").as_bytes());
    }
    scheduler.run_for(SECOND)?;
    for _ in 0..10 {
        scheduler.run_for(31 * SECOND)?;
        while alive.has_more() {
            if alive.head_or_frame().first == 0x89 {
                alive.send(&client_frame(0x8a, b""));
            }
        }
        scheduler.run_for(SECOND)?;
    }
    assert_eq!((server.stats().clients, server.stats().disconnected), (1, 1));
    Ok(())
}

/// They are not read, so what they would say is not heard.
#[test]
fn nobody_is_silent_while_the_program_itself_is_full() -> Result {
    let server = open().listen("127.0.0.1:0")?;
    let mut scheduler = Scheduler::virtual_time()?;
    let slow = server.received().pace(600 * SECOND, Limit::block(1));
    let seen = Recorder::new();
    slow.map(|received| received.frame).connect(seen.clone());
    scheduler.schedule_on_main_event_loop(server.thing())?;
    let mut raw = Raw::new(server.local_addr());
    raw.send(request("/", "").as_bytes());
    for n in 0..5 {
        raw.send(&client_frame(0x81, format!("{n}").as_bytes()));
    }
    scheduler.run_for(6000 * SECOND)?;
    assert_eq!(seen.events(), ["0", "1", "2", "3", "4"].map(Message::from));
    Ok(())
}

#[test]
fn a_message_that_comes_slowly_is_a_sign_of_life_until_nothing_more_comes() -> Result {
    let server = open().listen("127.0.0.1:0")?;
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    server.received().map(|received| received.frame).connect(seen.clone());
    scheduler.schedule_on_main_event_loop(server.thing())?;
    let mut raw = Raw::new(server.local_addr());
    raw.send(request("/", "").as_bytes());
    let frame = client_frame(0x81, &[b'x'; 1000]);
    for piece in frame.chunks(100) {
        raw.send(piece); // no ping can be answered in the middle of it
        scheduler.run_for(20 * SECOND)?;
    }
    assert_eq!(seen.events(), [Message::from("x".repeat(1000))]);
    raw.send(&frame[..100]);
    scheduler.run_for(200 * SECOND)?;
    assert_eq!((server.stats().clients, server.stats().disconnected), (0, 1));
    Ok(())
}

#[test]
fn who_pings_without_end_and_reads_nothing_makes_nothing_grow() -> Result {
    const PINGS: u32 = 200_000;
    let server = echo(open())?;
    with_client(&server, |address| {
        let mut raw = Raw::connect(address);
        for chunk in (0..PINGS).collect::<Vec<_>>().chunks(1000) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|n| client_frame(0x89, &n.to_be_bytes())).collect();
            raw.send(&bytes); // they are all read, although none of the answers is
        }
        raw.send(&client_frame(0x81, b"and?"));
        let (mut pongs, mut last) = (0, None);
        loop {
            let frame = raw.frame();
            if frame.first == 0x81 {
                break;
            }
            (pongs, last) = (pongs + 1, Some(frame.payload));
        }
        // The answer to the last may come behind the message.
        if last.as_deref() != Some(&(PINGS - 1).to_be_bytes()) {
            assert_eq!(raw.frame().payload, (PINGS - 1).to_be_bytes());
        }
        assert!(pongs <= PINGS);
    });
    Ok(())
}

fn slow_client(slow: Slow) -> Result<Server> {
    const MESSAGES: u64 = 1000;
    let server = open().max_unsent(1 << 17).slow(slow).listen("127.0.0.1:0")?;
    server.received().map(|_| Message::from("x".repeat(1 << 14))).connect(server.broadcast());
    with_client(&server, |address| {
        let asleep = Raw::connect(address);
        let mut awake = Raw::connect(address);
        for _ in 0..MESSAGES {
            awake.send(&client_frame(0x81, b"more"));
            assert_eq!(awake.frame().payload.len(), 1 << 14, "one client does not hold up another");
        }
        drop(asleep);
    });
    Ok(server)
}

#[test]
fn a_client_that_does_not_read_misses_whole_messages_or_is_disconnected() -> Result {
    let stats = slow_client(Slow::Drop)?.stats();
    assert!(stats.missed > 0 && stats.disconnected == 0, "{stats:?}");
    let stats = slow_client(Slow::Disconnect)?.stats();
    assert_eq!((stats.missed, stats.disconnected), (1, 1));
    Ok(())
}

#[test]
fn clients_beyond_the_limit_are_turned_away_and_a_peer_that_dies_in_a_frame_sends_nothing() -> Result {
    let server = open().max_clients(2).listen("127.0.0.1:0")?;
    let (seen, changes) = (Recorder::new(), Recorder::new());
    server.received().map(|Received { client, frame }| (client.to_string(), frame)).connect(seen.clone());
    server.changes().connect(changes.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_on_main_event_loop(server.thing())?;
    let mut all = [(); 3].map(|()| Raw::new(server.local_addr()));
    all.iter_mut().for_each(|raw| raw.send(request("/", "").as_bytes()));
    scheduler.run_for(SECOND)?;
    let [mut one, two, mut turned_away] = all;
    assert!(turned_away.is_over());
    let whole = client_frame(0x81, b"whole");
    one.send(&[&whole[..], &whole[..whole.len() - 1]].concat());
    scheduler.run_for(SECOND)?;
    drop((one, two));
    scheduler.run_for(SECOND)?;
    assert_eq!(seen.events(), [("1".to_owned(), Message::from("whole"))]);
    assert_eq!((server.stats().clients, server.stats().refused, changes.events().len()), (0, 1, 4));
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

/// What servers do that do not what they should, and what the client says of it.
#[test]
fn a_server_that_is_none_or_breaks_the_protocol_is_left_and_tried_again() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("ws://{}/lux", listener.local_addr()?);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n".to_vec(), "`401 Unauthorized`"),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), "no HTTP"),
        (
            format!(
                "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {KEY}\r\n\r\n"
            )
            .into(),
            "none of WebSockets",
        ),
        ([b"HTTP/1.1 101 X\r\n".to_vec(), vec![b'x'; 20_000]].concat(), "too large"),
        (Vec::new(), "hung up in the handshake"),
    ];
    let frames: Vec<(Vec<u8>, u16, &str)> = vec![
        (client_frame(0x81, b"masked"), 1002, "masked"),
        (vec![0x82, 127, 0, 0, 0, 0, 0xff, 0, 0, 0], 1009, "longer than 65536 bytes"),
        (vec![0x81, 1, 0xff], 1007, "no UTF-8"),
        (vec![0x88, 5, 0x03, 0xe9, b'b', b'y', b'\n'], 1001, "1001 by"),
        (vec![0x81, 5, b'h'], 0, "hung up"),
    ];
    let extras = [
        ("Sec-WebSocket-Extensions: permessage-deflate\r\n", "none of WebSockets"),
        ("Sec-WebSocket-Accept: x\r\n", "none of WebSockets"),
        ("Sec-WebSocket-Protocol: mqtt\r\n", "another subprotocol"),
    ];
    let (heads, bodies): (Vec<_>, Vec<_>) = (cases.clone(), frames.clone());
    let server = thread::spawn(move || {
        for (bytes, _) in heads {
            let mut raw = Raw::of(listener.accept().unwrap().0);
            raw.head();
            raw.send(&bytes);
            let _ = raw.end_sending();
            assert!(raw.is_over());
        }
        for (extra, what) in extras {
            assert!(accept(&listener, extra).is_over(), "{what}");
        }
        for (bytes, code, what) in bodies {
            let mut raw = accept(&listener, "");
            raw.send(&bytes);
            let _ = raw.end_sending();
            if code > 0 {
                assert_eq!(raw.frame().code(), code, "{what}");
            }
        }
        let mut raw = accept(&listener, "");
        raw.send(&[0x81, 2, b'o', b'k']);
        raw
    });
    let client = ClientOptions::new(&url)?.retry(SOON).connect();
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let errors = Recorder::new();
    client
        .status()
        .filter_map(|status| match status {
            Status::Disconnected { error, .. } => Some(error.to_string()),
            _ => None,
        })
        .connect(errors.clone());
    let seen = collect(&scheduler, &client, 1);
    scheduler.run_forever()?;
    drop(scheduler);
    drop(server.join().unwrap());
    assert_eq!(seen.events(), [Message::from("ok")]);
    let (cases, extras) = (cases.iter().map(|case| case.1), extras.iter().map(|case| case.1));
    let expected: Vec<&str> = cases.chain(extras).chain(frames.iter().map(|case| case.2)).collect();
    let errors = errors.events();
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, part) in errors.iter().zip(expected) {
        assert!(error.contains(part) && !error.contains('\n'), "{error} has no {part}");
    }
    Ok(())
}

#[test]
fn what_is_to_be_sent_survives_a_cut_in_the_middle_of_a_message_and_waits_for_a_server() -> Result {
    let address = free_port();
    let proxy = Proxy::new(address);
    let client = ClientOptions::new(&format!("ws://{}", proxy.address()))?.retry(SOON).connect();
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let all: Vec<Message> = (0..200).map(|n| Message::from(format!("{n} {}", "x".repeat(50_000)))).collect();
    scheduler.schedule_recurring(from_iter(all).connect(client.sender()))?;
    proxy.reset_after(Way::ToServer, 1_234_567);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let listener = TcpListener::bind(address).unwrap();
        loop {
            let mut raw = accept(&listener, "");
            while let Some(frame) = raw.try_frame().filter(|frame| frame.first == 0x81) {
                let text = String::from_utf8(frame.payload).unwrap();
                let _ = tell.send(text.split(' ').next().unwrap().parse::<usize>().unwrap());
            }
        }
    });
    scheduler.run_forever()?;
    let mut heard = Vec::new();
    while heard.last() != Some(&199) {
        heard.push(told.recv_timeout(5 * SECOND)?);
    }
    // What the system had when the connection was reset may be missing; nothing else is, and nothing comes out of order.
    assert!(heard.is_sorted_by(|a, b| a < b), "{heard:?}");
    assert_eq!((client.stats().sent, client.stats().dropped, client.stats().connections), (200, 0, 2));
    Ok(())
}

#[test]
fn a_silent_server_is_pinged_and_given_up_and_the_token_is_sent() -> Result {
    let folder = tempfile::tempdir()?;
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n")?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("ws://{}/lux?room=2", listener.local_addr()?);
    let options =
        ClientOptions::new(&url)?.header("X-Board", "lux-1")?.subprotocol("lux.v1")?.token(Secret::file(token));
    let client =
        options.ping_after(Duration::from_millis(50)).timeout(Duration::from_millis(300)).retry(SOON).connect();
    client.received().for_each(drop);
    let host = listener.local_addr()?.to_string();
    let server = thread::spawn(move || {
        let mut raw = Raw::of(listener.accept().unwrap().0);
        let head = raw.head();
        assert!(head.starts_with("GET /lux?room=2 HTTP/1.1\r\n") && head.contains(&format!("Host: {host}\r\n")));
        assert!(head.contains("Authorization: Bearer s3cret\r\n") && head.contains("X-Board: lux-1\r\n"), "{head}");
        raw.answer(&head, "Sec-WebSocket-Protocol: lux.v1\r\n");
        let ping = raw.frame();
        assert_eq!(ping.first, 0x89);
        raw.send(&[&[0x8a, u8::try_from(ping.payload.len()).unwrap()][..], &ping.payload].concat());
        assert_eq!(raw.frame().first, 0x89, "it is pinged again");
        assert_eq!(raw.frame().first, 0x88, "and given up");
        accept(&listener, "Sec-WebSocket-Protocol: lux.v1\r\n")
    });
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let (stopper, mut connections) = (scheduler.stopper(), 0);
    client.status().for_each(move |status| {
        connections += usize::from(status == Status::Connected);
        if connections == 2 {
            stopper.stop();
        }
    });
    scheduler.run_forever()?;
    server.join().map(drop).unwrap();
    Ok(())
}

#[test]
fn what_cannot_be_said_in_a_handshake_is_no_option() -> Result {
    let options = || ClientOptions::new("ws://board").unwrap();
    for (name, value, why) in [
        ("X-A", "b\r\nX-C: d", "control character"),
        ("X A", "b", "no word"),
        ("", "b", "no word"),
        ("host", "b", "says it itself"),
        ("Sec-WebSocket-Key", "b", "says it itself"),
    ] {
        let error = options().header(name, value).unwrap_err().to_string();
        assert!(error.starts_with("invalid header") && error.contains(why), "{error}");
    }
    assert!(options().subprotocol("a, b").is_err() && open().subprotocol("").is_err());
    Ok(())
}

#[cfg(feature = "tls")]
#[test]
fn both_sides_speak_by_tls_and_a_stranger_is_kept_out() -> Result {
    use support::authority::{Authority, DAY};
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
