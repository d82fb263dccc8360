//! [`written`]: a run of events through a writer.

use std::error::Error;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{DeadLetter, Delivery, DeliveryStats, OnSetup, Worker};

/// How a run ended, the counts, and what was refused.
pub(crate) type Written<E> = (Result<(), String>, DeliveryStats, Vec<DeadLetter<E>>);

/// Runs events through a writer of the adapter `name`, those of a turn at once.
pub(crate) fn written<E: Clone + Send + 'static>(
    name: &str,
    writer: impl Worker<E> + 'static,
    delivery: Delivery,
    turns: impl IntoIterator<Item = Vec<E>, IntoIter: 'static>,
) -> Result<Written<E>, Box<dyn Error>> {
    let mut scheduler = Scheduler::virtual_time()?;
    let (sink, refused) = scheduler.worker(name, writer, delivery.on_setup(OnSetup::End))?;
    let (meter, dead) = (sink.meter(), Recorder::new());
    refused.connect(dead.clone());
    scheduler.schedule_recurring(from_iter(turns).flatten().connect(sink))?;
    let ended = scheduler.run_forever().map_err(|error| error.to_string());
    Ok((ended, meter.stats(), dead.events()))
}

/// Why events were refused.
pub(crate) fn reasons<E>(dead: Vec<DeadLetter<E>>) -> Vec<String> {
    dead.into_iter().map(|letter| letter.error.to_string()).collect()
}
