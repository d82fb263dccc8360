//! The acceptance cases, by number: what goes in, what must come out.
#![cfg(feature = "std")]

mod filters;
mod flow;
mod history;
mod joins;
mod own;
mod sinks;
mod sources;
mod threads;
mod timing;
mod tracking;
mod windows;
