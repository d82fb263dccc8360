//! The acceptance cases, by number: what goes in, what must come out.
#![cfg(feature = "std")]

#[path = "../support/call_with.rs"]
mod call_with;
mod filters;
mod flow;
mod history;
mod joins;
mod own;
mod sinks;
mod sources;
#[path = "../support/takes_all.rs"]
mod takes_all;
mod threads;
mod timing;
mod tracking;
mod windows;
