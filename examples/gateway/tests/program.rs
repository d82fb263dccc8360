//! The program as a user starts it, between a broker and a database of its own.

use std::error::Error;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mosquitto::Mosquitto;
use rustix::process::{Pid, Signal, kill_process};
use servers::Server;
use thingflow::adapters::mqtt::{Client, Message, Options};
use thingflow::adapters::outbox::DeadLetterRecord;
use thingflow::adapters::{influx, postgres};
use thingflow::prelude::*;
use thingflow_journal::{CommitWindow, Folder, Options as Limits, Range, Store, inspect};

#[allow(dead_code)] // it serves other tests too
#[path = "../../../thingflow-adapters/tests/support/mosquitto.rs"]
mod mosquitto;
#[allow(dead_code)]
#[path = "../../../thingflow-adapters/tests/support/servers.rs"]
mod servers;

type Reading = SensorEvent<f64>;
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The gateway, killed when it is dropped.
struct Gateway(Child);

impl Gateway {
    fn start(broker: &Mosquitto, database: &str, folder: &Path) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        let broker_url = format!("mqtt://{}", broker.address());
        command.args([&broker_url, "greenhouse/+", database]).arg(folder).stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(Self(command.spawn()?))
    }

    /// Ends it as a service manager does; what it says then.
    fn stop(mut self) -> Result<String> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).ok_or("it has a number")?;
        kill_process(pid, Signal::TERM)?;
        let mut said = String::new();
        std::io::Read::read_to_string(&mut self.0.stdout.take().ok_or("it is piped")?, &mut said)?;
        assert!(self.0.wait()?.success(), "{said}");
        Ok(said)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

fn reading(n: u32) -> Reading {
    SensorEvent::new("temperature", Timestamp::from_secs(i64::from(n)), f64::from(n) / 3.0)
}

/// Publishes texts to the topic of the thermometer, until the broker has them.
fn publish(broker: &Mosquitto, texts: impl IntoIterator<Item = String> + 'static) -> Result {
    let mut scheduler = Scheduler::new()?;
    let client = Client::new(Options::new(&format!("mqtt://{}", broker.address()))?);
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let messages = from_iter(texts).map(|text| Message::new("greenhouse/temperature", text));
    scheduler.schedule_recurring(messages.connect(client.publisher()))?;
    Ok(scheduler.run_forever()?)
}

fn readings(numbers: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    numbers.map(|n| serde_json::to_string(&reading(n)).expect("it is a record"))
}

/// Asks `look` until it gives so many, for ten seconds at most; what it gave last, in order and each once.
fn wait_for(n: usize, look: impl Fn() -> Vec<Reading>) -> Vec<Reading> {
    let mut found = Vec::new();
    for _ in 0..200 {
        found = look();
        found.sort_by_key(|reading| reading.ts);
        found.dedup();
        if found.len() >= n {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    found
}

fn rows(url: &str) -> Vec<Reading> {
    let rows = postgres::Reader::<Reading>::new(url, "readings").flow().map(|row| row.record);
    rows.catch_with(|_| []).collect_now() // the table is made with the first row
}

/// Waits until the gateway has subscribed.
fn wait_until_subscribed(broker: &Mosquitto) {
    broker.wait_for_log("greenhouse/+ (QoS 1)");
}

/// The dead letters, when there are so many, or after ten seconds.
fn wait_for_letters(queue: &Path, n: usize) -> Result<Vec<DeadLetterRecord>> {
    let mut letters = Vec::new();
    for _ in 0..200 {
        letters.clear();
        let dead = Folder::open_existing(queue.join("dead"))?;
        inspect::export(&dead, Range::all(), |record| {
            letters.extend(DeadLetterRecord::decode(&record.payload).ok().flatten());
        })?;
        if letters.len() >= n {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    Ok(letters)
}

#[test]
fn what_is_published_is_stored_over_kills_and_what_is_refused_is_kept_and_fed_back() -> Result {
    let (broker, server, folder) = (Mosquitto::start(), Server::postgres(), tempfile::tempdir()?);
    let (url, queue) = (format!("postgresql://test@{}/postgres", server.address()), folder.path());
    let gateway = Gateway::start(&broker, &url, queue)?;
    wait_until_subscribed(&broker);
    publish(&broker, readings(0..200))?;
    drop(gateway); // killed in the middle
    publish(&broker, readings(200..300))?; // meanwhile
    let gateway = Gateway::start(&broker, &url, queue)?;
    publish(&broker, ["online".to_owned()])?;
    publish(&broker, readings(300..400))?;
    let expected: Vec<Reading> = (0..400).map(reading).collect();
    assert_eq!(wait_for(400, || rows(&url)), expected, "each at least once");
    let letters = wait_for_letters(queue, 1)?;
    let said = gateway.stop()?;
    assert!(said.contains(" + 0 dropped + ") && said.contains(" + 0 lost"), "{said}");
    let letter = letters.first().ok_or("it is kept")?;
    assert!(letter.reason.starts_with("expected value at line 1"), "{}", letter.reason);

    // As `thingflow queue feed` does: the same again, and it is refused again.
    let mut store = Store::open(Folder::open_existing(queue)?, Limits::new(u64::MAX, CommitWindow::default()))?;
    store.push(letter.taken.as_nanos(), &letter.event)?;
    store.commit()?;
    store.close()?;
    let gateway = Gateway::start(&broker, &url, queue)?;
    publish(&broker, readings(400..401))?;
    assert_eq!(wait_for(401, || rows(&url)).len(), 401);
    assert_eq!(wait_for_letters(queue, 2)?.len(), 2);
    gateway.stop()?;
    Ok(())
}

#[test]
fn influx_has_each_point_once() -> Result {
    let (broker, (server, _), folder) = (Mosquitto::start(), Server::influx(), tempfile::tempdir()?);
    let made =
        Command::new("curl").args(["-sf", "-d", "q=CREATE DATABASE home"]).arg(server.url() + "/query").output()?;
    assert!(made.status.success(), "{made:?}");
    let gateway = Gateway::start(&broker, &(server.url() + "/home"), folder.path())?;
    wait_until_subscribed(&broker);
    publish(&broker, readings(0..100))?;
    let points = || {
        let query = "SELECT value, sensor_id FROM readings";
        influx::Query::<Reading>::new(server.url(), "home", query).flow().collect_now()
    };
    assert_eq!(wait_for(100, points), (0..100).map(reading).collect::<Vec<_>>());
    assert!(gateway.stop()?.starts_with("100 taken = 100 delivered"));
    Ok(())
}

#[test]
fn an_address_that_is_none_is_told_at_once() -> Result {
    let folder = tempfile::tempdir()?;
    for database in ["mysql://host/home", "http://127.0.0.1:8086", "http://127.0.0.1:8086/", "home"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        let ended = command.args(["mqtt://127.0.0.1:1", "greenhouse/+", database]).arg(folder.path()).output()?;
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(
            !ended.status.success() && said.contains("] invalid DATABASE; it is postgresql://"),
            "{database}: {said}"
        );
    }
    let ended = Command::new(env!("CARGO_BIN_EXE_gateway")).arg("mqtt://127.0.0.1:1").output()?;
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("] invalid arguments; usage: gateway ["), "{said}");
    Ok(())
}
