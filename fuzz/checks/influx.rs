//! Any bytes as an answer of InfluxDB: no panic, an end, no more points than there are lines.

use thingflow_adapters::influx::read_answer;
use thingflow_core::SensorEvent;

pub(crate) fn check(bytes: &[u8]) {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).count();
    let (points, wrong) = read_answer::<SensorEvent<f64>>(bytes);
    assert!(points.len() + wrong <= lines, "{} points and {wrong} errors in {lines} lines", points.len());
}
