//! Servers of our own: the same as in the tests.

#[allow(dead_code, missing_docs, reason = "it serves tests too")]
#[path = "../../thingflow-adapters/tests/support/servers.rs"]
mod databases;
#[allow(dead_code, missing_docs, reason = "it serves tests too")]
#[path = "../../thingflow-adapters/tests/support/mosquitto.rs"]
pub(crate) mod mosquitto;

pub(crate) use databases::Server;
