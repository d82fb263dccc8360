//! One folder for each system that is measured; in it one file for each group that it takes part in.

pub mod boxed;
pub mod calloop;
pub mod futures;
pub mod hand;
pub mod iterator;
pub mod journal;
pub mod mqttjs;
pub mod operators;
pub mod rolling_stats;
pub mod rumqttc;
pub mod rxrust;
pub mod thingflow;
pub mod tokio;
pub mod watermill;
