//! One timer and nothing else.

use std::convert::Infallible;
use std::time::Duration;

use calloop::EventLoop;
use calloop::timer::{TimeoutAction, Timer};

use crate::Result;

/// Ticks for ever.
pub fn tick_every(period: Duration) -> Result<Infallible> {
    let mut events: EventLoop<'_, ()> = EventLoop::try_new()?;
    let tick = move |due, (): &mut (), (): &mut ()| TimeoutAction::ToInstant(due + period);
    events.handle().insert_source(Timer::from_duration(period), tick).map_err(|error| error.error)?;
    loop {
        events.dispatch(None, &mut ())?;
    }
}
