//! A broker in the process, for tests of programs that speak MQTT: no installation, no port to choose, no network.

mod broker;
mod guest;

pub use broker::Broker;
