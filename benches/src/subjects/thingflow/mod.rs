//! ThingFlow itself.

pub mod allocations;
pub mod chain;
pub mod fanout;
pub mod flow;
pub mod hops;
pub mod idle;
pub mod joins;
pub mod mqtt;
pub mod page;
pub mod posts;
pub mod slow;
pub mod stores;
pub mod storing;
pub mod timers;
pub mod timing;
pub mod windows;

/// Why a result can be counted on: nothing in these graphs fails.
const NEVER_FAILS: &str = "no Thing here has a fatal error";
