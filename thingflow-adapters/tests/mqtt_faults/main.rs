//! The MQTT client when the network, the broker or the process fails, against a real broker behind a proxy that injects faults.
#![cfg(feature = "mqtt")]

mod connections;
mod deliveries;
mod sessions;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
