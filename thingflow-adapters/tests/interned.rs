//! What fills the table of sensor names, which a process has one of: no other test may stand here.
#![cfg(feature = "csv")]

use thingflow_adapters::csv;
use thingflow_core::prelude::*;

#[test]
fn f46_ids_from_a_file_are_kept_up_to_a_limit() {
    let rows: String = (0..=SensorId::MAX_NAMES).map(|n| format!("1,,csv-{n},1\n")).collect();
    let text = format!("timestamp,datetime,sensor_id,value\n{rows}");
    let mut reader = csv::Reader::<SensorEvent<u8>, _>::new("lux.csv", text.as_bytes());
    let cx = &mut Context::detached(Instant::ZERO);
    assert!(reader.pull(cx).is_ok_and(|event| event.is_some()), "the first has room");
    let mut last = None;
    loop {
        match reader.pull(cx) {
            Ok(None) => break,
            Err(Failure::Sample(error)) => last = Some(error.to_string()),
            Err(failure) => panic!("{failure:?}"),
            Ok(Some(_)) => {}
        }
    }
    let error = last.expect("one name too many");
    assert!(error.contains("column 3 (sensor_id): too many different sensor names"), "{error}");
}
