//! watermill: statistics of streams, after Python's river.

pub mod windows;
