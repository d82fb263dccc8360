//! What tests against real servers share: servers of their own, and a proxy that injects faults.
#![allow(dead_code)] // each test program uses a part of it

pub(crate) mod authority;
pub(crate) mod bounded;
#[cfg(feature = "mqtt")]
pub(crate) mod brokers;
pub(crate) mod mosquitto;
#[cfg(feature = "mqtt")]
pub(crate) mod mqtt;
pub(crate) mod proxy;
pub(crate) mod raw_websocket;
pub(crate) mod scripted;
pub(crate) mod servers;
pub(crate) mod written;
