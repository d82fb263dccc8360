//! HTTP and databases by TLS: real servers, own certificates, those of clients, servers that are not trusted.
#![cfg(all(feature = "influx", feature = "postgres-tls"))]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::error::Error;
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::authority::{Authority, DAY};
use support::proxy::{Proxy, Way};
use support::servers::{Server, folder};
use thingflow_adapters::http::{Endpoint, Pieces, Poll, open};
use thingflow_adapters::influx::{Encoder, Query, Writer as InfluxWriter};
use thingflow_adapters::net::Tls;
use thingflow_adapters::postgres::{Database, Heard, Listener, Reader, Writer};
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, Store, Weather, check_writer};
use thingflow_core::{Delivery, DeliveryStats, OnSetup, Sensor, Worker};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    number: u64,
}

/// A folder with certificates for a server and a client.
fn certificates() -> (tempfile::TempDir, Authority) {
    let (folder, authority) = (folder(), Authority::new());
    authority.write(&folder.path().join("ca.pem"));
    for name in ["localhost", "lamp"] {
        authority.issue(folder.path(), name, Duration::ZERO, DAY);
    }
    (folder, authority)
}

fn trusting(server: &Server) -> Tls {
    Tls::default().trust_only(server.folder().join("ca.pem"))
}

fn as_lamp(server: &Server) -> Tls {
    trusting(server).identity(server.folder().join("lamp.pem"), server.folder().join("lamp.key"))
}

/// Those of somebody else.
fn stranger(server: &Server) -> Tls {
    let path = server.folder().join("stranger.pem");
    Authority::new().write(&path);
    Tls::default().trust_only(path)
}

/// How a run ended, and the counts.
fn run<W: Worker<Level> + 'static>(writer: W, n: u64) -> Result<(std::result::Result<(), String>, DeliveryStats)> {
    let mut scheduler = Scheduler::virtual_time()?;
    let delivery = Delivery::within(Limit::block(2000)).on_setup(OnSetup::End);
    let (sink, _refused) = scheduler.worker("writer", writer, delivery)?;
    let meter = sink.meter();
    scheduler.schedule_recurring(from_iter((0..n).map(|number| Level { number })).connect(sink))?;
    let ended = scheduler.run_forever().map_err(|error| error.to_string());
    Ok((ended, meter.stats()))
}

fn influx() -> Result<Server> {
    let server = Server::influx_by_tls(certificates().0);
    let asked = influx_at(&server, "/query?q=CREATE+DATABASE+home").tls(trusting(&server));
    Poll::text("made", asked).sample().map_err(|error| format!("{error:?}"))?;
    Ok(server)
}

fn influx_at(server: &Server, path: &str) -> Endpoint {
    Endpoint::new(format!("https://{}{path}", server.address())).timeout(10 * SECOND)
}

fn points(server: &Server) -> Vec<u64> {
    let endpoint = influx_at(server, "").tls(trusting(server));
    Query::<Level>::new(endpoint, "home", "SELECT number FROM level").flow().map(|level| level.number).collect_now()
}

#[test]
fn tf77_points_go_to_influxdb_by_tls_and_come_back() -> Result {
    let server = influx()?;
    let to = |tls| InfluxWriter::v1(influx_at(&server, "").tls(tls), "home", Encoder::new("level"));
    let (ended, stats) = run(to(trusting(&server)), 1)?;
    ended?;
    assert_eq!((stats.delivered, points(&server)), (1, vec![0]));
    let (ended, stats) = run(to(stranger(&server)), 1)?;
    let error = ended.unwrap_err();
    assert!(error.contains("no trust between this client and the server: io: invalid peer certificate"), "{error}");
    assert_eq!(stats.delivered, 0);
    Ok(())
}

#[test]
fn s2_22_long_answers_and_polled_addresses_come_by_tls() -> Result {
    let server = influx()?;
    let ping = influx_at(&server, "/query?q=SHOW+DATABASES").tls(trusting(&server));
    let pieces = Pieces::new(ping.clone(), 16).flow().collect_now();
    assert!(pieces.len() > 1 && String::from_utf8(pieces.concat())?.contains("home"));
    assert!(Poll::text("q", ping).sample().map_err(|error| format!("{error:?}"))?.contains("home"));
    // Without certificates of our own the system's are asked, which do not know this authority.
    let error = open(influx_at(&server, "/ping")).unwrap_err().to_string();
    assert!(error.contains("no trust between this client and the server"), "{error}");
    // A name that the certificate does not have.
    let elsewhere = format!("https://127.0.0.2:{}/ping", server.address().port());
    let error = open(Endpoint::new(elsewhere).tls(trusting(&server))).unwrap_err().to_string();
    assert!(error.contains("not valid for name") || error.contains("cannot reach"), "{error}");
    Ok(())
}

#[test]
fn a_client_shows_its_certificate_and_one_that_is_renewed_is_taken() -> Result {
    let (folder, authority) = certificates();
    authority.issue(folder.path(), "lamp", Duration::ZERO, Duration::ZERO); // it has run out
    let server = Server::openssl(folder);
    let mut poll = Poll::text("who", influx_at(&server, "/").tls(as_lamp(&server)));
    let error = format!("{:?}", poll.sample().unwrap_err());
    assert!(error.contains("no trust between this client and the server"), "{error}");
    authority.issue(server.folder(), "lamp", Duration::ZERO, DAY);
    let seen = poll.sample().map_err(|error| format!("{error:?}"))?;
    assert!(seen.contains("CN = lamp") || seen.contains("CN=lamp"), "{seen}");
    // One who shows none.
    let error = open(influx_at(&server, "/").tls(trusting(&server))).unwrap_err().to_string();
    assert!(error.contains("no trust between this client and the server"), "{error}");
    Ok(())
}

#[test]
fn addresses_with_and_without_tls_are_told_apart() -> Result {
    let certificates = Tls::default();
    let error = open(Endpoint::new("http://127.0.0.1:1/").tls(certificates)).unwrap_err().to_string();
    assert!(error.contains("use https://HOST/PATH"), "{error}");
    // A server that does not speak TLS.
    let (plain, _) = Server::influx();
    let error = open(influx_at(&plain, "/ping")).unwrap_err().to_string();
    assert!(error.starts_with("cannot reach https://") && !error.contains("no trust"), "{error}");
    let missing = Tls::default().trust_only("/nowhere/ca.pem");
    let error = open(influx_at(&plain, "/ping").tls(missing)).unwrap_err().to_string();
    assert!(error.contains("/nowhere/ca.pem"), "{error}");
    Ok(())
}

/// InfluxDB by TLS behind a proxy that misbehaves.
struct Influx {
    server: Server,
    proxy: Proxy,
}

impl Store for Influx {
    type Event = SensorEvent<f64>;
    type Writer = InfluxWriter<SensorEvent<f64>>;
    fn writer(&mut self) -> Self::Writer {
        let endpoint = Endpoint::new(format!("https://{}", self.proxy.address())).timeout(SECOND);
        InfluxWriter::v1(endpoint.tls(trusting(&self.server)), "home", Encoder::new("lux"))
    }
    fn wrong_writer(&mut self) -> Option<Self::Writer> {
        let endpoint = Endpoint::new(format!("https://{}", self.proxy.address())).timeout(SECOND);
        Some(InfluxWriter::v1(endpoint.tls(stranger(&self.server)), "home", Encoder::new("lux")))
    }
    fn poison(&self) -> Option<Self::Event> {
        Some(SensorEvent::new("lux-1", Timestamp::from_secs(1), f64::NAN))
    }
    fn event(&self, number: u64) -> Self::Event {
        SensorEvent::new("lux-1", Timestamp::from_secs(1 + i64::try_from(number).unwrap()), number as f64)
    }
    fn disturb(&mut self, weather: Weather) {
        self.proxy.refuse(weather == Weather::Away);
        self.proxy.black_hole(Way::ToServer, weather == Weather::Silent);
        self.proxy.cut();
    }
    fn stored(&mut self) -> Vec<u64> {
        let endpoint = influx_at(&self.server, "").tls(trusting(&self.server));
        let query = Query::<SensorEvent<f64>>::new(endpoint, "home", "SELECT value, sensor_id FROM lux");
        query.flow().map(|event| event.val as u64).collect_now()
    }
}

#[test]
fn a34_the_writer_keeps_the_promises_of_writers_by_tls() {
    check_writer(|| {
        let server = influx().unwrap();
        Influx { proxy: Proxy::new(server.address()), server }
    });
}

/// The connection dies in each part of the handshake and of the request, and nothing is lost.
#[test]
fn a_connection_that_breaks_anywhere_is_made_again() -> Result {
    let server = influx()?;
    let proxy = Proxy::new(server.address());
    let endpoint = || Endpoint::new(format!("https://{}", proxy.address())).timeout(2 * SECOND).tls(trusting(&server));
    for at in [1, 100, 1000, 1500] {
        for way in [Way::ToClient, Way::ToServer] {
            proxy.reset_after(way, at);
            let (ended, stats) = run(InfluxWriter::v1(endpoint(), "home", Encoder::new("level")), 50)?;
            ended?;
            assert_eq!((stats.delivered, stats.waiting), (50, 0), "{way:?} at {at}");
        }
    }
    Ok(())
}

fn postgres() -> Server {
    Server::postgres_by_tls(certificates().0)
}

fn database(server: &Server, user: &str, how: &str) -> Database {
    Database::new(format!("postgresql://{user}@{}/postgres{how}", server.address())).timeout(10 * SECOND)
}

fn ended(writer: Writer<Level>) -> Result<std::result::Result<(), String>> {
    Ok(run(writer, 3)?.0)
}

#[test]
fn tf82_rows_go_to_postgresql_by_tls_and_come_back() -> Result {
    let server = postgres();
    for how in ["", "?sslmode=require", "?sslmode=verify-full", "?sslmode=verify-ca&application_name=x"] {
        let to = database(&server, "test", how).tls(trusting(&server));
        ended(Writer::new(to, "level").create_table())??;
    }
    let from = database(&server, "test", "").tls(trusting(&server));
    assert_eq!(Reader::<Level>::new(from, "level").flow().collect_now().len(), 12);
    Ok(())
}

#[test]
fn a_database_is_not_talked_to_without_the_security_that_was_asked_for() -> Result {
    let server = postgres();
    let (plain, none) = (Server::postgres(), Tls::default());
    let refused = |database: Database, why: &str| -> Result {
        let error = ended(Writer::new(database, "level").create_table())?.unwrap_err();
        assert!(error.contains(why), "{why}: {error}");
        Ok(())
    };
    refused(database(&server, "test", "").tls(stranger(&server)), "no trust between this client and the server")?;
    refused(database(&server, "test", "?sslmode=require"), "no trust between this client and the server")?;
    refused(database(&server, "test", ""), "28000")?; // the server insists
    refused(database(&plain, "test", "?sslmode=require"), "server does not support TLS")?;
    refused(database(&plain, "test", "?sslmode=disable").tls(none), "use sslmode=require")?;
    refused(database(&plain, "test", "?sslmode=verify-fullx"), "sslmode")?;
    Ok(())
}

#[test]
fn a_database_knows_a_client_by_its_certificate() -> Result {
    let server = postgres();
    let as_test = || database(&server, "test", "").tls(trusting(&server));
    ended(Writer::new(as_test(), "level").create_table())??;
    let made = psql(&server, "CREATE ROLE lamp LOGIN SUPERUSER").output()?;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let to = database(&server, "lamp", "").tls(as_lamp(&server));
    ended(Writer::new(to, "level"))??;
    let error = ended(Writer::new(database(&server, "lamp", "").tls(trusting(&server)), "level"))?.unwrap_err();
    assert!(error.contains("SQLSTATE 28000"), "{error}");
    Ok(())
}

fn psql(server: &Server, sql: &str) -> Command {
    let mut command = Command::new("psql");
    command.args(["-h", "127.0.0.1", "-U", "test", "-d", "postgres", "-c", sql, "-p"]);
    command.arg(server.address().port().to_string());
    command
}

#[test]
fn notifications_come_by_tls() -> Result {
    let server = postgres();
    let mut scheduler = Scheduler::new()?;
    let from = database(&server, "test", "").tls(trusting(&server));
    let heard = Listener::new(from, "orders").start(&scheduler, Limit::block(10))?;
    let (texts, stopper) = (Recorder::new(), scheduler.stopper());
    let mut notify = Some(psql(&server, "NOTIFY orders, 'tea'"));
    heard.also_to(texts.clone()).for_each(move |heard| match heard {
        Heard::Listening => drop(notify.take().map(|mut notify| notify.spawn())),
        Heard::Notified(_) => stopper.stop(),
    });
    scheduler.run_forever()?;
    assert_eq!(texts.events(), [Heard::Listening, Heard::Notified("tea".to_owned())]);
    Ok(())
}
