//! `calloop`: a `Timer` source for each sensor, a sync channel for posts.

pub mod idle;
pub mod posts;
pub mod timers;
