//! Any bytes as a JSON text: no panic, an error that can be shown, and what was read is read again from what it is written as.

use thingflow_adapters::json::{parse, text};
use thingflow_core::SensorEvent;

pub(crate) fn check(bytes: &[u8]) {
    match parse::<SensorEvent<f64>>(bytes) {
        Ok(event) => {
            let written = text(&event).expect("an event that was read can be written");
            assert_eq!(parse::<SensorEvent<f64>>(&written).expect("what was written can be read"), event);
        }
        Err(error) => {
            let error = error.to_string();
            assert!(error.chars().all(|char| !char.is_control()), "{error:?}");
            assert!(error.len() <= 800, "{} bytes of an error", error.len());
        }
    }
}
