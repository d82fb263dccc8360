//! One interval and nothing else.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, interval_at};

use crate::Result;

/// Ticks for ever.
pub fn tick_every(period: Duration) -> Result<Infallible> {
    super::runtime()?.block_on(async {
        let mut interval = interval_at(Instant::now() + period, period);
        loop {
            interval.tick().await;
        }
    })
}
