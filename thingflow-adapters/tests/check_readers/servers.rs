//! Servers of ours, to which a client comes, and comes again.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use thingflow_adapters::net::Secret;
use thingflow_adapters::tcp;
use thingflow_adapters::websocket::{self, Message};
use thingflow_core::prelude::*;
use thingflow_core::testing::{Feed, Weather, check_reader};

use super::support::mosquitto::free_port;
use super::support::proxy::{Proxy, Way};
use super::support::raw_websocket::{Raw, client_frame, request};
use super::{Waiting, serve};

/// A client that sends numbers by one connection after the other, each as long as it lives.
struct Caller {
    waiting: Arc<Waiting>,
    proxy: Proxy,
    server: SocketAddr,
}

impl Caller {
    /// `greet`: whether the server has taken the client, so that what is sent from now on comes to it.
    fn new(greet: fn(&TcpStream) -> bool, encode: fn(u64) -> Vec<u8>) -> Self {
        let (waiting, server) = (Arc::<Waiting>::default(), free_port());
        let proxy = Proxy::new(server);
        let (there, address) = (waiting.clone(), proxy.address());
        thread::spawn(move || {
            while Arc::strong_count(&there) > 1 {
                if let Ok(socket) = TcpStream::connect(address)
                    && greet(&socket)
                {
                    serve(&socket, &there, encode);
                }
                let numbers = there.numbers.lock().unwrap();
                drop(there.changed.wait_timeout(numbers, Duration::from_millis(2)).unwrap());
            }
        });
        Self { waiting, proxy, server }
    }

    fn offer(&self, numbers: Range<u64>) {
        self.waiting.numbers.lock().unwrap().extend(numbers);
        self.waiting.changed.notify_all();
    }

    fn disturb(&self, weather: Weather) {
        self.proxy.refuse(weather == Weather::Away);
        self.proxy.black_hole(Way::ToServer, weather == Weather::Silent);
        if weather == Weather::Away {
            self.proxy.cut();
        }
    }
}

/// A server of lines, which says `hello` to each client.
struct Lines(Caller);

impl Feed for Lines {
    type Event = tcp::Received<String>;

    fn start(&mut self, scheduler: &Scheduler) -> Port<Self::Event> {
        let server = tcp::listen(self.0.server).unwrap();
        let hello = server.changes().filter_map(|change| match change {
            tcp::Change::Connected(client, _) => Some(tcp::Received { client, frame: "hello".to_owned() }),
            tcp::Change::Disconnected(_) => None,
        });
        hello.connect(server.reply());
        scheduler.schedule_on_main_event_loop(server.thing()).unwrap();
        server.received().clone()
    }
    fn start_wrong(&mut self, _: &Scheduler) -> Option<Port<Self::Event>> {
        assert!(tcp::listen("192.0.2.1:7000").is_err()); // no address of this machine
        None
    }
    fn number(&self, line: &Self::Event) -> u64 {
        line.frame.parse().unwrap()
    }
    by_the_peer!();
}

#[test]
fn a_tcp_server_keeps_what_readers_promise() {
    let greet = |mut socket: &TcpStream| {
        let mut hello = [0; 6];
        socket.read_exact(&mut hello).is_ok_and(|()| hello == *b"hello\n")
    };
    check_reader(|| Lines(Caller::new(greet, |number| format!("{number}\n").into_bytes())));
}

struct Messages(Caller);

impl Messages {
    fn listen(&self, options: websocket::ServerOptions, scheduler: &Scheduler) -> Port<tcp::Received<Message>> {
        let server = options.listen(self.0.server).unwrap();
        scheduler.schedule_on_main_event_loop(server.thing()).unwrap();
        server.received().clone()
    }
}

impl Feed for Messages {
    type Event = tcp::Received<Message>;

    fn start(&mut self, scheduler: &Scheduler) -> Port<Self::Event> {
        self.listen(websocket::ServerOptions::default().without_token(), scheduler)
    }
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<Self::Event>> {
        Some(self.listen(websocket::ServerOptions::default().token(Secret::file("/no/such/token")), scheduler))
    }
    fn number(&self, message: &Self::Event) -> u64 {
        message.frame.as_text().unwrap().parse().unwrap()
    }
    by_the_peer!();
}

#[test]
fn a_websocket_server_keeps_what_readers_promise() {
    let greet = |socket: &TcpStream| {
        let mut raw = Raw::of(socket.try_clone().unwrap());
        raw.send(request("/", "").as_bytes());
        raw.head().starts_with("HTTP/1.1 101 ")
    };
    check_reader(|| Messages(Caller::new(greet, |number| client_frame(0x81, number.to_string().as_bytes()))));
}
