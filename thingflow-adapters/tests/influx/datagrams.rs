//! The writer over UDP.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use thingflow_adapters::influx::{Encoder, UdpWriter};
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, Store, Weather, check_writer};
use thingflow_core::{Delivery, OnSetup};

use super::support::servers::Server;
use super::{Late, Level, Result, SECOND, create, numbers, run, tank};

#[test]
fn lines_go_over_udp() -> Result {
    let (server, udp) = Server::influx();
    create(&server.url(), "udp")?;
    let (ended, stats, _) = run(UdpWriter::new(udp.to_string(), tank()), (0..200).map(Level::of), 100)?;
    ended?;
    assert_eq!(stats.delivered, 200);
    assert_eq!(numbers_of(&server, "udp", 200), (0..200).collect::<Vec<_>>());
    Ok(())
}

/// What is stored when it is so many, or after some seconds: nobody says when a datagram has been dealt with.
fn numbers_of(server: &Server, database: &str, expected: usize) -> Vec<u64> {
    let mut stored = Vec::new();
    for _ in 0..500 {
        stored = numbers(&server.url(), database);
        if stored.len() == expected {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    stored
}

/// One that listens to datagrams, so that nobody answers: it is away when its port is closed, and silent when it does not read.
struct Datagrams {
    address: SocketAddr,
    listening: Arc<Mutex<Listening>>,
}

struct Listening {
    socket: Option<UdpSocket>,
    is_silent: bool,
    numbers: Vec<u64>,
}

impl Datagrams {
    fn new() -> Self {
        let socket = listening_at("127.0.0.1:0".parse().unwrap());
        let address = socket.local_addr().unwrap();
        let listening = Listening { socket: Some(socket), is_silent: false, numbers: Vec::new() };
        let store = Self { address, listening: Arc::new(Mutex::new(listening)) };
        let there = Arc::downgrade(&store.listening);
        std::thread::spawn(move || {
            // The system has no room for more than some hundred that nobody reads.
            while let Some(there) = there.upgrade() {
                let mut listening = there.lock().unwrap();
                if !listening.is_silent {
                    listening.read();
                }
                drop(listening);
                std::thread::park_timeout(Duration::from_millis(1));
            }
        });
        store
    }
}

fn listening_at(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

impl Listening {
    fn read(&mut self) {
        let mut bytes = [0; 2000];
        while let Some(Ok(n)) = self.socket.as_ref().map(|socket| socket.recv(&mut bytes)) {
            let lines = std::str::from_utf8(&bytes[..n]).unwrap().lines();
            self.numbers.extend(lines.map(|line| {
                let number = line.strip_prefix("tank number=").and_then(|line| line.split_once("i,litres=0.5 "));
                number.unwrap().0.parse::<u64>().unwrap()
            }));
        }
    }
}

impl Store for Datagrams {
    type Event = Level;
    type Writer = UdpWriter<Level>;
    fn writer(&mut self) -> UdpWriter<Level> {
        UdpWriter::new(self.address.to_string(), tank())
    }
    fn wrong_writer(&mut self) -> Option<UdpWriter<Level>> {
        Some(UdpWriter::new("127.0.0.1", tank()))
    }
    fn event(&self, number: u64) -> Level {
        Level::of(number)
    }
    fn poison(&self) -> Option<Level> {
        Some(Level { number: u64::MAX, ..Level::of(0) }) // beyond what a line can say
    }
    fn disturb(&mut self, weather: Weather) {
        let mut listening = self.listening.lock().unwrap();
        listening.read();
        listening.is_silent = weather == Weather::Silent;
        let is_away = weather == Weather::Away;
        if is_away || listening.socket.is_none() {
            listening.socket = (!is_away).then(|| listening_at(self.address));
        }
    }
    fn stored(&mut self) -> Vec<u64> {
        let mut listening = self.listening.lock().unwrap();
        listening.read();
        listening.numbers.clone()
    }
    fn is_idempotent(&self) -> bool {
        false // whoever reads the lines would see to it
    }
}

#[test]
fn a33_a34_the_writer_of_datagrams_keeps_the_promises_of_writers() {
    check_writer(Datagrams::new);
}

/// Two readings of one sensor in one datagram, of which the server would keep the last.
#[test]
fn a26_points_without_a_time_are_all_there_over_udp() -> Result {
    #[derive(Clone, Serialize)]
    struct Level {
        room: &'static str,
        number: u64,
    }
    let (server, udp) = Server::influx();
    create(&server.url(), "udp")?;
    let levels = (0..30).map(|number| Level { room: if number % 3 == 0 { "hall" } else { "attic" }, number });
    let writer = UdpWriter::new(udp.to_string(), Encoder::new("tank").tags(["room"]));
    let (ended, stats, _) = run(Late(writer, false), levels, 30)?;
    ended?;
    assert_eq!(stats.delivered, 30);
    let mut stored = numbers_of(&server, "udp", 30);
    stored.sort_unstable();
    assert_eq!(stored, (0..30).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_datagram_that_cannot_be_sent_says_where_it_should_have_gone() -> Result {
    let gone = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut scheduler = Scheduler::virtual_time()?;
    let retry = thingflow_core::Backoff::constant(SECOND);
    let delivery = Delivery::within(Limit::block(10)).retry(retry).on_setup(OnSetup::End);
    let writer = UdpWriter::new(gone.clone(), tank());
    let (sink, _refused) = scheduler.worker("influx", writer, delivery)?;
    let (meter, reports) = (sink.meter(), Recorder::new());
    scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
    scheduler.schedule_recurring(from_iter([Level::of(0)]).connect(sink))?;
    let stopper = scheduler.stopper();
    let stops = call(move |_| stopper.stop());
    scheduler.schedule_later_one_time(from_iter([()]).connect(stops), 10 * SECOND)?;
    scheduler.stop_within(Duration::ZERO);
    scheduler.run_forever()?;
    assert_eq!(meter.stats().delivered, 0, "what nobody has got is not delivered");
    let reports = reports.events();
    let expected = format!("cannot send to {gone}: ");
    assert!(reports.iter().any(|text| text.contains(&expected) && text.contains("no program listens")), "{reports:?}");
    Ok(())
}

#[test]
fn datagrams_hold_whole_lines_and_no_more_than_they_may() -> Result {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    receiver.set_read_timeout(Some(10 * SECOND))?;
    let texts = ["x".repeat(100), "y".repeat(100), "z".repeat(500), "w".repeat(70_000), "v".to_owned()];
    let event = |(second, text)| SensorEvent::new("s", Timestamp::from_secs(second), text);
    let writer = UdpWriter::new(receiver.local_addr()?.to_string(), Encoder::new("m")).datagrams_of(300);
    let (ended, stats, dead) = run(Late(writer, false), (1..).zip(texts).map(event), 10)?;
    ended?;
    assert_eq!((stats.delivered, stats.dead), (4, 1));
    assert!(dead[0].contains("datagram"), "{dead:?}");
    let mut buffer = [0; 2000];
    let mut lengths = Vec::new();
    for _ in 0..3 {
        let n = receiver.recv(&mut buffer)?;
        assert!(buffer[..n].ends_with(b"\n"));
        lengths.push((n, buffer[..n].iter().filter(|byte| **byte == b'\n').count()));
    }
    assert_eq!(lengths, [(2 * 134, 2), (534, 1), (35, 1)]);
    Ok(())
}
