//! Rows by the writers.

use std::time::Instant;

use serde::Serialize;
use thingflow_adapters::{postgres, sqlite};
use thingflow_core::prelude::*;
use thingflow_core::{Delivery, Worker};

use crate::Result;
use crate::child::Readings;
use crate::event::{Event, Events};
use crate::groups::stores::BATCH;

/// A row.
#[derive(Clone, Debug, Serialize)]
struct Row {
    sensor: u32,
    ts: i64,
    lux: f64,
}

/// Into a new file.
pub fn sqlite(path: &str, rows: u64) -> Result<Readings> {
    write(sqlite::Writer::new(path, "readings").create_table(), rows)
}

/// Into a new table.
pub fn postgres(url: &str, rows: u64) -> Result<Readings> {
    super::super::hand::stores::table(url)?;
    write(postgres::Writer::new(url, "readings"), rows)
}

fn write(writer: impl Worker<Row> + 'static, rows: u64) -> Result<Readings> {
    let mut scheduler = Scheduler::new()?;
    let delivery = Delivery::within(Limit::block(4 * BATCH)).batches_of(BATCH);
    let (store, _refused) = scheduler.worker("store", writer, delivery)?;
    let meter = store.meter();
    let mut events = Events::new(rows, Events::SEED);
    let batches = std::iter::from_fn(move || {
        let row = |event: Event| Row { sensor: event.id, ts: (event.ts >> 1) as i64, lux: event.val };
        let batch: Vec<Row> = events.by_ref().take(BATCH).map(row).collect();
        (!batch.is_empty()).then_some(batch)
    });
    let start = Instant::now();
    scheduler.schedule_recurring(from_iter(batches).flatten().connect(store))?;
    scheduler.run_forever()?;
    let rate = rows as f64 / start.elapsed().as_secs_f64() / 1000.0;
    if meter.stats().delivered != rows {
        return Err(format!("{:?}", meter.stats()).into());
    }
    Ok(Readings::default().with("rate", rate))
}
