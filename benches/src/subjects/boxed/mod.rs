//! Boxed closures: the plainest wiring at run time, without a rule of its own.

pub mod chain;
pub mod fanout;
pub mod hops;
