//! Web hooks: curl and our own writer as clients, answers that follow the graph, and clients that are slow, rude or malicious.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::cell::RefCell;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_adapters::net::Secret;
use thingflow_adapters::webhook::{Hook, Options, Request, read_requests};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{StreamError, Tracked};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECOND: Duration = Duration::from_secs(1);

fn hook() -> Hook<u32> {
    Options::json().without_token().listen("127.0.0.1:0").unwrap()
}

/// Runs a hook on real time while a client works on a thread.
fn with_client<T: Clone + 'static, R: Send + 'static>(
    hook: &Hook<T>,
    scheduler: &mut Scheduler,
    work: impl FnOnce(SocketAddr) -> R + Send + 'static,
) -> R {
    let (stopper, address) = (scheduler.stopper(), hook.local_addr());
    scheduler.schedule_on_main_event_loop(hook.thing()).unwrap();
    let client = thread::spawn(move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(address)));
        stopper.stop();
        result
    });
    scheduler.run_forever().unwrap();
    match client.join().unwrap() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn socket(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(5 * SECOND)).unwrap();
    socket
}

fn request(body: &str) -> String {
    format!("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The status and the rest of one answer.
fn answer(socket: &mut TcpStream) -> (u16, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if !matches!(socket.read(&mut byte), Ok(1)) {
            return (0, String::from_utf8(head).unwrap());
        }
        head.push(byte[0]);
    }
    let mut text = String::from_utf8(head).unwrap();
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    socket.read_exact(&mut body).unwrap();
    text.push_str(&String::from_utf8(body).unwrap());
    (text.split(' ').nth(1).unwrap().parse().unwrap(), text)
}

/// What some bytes are answered, on a connection of their own: all statuses until the server hangs up.
fn statuses(address: SocketAddr, bytes: &[u8]) -> Vec<u16> {
    let mut socket = socket(address);
    let _ = socket.write_all(bytes); // it may be refused in the middle
    let _ = socket.shutdown(Shutdown::Write);
    let mut all = Vec::new();
    loop {
        match answer(&mut socket) {
            (0, _) => return all,
            (status, _) => all.push(status),
        }
    }
}

#[test]
fn sz44_each_post_is_an_event_and_is_answered_after_it_was_handled() -> Result {
    let hook = Options::requests().without_token().listen("127.0.0.1:0")?;
    let handled = Rc::new(RefCell::new(Vec::new()));
    let seen = handled.clone();
    hook.received().for_each(move |request: Request| {
        let kind = request.header("content-type").unwrap_or_default().to_owned();
        seen.borrow_mut().push((request.path, request.query, kind, request.body));
    });
    let status = with_client(&hook, &mut Scheduler::new()?, |address| {
        let curl = Command::new("curl")
            .args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: text/x-lux", "-d", "20.5"])
            .arg(format!("http://{address}/a/b?c=d"))
            .output()
            .unwrap();
        String::from_utf8(curl.stdout).unwrap()
    });
    assert_eq!(status, "204");
    let expected = ("/a/b".to_owned(), "c=d".to_owned(), "text/x-lux".to_owned(), b"20.5".to_vec());
    assert_eq!(*handled.borrow(), [expected]);
    Ok(())
}

#[test]
fn hooks_servers_and_clients_are_scheduled_by_names_that_users_know() -> Result {
    let scheduler = Scheduler::new()?;
    let hook = hook();
    let server = thingflow_adapters::tcp::listen("127.0.0.1:0")?;
    let client = thingflow_adapters::tcp::connect("tcp://127.0.0.1:9")?;
    scheduler.schedule_on_main_event_loop(hook.thing())?;
    scheduler.schedule_on_main_event_loop(server.thing())?;
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let (hook, server) = (format!("web hook {}", hook.local_addr()), format!("tcp {}", server.local_addr()));
    assert_eq!(scheduler.active(), [hook.as_str(), server.as_str(), "tcp://127.0.0.1:9"]);
    Ok(())
}

#[test]
fn a_request_is_answered_when_the_graph_is_done_with_all_of_its_events() -> Result {
    let hook = hook();
    let held = Rc::new(RefCell::new(Vec::<Tracked<u32>>::new()));
    let kept = held.clone();
    hook.received_tracked().for_each(move |event| kept.borrow_mut().push(event));
    let mut scheduler = Scheduler::new()?;
    // One is settled every few milliseconds: 3 fails, 5 is not dealt with.
    scheduler.schedule_recurring(interval(Duration::from_millis(5)).connect(call(move |_| {
        let mut held = held.borrow_mut();
        if !held.is_empty() {
            let event = held.remove(0);
            match event.value {
                3 => event.fail(StreamError::msg("it is odd")),
                5 => event.abandon(),
                _ => drop(event.done()),
            }
        }
    })))?;
    let answers = with_client(&hook, &mut scheduler, |address| {
        let mut socket = socket(address);
        let many = "7 ".repeat(1025);
        ["[1, 2, 4]", "1\n3\n4\n", "5 6", "[]", "x", &many].map(|body| {
            socket.write_all(request(body).as_bytes()).unwrap();
            answer(&mut socket)
        })
    });
    assert_eq!(answers.each_ref().map(|(status, _)| *status), [204, 422, 503, 204, 400, 413]);
    assert!(answers[1].1.contains("it is odd"), "{}", answers[1].1);
    assert!(answers[2].1.contains("Retry-After: 1\r\n"), "{}", answers[2].1);
    assert!(answers[4].1.contains("invalid body: expected value at line 1 column 1"), "{}", answers[4].1);
    let stats = hook.stats();
    assert_eq!((stats.requests, stats.events, stats.done, stats.refused, stats.put_off), (6, 8, 2, 3, 1));
    Ok(())
}

#[test]
fn a_graph_that_is_full_puts_requests_off_and_one_that_takes_too_long_too() -> Result {
    let hook = Options::json().without_token().max_waiting(2).answer_timeout(SECOND / 10).listen("127.0.0.1:0")?;
    let held = Rc::new(RefCell::new(Vec::<Tracked<u32>>::new()));
    let kept = held.clone();
    hook.received_tracked().for_each(move |event| kept.borrow_mut().push(event));
    let answers = with_client(&hook, &mut Scheduler::new()?, |address| {
        let (mut first, mut second) = (socket(address), socket(address));
        first.write_all(request("[1, 2]").as_bytes()).unwrap();
        // When the first one's events are on their way: they stay there.
        let mut busy = (0, String::new());
        for _ in 0..100 {
            second.write_all(request("3").as_bytes()).unwrap();
            busy = answer(&mut second);
            if busy.0 == 503 {
                break;
            }
        }
        [busy, answer(&mut first)]
    });
    for (status, text) in &answers {
        assert!(*status == 503 && text.contains("Retry-After: 1"), "{text}");
    }
    assert!(answers[0].1.contains("too much") || answers[0].1.contains("in time"), "{}", answers[0].1);
    assert!(answers[1].1.contains("in time"), "{}", answers[1].1);
    drop(held);
    Ok(())
}

/// A client that goes on sending what is not wanted may do so, and finds the answer when it looks.
#[test]
fn who_is_refused_in_the_middle_of_a_body_can_send_the_rest_and_read_why() -> Result {
    let hook = Options::<String>::lines().without_token().max_body(1000).listen("127.0.0.1:0")?;
    let statuses = with_client(&hook, &mut Scheduler::new()?, |address| {
        ["Content-Length: 1001", "Transfer-Encoding: gzip", "Content-Length: x"].map(|head| {
            let mut socket = socket(address);
            socket.write_all(format!("POST / HTTP/1.1\r\nHost: h\r\n{head}\r\n\r\n").as_bytes()).unwrap();
            let (status, _) = answer(&mut socket);
            assert_eq!(socket.read(&mut [0]).unwrap(), 0, "nothing more is said");
            for _ in 0..100 {
                socket.write_all(&[b'x'; 5000]).unwrap();
            }
            status
        })
    });
    assert_eq!(statuses, [413, 501, 400]);
    Ok(())
}

/// It would take that for the answer.
#[test]
fn a_client_of_http_1_0_is_not_asked_to_go_on() -> Result {
    let hook = Options::<String>::lines().without_token().listen("127.0.0.1:0")?;
    hook.received().for_each(drop);
    let status = with_client(&hook, &mut Scheduler::new()?, |address| {
        let mut socket = socket(address);
        socket.write_all(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").unwrap();
        // The head is read before a later client is answered.
        assert_eq!(statuses(address, request("y").as_bytes()), [204]);
        socket.write_all(b"x\n").unwrap();
        answer(&mut socket).0
    });
    assert_eq!(status, 204);
    Ok(())
}

/// The graph is full after each event, and has room again a little later.
#[test]
fn all_bodies_together_have_a_limit_and_those_beyond_are_put_off_before_they_are_read() -> Result {
    let hook = Options::<String>::lines().without_token().max_body(1000).max_bodies(2500).listen("127.0.0.1:0")?;
    hook.received().for_each(drop);
    let mut scheduler = Scheduler::new()?;
    with_client(&hook, &mut scheduler, move |address| {
        let begin = |head: &str, begins: &str| {
            let mut socket = socket(address);
            let text = format!("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n{head}\r\n\r\n");
            socket.write_all(text.as_bytes()).unwrap();
            let (status, _) = answer(&mut socket);
            if status == 100 {
                socket.write_all(begins.as_bytes()).unwrap();
            }
            (socket, status)
        };
        let (mut first, status) = begin("Content-Length: 1000", "x");
        assert_eq!(status, 100);
        let (mut second, status) = begin("Content-Length: 1000", "");
        assert_eq!(status, 100);
        // Of the third there is no room for all; what it says of itself counts, and not what has come.
        assert_eq!(begin("Content-Length: 501", "").1, 503);
        let (third, status) = begin("Content-Length: 500", "");
        assert_eq!(status, 100);
        // Chunks count when they are announced.
        let (mut chunked, status) = begin("Transfer-Encoding: chunked", "1\r\n");
        assert_eq!((status, answer(&mut chunked).0), (100, 503));
        // Who goes gives its part back.
        drop(third);
        let mut times = 0;
        while begin("Content-Length: 300", "").1 != 100 {
            times += 1;
            assert!(times < 1000);
        }
        // A body that grows when it is uncompressed, too.
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&[b'x'; 900]).unwrap();
        let packed = packed.finish().unwrap();
        let (mut packing, status) = begin(&format!("Content-Encoding: gzip\r\nContent-Length: {}", packed.len()), "");
        assert_eq!(status, 100);
        packing.write_all(&packed).unwrap();
        let (status, text) = answer(&mut packing);
        assert_eq!((status, text.contains("Retry-After: 1")), (503, true), "{text}");
        // And those that are dealt with.
        first.write_all(&[b'x'; 999]).unwrap();
        second.write_all(&[b'x'; 1000]).unwrap();
        assert_eq!((answer(&mut first).0, answer(&mut second).0), (204, 204));
        assert_eq!(begin("Content-Length: 1000", "").1, 100);
        first.write_all(request(&"x".repeat(1000)).as_bytes()).unwrap();
        assert_eq!(answer(&mut first).0, 204);
    });
    assert_eq!((hook.stats().done, hook.stats().refused), (3, 0));
    Ok(())
}

#[test]
fn a_client_that_comes_again_after_503_gets_everything_through_once() -> Result {
    let hook = hook();
    let seen = Recorder::new();
    hook.received().pace(Duration::from_millis(1), Limit::block(1)).connect(seen.clone());
    let put_off = with_client(&hook, &mut Scheduler::new()?, |address| {
        let mut socket = socket(address);
        let mut put_off = 0;
        for n in 0..20 {
            loop {
                socket.write_all(request(&format!("[{n}, {}]", n + 100)).as_bytes()).unwrap();
                match answer(&mut socket).0 {
                    204 => break,
                    503 => put_off += 1,
                    other => panic!("{other}"),
                }
            }
        }
        put_off
    });
    let expected: Vec<u32> = (0..20).flat_map(|n| [n, n + 100]).collect();
    let seen = seen.events();
    assert_eq!(seen, expected[..seen.len()], "the last ones may be on their way");
    assert!(seen.len() >= 36 && put_off > 0 && hook.stats().put_off == put_off, "{} {put_off}", seen.len());
    Ok(())
}

#[test]
fn requests_come_one_after_the_other_on_a_connection_and_answers_in_their_order() -> Result {
    let hook = hook();
    let seen = Recorder::new();
    hook.received().connect(seen.clone());
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n1;x=y\r\n1\r\n1\r\n2\r\n0\r\nX: y\r\n\r\n";
    let last = "POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 1\r\n\r\n3POST / HTTP/1.1\r\n\r\n";
    let all = [request("7").as_str(), &request("x"), chunked, last].concat();
    let old = "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\n9";
    let old = [old, old].concat();
    let found = with_client(&hook, &mut Scheduler::new()?, move |address| {
        let mut slow = socket(address);
        for byte in request("8").as_bytes() {
            slow.write_all(&[*byte]).unwrap();
        }
        (statuses(address, all.as_bytes()), answer(&mut slow).0, statuses(address, old.as_bytes()))
    });
    assert_eq!(found, (vec![204, 400, 204, 204], 204, vec![204]));
    let mut seen = seen.events();
    seen.sort_unstable();
    assert_eq!(seen, [3, 7, 8, 9, 12]);
    Ok(())
}

#[test]
fn what_is_no_request_is_refused_by_name() -> Result {
    let hook = Options::<u32>::json().without_token().path("/x").max_body(1000).listen("127.0.0.1:0")?;
    hook.received().for_each(drop);
    let rows: Vec<(String, u16)> = [
        ("GET /x HTTP/1.1\r\n\r\n", 405),
        ("POST /y HTTP/1.1\r\nContent-Length: 1\r\n\r\n1", 404),
        ("POST /x HTTP/1.1\r\nOrigin: http://evil\r\nContent-Length: 1\r\n\r\n1", 403),
        ("POST /x HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", 413),
        ("POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413),
        ("POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST /x HTTP/1.1\r\nContent-Length: +1\r\n\r\n1", 400),
        ("POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n11", 400),
        ("POST /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1", 400),
        ("POST /x HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        ("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        ("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        ("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n", 400),
        ("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n", 413),
        ("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n", 0),
        ("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n11\r\n0\r\n\r\n", 400),
        ("POST /x HTTP/1.1\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\n1", 415),
        ("POST /x HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n1", 400),
        ("POST /x HTTP/3.0\r\n\r\n", 505),
        ("\u{16}\u{3}\u{1}hello, by TLS\r\n\r\n", 400),
        ("POST /x HTTP/1.1\r\nContent-Length : 1\r\n\r\n1", 400),
        ("POST /x HTTP/1.1\r\n folded: 1\r\n\r\n", 400),
    ]
    .map(|(text, status)| (text.to_owned(), status))
    .into_iter()
    .chain([
        (format!("POST /x HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(20_000)), 431),
        (format!("POST /x HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(100)), 431),
        (format!("POST /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000)), 431),
    ])
    .collect();
    let bad = with_client(&hook, &mut Scheduler::new()?, move |address| {
        let found = rows.iter().map(|(text, status)| {
            // Nothing behind it is read.
            let followed = format!("{text}{}", if *status == 0 { String::new() } else { request("7") });
            let expected = if *status == 0 { vec![] } else { vec![*status] };
            (text.chars().take(80).collect::<String>(), statuses(address, followed.as_bytes()), expected)
        });
        found.filter(|(_, found, expected)| found != expected).collect::<Vec<_>>()
    });
    assert_eq!(bad, vec![]);
    assert_eq!((hook.stats().events, hook.stats().requests), (0, 0));
    assert_eq!(hook.stats().refused, 25);
    Ok(())
}

#[test]
fn only_who_has_the_token_may_post_and_a_new_one_is_taken() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("token");
    std::fs::write(&path, "s3cret\n")?;
    let hook = Options::<u32>::json().token(Secret::file(&path)).listen("127.0.0.1:0")?;
    hook.received().for_each(drop);
    let with = |said: &str| format!("POST / HTTP/1.1\r\n{said}Content-Length: 1\r\n\r\n1");
    let rows = [
        ("Authorization: Bearer s3cret\r\n", 204),
        ("authorization: bearer  s3cret \r\n", 204),
        ("Authorization: Bearer s3cret\r\nOrigin: http://page\r\n", 204),
        ("", 401),
        ("Authorization: Bearer\r\n", 401),
        ("Authorization: Bearer \r\n", 401),
        ("Authorization: Bearer s3cre\r\n", 401),
        ("Authorization: Bearer s3crets\r\n", 401),
        ("Authorization: Basic s3cret\r\n", 401),
        ("Authorization: s3cret\r\n", 401),
        ("Authorization: Bearer s3cret\r\nAuthorization: Bearer s3cret\r\n", 401),
    ]
    .map(|(said, status)| (with(said), status));
    let old = with("Authorization: Bearer s3cret\r\n");
    let changed = with_client(&hook, &mut Scheduler::new()?, move |address| {
        for (text, status) in rows {
            assert_eq!(statuses(address, text.as_bytes()), [status], "{text}");
        }
        std::fs::write(&path, "an0ther").unwrap();
        (0..10_000).any(|_| statuses(address, old.as_bytes()) == [401])
    });
    assert!(changed);
    let error = Options::<u32>::json().listen("127.0.0.1:0").unwrap_err();
    assert!(error.to_string().contains("it has no token"), "{error}");
    Ok(())
}

#[test]
fn a_token_that_is_empty_is_an_error_of_listen_and_lets_nobody_in_later() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("token");
    let listen = || Options::<u32>::json().token(Secret::file(&path)).listen("127.0.0.1:0");
    for empty in ["", "\n", " \r\n"] {
        std::fs::write(&path, empty)?;
        let error = listen().unwrap_err();
        assert!(error.to_string().contains("is empty"), "{error}");
    }
    std::fs::remove_file(&path)?;
    let hook = listen()?; // it may come
    std::fs::write(&path, "\n")?;
    let text = "POST / HTTP/1.1\r\nAuthorization: Bearer \r\nContent-Length: 1\r\n\r\n1";
    assert_eq!(with_client(&hook, &mut Scheduler::new()?, move |it| statuses(it, text.as_bytes())), [503]);
    assert_eq!((hook.stats().refused, hook.stats().put_off, hook.stats().requests), (0, 1, 0));
    Ok(())
}

/// On the virtual clock: whoever dawdles is answered 408 or nothing, and does not keep anybody else out.
#[test]
fn who_sends_too_slowly_or_nothing_is_shown_out() -> Result {
    let hook = Options::<u32>::json().without_token().max_clients(3).listen("127.0.0.1:0")?;
    hook.received().for_each(drop);
    let (mut silent, mut slow, mut fourth) =
        (socket(hook.local_addr()), socket(hook.local_addr()), socket(hook.local_addr()));
    let mut body = socket(hook.local_addr());
    slow.write_all(b"POST / HTTP/1.1\r\nX: ")?;
    fourth.write_all(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n1")?;
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_on_main_event_loop(hook.thing())?;
    scheduler.run_for(9 * SECOND)?;
    assert_eq!((hook.stats().clients, hook.stats().turned_away), (3, 1));
    scheduler.run_for(30 * SECOND)?;
    assert_eq!(hook.stats().clients, 0);
    assert_eq!(hook.stats().refused, 2, "those that were answered 408");
    assert_eq!(answer(&mut slow).0, 408);
    assert_eq!(answer(&mut fourth).0, 408);
    assert_eq!(answer(&mut silent).0, 0);
    assert_eq!(answer(&mut body).0, 0);
    Ok(())
}

#[test]
fn a_client_that_vanishes_or_never_reads_holds_nobody_up() -> Result {
    let hook = hook();
    let seen = Recorder::new();
    hook.received().connect(seen.clone());
    let ok = with_client(&hook, &mut Scheduler::new()?, |address| {
        let mut vanishes = socket(address);
        vanishes.write_all(&request("1").as_bytes()[..40]).unwrap();
        drop(vanishes);
        let mut deaf = TcpStream::connect(address).unwrap();
        deaf.set_write_timeout(Some(SECOND / 4)).unwrap();
        let many = request("2").repeat(1000);
        for _ in 0..200 {
            if deaf.write_all(many.as_bytes()).is_err() {
                break;
            }
        }
        statuses(address, request("3").as_bytes())
    });
    assert_eq!(ok, [204]);
    assert!(seen.events().contains(&3) && !seen.events().contains(&1));
    Ok(())
}

#[test]
fn the_end_of_a_run_puts_off_those_who_wait() -> Result {
    let hook = hook();
    let (held, mut scheduler) = (Rc::new(RefCell::new(Vec::<Tracked<u32>>::new())), Scheduler::new()?);
    let (kept, stopper) = (held.clone(), scheduler.stopper());
    hook.received_tracked().for_each(move |event| {
        kept.borrow_mut().push(event);
        stopper.stop();
    });
    let mut client = socket(hook.local_addr());
    client.write_all(request("1").as_bytes())?;
    scheduler.schedule_on_main_event_loop(hook.thing())?;
    scheduler.run_forever()?;
    drop(scheduler);
    assert_eq!(answer(&mut client).0, 503);
    drop(held);
    Ok(())
}

#[cfg(feature = "http")]
#[test]
fn a34_our_own_writer_and_a_web_hook_lose_nothing_together() -> Result {
    use thingflow_adapters::http::{Endpoint, Writer};
    use thingflow_core::Delivery;
    let hook = Options::<u32>::json().without_token().max_waiting(100).listen("127.0.0.1:0")?;
    let (seen, mut scheduler) = (Rc::new(RefCell::new(Vec::new())), Scheduler::new()?);
    let (kept, stopper) = (seen.clone(), scheduler.stopper());
    hook.received().for_each(move |n| {
        kept.borrow_mut().push(n);
        if n == 4999 {
            stopper.stop();
        }
    });
    scheduler.schedule_on_main_event_loop(hook.thing())?;
    let to = Endpoint::new(format!("http://{}/", hook.local_addr())).gzip();
    let (sink, _refused) = scheduler.worker("hook", Writer::json_lines(to), Delivery::within(Limit::block(500)))?;
    scheduler.schedule_recurring(from_iter(0..5000_u32).connect(sink))?;
    scheduler.run_forever()?;
    assert_eq!(*seen.borrow(), (0..5000).collect::<Vec<_>>());
    Ok(())
}

#[cfg(feature = "tls")]
#[test]
fn curl_posts_by_tls_and_waits_for_a_word_before_a_large_body() -> Result {
    use support::authority::{Authority, DAY};
    let (folder, authority) = (tempfile::tempdir()?, Authority::new());
    authority.write(&folder.path().join("ca.pem"));
    authority.issue(folder.path(), "localhost", Duration::ZERO, DAY);
    let of = |name: &str| folder.path().join(name);
    let tls = thingflow_adapters::net::Tls::default().identity(of("localhost.pem"), of("localhost.key"));
    let hook = Options::lines().without_token().max_body(4 << 20).tls(tls).listen("127.0.0.1:0")?;
    let seen = Recorder::new();
    hook.received().map(|line| line.len()).connect(seen.clone());
    let (ca, body) = (of("ca.pem"), of("body"));
    std::fs::write(&body, "x".repeat(2 << 20))?;
    let said = with_client(&hook, &mut Scheduler::new()?, move |address| {
        let curl = Command::new("curl")
            .args(["-sS", "-v", "--http1.1", "-H", "Expect: 100-continue", "--data-binary"])
            .arg(format!("@{}", body.display()))
            .arg("--cacert")
            .arg(ca)
            .arg(format!("https://{address}/"))
            .output()
            .unwrap();
        String::from_utf8_lossy(&curl.stderr).into_owned()
    });
    assert!(said.contains("HTTP/1.1 100 Continue") && said.contains("HTTP/1.1 204 No Content"), "{said}");
    assert_eq!(seen.events(), [2 << 20]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// However the bytes are cut into pieces, the same requests are read.
    #[test]
    fn pieces_do_not_matter(
        bodies in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 1..5),
        piece in 1..50_usize,
        rest in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let mut bytes = Vec::new();
        for (chunked, body) in &bodies {
            if *chunked {
                bytes.extend(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
                for part in body.chunks(7) {
                    bytes.extend(format!("{:x}\r\n", part.len()).bytes());
                    bytes.extend(part);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            } else {
                bytes.extend(format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len()).bytes());
                bytes.extend(body);
            }
        }
        let whole = bytes.len();
        bytes.extend(rest);
        let (read, refused) = read_requests(&bytes[..whole], piece, 1 << 16);
        prop_assert_eq!(refused, None);
        let found: Vec<_> = read.into_iter().map(|request| request.body).collect();
        prop_assert_eq!(found, bodies.into_iter().map(|(_, body)| body).collect::<Vec<_>>());
        prop_assert_eq!(read_requests(&bytes, piece, 1 << 16), read_requests(&bytes, usize::MAX, 1 << 16));
    }

    #[test]
    fn no_bytes_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1..50_usize) {
        let head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n";
        read_requests(&bytes, piece, 100);
        read_requests(&[&head[..], &bytes].concat(), piece, 100);
        read_requests(&[&head[..], b"\r\n", &bytes].concat(), piece, 100);
    }
}
