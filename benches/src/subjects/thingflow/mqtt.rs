//! Readings by MQTT: subscribe, parse, keep half, map, publish.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use thingflow_adapters::mqtt::{Client, Message, Options, Qos};
use thingflow_core::prelude::*;

use crate::Result;
use crate::child::Readings;
use crate::feeding::{INPUT, OUTPUT, Sent};
use crate::machine::cpu_time;

/// Reads `n` readings, publishes the results, and ends when all is acknowledged.
pub fn run(broker: SocketAddr, qos: u8, n: u64) -> Result<Readings> {
    let qos = if qos == 0 { Qos::AtMostOnce } else { Qos::AtLeastOnce };
    let mut scheduler = Scheduler::new()?;
    let options = Options::new(&format!("mqtt://{broker}"))?.in_flight(1000_usize).receive_maximum(1000_usize);
    let client = Client::new(options);
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let (begin, sum) = (Rc::new(Cell::new(None)), Rc::new(RefCell::new(0.0)));
    let (begins, sums, stopper) = (begin.clone(), sum.clone(), scheduler.stopper());
    let readings = client.subscribe(INPUT, qos)?.try_map(|message| message.json::<Sent>()).fatal_errors();
    let readings = readings.inspect(move |reading| match reading.n {
        1 => begins.set(Some(cpu_time())),
        last if last == n => stopper.stop(), // which sends what is held
        _ => {}
    });
    let results = readings.filter(Sent::is_kept).map(Sent::mapped);
    let results = results.inspect(move |result| *sums.borrow_mut() += if result.n > 0 { result.lux } else { 0.0 });
    let messages = results.try_map(move |result| Ok::<_, serde_json::Error>(Message::json(OUTPUT, &result)?.qos(qos)));
    messages.connect(client.publisher());
    scheduler.stop_within(Duration::from_secs(10));
    scheduler.run_forever()?;
    let cost = cpu_time().saturating_sub(begin.get().unwrap_or_default());
    let sum = *sum.borrow();
    Ok(Readings::default().with("us", cost.as_secs_f64() * 1e6 / n as f64).with("result", sum))
}
