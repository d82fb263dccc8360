//! An outbox in front of real stores, killed again and again: each reading is stored once, by its number in the outbox.
#![cfg(all(feature = "outbox", feature = "sqlite", feature = "postgres", feature = "http"))]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::proxy::Proxy;
use support::scripted::{Scripted, answer};
use support::servers::Server;
use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, Stored};
use thingflow_adapters::{http, postgres, sqlite};
use thingflow_core::prelude::*;
use thingflow_core::tracking::{Outcome, Settled, Tracked, Tracker, Tracking};
use thingflow_core::{Backoff, Delivery, Worker};
use thingflow_journal::model::Draw;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    number: u64,
    litres: f64,
}

type Sent = Tracked<Level, Stored>;

const FOLDER: &str = "THINGFLOW_OUTBOX_FOLDER";
const STORE: &str = "THINGFLOW_OUTBOX_STORE";
const FIRST: &str = "THINGFLOW_OUTBOX_FIRST";

/// Kills of each store.
const RUNS: u64 = 8;

/// The program that is killed: readings into an outbox, in front of the store that it is told. Without a first reading it only
/// delivers, and ends.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    println!(); // what the test runner has begun to say ends here
    let store = std::env::var(STORE).unwrap();
    let first = std::env::var(FIRST).unwrap().parse().unwrap();
    let number = |event: &Sent| event.metadata().next().map(|stored| stored.number);
    match store.split_once(' ').unwrap() {
        ("sqlite", path) => deliver(Path::new(&folder), first, sqlite::Writer::new(path, "tank").key("tank", number)),
        ("postgres", url) => {
            let database = postgres::Database::new(url).timeout(Duration::from_secs(5));
            deliver(Path::new(&folder), first, postgres::Writer::new(database, "tank").key("tank", number));
        }
        (_, url) => {
            deliver(Path::new(&folder), first, http::Writer::json_lines(http::Endpoint::new(url)));
        }
    }
}

fn deliver<W>(folder: &Path, first: u64, writer: W)
where
    W: Worker<Sent> + Send + 'static,
{
    let window = CommitWindow::every(Duration::from_millis(3));
    let mut outbox = Outbox::<Level>::open(folder, Options::new(8 << 20, window)).unwrap();
    let mut scheduler = Scheduler::new().unwrap();
    let delivery = Delivery::within(Limit::block(256)).batches_of(32_usize);
    let delivery = delivery.retry(Backoff::constant(Duration::from_millis(5)));
    let (sink, refused) = scheduler.worker("store", writer, delivery).unwrap();
    outbox.port("store", Outlet::default()).unwrap().connect(sink);
    refused.connect(outbox.dead_letters());
    if first > 0 {
        let upstream = Tracker::new(|settled: Settled<u64>, _| {
            if settled.outcome == Outcome::Done {
                println!("a {}", settled.meta);
            }
            Ok(())
        });
        let readings = from_iter(first..).map(|number| Level { number, litres: 0.5 });
        let readings = readings.track_by(&upstream, |level| level.number).connect(outbox.tracked_input());
        scheduler.schedule_periodic(readings, Duration::from_micros(300)).unwrap();
    }
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_forever().unwrap();
}

/// Runs the child and kills it after so many acknowledgements; gives what was acknowledged upstream.
fn run_child(folder: &Path, store: &str, first: u64, lines: Option<usize>, acknowledged: &mut BTreeSet<u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder)
        .env(STORE, store)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said: Vec<String> = output.by_ref().take(lines.unwrap_or(usize::MAX)).map_while(Result::ok).collect();
    if lines.is_some() {
        child.kill().unwrap();
    }
    said.extend(output.map_while(Result::ok));
    let status = child.wait().unwrap();
    assert!(lines.is_some() || status.success(), "{status}");
    acknowledged.extend(said.iter().filter_map(|line| line.strip_prefix("a ")?.parse::<u64>().ok()));
}

/// Kills the program at random points, disturbs its store besides, and lets it deliver the rest. What is stored then is all that
/// was acknowledged, each once.
fn each_is_stored_once(store: &str, mut disturb: impl FnMut(u64), stored: impl Fn() -> Vec<u64>) {
    let (folder, mut draw, mut acknowledged) = (tempfile::tempdir().unwrap(), Draw::new(1), BTreeSet::new());
    for run in 1..=RUNS {
        let lines = 2 + usize::try_from(draw.below(300)).unwrap();
        disturb(run);
        run_child(folder.path(), store, run * 1_000_000, Some(lines), &mut acknowledged);
    }
    disturb(0);
    run_child(folder.path(), store, 0, None, &mut acknowledged);
    let all = stored();
    let each: BTreeSet<u64> = all.iter().copied().collect();
    assert_eq!(each.len(), all.len(), "some are there twice");
    let lost: Vec<_> = acknowledged.difference(&each).collect();
    assert!(lost.is_empty(), "{lost:?} were acknowledged and are not stored");
    assert!(acknowledged.len() as u64 > 10 * RUNS, "the child did something");
    let strangers: Vec<_> = each.iter().filter(|number| !(1..=RUNS).contains(&(*number / 1_000_000))).collect();
    assert!(strangers.is_empty(), "{strangers:?} were never produced");
}

#[test]
fn a01_a10_each_reading_is_stored_once_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.db");
    let table = "CREATE TABLE tank (row_id INTEGER PRIMARY KEY, number INTEGER, litres REAL, key_flow TEXT, \
                 key_sequence INTEGER, UNIQUE (key_flow, key_sequence))";
    rusqlite::Connection::open(&path).unwrap().execute_batch(table).unwrap();
    let rows =
        || sqlite::Reader::<Level>::open(&path, "tank").unwrap().flow().map(|row| row.record.number).collect_now();
    each_is_stored_once(&format!("sqlite {}", path.display()), |_| (), rows);
}

#[test]
fn a01_a10_each_reading_is_stored_once_in_postgres_whose_connections_are_cut() {
    let server = Server::postgres();
    let direct = format!("postgresql://test@{}/postgres", server.address());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&direct, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let table = "CREATE TABLE tank (row_id bigserial PRIMARY KEY, number bigint, litres real, key_flow text, \
                     key_sequence bigint, UNIQUE (key_flow, key_sequence))";
        client.batch_execute(table).await.unwrap();
    });
    let proxy = Proxy::new(server.address());
    let through = format!("postgres postgresql://test@{}/postgres", proxy.address());
    let rows = || postgres::Reader::<Level>::new(&*direct, "tank").flow().map(|row| row.record.number).collect_now();
    // Away during one run, cut in the middle of others.
    let disturb = |run: u64| {
        proxy.refuse(run % 4 == 2);
        if run % 3 == 1 {
            proxy.reset_after(support::proxy::Way::ToServer, 3_000 + 700 * run as usize);
        }
    };
    each_is_stored_once(&through, disturb, rows);
}

#[test]
fn a01_a10_each_reading_is_stored_once_by_a_server_of_http_that_knows_the_numbers() {
    let stored = Arc::<Mutex<BTreeSet<u64>>>::default();
    let (to, mut asked) = (stored.clone(), 0_u64);
    let server = Scripted::new(move |request| {
        asked += 1;
        let text = request.text();
        let levels: Result<Vec<Level>, _> = text.lines().map(serde_json::from_str::<Level>).collect();
        match (asked % 7, levels) {
            (3, _) => answer(503, "busy"),
            (5, Ok(levels)) => {
                to.lock().unwrap().extend(levels.iter().map(|level| level.number));
                None // stored, and the answer is lost
            }
            (_, Ok(levels)) => {
                to.lock().unwrap().extend(levels.iter().map(|level| level.number));
                answer(200, "")
            }
            _ => answer(400, "no"),
        }
    });
    let url = format!("http http://{}/events", server.address());
    each_is_stored_once(&url, |_| (), || stored.lock().unwrap().iter().copied().collect());
}
