//! Who gets an answer: hosts, tokens, limits, sockets.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::ListSensor;
use thingflow_page::Options;

use super::streams::get_stream;
use super::{Done, TOKEN, answer, get, status, with_page};

#[test]
fn s01_s02_a_foreign_host_gets_nothing() -> Done {
    with_page(
        |options| options.allow_host("Board.local").allow_host("192.168.1.4").allow_host("fd00::5"),
        |address| {
            let by = |host: &str| {
                answer(address, &["GET / HTTP/1.1", &format!("Host: {host}")]).map(|answer| status(&answer))
            };
            let port = address.port();
            for host in
                ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "board.local", "192.168.1.4", "[fd00:0::5]"]
            {
                assert_eq!(by(&format!("{host}:{port}"))?, 200, "{host}");
            }
            for host in ["attacker.example", "127.attacker.example", "localhost.evil", "192.168.0.1"] {
                assert_eq!(by(&format!("{host}:{port}"))?, 421, "{host}");
            }
            assert_eq!(status(&answer(address, &["GET / HTTP/1.1", "Host: localhost", "Host: evil"])?), 421);
            assert!([400, 421].contains(&status(&answer(address, &["GET / HTTP/1.1"])?)), "no host");
            for (whole, code) in [("evil.example", 421), ("localhost@evil.example", 421), ("localhost", 200)] {
                let line = format!("GET http://{whole}/ HTTP/1.1");
                assert_eq!(status(&answer(address, &[&line, "Host: localhost"])?), code, "{whole}");
            }
            Ok(())
        },
    )
}

#[test]
fn s03_nothing_is_changed_by_get_or_without_token_and_origin() -> Done {
    with_page(Options::allow_control, |address| {
        let token = format!("Authorization: Bearer {TOKEN}");
        let origin = format!("Origin: http://localhost:{}", address.port());
        let post = |lines: &[&str]| {
            let start = ["POST /api/pause?id=s0-0 HTTP/1.1", "Host: localhost", "Content-Length: 0"];
            answer(address, &[&start, lines].concat()).map(|answer| status(&answer))
        };
        assert_eq!(post(&[&token])?, 403, "no origin");
        assert_eq!(post(&[&token, "Origin: null"])?, 403);
        assert_eq!(post(&[&token, "Origin: http://evil.example"])?, 403);
        assert_eq!(post(&[&origin])?, 401, "no token");
        assert!([400, 404].contains(&post(&[&token, &origin])?), "all is well but the id");
        assert_eq!(status(&get(address, "/api/pause?id=s0-0")?), 405);
        let preflight =
            answer(address, &["OPTIONS /api/pause HTTP/1.1", "Host: localhost", "Origin: http://evil.example"])?;
        assert!(!preflight.to_ascii_lowercase().contains("access-control"), "{preflight}");
        Ok(())
    })
}

#[test]
fn what_a_page_may_not_do_it_refuses_and_what_it_may_it_does() -> Done {
    let pause = |address: SocketAddr| -> io::Result<u16> {
        let stream = get_stream(address, "/api/stream", "event: snapshot")?;
        let id = stream
            .split("\"schedules\":[{\"id\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default();
        let line = format!("POST /api/pause?id={id} HTTP/1.1");
        let (token, origin) = (format!("Authorization: Bearer {TOKEN}"), format!("Origin: http://{address}"));
        answer(address, &[&line, "Host: localhost", "Content-Length: 0", &token, &origin]).map(|answer| status(&answer))
    };
    assert_eq!(with_page(|options| options, pause)?, 403);
    let state = with_page(Options::allow_control, move |address| {
        assert_eq!(pause(address)?, 204);
        get_stream(address, "/api/stream", "\"state\":\"paused\"")
    })?;
    assert!(state.contains("\"state\":\"paused\""), "{state}");
    Ok(())
}

#[test]
fn s04_a_wrong_token_gets_nothing() -> Done {
    with_page(
        |options| options,
        |address| {
            let by = |token: &str| {
                let lines = ["GET /api/about HTTP/1.1", "Host: localhost", &format!("Authorization: {token}")];
                answer(address, &lines).map(|answer| status(&answer))
            };
            assert_eq!(by(&format!("Bearer {TOKEN}"))?, 200);
            let long = format!("Bearer {}", "x".repeat(10_000));
            let others = ["", "Bearer ", "Bearer correct-horse-battery-stapl", "Basic Y29ycmVjdA==", &long];
            others.iter().try_for_each(|token| by(token).map(|status| assert_eq!(status, 401, "{token:.60}")))?;
            assert_eq!(
                status(&answer(address, &[&format!("GET /api/about?token={TOKEN} HTTP/1.1"), "Host: localhost"])?),
                401
            );
            assert_eq!(status(&answer(address, &["GET /metrics HTTP/1.1", "Host: localhost"])?), 401);
            Ok(())
        },
    )
}

#[test]
fn s05_requests_that_are_too_large_or_no_requests_are_refused_and_others_are_answered() -> Done {
    with_page(
        |options| options,
        |address| {
            let large = format!("X: {}", "x".repeat(60_000));
            let code = status(&answer(address, &["GET / HTTP/1.1", "Host: localhost", &large]).unwrap_or_default());
            assert!([0, 400, 431].contains(&code), "{code}");
            for garbage in [
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc".as_slice(),
                b"GET\r\n\r\n",
                b"\0\0\0\0\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\n",
            ] {
                let mut socket = TcpStream::connect(address)?;
                socket.write_all(garbage)?;
                socket.shutdown(std::net::Shutdown::Write)?;
                let mut heard = Vec::new();
                let _ = socket.read_to_end(&mut heard);
                assert!(!heard.starts_with(b"HTTP/1.1 200"), "{garbage:?}");
            }
            let huge = ["POST /api/end?id=1 HTTP/1.1", "Host: localhost", "Content-Length: 18446744073709551616"];
            assert_ne!(status(&answer(address, &huge).unwrap_or_default()), 200);
            assert_eq!(status(&get(address, "/health")?), 200);
            Ok(())
        },
    )
}

#[test]
fn s05_connections_that_never_ask_keep_nobody_out() -> Done {
    let (answers, tab) = with_page(
        |options| options,
        |address| {
            let mut tab = TcpStream::connect(address)?;
            write!(tab, "GET /api/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")?;
            // One says nothing, the next something all the time, another has been answered and stays.
            let open = |n: usize| {
                let mut socket = TcpStream::connect(address)?;
                let words = ["", "GET /health HTTP/1.1\r\nX: ", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"];
                socket.write_all(words[n % 3].as_bytes()).map(|()| socket)
            };
            let mut crowd = Vec::new();
            let mut answers = Vec::new();
            for n in 0..150 {
                crowd.push(open(n)?);
                if n % 10 == 9 {
                    let mut socket = TcpStream::connect(address)?;
                    socket.set_read_timeout(Some(Duration::from_secs(5)))?; // half of what a request may take to come
                    socket.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
                    let mut answer = String::new();
                    socket.read_to_string(&mut answer)?;
                    answers.push(status(&answer));
                }
            }
            tab.set_read_timeout(Some(Duration::from_secs(5)))?;
            let mut snapshots =
                BufReader::new(tab).lines().filter(|line| line.as_ref().is_ok_and(|line| line == "event: snapshot"));
            Ok((answers, snapshots.nth(2).is_some())) // it sends one a second
        },
    )?;
    assert_eq!(answers, [200; 15]);
    assert!(tab, "who is being answered stays");
    Ok(())
}

#[test]
fn s06_s07_the_page_has_a_strict_policy_and_no_token_in_it() -> Done {
    let page = with_page(|options| options, |address| get(address, "/"))?;
    let head = page.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "x-content-type-options: nosniff"]
    {
        assert!(head.contains(part), "{head}");
    }
    assert!(!head.contains("unsafe") && !head.contains("access-control") && !page.contains(TOKEN));
    Ok(())
}

/// The status of an answer at a Unix socket, and what it says.
fn ask_unix(path: &Path, lines: &[&str]) -> io::Result<(u16, String)> {
    let mut socket = UnixStream::connect(path)?;
    write!(socket, "{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", lines.join("\r\n"))?;
    let mut heard = String::new();
    socket.read_to_string(&mut heard)?;
    Ok((status(&heard), heard))
}

#[test]
fn at_a_unix_socket_whoever_may_open_it_may_look_and_nobody_else_can() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("flow.sock");
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_sensor(ListSensor::new("lux", vec![1; 100_000]), Duration::from_millis(1), |lux| {
        lux.for_each(drop);
    })?;
    let page = thingflow_page::serve_unix(&scheduler, &path)?;
    assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    let taken = thingflow_page::serve_unix(&scheduler, &path).err().ok_or("a refusal")?.to_string();
    assert!(taken.contains("a program listens there"), "{taken}");
    let (asked, stopper) = (path.clone(), scheduler.stopper());
    let client = thread::spawn(move || {
        let (code, snapshot) = ask_unix(&asked, &["GET /api/snapshot HTTP/1.1", "Host: localhost"])?;
        let forwarded = ask_unix(&asked, &["GET /api/about HTTP/1.1", "Host: localhost:8080"])?.0;
        let foreign = ask_unix(&asked, &["GET /api/about HTTP/1.1", "Host: evil.example:8080"])?.0;
        stopper.stop();
        io::Result::Ok((snapshot, [code, forwarded, foreign]))
    });
    scheduler.run_forever()?;
    let (snapshot, codes) = client.join().map_err(|_| "the client has panicked")??;
    assert!(snapshot.contains("\"name\":\"lux\""), "{snapshot}");
    assert_eq!(codes, [200, 200, 421]);
    drop(page);
    assert!(!path.exists(), "it goes with the page");
    Ok(())
}

#[test]
fn s03_pages_of_other_ports_change_nothing_through_a_unix_socket_that_is_forwarded() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("flow.sock");
    let pressed = Arc::new(AtomicU64::new(0));
    let count = pressed.clone();
    let options = Options::default().button("ring", move || _ = count.fetch_add(1, Relaxed));
    let scheduler = Scheduler::new()?;
    let _page = options.serve_unix(&scheduler, &path)?;
    let press = |origin: &[&str]| {
        let start = ["POST /api/press?name=ring HTTP/1.1", "Host: localhost:8080"];
        ask_unix(&path, &[&start, origin].concat()).map(|(code, _)| code)
    };
    for origin in ["http://localhost:3000", "http://localhost", "http://127.0.0.1:8080", "http://evil.example", "null"]
    {
        assert_eq!(press(&[&format!("Origin: {origin}")])?, 403, "{origin}");
    }
    assert_eq!(pressed.load(Relaxed), 0);
    assert_eq!((press(&["Origin: http://localhost:8080"])?, press(&[])?), (204, 204), "the page, and no browser");
    assert_eq!(pressed.load(Relaxed), 2);
    Ok(())
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_a_file_is_not() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("flow.sock");
    let scheduler = Scheduler::new()?;
    drop(std::os::unix::net::UnixListener::bind(&path)?);
    assert!(path.exists());
    drop(thingflow_page::serve_unix(&scheduler, &path)?);
    std::fs::write(&path, "precious")?;
    let refused = thingflow_page::serve_unix(&scheduler, &path).err().ok_or("a refusal")?.to_string();
    assert!(refused.contains("a file is there that is not a socket"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path)?, "precious");
    for path in [folder.path().join("no/flow.sock"), folder.path().join("x".repeat(200))] {
        assert!(thingflow_page::serve_unix(&scheduler, path).is_err());
    }
    Ok(())
}

#[test]
fn an_address_that_others_reach_has_to_be_asked_for() -> Done {
    let scheduler = Scheduler::new()?;
    let open = Options::new("0.0.0.0:0").serve(&scheduler).err().ok_or("a refusal")?.to_string();
    assert!(open.contains("open_to_network"), "{open}");
    assert!(Options::new("0.0.0.0:0").open_to_network().serve(&scheduler).is_ok());
    let none = thingflow_page::serve(&scheduler, "localhost").err().ok_or("a refusal")?.to_string();
    assert!(none.contains("such as 127.0.0.1:8080"), "{none}");
    let first = thingflow_page::serve(&scheduler, "127.0.0.1:0")?;
    let taken =
        thingflow_page::serve(&scheduler, &first.local_addr().to_string()).err().ok_or("a refusal")?.to_string();
    assert!(taken.contains("choose another port"), "{taken}");
    assert!(first.url().starts_with(&format!("http://{}/#token=", first.local_addr())));
    Ok(())
}
