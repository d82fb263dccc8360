//! A server and its clients on loopback: the kernel's sockets, no sleep.
#![cfg(feature = "tcp")]

mod support;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use support::bounded::new_scheduler;
use thingflow_adapters::framing::{LengthPrefixed, Lines};
use thingflow_adapters::tcp::{self, Change, Received, Server, ServerOptions, Slow};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

type Done = Result<(), Box<dyn std::error::Error>>;

/// A client that works on a thread while the scheduler runs, which ends when it has ended.
fn with_client<T: Send + 'static>(
    scheduler: &mut Scheduler,
    address: SocketAddr,
    work: impl FnOnce(SocketAddr) -> io::Result<T> + Send + 'static,
) -> Result<T, Box<dyn std::error::Error>> {
    let stopper = scheduler.stopper();
    let client: JoinHandle<io::Result<T>> = thread::spawn(move || {
        let result = work(address);
        stopper.stop();
        result
    });
    scheduler.run_forever()?;
    Ok(client.join().map_err(|_| "the client has panicked")??)
}

fn running(server: &Server<Lines>) -> Result<Scheduler, Box<dyn std::error::Error>> {
    let scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(server.thing())?;
    Ok(scheduler)
}

/// Which of a program's servers, and what to do.
#[test]
fn an_address_that_cannot_be_bound_is_named() -> Done {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let server = tcp::listen(taken)?;
    let error = tcp::listen(taken).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().starts_with(&format!("cannot listen at {}: ", server.local_addr())), "{error}");
    assert!(error.to_string().ends_with("another program has it: see `ss -lnp`"), "{error}");
    let error = tcp::listen("192.0.2.1:7000").unwrap_err().to_string();
    assert!(
        error.starts_with("cannot listen at 192.0.2.1:7000: ") && error.contains("not an address of this machine"),
        "{error}"
    );
    Ok(())
}

#[test]
fn sz43_parts_of_each_client_come_in_order_and_clients_come_and_go() -> Done {
    let server = tcp::listen("127.0.0.1:0")?;
    let (seen, changes) = (Recorder::new(), Recorder::new());
    server.received().map(|received| (received.client.to_string(), received.frame)).connect(seen.clone());
    server.received().map(|received| Received { frame: "ok".into(), ..received }).connect(server.reply());
    server.changes().connect(changes.clone());
    let mut scheduler = running(&server)?;
    with_client(&mut scheduler, server.local_addr(), |address| {
        for name in ["a", "b"] {
            let mut socket = TcpStream::connect(address)?;
            for part in ["1", "\n2", "2\n3"] {
                socket.write_all(part.replace(['1', '2', '3'], name).as_bytes())?;
            }
            let mut answers = BufReader::new(socket.try_clone()?).lines();
            for _ in 0..2 {
                assert_eq!(answers.next().transpose()?, Some("ok".into()));
            }
            socket.shutdown(std::net::Shutdown::Write)?;
            assert!(answers.next().is_none(), "the server hangs up, too");
        }
        Ok(())
    })?;
    let lines = [("1", "a"), ("1", "aa"), ("2", "b"), ("2", "bb")].map(|(id, line)| (id.to_owned(), line.to_owned()));
    assert_eq!(seen.events(), lines);
    assert!(matches!(
        changes.events()[..],
        [Change::Connected(a, _), Change::Disconnected(b), Change::Connected(..), Change::Disconnected(_)] if a == b
    ));
    assert_eq!((server.stats().clients, server.stats().received), (0, 4));
    Ok(())
}

#[test]
fn tf86_events_go_to_all_clients() -> Done {
    let server = tcp::listen("127.0.0.1:0")?;
    server.received().map(|received| received.frame).connect(server.broadcast());
    let mut scheduler = running(&server)?;
    let heard = with_client(&mut scheduler, server.local_addr(), |address| {
        let mut sockets = (0..3).map(|_| TcpStream::connect(address)).collect::<io::Result<Vec<_>>>()?;
        // Whoever has been answered is known to the server.
        let mut readers: Vec<_> =
            sockets.iter().map(|socket| Ok(BufReader::new(socket.try_clone()?).lines())).collect::<io::Result<_>>()?;
        for (socket, reader) in sockets.iter_mut().zip(&mut readers) {
            socket.write_all(b"here\n")?;
            reader.next().transpose()?;
        }
        sockets[0].write_all(b"to all\n")?;
        let last = |lines: &mut io::Lines<BufReader<TcpStream>>| {
            lines.find(|line| line.as_ref().is_ok_and(|line| line == "to all"))
        };
        Ok(readers.iter_mut().filter_map(last).count())
    })?;
    assert_eq!(heard, 3);
    Ok(())
}

/// What becomes of a client that does not read, while another one does: frames of 16 KiB are sent until the fast client has
/// heard them all.
fn slow_client(slow: Slow) -> Result<(Server<Lines>, Vec<String>), Box<dyn std::error::Error>> {
    const FRAMES: u64 = 2000;
    let server = ServerOptions::framed(Lines::default()).max_unsent(1 << 17).slow(slow).listen("127.0.0.1:0")?;
    server
        .received()
        .filter(|received| received.frame == "more")
        .map(|_| "x".repeat(1 << 14))
        .connect(server.broadcast());
    let mut scheduler = running(&server)?;
    let reports = Recorder::new();
    scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
    let heard = with_client(&mut scheduler, server.local_addr(), |address| {
        let mut asleep = TcpStream::connect(address)?;
        asleep.write_all(b"here\n")?;
        let mut awake = TcpStream::connect(address)?;
        let mut lines = BufReader::new(awake.try_clone()?).lines();
        let mut heard = 0;
        for _ in 0..FRAMES {
            awake.write_all(b"more\n")?;
            heard += u64::from(lines.next().transpose()?.is_some_and(|line| line.len() == 1 << 14));
        }
        Ok(heard)
    })?;
    assert_eq!(heard, FRAMES, "one client does not hold up another");
    Ok((server, reports.events()))
}

#[test]
fn tf86_a_client_that_does_not_read_misses_frames() -> Done {
    let (server, reports) = slow_client(Slow::Drop)?;
    assert!(server.stats().missed > 0 && server.stats().disconnected == 0, "{:?}", server.stats());
    assert_eq!(reports, [""; 0]);
    Ok(())
}

#[test]
fn tf86_a_client_that_does_not_read_is_disconnected_if_asked_for() -> Done {
    let (server, reports) = slow_client(Slow::Disconnect)?;
    assert_eq!((server.stats().missed, server.stats().disconnected, server.stats().invalid), (1, 1, 0));
    assert!(reports.len() == 1 && reports[0].contains("disconnected: it does not read: "), "{reports:?}");
    Ok(())
}

#[test]
fn clients_beyond_the_limit_are_turned_away_and_reported_once() -> Done {
    let server = ServerOptions::default().max_clients(1).listen("127.0.0.1:0")?;
    let mut scheduler = running(&server)?;
    let reports = Recorder::new();
    scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
    server.received().connect(server.reply());
    with_client(&mut scheduler, server.local_addr(), |address| {
        let mut first = TcpStream::connect(address)?;
        first.write_all(b"here\n")?;
        first.read_exact(&mut [0; 5])?;
        for _ in 0..3 {
            let refused = TcpStream::connect(address)?.read(&mut [0]);
            assert!(matches!(refused, Ok(0) | Err(_)));
        }
        Ok(())
    })?;
    assert_eq!(server.stats().refused, 3);
    assert_eq!(reports.events().len(), 1);
    assert!(reports.events()[0].contains("max_clients"), "{:?}", reports.events());
    Ok(())
}

#[test]
fn a_client_that_sends_no_frames_is_disconnected_with_a_report() -> Done {
    let server = ServerOptions::framed(LengthPrefixed::default().max_len(10)).listen("127.0.0.1:0")?;
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(server.thing())?;
    let (reports, seen) = (Recorder::new(), Recorder::new());
    scheduler.reports().map(|report| format!("{} {}", report.thing, report.error)).connect(reports.clone());
    server.received().map(|received| received.frame).connect(seen.clone());
    with_client(&mut scheduler, server.local_addr(), |address| {
        let mut socket = TcpStream::connect(address)?;
        socket.write_all(b"\x00\x00\x00\x02hiGET / HTTP/1.1\r\n\r\n")?;
        let end = socket.read(&mut [0]);
        assert!(matches!(end, Ok(0) | Err(_)));
        Ok(())
    })?;
    assert_eq!(seen.events(), [b"hi"]);
    let reports = reports.events();
    assert!(reports.len() == 1 && reports[0].contains("longer than 10 bytes"), "{reports:?}");
    Ok(())
}

#[test]
fn a_reader_that_is_full_pauses_the_clients_and_loses_nothing() -> Done {
    let server = tcp::listen("127.0.0.1:0")?;
    let seen = Recorder::new();
    let total = 3000;
    let numbers = server.received().map(|received| received.frame);
    numbers.pace(Duration::from_micros(10), Limit::block(4)).also_to(seen.clone()).take(total).connect(call(drop));
    let mut scheduler = running(&server)?;
    let stopper = scheduler.stopper();
    server
        .received()
        .filter(move |received| received.frame == (total - 1).to_string())
        .for_each(move |_| stopper.stop());
    let address = server.local_addr();
    let client = thread::spawn(move || {
        let mut socket = TcpStream::connect(address)?;
        let lines: String = (0..total).map(|n| format!("{n}\n")).collect();
        socket.write_all(lines.as_bytes())?;
        socket.read(&mut [0])
    });
    scheduler.run_forever()?;
    drop((scheduler, server));
    client.join().map_err(|_| "the client has panicked")?.ok();
    let expected: Vec<String> = (0..total).map(|n| n.to_string()).collect();
    assert_eq!(seen.events(), expected);
    Ok(())
}

#[test]
fn tf86_a_server_that_only_sends_runs_as_well() -> Done {
    let server = tcp::listen("127.0.0.1:0")?;
    let mut scheduler = running(&server)?;
    let ticks = interval(Duration::from_millis(1)).map(|_| "tick".to_owned()).connect(server.broadcast());
    scheduler.schedule_recurring(ticks)?;
    let heard = with_client(&mut scheduler, server.local_addr(), |address| {
        BufReader::new(TcpStream::connect(address)?).lines().take(3).collect::<io::Result<Vec<_>>>()
    })?;
    assert_eq!(heard, ["tick"; 3]);
    Ok(())
}

#[test]
fn changes_wait_while_nobody_takes_them_and_none_is_forgotten() -> Done {
    let server = tcp::listen("127.0.0.1:0")?;
    let (seen, clients) = (Recorder::new(), 20);
    let changes = server.changes().map(|change| matches!(change, Change::Connected(..)));
    let mut scheduler = new_scheduler();
    let (stopper, there) = (scheduler.stopper(), seen.clone());
    let (all_came, hang_up) = std::sync::mpsc::channel();
    let watch = call(move |_| match there.events().len() {
        n if n == clients => drop(all_came.send(())),
        n if n == 2 * clients => stopper.stop(),
        _ => {}
    });
    changes.pace(Duration::from_millis(1), Limit::block(1)).also_to(seen.clone()).connect(watch);
    scheduler.schedule_on_main_event_loop(server.thing())?;
    let address = server.local_addr();
    let client = thread::spawn(move || {
        let all: io::Result<Vec<_>> = (0..clients).map(|_| TcpStream::connect(address)).collect();
        let _ = hang_up.recv();
        all.map(drop)
    });
    scheduler.run_forever()?;
    client.join().map_err(|_| "the client has panicked")??;
    assert_eq!(seen.events().iter().filter(|came| **came).count(), clients);
    assert_eq!(seen.events().len(), 2 * clients);
    Ok(())
}

#[test]
fn what_a_server_tells_may_go_out_by_it_at_once_and_cost_it_a_client() -> Done {
    let server = ServerOptions::default().max_unsent(1 << 18).slow(Slow::Disconnect).listen("127.0.0.1:0")?;
    server.received().map(|received| received.frame).connect(server.broadcast());
    let told = |change| if matches!(change, Change::Connected(..)) { "came" } else { "gone" }.to_owned();
    server.changes().map(told).connect(server.broadcast());
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(server.thing())?;
    let heard = with_client(&mut scheduler, server.local_addr(), |address| {
        let mut talks = TcpStream::connect(address)?;
        let mut heard = BufReader::new(talks.try_clone()?).lines();
        let first = heard.next().transpose()?;
        let _reads_nothing = TcpStream::connect(address)?;
        let second = heard.next().transpose()?;
        let line = "x".repeat(60_000);
        loop {
            talks.write_all(format!("{line}\n").as_bytes())?;
            match heard.next().transpose()? {
                Some(same) if same == line => {}
                third => break Ok([first, second, third]),
            }
        }
    })?;
    assert_eq!(heard, ["came", "came", "gone"].map(|text| Some(text.to_owned())));
    assert_eq!(server.stats().disconnected, 1);
    Ok(())
}
