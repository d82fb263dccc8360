//! `futures`: streams, polled.

pub mod chain;
