//! Our server against clients that are rude, slow, broken or malicious.

use thingflow_adapters::net::Secret;
use thingflow_adapters::tcp::Change;
use thingflow_adapters::websocket::{Message, Received, Server, ServerOptions, Slow};
use thingflow_core::Limit;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use super::support::raw_websocket::{ACCEPT, Frame, KEY, Raw, client_frame, request};
use super::{Result, SECOND, echo, open, with_client};

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
    let guarded = ServerOptions::default().token(Secret::file(&token)).listen("127.0.0.1:0")?;
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
    for options in [ServerOptions::default(), ServerOptions::default().token(Secret::file("/dev/null"))] {
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
