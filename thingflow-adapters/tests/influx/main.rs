//! InfluxDB's lines against the public rules, and its writers and queries against real servers.
#![cfg(feature = "influx")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod datagrams;
mod lines;
mod servers;
#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::written::{reasons, written};
use thingflow_adapters::http::Poll;
use thingflow_adapters::influx::{Encoder, Query};
use thingflow_core::prelude::*;
use thingflow_core::{Batch, Delivery, DeliveryStats, Refusal, Sensor, Worker};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Datum {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

/// How a run ended, the counts, why events were refused.
type Ran = (std::result::Result<(), String>, DeliveryStats, Vec<String>);

/// A run of events through a writer, at once, so that batches are full.
fn run<E: Clone + Send + 'static>(
    writer: impl Worker<E> + 'static,
    events: impl IntoIterator<Item = E>,
    most: usize,
) -> Result<Ran> {
    let delivery = Delivery::within(Limit::block(2000)).batches_of(most);
    let (ended, stats, dead) = written("influx", writer, delivery, [events.into_iter().collect()])?;
    Ok((ended, stats, reasons(dead)))
}

#[derive(Clone, Debug, Serialize)]
struct Level {
    number: u64,
    litres: Datum,
    at: Timestamp,
}

impl Level {
    fn of(number: u64) -> Self {
        let at = Timestamp::from_secs(i64::try_from(number).unwrap() + 1_000_000);
        Self { number, litres: Datum::Float(0.5), at }
    }
    fn poison(number: u64) -> Self {
        Self { litres: Datum::Text("much".to_owned()), ..Self::of(number) }
    }
}

#[derive(Clone, Serialize)]
struct Seed {
    litres: f64,
    at: Timestamp,
}

#[derive(Deserialize)]
struct Numbered {
    number: u64,
}

fn numbers(url: &str, database: &str) -> Vec<u64> {
    Query::<Numbered>::new(url, database, "SELECT number FROM tank").flow().map(|level| level.number).collect_now()
}

fn create(url: &str, database: &str) -> Result {
    // In version 1 a question can do that, too.
    for query in [format!("CREATE+DATABASE+%22{database}%22"), "SHOW+DATABASES".to_owned()] {
        let said = Poll::text("query", format!("{url}/query?q={query}")).sample()?;
        assert!(query.starts_with("CREATE") || said.contains(database), "{said}");
    }
    Ok(())
}

fn tank() -> Encoder {
    Encoder::new("tank").time("at")
}

/// The first time it is away, so that a whole batch is there the next time.
struct Late<W>(W, bool);

impl<E, W: Worker<E>> Worker<E> for Late<W> {
    fn connect(&mut self) -> std::result::Result<(), Refusal> {
        self.0.connect()
    }
    fn work(&mut self, batch: &mut Batch<E>) -> std::result::Result<(), Refusal> {
        if std::mem::replace(&mut self.1, true) {
            self.0.work(batch)
        } else {
            Err(Refusal::Peer(StreamError::new("late")))
        }
    }
}
