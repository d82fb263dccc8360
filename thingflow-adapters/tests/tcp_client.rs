//! Clients of TCP and of Unix sockets, with TLS and without, against servers that vanish, stall and talk nonsense.
#![cfg(feature = "tcp")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::cell::RefCell;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use support::bounded::new_scheduler;
use support::mosquitto::free_port;
use support::proxy::{Proxy, Way};
use thingflow_adapters::framing::{Framing, LengthPrefixed, Lines};
use thingflow_adapters::tcp::{self, Change, Client, ClientOptions, ServerOptions, Status};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Backoff, Limit, VirtualClock};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SOON: Backoff = Backoff::constant(Duration::from_millis(10));

/// What comes until the `n`th frame, when the run is stopped.
fn collect<F: Framing + 'static>(scheduler: &Scheduler, client: &Client<F>, n: usize) -> Rc<RefCell<Vec<F::Frame>>> {
    let (seen, stopper) = (Rc::new(RefCell::new(Vec::new())), scheduler.stopper());
    let kept = seen.clone();
    client.received().for_each(move |frame| {
        kept.borrow_mut().push(frame);
        if kept.borrow().len() == n {
            stopper.stop();
        }
    });
    seen
}

fn numbers(n: usize) -> Vec<String> {
    (0..n).map(|n| n.to_string()).collect()
}

#[test]
fn frames_of_both_kinds_go_both_ways() -> Result {
    let frames: Vec<Vec<u8>> = (0..300_u32).map(|n| vec![7; n as usize * 100]).collect();
    let server = ServerOptions::framed(LengthPrefixed::default()).max_unsent(1 << 24).listen("127.0.0.1:0")?;
    server.received().connect(server.reply());
    let client =
        ClientOptions::new(&format!("tcp://{}", server.local_addr()))?.framed(LengthPrefixed::default()).connect();
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(server.thing())?;
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let seen = collect(&scheduler, &client, frames.len());
    scheduler.schedule_recurring(from_iter(frames.clone()).connect(client.sender()))?;
    scheduler.run_forever()?;
    assert_eq!(*seen.borrow(), frames);
    let stats = client.stats();
    assert_eq!((stats.posted, stats.sent, stats.waiting, stats.dropped, stats.received), (300, 300, 0, 0, 300));
    Ok(())
}

#[test]
fn a_client_that_nobody_uses_any_more_hangs_up_and_its_run_ends() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = tcp::connect(&format!("tcp://{}", listener.local_addr()?))?;
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(client.thing())?;
    scheduler.schedule_recurring(from_iter(numbers(5000)).connect(client.sender()))?;
    let heard = thread::spawn(move || {
        let (socket, _) = listener.accept()?;
        (&socket).write_all(b"what the client does not read\n")?; // must make no reset of the end
        BufReader::new(socket).lines().collect::<std::io::Result<Vec<_>>>()
    });
    scheduler.run_forever()?;
    assert_eq!(heard.join().unwrap()?, numbers(5000));
    Ok(())
}

#[test]
fn what_is_to_be_sent_waits_for_a_server_that_comes_later_and_a_source_is_paused() -> Result {
    let address = free_port();
    let options = ClientOptions::new(&format!("tcp://{address}"))?.retry(SOON).queue(Limit::block(10));
    let client = options.connect();
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(client.thing())?;
    scheduler.schedule_recurring(from_iter(numbers(100)).connect(client.sender()))?;
    let (failed, mut begins) = (Recorder::new(), None);
    let (tell, told) = mpsc::channel();
    let there = client.clone();
    client.status().also_to(failed.clone()).for_each(move |_| {
        if begins.is_none() && there.stats().waiting >= 10 {
            let (tell, meter) = (tell.clone(), there.meter());
            let full = thread::spawn(move || meter.stats()).join().unwrap(); // as a page reads it
            assert!(full.is_full && full.waiting == 10, "{full:?}");
            begins = Some(thread::spawn(move || {
                let socket = TcpListener::bind(address).unwrap().accept().unwrap().0;
                tell.send(BufReader::new(socket).lines().collect::<std::io::Result<Vec<_>>>())
            }));
        }
    });
    scheduler.run_forever()?;
    assert_eq!(told.recv()??, numbers(100));
    let stats = client.meter().stats();
    assert_eq!((stats.posted, stats.delivered, stats.waiting, stats.is_full), (100, 100, 0, false));
    assert!(matches!(failed.events()[0], Status::Disconnected { .. }));
    assert!(failed.events().contains(&Status::Connected));
    Ok(())
}

/// Each frame arrives whole, in order; a frame that was cut off comes again; what was in the system's hands may be lost.
#[test]
fn after_a_cut_in_the_middle_of_a_frame_it_comes_again_whole() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let proxy = Proxy::new(listener.local_addr()?);
    let client = ClientOptions::new(&format!("tcp://{}", proxy.address()))?.retry(SOON).connect();
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let lines: Vec<String> = (0..200).map(|n| format!("{n} {}", "x".repeat(50_000))).collect();
    scheduler.schedule_recurring(from_iter(lines).connect(client.sender()))?;
    proxy.reset_after(Way::ToServer, 1_234_567);
    let (tell, told) = mpsc::channel::<(usize, String)>();
    thread::spawn(move || {
        for (connection, socket) in listener.incoming().flatten().enumerate() {
            let tell = tell.clone();
            thread::spawn(move || {
                for line in BufReader::new(socket).split(b'\n').map_while(std::io::Result::ok) {
                    let _ = tell.send((connection, String::from_utf8(line).unwrap()));
                }
            });
        }
    });
    scheduler.run_forever()?;
    assert_eq!(client.stats().connections, 2);
    let mut heard: [Vec<usize>; 2] = Default::default();
    while let Ok((connection, line)) = told.recv_timeout(Duration::from_secs(2)) {
        let (number, rest) = line.split_once(' ').unwrap_or((&line, ""));
        if rest.len() == 50_000 {
            heard[connection].push(number.parse()?);
        } else {
            assert_eq!(connection, 0, "only the last line of a connection that was cut is in pieces");
        }
        if number == "199" {
            break;
        }
    }
    assert!(heard.iter().all(|numbers| numbers.is_sorted_by(|a, b| a + 1 == *b)), "{heard:?}");
    assert_eq!(heard[1].last(), Some(&199));
    Ok(())
}

#[test]
fn a_server_that_talks_nonsense_or_nothing_is_left_and_tried_again() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("tcp://{}", listener.local_addr()?);
    thread::spawn(move || {
        for (n, socket) in listener.incoming().flatten().enumerate() {
            let mut socket = socket;
            let said: &[u8] = match n {
                0 => &[b'x'; 100],        // no end of line
                1 => b"good\n\xff\xff\n", // then silence
                _ => b"better\n",
            };
            let _ = socket.write_all(said);
            thread::spawn(move || {
                let _ = socket.read(&mut [0; 8]);
            });
        }
    });
    let options = ClientOptions::new(&address)?.framed(Lines::default().max_len(50)).retry(SOON);
    let client = options.idle_timeout(Duration::from_millis(50)).connect();
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let errors = Recorder::new();
    client.status().map(|status| format!("{status:?}")).connect(errors.clone());
    let seen = collect(&scheduler, &client, 2);
    scheduler.run_forever()?;
    assert_eq!(*seen.borrow(), ["good", "better"]);
    let errors = errors.events().concat();
    assert!(errors.contains("longer than 50 bytes") && errors.contains("nothing has come for too long"), "{errors}");
    assert_eq!(client.stats().invalid, 2);
    Ok(())
}

#[test]
fn the_waits_double_while_a_server_is_away_and_the_run_ends_when_told() -> Result {
    let retry = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    let client = ClientOptions::new(&format!("tcp://{}", free_port()))?.retry(retry).connect();
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let waits = Recorder::new();
    client.received().for_each(drop);
    client
        .status()
        .filter_map(|status| match status {
            Status::Disconnected { retry_in, .. } => Some(retry_in.as_secs()),
            _ => None,
        })
        .connect(waits.clone());
    scheduler.run_for(Duration::from_secs(200))?;
    assert_eq!(waits.events(), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    Ok(())
}

#[test]
fn addresses_are_told_apart() {
    for (address, why) in [
        ("tcp://host", "no port"),
        ("http://host:1", "must be `tcp`, `tls` or `unix`"),
        ("unix://relative", "begins with `/`"),
        ("tcp://pi@host:1", "nobody asks for a user"),
    ] {
        let error = tcp::connect(address).unwrap_err().to_string();
        assert!(error.starts_with("invalid address") && error.contains(why), "{error}");
    }
}

#[test]
fn programs_of_a_machine_talk_by_a_unix_socket() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("lux.sock");
    let server = ServerOptions::default().listen_unix(&path)?;
    assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    server.received().connect(server.reply());
    let clients = Recorder::new();
    server.changes().connect(clients.clone());
    let client = tcp::connect(&format!("unix://{}", path.display()))?;
    let mut scheduler = new_scheduler();
    scheduler.schedule_on_main_event_loop(server.thing())?;
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let seen = collect(&scheduler, &client, 3);
    scheduler.schedule_recurring(from_iter(numbers(3)).connect(client.sender()))?;
    scheduler.run_forever()?;
    assert_eq!(*seen.borrow(), numbers(3));
    let Change::Connected(_, program) = clients.events()[0] else { panic!("{clients:?}") };
    assert_eq!(program.process.map(i32::unsigned_abs), Some(std::process::id()));
    drop((scheduler, server));
    assert!(!path.exists(), "the file goes with the server");
    Ok(())
}

#[test]
fn the_file_of_a_killed_server_is_replaced_and_no_other() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("lux.sock");
    drop(UnixListener::bind(&path)?); // its file stays, as that of a program that was killed
    let server = ServerOptions::default().mode(0o666).listen_unix(&path)?;
    assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o666);
    assert!(UnixStream::connect(&path).is_ok());
    let error = ServerOptions::default().listen_unix(&path).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse, "somebody listens there");
    drop(server);
    std::fs::write(&path, "letters")?;
    assert!(ServerOptions::default().listen_unix(&path).is_err(), "a file of another kind stays");
    assert_eq!(std::fs::read_to_string(&path)?, "letters");
    for (path, why) in [
        (path.clone(), "a file is there that is not a socket: remove it"),
        (folder.path().join("x".repeat(108)), "at most 107 bytes"),
        (folder.path().join("none").join("lux.sock"), "No such file"),
    ] {
        let error = ServerOptions::default().listen_unix(&path).unwrap_err().to_string();
        assert!(error.starts_with("cannot listen at /") && error.contains(why), "{error}");
    }
    Ok(())
}

/// While another program sees to a socket that was left, nobody else removes it; what it has left of its lock hinders nobody.
#[test]
fn a_left_socket_that_another_program_takes_over_is_left_to_it() -> Result {
    let folder = tempfile::tempdir()?;
    let (path, lock) = (folder.path().join("lux.sock"), folder.path().join("lux.sock.thingflow-lock"));
    drop(UnixListener::bind(&path)?);
    let other = std::fs::File::create(&lock)?;
    rustix::fs::flock(&other, rustix::fs::FlockOperation::LockExclusive)?;
    let error = ServerOptions::default().listen_unix(&path).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains("a program is about to listen there"), "{error}");
    assert!(path.exists());
    drop(other); // it was killed
    let server = ServerOptions::default().listen_unix(&path)?;
    assert!(UnixStream::connect(server.path()).is_ok());
    assert!(!lock.exists(), "it is held no longer than it takes");
    Ok(())
}

const SOCKETS: &str = "THINGFLOW_SOCKETS";

/// One of the programs that want the same sockets: it takes those whose numbers it is told, and says of each whether it has it.
#[test]
fn child() -> Result {
    let Some(folder) = std::env::var_os(SOCKETS).map(PathBuf::from) else { return Ok(()) };
    println!(); // what the test runner has begun to say ends here
    let mut held = Vec::new();
    for number in std::io::stdin().lines() {
        let server = ServerOptions::default().listen_unix(folder.join(number?));
        println!("{}", if server.is_ok() { "mine" } else { "not mine" });
        held.extend(server);
    }
    Ok(())
}

#[test]
fn a_left_socket_that_several_programs_want_at_once_is_that_of_one() -> Result {
    let folder = tempfile::tempdir()?;
    let start = || {
        Command::new(std::env::current_exe()?)
            .args(["--exact", "child", "--nocapture"])
            .env(SOCKETS, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
    };
    let mut programs = [start()?, start()?, start()?];
    let mut said = Vec::new();
    for program in &mut programs {
        said.push(BufReader::new(program.stdout.take().unwrap()).lines().filter(|line| !is_of_the_runner(line)));
    }
    for number in 0..300 {
        let path = folder.path().join(number.to_string());
        drop(UnixListener::bind(&path)?);
        for program in &mut programs {
            writeln!(program.stdin.as_mut().unwrap(), "{number}")?;
        }
        let mut winners = 0;
        for lines in &mut said {
            winners += usize::from(lines.next().ok_or("a program has ended")?? == "mine");
        }
        assert_eq!(winners, 1, "of socket {number}");
        assert!(UnixStream::connect(&path).is_ok(), "socket {number} is that of the winner");
    }
    for mut program in programs {
        drop(program.stdin.take());
        assert!(program.wait()?.success());
    }
    Ok(())
}

fn is_of_the_runner(line: &std::io::Result<String>) -> bool {
    line.as_ref().is_ok_and(|line| !["mine", "not mine"].contains(&line.as_str()))
}

/// Where it could not connect, and what to do.
#[test]
fn a_connection_that_cannot_be_made_is_named_with_its_address() -> Result {
    let folder = tempfile::tempdir()?;
    let [none, deserted, long] = ["none.sock", "deserted.sock", &"x".repeat(108)].map(|name| folder.path().join(name));
    drop(UnixListener::bind(&deserted)?);
    let closed = format!("tcp://{}", free_port());
    let cases = [
        (closed.clone(), "no program listens there"),
        (format!("unix://{}", deserted.display()), "no program listens there"),
        (format!("unix://{}", none.display()), "its program has not made the socket"),
        (format!("unix://{}", long.display()), "at most 107 bytes"),
    ];
    for (address, why) in cases {
        let client = ClientOptions::new(&address)?.retry(SOON).connect();
        let mut scheduler = new_scheduler();
        scheduler.schedule_on_main_event_loop(client.thing())?;
        let (errors, stopper) = (Recorder::new(), scheduler.stopper());
        let lost = client.status().filter_map(|status| match status {
            Status::Disconnected { error, .. } => Some(error.to_string()),
            _ => None,
        });
        lost.also_to(errors.clone()).for_each(move |_| stopper.stop());
        scheduler.run_forever()?;
        let error = errors.events().swap_remove(0);
        assert!(error.contains(&format!("cannot connect to {address:.60}")) && error.ends_with(why), "{error}");
    }
    Ok(())
}

#[cfg(feature = "tls")]
mod by_tls {
    use std::net::TcpStream;
    use std::process::{Command, Stdio};

    use super::*;
    use support::authority::{Authority, DAY};
    use support::servers::{Server, folder};
    use thingflow_adapters::net::Tls;

    fn certificates() -> tempfile::TempDir {
        let (folder, authority) = (folder(), Authority::new());
        authority.write(&folder.path().join("ca.pem"));
        for name in ["localhost", "lamp"] {
            authority.issue(folder.path(), name, Duration::ZERO, DAY);
        }
        folder
    }

    fn of(folder: &std::path::Path, name: &str) -> Tls {
        Tls::default().identity(folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")))
    }

    #[test]
    fn both_sides_show_certificates_and_strangers_are_kept_out() -> Result {
        let folder = certificates();
        let folder = folder.path();
        let ca = folder.join("ca.pem");
        let server = ServerOptions::default().tls(of(folder, "localhost").trust_only(&ca)).listen("127.0.0.1:0")?;
        server.received().connect(server.reply());
        let to = |tls| -> Result<Client<Lines>> {
            let options = ClientOptions::new(&format!("tls://{}", server.local_addr()))?;
            Ok(options.tls(tls).retry(SOON).connect())
        };
        let (client, stranger) = (to(of(folder, "lamp").trust_only(&ca))?, to(Tls::default().trust_only(&ca))?);
        let mut scheduler = new_scheduler();
        scheduler.schedule_on_main_event_loop(server.thing())?;
        scheduler.schedule_on_main_event_loop(client.thing())?;
        scheduler.schedule_on_main_event_loop(stranger.thing())?;
        let (kept_out, stopper) = (Recorder::new(), scheduler.stopper());
        stranger.received().for_each(drop);
        let long: Vec<String> = (0..100).map(|n| n.to_string().repeat(5000)).collect();
        let all = long.len();
        let seen = Recorder::new();
        let done = seen.clone();
        client.received().for_each(move |line: String| {
            let _ = line;
        });
        client.received().connect(seen.clone());
        stranger.status().map(|status| format!("{status:?}")).also_to(kept_out.clone()).for_each(move |_| {
            if done.events().len() == all && kept_out.events().len() > 2 {
                stopper.stop();
            }
        });
        scheduler.schedule_recurring(from_iter(long.clone()).connect(client.sender()))?;
        scheduler.run_forever()?;
        assert_eq!(seen.events(), long);
        assert_eq!(stranger.stats().received, 0);
        Ok(())
    }

    #[test]
    fn a23_a_certificate_that_is_not_yet_valid_is_told_apart_and_tried_again_when_the_clock_is_set() -> Result {
        let (folder, authority) = (folder(), Authority::new());
        let ca = folder.path().join("ca.pem");
        authority.write(&ca);
        authority.issue(folder.path(), "localhost", 3 * DAY, DAY);
        let server = ServerOptions::default().tls(of(folder.path(), "localhost")).listen("127.0.0.1:0")?;
        let clock = VirtualClock::new();
        let mut scheduler = Scheduler::with_clock(clock.clone())?;
        let hour = Duration::from_secs(3600);
        let options =
            ClientOptions::new(&format!("tls://{}", server.local_addr()))?.tls(Tls::default().trust_only(&ca));
        let client = options.retry(Backoff::constant(hour)).timeout(hour).connect();
        let seen = Recorder::new();
        client.received().for_each(drop);
        client.status().map(|status| format!("{status:?}")).connect(seen.clone());
        scheduler.schedule_on_main_event_loop(server.thing())?;
        scheduler.schedule_on_main_event_loop(client.thing())?;
        scheduler.run_for(Duration::from_secs(60))?;
        let told = seen.events();
        assert!(told.len() == 1 && told[0].contains("not valid yet: the clock of this machine"), "{told:?}");
        clock.set(Timestamp::from_secs(1_700_000_000));
        scheduler.run_for(Duration::from_secs(60))?;
        assert_eq!(seen.events().len(), 2, "once, and not again before the hour is over");
        Ok(())
    }

    #[test]
    fn openssl_understands_both_sides() -> Result {
        let folder = certificates();
        let path = folder.path().to_owned();
        let server = ServerOptions::default().tls(of(&path, "localhost")).listen("127.0.0.1:0")?;
        server.received().connect(server.reply());
        let mut scheduler = new_scheduler();
        scheduler.schedule_on_main_event_loop(server.thing())?;
        let stopper = scheduler.stopper();
        let (address, ca) = (server.local_addr().to_string(), path.join("ca.pem"));
        let peer = thread::spawn(move || {
            let mut peer = Command::new("openssl")
                .args(["s_client", "-quiet", "-verify_return_error", "-connect", &address, "-CAfile"])
                .arg(ca)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            peer.stdin.as_mut().unwrap().write_all(b"hello\n").unwrap();
            let mut line = String::new();
            BufReader::new(peer.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
            let _ = (peer.kill(), peer.wait());
            stopper.stop();
            line
        });
        scheduler.run_forever()?;
        assert_eq!(peer.join().unwrap(), "hello\n");

        let there = Server::openssl_reversing(folder); // it sends each line back in reverse
        let options = ClientOptions::new(&format!("tls://{}", there.address()))?;
        let client = options.tls(Tls::default().trust_only(there.folder().join("ca.pem"))).retry(SOON).connect();
        let mut scheduler = new_scheduler();
        scheduler.schedule_on_main_event_loop(client.thing())?;
        let seen = collect(&scheduler, &client, 1);
        scheduler.schedule_recurring(from_iter(["lux".to_owned()]).connect(client.sender()))?;
        scheduler.run_forever()?;
        assert_eq!(*seen.borrow(), ["xul"]);
        Ok(())
    }

    #[test]
    fn who_does_not_greet_is_shown_out_and_garbage_too() -> Result {
        let folder = certificates();
        let server = ServerOptions::default().tls(of(folder.path(), "localhost")).listen("127.0.0.1:0")?;
        let (changes, address) = (Recorder::new(), server.local_addr());
        server.changes().connect(changes.clone());
        let mut silent = TcpStream::connect(address)?;
        let mut loud = TcpStream::connect(address)?;
        loud.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
        let mut scheduler = Scheduler::virtual_time()?;
        scheduler.schedule_on_main_event_loop(server.thing())?;
        scheduler.run_for(Duration::from_secs(60))?;
        assert_eq!((server.stats().clients, changes.events().len()), (0, 0), "they have never been clients");
        for socket in [&mut silent, &mut loud] {
            socket.set_read_timeout(Some(Duration::from_secs(5)))?;
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest); // an alert, a reset, or nothing: but an end
            assert!(rest.len() < 100);
        }
        Ok(())
    }

    #[test]
    fn a_server_without_a_certificate_is_no_server() -> Result {
        let error = ServerOptions::default().tls(Tls::default()).listen("127.0.0.1:0").unwrap_err();
        assert!(error.to_string().contains("a server has to show one"), "{error}");
        let error =
            ServerOptions::default().tls(Tls::default().identity("/nowhere/a", "/nowhere/b")).listen("127.0.0.1:0");
        assert!(error.unwrap_err().to_string().contains("/nowhere/"));
        Ok(())
    }
}
