//! Any text as a time and as a duration: no panic; what is understood is shown as what it is.

use thingflow_adapters::durations;
use thingflow_core::Timestamp;

pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match text.parse::<Timestamp>() {
        Ok(time) => assert_eq!(time.to_string().parse(), Ok(time)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match durations::parse(&text) {
        Ok(duration) => assert_eq!(durations::parse(&durations::format(duration)), Ok(duration)),
        Err(error) => assert!(error.to_string().chars().all(|char| !char.is_control())),
    }
}
