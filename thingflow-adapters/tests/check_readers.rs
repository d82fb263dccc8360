//! The check of readers on those of ours that have a peer: TCP, WebSockets, MQTT.
#![cfg(all(feature = "tcp", feature = "websocket", feature = "mqtt"))]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use support::mosquitto::{Mosquitto, free_port};
use support::proxy::{Proxy, Way};
use support::raw_websocket::Raw;
use thingflow_adapters::mqtt::{Client, Options, Qos, Received, Version};
use thingflow_adapters::tcp;
use thingflow_adapters::websocket::{self, Message};
use thingflow_core::Backoff;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Feed, Weather, check_reader};

const SOON: Backoff = Backoff::constant(Duration::from_millis(5));

/// What a proxy does in each weather.
fn disturb(proxy: &Proxy, weather: Weather) {
    proxy.refuse(weather == Weather::Away);
    proxy.black_hole(Way::ToClient, weather == Weather::Silent);
    if weather == Weather::Away {
        proxy.cut();
    }
}

/// Numbers that wait for somebody to send them.
#[derive(Default)]
struct Waiting {
    numbers: Mutex<VecDeque<u64>>,
    changed: Condvar,
}

/// A server that sends numbers by one connection at a time, as long as that lives.
struct Peer {
    waiting: Arc<Waiting>,
    proxy: Proxy,
}

impl Peer {
    fn new(greet: fn(&TcpStream), encode: fn(u64) -> Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::new(listener.local_addr().unwrap());
        let waiting = Arc::<Waiting>::default();
        let there = waiting.clone();
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                greet(&socket);
                serve(&socket, &there, encode);
            }
        });
        Self { waiting, proxy }
    }

    fn offer(&self, numbers: Range<u64>) {
        self.waiting.numbers.lock().unwrap().extend(numbers);
        self.waiting.changed.notify_all();
    }
}

fn serve(mut socket: &TcpStream, waiting: &Waiting, encode: fn(u64) -> Vec<u8>) {
    while is_alive(socket) {
        let numbers = waiting.numbers.lock().unwrap();
        let (mut numbers, _) = waiting.changed.wait_timeout(numbers, Duration::from_millis(1)).unwrap();
        if is_alive(socket)
            && let Some(number) = numbers.pop_front()
        {
            let _ = socket.write_all(&encode(number)); // or it is lost
        }
    }
}

fn is_alive(socket: &TcpStream) -> bool {
    socket.set_nonblocking(true).unwrap();
    let peeked = socket.peek(&mut [0]);
    socket.set_nonblocking(false).unwrap();
    peeked.map_or_else(|error| error.kind() == ErrorKind::WouldBlock, |n| n > 0)
}

struct Lines(Peer);

impl Feed for Lines {
    type Event = String;

    fn start(&mut self, scheduler: &Scheduler) -> Port<String> {
        let options = tcp::ClientOptions::new(&format!("tcp://{}", self.0.proxy.address())).unwrap();
        let client = options.retry(SOON).connect();
        scheduler.schedule_on_main_event_loop(client.thing()).unwrap();
        client.received().clone()
    }
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<String>> {
        let client = tcp::connect(&format!("tcp://{}", free_port())).unwrap(); // nobody is there
        scheduler.schedule_on_main_event_loop(client.thing()).unwrap();
        Some(client.received().clone())
    }
    fn number(&self, line: &String) -> u64 {
        line.parse().unwrap()
    }
    fn offer(&mut self, numbers: Range<u64>) {
        self.0.offer(numbers);
    }
    fn disturb(&mut self, weather: Weather) {
        disturb(&self.0.proxy, weather);
    }
    fn is_acknowledged(&self) -> bool {
        false
    }
}

#[test]
fn a_tcp_client_keeps_what_readers_promise() {
    check_reader(|| Lines(Peer::new(|_| (), |number| format!("{number}\n").into_bytes())));
}

struct Messages(Peer);

impl Feed for Messages {
    type Event = Message;

    fn start(&mut self, scheduler: &Scheduler) -> Port<Message> {
        let options = websocket::ClientOptions::new(&format!("ws://{}", self.0.proxy.address())).unwrap();
        let client = options.retry(SOON).connect();
        scheduler.schedule_on_main_event_loop(client.thing()).unwrap();
        client.received().clone()
    }
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<Message>> {
        let options = websocket::ClientOptions::new(&format!("ws://{}", self.0.proxy.address())).unwrap();
        let client = options.subprotocol("nobody-speaks-it").unwrap().retry(SOON).connect();
        scheduler.schedule_on_main_event_loop(client.thing()).unwrap();
        Some(client.received().clone())
    }
    fn number(&self, message: &Message) -> u64 {
        message.as_text().unwrap().parse().unwrap()
    }
    fn offer(&mut self, numbers: Range<u64>) {
        self.0.offer(numbers);
    }
    fn disturb(&mut self, weather: Weather) {
        disturb(&self.0.proxy, weather);
    }
    fn is_acknowledged(&self) -> bool {
        false
    }
}

#[test]
fn a_websocket_client_keeps_what_readers_promise() {
    let greet = |socket: &TcpStream| {
        let mut raw = Raw::of(socket.try_clone().unwrap());
        let head = raw.head();
        if !head.is_empty() {
            raw.answer(&head, "");
        }
    };
    let encode = |number: u64| {
        let text = number.to_string();
        [&[0x81, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    };
    check_reader(|| Messages(Peer::new(greet, encode)));
}

/// A broker that keeps the session of the reader.
struct Topic {
    broker: Mosquitto,
    proxy: Proxy,
}

impl Topic {
    fn new() -> Self {
        let broker = Mosquitto::start();
        let proxy = Proxy::new(broker.address());
        let topic = Self { broker, proxy };
        let made = topic.command("mosquitto_sub").args(["-i", "lux", "-c", "-E"]).status();
        assert!(made.unwrap().success());
        topic
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let (host, port) = (self.broker.address().ip().to_string(), self.broker.address().port().to_string());
        command.args(["-h", &host, "-p", &port, "-q", "1", "-t", "lux"]);
        command
    }

    fn options(&self) -> Options {
        let options = Options::new(&format!("mqtt://{}", self.proxy.address())).unwrap().client_id("lux");
        options.version(Version::V3_1_1).keep_session(Duration::from_secs(60)).retry(SOON)
    }
}

impl Feed for Topic {
    type Event = Received;

    fn start(&mut self, scheduler: &Scheduler) -> Port<Received> {
        let client = Client::new(self.options());
        scheduler.schedule_on_main_event_loop(client.connection()).unwrap();
        client.subscribe("lux", Qos::AtLeastOnce).unwrap()
    }
    fn start_wrong(&mut self, _: &Scheduler) -> Option<Port<Received>> {
        None // the broker lets everybody in
    }
    fn number(&self, message: &Received) -> u64 {
        message.text().parse().unwrap()
    }
    fn offer(&mut self, numbers: Range<u64>) {
        let mut publisher = self.command("mosquitto_pub").arg("-l").stdin(Stdio::piped()).spawn().unwrap();
        let lines: String = numbers.map(|number| format!("{number}\n")).collect();
        publisher.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(publisher.wait().unwrap().success());
    }
    fn disturb(&mut self, weather: Weather) {
        disturb(&self.proxy, weather);
    }
    fn is_acknowledged(&self) -> bool {
        true
    }
}

#[test]
fn an_mqtt_subscription_keeps_what_readers_promise() {
    check_reader(Topic::new);
}
