//! PostgreSQL: connections that are killed in the middle of a batch, poison, rights, rows, notifications.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::collections::BTreeSet;
use std::error::Error;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::bounded::new_scheduler;
use support::proxy::{Proxy, Way};
use support::servers::Server;
use support::written::{reasons, written};
use thingflow_adapters::net::Secret;
use thingflow_adapters::postgres::{Database, Heard, Listener, Reader, Writer};
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, Store, Weather, check_writer};
use thingflow_core::tracking::{Outcome, Tracked, Tracker, Tracking};
use thingflow_core::{Backoff, Delivery, DeliveryStats, OnFailure, Periodic};
use tokio_postgres::NoTls;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    number: u64,
    litres: f64,
}

impl Level {
    fn of(number: u64) -> Self {
        Self { number, litres: 0.5 }
    }
}

fn by_number(writer: Writer<Level>) -> Writer<Level> {
    writer.key("tank", |level: &Level| Some(level.number))
}

fn url(server: &Server) -> String {
    format!("postgresql://test@{}/postgres", server.address())
}

fn sql(server: &Server, sql: &str) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&url(server), NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(sql).await?;
        Ok(())
    })
}

fn numbers(server: &Server, table: &str) -> Vec<u64> {
    Reader::<Level>::new(url(server), table).flow().map(|row| row.record.number).collect_now()
}

/// How a run ended, the counts, why events were refused.
type Ran = (std::result::Result<(), String>, DeliveryStats, Vec<String>);

fn run<E: Clone + Serialize + Send + 'static>(writer: Writer<E>, events: impl IntoIterator<Item = E>) -> Result<Ran> {
    let delivery = Delivery::within(Limit::block(2000));
    let (ended, stats, dead) = written("postgres", writer, delivery, [events.into_iter().collect()])?;
    Ok((ended, stats, reasons(dead)))
}

const TANK: &str = "CREATE TABLE tank (row_id bigserial PRIMARY KEY, number bigint NOT NULL, litres real CHECK (litres >= 0), \
                    key_flow text, key_sequence bigint, UNIQUE (key_flow, key_sequence), taken timestamptz DEFAULT now() NOT NULL)";

/// A database behind a proxy that misbehaves.
struct Base {
    server: Rc<Server>,
    proxy: Proxy,
}

impl Base {
    fn new() -> Self {
        Self::of(&Rc::new(Server::postgres()))
    }
    /// With an empty table.
    fn of(server: &Rc<Server>) -> Self {
        let server = server.clone();
        sql(&server, &format!("DROP TABLE IF EXISTS tank; {TANK}")).unwrap();
        let proxy = Proxy::new(server.address());
        Self { server, proxy }
    }
    fn database(&self) -> Database {
        let url = format!("postgresql://test@{}/postgres", self.proxy.address());
        Database::new(url).timeout(Duration::from_millis(500))
    }
}

impl Store for Base {
    type Event = Level;
    type Writer = Writer<Level>;
    fn writer(&mut self) -> Writer<Level> {
        by_number(Writer::new(self.database(), "tank"))
    }
    fn wrong_writer(&mut self) -> Option<Writer<Level>> {
        Some(by_number(Writer::new(self.database(), "tonk")))
    }
    fn event(&self, number: u64) -> Level {
        Level::of(number)
    }
    fn poison(&self) -> Option<Level> {
        Some(Level { number: 1_000_000, litres: -1.0 })
    }
    fn disturb(&mut self, weather: Weather) {
        self.proxy.refuse(weather == Weather::Away);
        self.proxy.black_hole(Way::ToServer, weather == Weather::Silent);
        if weather != Weather::Silent {
            self.proxy.cut();
        }
    }
    fn stored(&mut self) -> Vec<u64> {
        numbers(&self.server, "tank")
    }
}

#[test]
fn a33_a34_the_writer_keeps_the_promises_of_writers() {
    let server = Rc::new(Server::postgres());
    check_writer(|| Base::of(&server));
}

#[test]
fn a28_a_connection_that_is_reset_anywhere_in_a_batch_loses_nothing_and_doubles_nothing() -> Result {
    let base = Base::new();
    let mut first = 0;
    for way in [Way::ToServer, Way::ToClient] {
        for bytes in [0, 1, 40, 200, 700, 1500, 3000, 6000, 12_000] {
            let mut scheduler = Scheduler::virtual_time()?;
            let writer = Writer::<Tracked<Level, u64>>::new(base.database(), "tank")
                .key("tank", |level| level.metadata().next().copied());
            let retry = Backoff::constant(SECOND);
            let delivery = Delivery::within(Limit::block(500)).batches_of(100).retry(retry);
            let (sink, _) = scheduler.worker("postgres", writer, delivery)?;
            let meter = sink.meter();
            let done = Arc::new(Mutex::new(BTreeSet::new()));
            let told = done.clone();
            let tracker = Tracker::new(move |settled, _| {
                assert_eq!(settled.outcome, Outcome::Done);
                told.lock().unwrap_or_else(PoisonError::into_inner).insert(settled.meta);
                Ok(())
            });
            base.proxy.reset_after(way, bytes);
            let levels = from_iter([()]).flat_map(move |()| (first..first + 300).map(Level::of).collect::<Vec<_>>());
            let levels = levels.track_by(&tracker, |level| level.number);
            scheduler.schedule_recurring(levels.connect(sink))?;
            scheduler.run_forever()?;
            let stats = meter.stats();
            assert_eq!((stats.posted, stats.delivered, stats.dead, stats.lost), (300, 300, 0, 0), "{way:?}, {bytes}");
            assert_eq!(done.lock().unwrap_or_else(PoisonError::into_inner).len(), 300);
            first += 300;
        }
    }
    assert_eq!(numbers(&base.server, "tank"), (0..first).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a29_poison_is_isolated_and_only_the_rows_own_faults_count_as_such() -> Result {
    let server = Server::postgres();
    sql(&server, TANK)?;
    let bad = [3, 500, 501, 999];
    let events = (0..1000).map(|number| Level { number, litres: if bad.contains(&number) { -1.0 } else { 0.5 } });
    let (ended, stats, dead) = run(Writer::new(url(&server), "tank"), events)?;
    ended?;
    assert_eq!((stats.delivered, stats.dead), (996, 4));
    assert!(dead.iter().all(|text| text.contains("violates check constraint") && text.contains("23514")), "{dead:?}");
    let stored = numbers(&server, "tank");
    assert_eq!(stored, (0..1000).filter(|number| !bad.contains(number)).collect::<Vec<_>>());

    // A text that the database cannot hold, and a number that is too large.
    #[derive(Clone, Serialize)]
    struct Note {
        text: &'static str,
        count: u64,
    }
    let note = |text, count| Note { text, count };
    let notes = [note("a", 1), note("b\0", 2), note("c", u64::MAX), note("d", 4)];
    let (ended, stats, dead) = run(Writer::new(url(&server), "notes").create_table(), notes)?;
    ended?;
    assert_eq!((stats.delivered, stats.dead), (2, 2));
    assert!(dead[0].contains("22021") && dead[1].contains("22003"), "{dead:?}");
    Ok(())
}

#[test]
fn a29_what_is_not_the_rows_fault_keeps_its_place() -> Result {
    let server = Server::postgres();
    sql(&server, TANK)?;
    // For ten seconds the table is locked, and writing to it is forbidden for another user.
    sql(&server, "CREATE USER pat PASSWORD 's3cret'; GRANT SELECT ON tank TO pat")?;
    let folder = tempfile::tempdir()?;
    let password = folder.path().join("password");
    std::fs::write(&password, "s3cret\n")?;
    let pat = format!("postgresql://pat@{}/postgres", server.address());
    let with = |secret: &std::path::Path| Database::new(pat.clone()).password(Secret::file(secret));
    let text = |database: Database| -> Result<String> {
        Ok(run(Writer::new(database, "tank"), [Level::of(1)])?.0.unwrap_err())
    };
    let denied = text(with(&password))?;
    assert!(denied.contains("permission denied") && denied.contains("42501"), "{denied}");
    std::fs::write(&password, "wrong")?;
    let wrong = text(with(&password))?;
    assert!(wrong.contains("password authentication failed"), "{wrong}");
    let missing = text(Database::new(pat.clone()))?;
    assert!(missing.contains("password missing"), "{missing}");
    assert!(text(Database::new(url(&server).replace("/postgres", "/nowhere")))?.contains("3D000"));
    assert!(text(Database::new("postgresql://a:b@127.0.0.1/x"))?.contains("holds a password"));
    assert!(text(Database::new("mysql://x"))?.contains("invalid address"));
    let (ended, stats, _) = run(by_number(Writer::new(url(&server), "tank")), [Level::of(7)])?;
    ended?;
    assert_eq!(stats.delivered, 1);
    sql(&server, "ALTER TABLE tank DROP CONSTRAINT tank_key_flow_key_sequence_key")?;
    let keyed = run(by_number(Writer::new(url(&server), "tank")), [Level::of(8)])?.0.unwrap_err();
    assert!(keyed.contains("42P10"), "{keyed}");
    assert_eq!(numbers(&server, "tank"), [7]);
    Ok(())
}

#[test]
fn each_kind_of_value_comes_back() -> Result {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        on: bool,
        small: i64,
        text: String,
        short: f32,
        long: f64,
        at: Timestamp,
        list: [u8; 2],
        hole: Option<f64>,
    }
    let server = Server::postgres();
    let all = |text: &str, hole| All {
        on: true,
        small: i64::MIN,
        text: text.into(),
        short: 0.1,
        long: 1e-300,
        at: Timestamp::from_nanos(1_420_110_060_500_001_000),
        list: [1, 2],
        hole,
    };
    let events = [all("it's; \"so\" {a,NULL}\n\\", None), all("", Some(f64::MAX)), all("NULL", None)];
    run(Writer::new(url(&server), "a \"b\"").create_table(), events.clone())?.0?;
    let rows = Reader::<All>::new(url(&server), "a \"b\"").flow().map(|row| (row.id, row.record)).collect_now();
    assert_eq!(rows, [(1, events[0].clone()), (2, events[1].clone()), (3, events[2].clone())]);
    let event = SensorEvent::new("lux-1", Timestamp::from_secs(1), f64::NAN);
    run(Writer::new(url(&server), "lux").create_table(), [event])?.0?;
    let read = Reader::<SensorEvent<f64>>::new(url(&server), "lux").flow().collect_now();
    assert!(
        read[0].record.val.is_nan() && read[0].record.ts == event.ts && read[0].record.sensor_id == event.sensor_id
    );
    Ok(())
}

#[test]
fn a29_values_fit_columns_of_other_types_or_are_refused_and_never_cut_off() -> Result {
    #[derive(Clone, Serialize)]
    struct Reading {
        short: i64,
        single: f64,
        exact: f64,
        whole: f64,
        word: &'static str,
        at: Timestamp,
    }
    let server = Server::postgres();
    sql(
        &server,
        "CREATE TABLE t (row_id bigserial PRIMARY KEY, short smallint, single real, exact numeric, whole integer, word varchar(3), \
         at timestamp with time zone)",
    )?;
    let good = Reading {
        short: -7,
        single: 0.1,
        exact: 0.12345678901234568,
        whole: 3.0,
        word: "abc",
        at: Timestamp::from_nanos(-1_500),
    };
    let bad = [
        Reading { short: 40_000, ..good.clone() },
        Reading { single: 1e300, ..good.clone() },
        Reading { whole: 1.5, ..good.clone() },
        Reading { word: "abcd", ..good.clone() },
    ];
    let mut events = vec![good.clone()];
    events.extend(bad);
    events.push(good);
    let (ended, stats, dead) = run(Writer::new(url(&server), "t"), events)?;
    ended?;
    assert_eq!((stats.delivered, stats.dead), (2, 4));
    for (text, code) in dead.iter().zip(["22003", "22003", "22P02", "22001"]) {
        assert!(text.contains(code), "{code}: {text}");
    }
    let rows = Reader::<std::collections::BTreeMap<String, String>>::new(url(&server), "t").flow();
    let rows = rows.map(|mut row| {
        row.record.remove("row_id");
        row.record.into_values().collect::<Vec<_>>().join(" ")
    });
    let rows = rows.collect_now();
    assert_eq!(rows, vec!["1969-12-31T23:59:59.999999Z 0.12345678901234568 -7 0.1 3 abc"; 2]);
    Ok(())
}

#[test]
fn a_field_whose_kind_changes_between_batches_and_inside_of_one_is_written_as_it_reads() -> Result {
    #[derive(Clone, Serialize)]
    #[serde(untagged)]
    enum Any {
        Whole(i64),
        Broken(f32),
        Text(&'static str),
    }
    let server = Server::postgres();
    sql(&server, "CREATE TABLE t (row_id bigserial PRIMARY KEY, value double precision)")?;
    let events = [Any::Whole(1), Any::Broken(0.1), Any::Text("2e3"), Any::Text("much"), Any::Broken(f32::NAN)];
    let (ended, stats, dead) = run(Writer::new(url(&server), "t"), events)?;
    ended?;
    assert_eq!((stats.delivered, stats.dead), (4, 1), "{dead:?}");
    assert!(dead[0].contains("22P02"), "{dead:?}");
    let read = Reader::<std::collections::BTreeMap<String, String>>::new(url(&server), "t").flow();
    let values = read.map(|row| row.record["value"].clone()).collect_now();
    assert_eq!(values, ["1", "0.1", "2000", "NaN"]);
    Ok(())
}

#[test]
fn a_table_is_made_once_and_gets_the_columns_that_it_lacks() -> Result {
    let server = Server::postgres();
    let creates = || Writer::new(url(&server), "tank").create_table();
    run(by_number(creates()), (0..10).map(Level::of))?.0?;
    run(by_number(creates()), (5..20).map(Level::of))?.0?;
    assert_eq!(numbers(&server, "tank"), (0..20).collect::<Vec<_>>());
    let other = Writer::new(url(&server), "tank").create_table();
    let more = std::collections::BTreeMap::from([("number", 20.0), ("litres", 1.0), ("height", 2.5)]);
    run(other, [more.clone()])?.0?;
    let heights = Reader::<std::collections::BTreeMap<String, Option<String>>>::new(url(&server), "tank").flow();
    assert_eq!(heights.map(|row| row.record["height"].clone()).collect_now().pop(), Some(Some("2.5".to_owned())));
    let text =
        run(Writer::new(url(&server), "tank"), [std::collections::BTreeMap::from([("depth", 1)])])?.0.unwrap_err();
    assert!(text.contains("no column `depth`") && text.contains("`create_table`"), "{text}");
    Ok(())
}

#[test]
fn a_reader_goes_on_where_it_was_and_passes_rows_that_are_none() -> Result {
    let base = Rc::new(Base::new());
    run(by_number(Writer::new(url(&base.server), "tank")), (0..250).map(Level::of))?.0?;
    sql(
        &base.server,
        "ALTER TABLE tank DROP CONSTRAINT tank_litres_check; ALTER TABLE tank ALTER litres TYPE text; UPDATE tank SET litres = 'much' WHERE row_id = 121",
    )?;
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    let rows = Reader::<Level>::new(base.database(), "tank").after(100).follow().flow().map(|row| row.id);
    let each_second = Periodic::every(SECOND).on_failure(OnFailure::Skip);
    scheduler.schedule_periodic(rows.take(160).connect(seen.clone()), each_second)?;
    let (server, there) = (url(&base.server), base.clone());
    let more = call(move |()| {
        there.proxy.cut();
        let writer = Writer::new(server.clone(), "tank");
        run(writer, (250..300).map(Level::of)).unwrap().0.unwrap();
    });
    scheduler.schedule_later_one_time(from_iter([()]).connect(more), 1000 * SECOND)?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), (101..=261).filter(|id| *id != 121).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn what_is_notified_is_heard_also_after_the_connection_was_lost() -> Result {
    let base = Base::new();
    let mut scheduler = Scheduler::new()?;
    let listener = Listener::new(base.database(), "or\"ders").retry(Backoff::constant(Duration::from_millis(20)));
    let heard = listener.start(&scheduler, Limit::block(100))?;
    let mut step = 0;
    let seen = Recorder::new();
    heard
        .map(move |heard| {
            step += 1;
            match step {
                1 => sql(&base.server, "NOTIFY \"or\"\"ders\", 'one'; NOTIFY other, 'x'; NOTIFY \"or\"\"ders\", 'two'")
                    .unwrap(),
                3 => base.proxy.cut(),
                4 => sql(&base.server, "NOTIFY \"or\"\"ders\"").unwrap(),
                _ => {}
            }
            heard
        })
        .take(5)
        .connect(seen.clone());
    scheduler.run_forever()?;
    let text = |text: &str| Heard::Notified(text.to_owned());
    assert_eq!(seen.events(), [Heard::Listening, text("one"), text("two"), Heard::Listening, text("")]);
    Ok(())
}

/// A connection by which nothing comes any more, and which nobody closes.
#[test]
fn a_listener_notices_that_its_server_is_silent() -> Result {
    let base = Rc::new(Base::new());
    let mut scheduler = new_scheduler();
    let database = base.database().timeout(Duration::from_millis(200));
    let listener = Listener::new(database, "orders").keep_alive(Duration::from_millis(50));
    let listener = listener.retry(Backoff::constant(Duration::from_millis(20)));
    let heard = listener.start(&scheduler, Limit::block(100))?;
    let silent = move |proxy: &Proxy, is_silent| {
        proxy.black_hole(Way::ToClient, is_silent);
        proxy.black_hole(Way::ToServer, is_silent);
    };
    let (there, seen, stopper, mut times) = (base.clone(), Recorder::new(), scheduler.stopper(), 0);
    heard.also_to(seen.clone()).for_each(move |_| {
        times += 1;
        if times == 1 { silent(&there.proxy, true) } else { stopper.stop() }
    });
    let comes_back = call(move |_| {
        if base.proxy.accepted() > 1 {
            silent(&base.proxy, false);
        }
    });
    scheduler.schedule_recurring(interval(Duration::from_millis(5)).connect(comes_back))?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), [Heard::Listening, Heard::Listening]);
    Ok(())
}

/// It need not be looked for: a listener that waits is told, also in the middle of connecting.
#[test]
fn a_stop_ends_a_listener_at_once_while_it_connects_and_while_it_waits() -> Result {
    let hours = Duration::from_secs(24 * 3600);
    let (base, silent) = (Base::new(), std::net::TcpListener::bind("127.0.0.1:0")?);
    let silent = format!("postgresql://gateway@{}/home", silent.local_addr()?); // it accepts, and says nothing
    let mut scheduler = new_scheduler();
    scheduler.stop_within(hours);
    let connecting =
        Listener::new(Database::new(silent).timeout(hours), "orders").start(&scheduler, Limit::block(1))?;
    let waiting = Listener::new(base.database(), "orders").keep_alive(hours).start(&scheduler, Limit::block(1))?;
    let (seen, stopper) = (Recorder::new(), scheduler.stopper());
    connecting.connect(seen.clone());
    waiting.also_to(seen.clone()).for_each(move |_| stopper.stop());
    scheduler.run_forever()?;
    assert_eq!(seen.events(), [Heard::Listening]);
    Ok(())
}
