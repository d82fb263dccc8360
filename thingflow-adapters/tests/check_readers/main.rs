//! The check of readers on those of ours that read each event once: of connections, a broker, programs, web clients, tables, files
//! and lines of this machine.
#![cfg(all(feature = "tcp", feature = "websocket", feature = "mqtt", feature = "process", feature = "webhook"))]
#![cfg(all(
    feature = "postgres",
    feature = "sqlite",
    feature = "folder",
    feature = "lines",
    feature = "uart",
    feature = "udp"
))]
#![allow(clippy::unwrap_used)] // of what the test itself has made

/// What a feed leaves to its field, the other side of a connection that is read without acknowledgements.
macro_rules! by_the_peer {
    () => {
        fn offer(&mut self, numbers: Range<u64>) {
            self.0.offer(numbers);
        }
        fn disturb(&mut self, weather: Weather) {
            self.0.disturb(weather);
        }
        fn is_acknowledged(&self) -> bool {
            false
        }
    };
}

mod local;
mod servers;
#[path = "../support/mod.rs"]
mod support;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use support::mosquitto::{Mosquitto, free_port};
use support::proxy::{Proxy, Way};
use support::raw_websocket::Raw;
use support::servers::Server;
use thingflow_adapters::mqtt::{Client, Options, Qos, Received, Version};
use thingflow_adapters::net::Secret;
use thingflow_adapters::postgres::{self, Database, Heard};
use thingflow_adapters::websocket::{self, Message};
use thingflow_adapters::{process, sqlite, tcp, webhook};
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

    fn disturb(&self, weather: Weather) {
        disturb(&self.proxy, weather);
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

/// Whether the other side has not hung up.
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
    by_the_peer!();
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
    by_the_peer!();
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
    qos: &'static str,
}

impl Topic {
    fn with(qos: &'static str) -> Self {
        let broker = Mosquitto::start();
        let proxy = Proxy::new(broker.address());
        let topic = Self { broker, proxy, qos };
        let made = topic.command("mosquitto_sub").args(["-i", "lux", "-c", "-E"]).status();
        assert!(made.unwrap().success());
        topic
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let (host, port) = (self.broker.address().ip().to_string(), self.broker.address().port().to_string());
        command.args(["-h", &host, "-p", &port, "-q", self.qos, "-t", "lux"]);
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
        scheduler.schedule_on_main_event_loop(client.thing()).unwrap();
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
    check_reader(|| Topic::with("1"));
}

/// The same topic by MQTT 5 and QoS 2, of which the broker hears when the graph is done with a message.
struct TrackedTopic(Topic);

impl Feed for TrackedTopic {
    type Event = Tracked<Received>;

    fn start(&mut self, scheduler: &Scheduler) -> Port<Self::Event> {
        let client = Client::new(self.0.options().version(Version::V5).receive_maximum(8));
        scheduler.schedule_on_main_event_loop(client.thing()).unwrap();
        client.subscribe_tracked("lux", Qos::ExactlyOnce).unwrap()
    }
    fn start_wrong(&mut self, _: &Scheduler) -> Option<Port<Self::Event>> {
        None // the broker lets everybody in
    }
    fn number(&self, message: &Self::Event) -> u64 {
        message.value.text().parse().unwrap()
    }
    fn offer(&mut self, numbers: Range<u64>) {
        self.0.offer(numbers);
    }
    fn disturb(&mut self, weather: Weather) {
        self.0.disturb(weather);
    }
    fn is_acknowledged(&self) -> bool {
        true
    }
}

#[test]
fn a_tracked_mqtt_subscription_keeps_what_readers_promise() {
    check_reader(|| TrackedTopic(Topic::with("2")));
}

/// A program whose output comes from a connection of its own, and ends with that.
struct Output(Peer);

impl Output {
    fn run(scheduler: &Scheduler, script: String) -> Port<String> {
        let bash = move || {
            let mut command = Command::new("bash");
            command.args(["-c", &script]).stderr(Stdio::null());
            command
        };
        let program = process::Options::new("reader", bash).restart(SOON).run();
        program.stderr().for_each(drop);
        scheduler.schedule_on_main_event_loop(program.thing()).unwrap();
        program.output().clone()
    }
}

impl Feed for Output {
    type Event = String;

    fn start(&mut self, scheduler: &Scheduler) -> Port<String> {
        let address = self.0.proxy.address();
        Self::run(scheduler, format!("exec cat < /dev/tcp/{}/{}", address.ip(), address.port()))
    }
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<String>> {
        Some(Self::run(scheduler, "exec no-such-program".to_owned()))
    }
    fn number(&self, line: &String) -> u64 {
        line.parse().unwrap()
    }
    by_the_peer!();
}

#[test]
fn a_program_that_is_started_again_keeps_what_readers_promise() {
    check_reader(|| Output(Peer::new(|_| (), |number| format!("{number}\n").into_bytes())));
}

/// A web client that posts one number after the other, each until it is taken.
struct Posts {
    waiting: Arc<Waiting>,
    proxy: Proxy,
    hook: SocketAddr,
}

impl Posts {
    fn new() -> Self {
        let (waiting, hook) = (Arc::<Waiting>::default(), free_port());
        let proxy = Proxy::new(hook);
        let (there, address) = (waiting.clone(), proxy.address());
        thread::spawn(move || {
            loop {
                let numbers = there.numbers.lock().unwrap();
                let numbers = there.changed.wait_while(numbers, |numbers| numbers.is_empty()).unwrap();
                let number = numbers[0];
                drop(numbers);
                let is_taken = post(address, number).is_ok_and(|answer| answer.starts_with("HTTP/1.1 204 "));
                let mut numbers = there.numbers.lock().unwrap();
                if is_taken {
                    numbers.pop_front();
                } else {
                    drop(there.changed.wait_timeout(numbers, Duration::from_millis(2)).unwrap());
                }
            }
        });
        Self { waiting, proxy, hook }
    }

    fn listen(&self, options: webhook::Options<u64>, scheduler: &Scheduler) -> Port<u64> {
        let hook = options.listen(self.hook).unwrap();
        scheduler.schedule_on_main_event_loop(hook.thing()).unwrap();
        hook.received().clone()
    }
}

fn post(address: SocketAddr, number: u64) -> io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_millis(300)))?;
    let (body, mut answer) = (number.to_string(), String::new());
    let head = format!("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}", body.len());
    socket.write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

impl Feed for Posts {
    type Event = u64;

    fn start(&mut self, scheduler: &Scheduler) -> Port<u64> {
        self.listen(webhook::Options::json().without_token(), scheduler)
    }
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<u64>> {
        Some(self.listen(webhook::Options::json().token(Secret::file("/no/such/token")), scheduler))
    }
    fn number(&self, number: &u64) -> u64 {
        *number
    }
    fn offer(&mut self, numbers: Range<u64>) {
        self.waiting.numbers.lock().unwrap().extend(numbers);
        self.waiting.changed.notify_all();
    }
    fn disturb(&mut self, weather: Weather) {
        disturb(&self.proxy, weather);
    }
    fn is_acknowledged(&self) -> bool {
        true
    }
}

#[test]
fn a_web_hook_keeps_what_readers_promise() {
    check_reader(Posts::new);
}

/// A row of a table.
#[derive(Clone, Debug, serde::Deserialize)]
struct Level {
    number: u64,
}

/// Asks for one row after the other, and again after a failure.
fn pull<R: Clone + 'static>(rows: Flow<impl Source<Item = R> + 'static>, scheduler: &Scheduler) -> Port<R> {
    let (port, often) = (Port::new(), Periodic::every(Duration::from_micros(200)).on_failure(OnFailure::Skip));
    scheduler.schedule_periodic(rows.connect(port.clone()), often).unwrap();
    port
}

fn sql(server: &Server, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("postgresql://test@{}/postgres", server.address());
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    });
}

/// A table of PostgreSQL, behind a proxy.
struct Table {
    server: Rc<Server>,
    proxy: Proxy,
}

impl Table {
    fn new(server: &Rc<Server>) -> Self {
        let table = Self { server: server.clone(), proxy: Proxy::new(server.address()) };
        let columns = "row_id bigserial PRIMARY KEY, number bigint NOT NULL";
        sql(server, &format!("DROP TABLE IF EXISTS tank; CREATE TABLE tank ({columns})"));
        table
    }

    fn read(&self, table: &str, scheduler: &Scheduler) -> Port<postgres::Row<Level>> {
        let database = Database::new(format!("postgresql://test@{}/postgres", self.proxy.address()));
        let database = database.timeout(Duration::from_millis(200));
        pull(postgres::Reader::new(database, table).follow().flow(), scheduler)
    }
}

impl Feed for Table {
    type Event = postgres::Row<Level>;

    fn start(&mut self, scheduler: &Scheduler) -> Port<Self::Event> {
        self.read("tank", scheduler)
    }
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<Self::Event>> {
        Some(self.read("tonk", scheduler))
    }
    fn number(&self, row: &Self::Event) -> u64 {
        row.record.number
    }
    fn offer(&mut self, numbers: Range<u64>) {
        let series = format!("generate_series({}, {})", numbers.start, numbers.end - 1);
        sql(&self.server, &format!("INSERT INTO tank (number) SELECT {series}"));
    }
    fn disturb(&mut self, weather: Weather) {
        disturb(&self.proxy, weather);
    }
    fn is_acknowledged(&self) -> bool {
        false
    }
}

#[test]
fn a_reader_of_a_table_keeps_what_readers_promise() {
    let server = Rc::new(Server::postgres());
    check_reader(|| Table::new(&server));
}

/// A channel of PostgreSQL, behind a proxy. What is notified while nobody listens is lost, so it waits until somebody does.
struct Channel {
    table: Table,
    waiting: Rc<RefCell<VecDeque<u64>>>,
    is_heard: Rc<Cell<bool>>,
}

impl Channel {
    fn new(server: &Rc<Server>) -> Self {
        Self { table: Table::new(server), waiting: Rc::default(), is_heard: Rc::default() }
    }

    fn listen(&self, database: &str, scheduler: &Scheduler) -> Port<String> {
        let database = Database::new(format!("postgresql://test@{}/{database}", self.table.proxy.address()));
        let listener = postgres::Listener::new(database.timeout(Duration::from_millis(500)), "numbers").retry(SOON);
        let heard = listener.start(scheduler, Limit::block(4)).unwrap();
        let (is_heard, port) = (self.is_heard.clone(), Port::new());
        let notified = heard.filter_map(move |heard| match heard {
            Heard::Listening => {
                is_heard.set(true);
                None
            }
            Heard::Notified(text) => Some(text),
        });
        notified.connect(port.clone());
        let (waiting, is_heard, server) = (self.waiting.clone(), self.is_heard.clone(), self.table.server.clone());
        let notifies = interval(Duration::from_millis(1)).for_each(move |_| {
            let numbers: Vec<_> = if is_heard.get() { waiting.take().into() } else { Vec::new() };
            if !numbers.is_empty() {
                sql(&server, &format!("SELECT pg_notify('numbers', n::text) FROM unnest(ARRAY{numbers:?}) AS n"));
            }
        });
        scheduler.schedule_recurring(notifies).unwrap();
        port
    }
}

impl Feed for Channel {
    type Event = String;

    fn start(&mut self, scheduler: &Scheduler) -> Port<String> {
        self.listen("postgres", scheduler)
    }
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<String>> {
        Some(self.listen("postgras", scheduler))
    }
    fn number(&self, text: &String) -> u64 {
        text.parse().unwrap()
    }
    fn offer(&mut self, numbers: Range<u64>) {
        self.waiting.borrow_mut().extend(numbers);
    }
    fn disturb(&mut self, weather: Weather) {
        self.is_heard.set(self.is_heard.get() && weather != Weather::Away);
        disturb(&self.table.proxy, weather);
    }
    fn is_acknowledged(&self) -> bool {
        false
    }
}

#[test]
fn a_listener_to_a_channel_keeps_what_readers_promise() {
    let server = Rc::new(Server::postgres());
    check_reader(|| Channel::new(&server));
}

/// A table of SQLite.
struct BoardFile {
    folder: tempfile::TempDir,
    db: rusqlite::Connection,
}

impl BoardFile {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = rusqlite::Connection::open(folder.path().join("board.db")).unwrap();
        let table = "CREATE TABLE tank (row_id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL)";
        db.execute_batch(&format!("PRAGMA journal_mode = wal; {table}")).unwrap();
        Self { folder, db }
    }
}

impl Feed for BoardFile {
    type Event = sqlite::Row<Level>;

    fn start(&mut self, scheduler: &Scheduler) -> Port<Self::Event> {
        let reader = sqlite::Reader::open(self.folder.path().join("board.db"), "tank").unwrap();
        pull(reader.follow().flow(), scheduler)
    }
    fn start_wrong(&mut self, _: &Scheduler) -> Option<Port<Self::Event>> {
        assert!(sqlite::Reader::<Level>::open(self.folder.path().join("board.db"), "tonk").is_err());
        None
    }
    fn number(&self, row: &Self::Event) -> u64 {
        row.record.number
    }
    fn offer(&mut self, mut numbers: Range<u64>) {
        let insert = |number: u64| self.db.execute("INSERT INTO tank (number) VALUES (?1)", [number.cast_signed()]);
        numbers.try_for_each(|number| insert(number).map(drop)).unwrap();
    }
    fn disturb(&mut self, weather: Weather) {
        let is_locked = !self.db.is_autocommit();
        match (weather, is_locked) {
            (Weather::Calm, true) => self.db.execute_batch("ROLLBACK").unwrap(),
            (Weather::Away | Weather::Silent, false) => self.db.execute_batch("BEGIN IMMEDIATE").unwrap(), // somebody writes
            _ => {}
        }
    }
    fn is_acknowledged(&self) -> bool {
        false
    }
}

#[test]
fn a_reader_of_a_file_keeps_what_readers_promise() {
    check_reader(BoardFile::new);
}
