//! `tokio`, on its current-thread runtime: an interval task for each sensor, an mpsc channel for posts.

use std::io;

use tokio::runtime::{Builder, Runtime};

pub mod idle;
pub mod posts;
pub mod timers;

/// The runtime that all of them use.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_time().build()
}
