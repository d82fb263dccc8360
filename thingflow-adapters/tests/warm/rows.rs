//! Once warm, a row costs no allocation.

use std::error::Error;
use std::io;

use serde::Serialize;
use thingflow_adapters::csv::Writer;
use thingflow_core::prelude::*;

use super::MADE;

#[derive(Serialize, Clone, Copy)]
struct Axes {
    x: f32,
    y: f32,
}

#[derive(Serialize, Clone, Copy)]
struct Motion {
    tilt: Axes,
    turns: [u16; 3],
    steps: Option<u32>,
    name: &'static str,
    seen: Timestamp,
}

#[test]
fn a_row_costs_no_allocation() -> Result<(), Box<dyn Error>> {
    let tilt = Axes { x: 0.1, y: -1.0e30 };
    let val = Motion { tilt, turns: [1, 2, 3], steps: None, name: "say \"x\"", seen: Timestamp::from_nanos(1) };
    let event = SensorEvent::new("pedals", Timestamp::from_nanos(i64::MAX), val);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("pedals.csv");
    let given = &mut Writer::new("nowhere", io::sink()) as &mut dyn Sink<Event = SensorEvent<Motion>>;
    let file = &mut Writer::append(path)? as &mut dyn Sink<Event = SensorEvent<Motion>>;
    for (writer, each) in [(given, 0), (file, 1)] {
        let cx = &mut Context::detached(Instant::ZERO);
        let mut rows = |n: u64| -> u64 {
            let before = MADE.get();
            (0..n).for_each(|_| assert!(writer.on_next(event, cx).is_ok()));
            MADE.get() - before
        };
        rows(3);
        // A file is looked up by its name for each row; the standard library copies that name if it is long.
        assert!(rows(1000) <= 1000 * each);
    }
    Ok(())
}
