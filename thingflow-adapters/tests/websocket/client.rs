//! Our client against servers that are away, silent or none.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use thingflow_adapters::net::Secret;
use thingflow_adapters::websocket::{ClientOptions, Message, Status};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use super::support::bounded::new_scheduler;
use super::support::mosquitto::free_port;
use super::support::proxy::{Proxy, Way};
use super::support::raw_websocket::{KEY, Raw, accept, client_frame};
use super::{Result, SECOND, SOON, collect, open};

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
            "does not speak WebSocket",
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
        ("Sec-WebSocket-Extensions: permessage-deflate\r\n", "does not speak WebSocket"),
        ("Sec-WebSocket-Accept: x\r\n", "does not speak WebSocket"),
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
        ("X A", "b", "HTTP token"),
        ("", "b", "HTTP token"),
        ("host", "b", "says it itself"),
        ("Sec-WebSocket-Key", "b", "says it itself"),
    ] {
        let error = options().header(name, value).unwrap_err().to_string();
        assert!(error.starts_with("invalid header") && error.contains(why), "{error}");
    }
    assert!(options().subprotocol("a, b").is_err() && open().subprotocol("").is_err());
    Ok(())
}
