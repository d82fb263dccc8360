//! Any text as a cron expression, and as the name of a zone: no panic, no search without an end, errors that can be shown.

use thingflow_adapters::cron::Cron;
use thingflow_core::prelude::*;

pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for cron in [Cron::new(&text, "UTC"), Cron::new("@daily", &text)] {
        match cron {
            Ok(mut cron) => {
                let cx = &mut Context::detached(Instant::ZERO);
                let _ = cron.due(cx);
                let _ = cron.pull(cx);
            }
            Err(error) => assert!(error.to_string().chars().all(|char| !char.is_control())),
        }
    }
}
