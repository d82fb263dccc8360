//! `rxRust`: cold observables, fused by the compiler, and subjects, wired at run time.

pub mod chain;
pub mod fanout;
pub mod flow;
pub mod hops;
pub mod joins;
pub mod timing;
