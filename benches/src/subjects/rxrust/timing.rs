//! Timed operators behind a subject, on rxRust's own scheduler: tasks of tokio.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use ::tokio::task::{LocalSet, yield_now};
use rxrust::prelude::*;

use crate::Result;
use crate::event::{Event, Events};
use crate::groups::timing::BURST;
use crate::subjects::tokio::runtime;

const WINDOW: Duration = Duration::from_secs(10);

/// Sends the events into a subject in bursts, between which the tasks have their turn.
macro_rules! in_bursts {
    ($events:expr, |$subject:ident| $chain:expr) => {{
        let runtime = runtime()?;
        LocalSet::new().block_on(&runtime, async {
            let count = Rc::new(Cell::new(0));
            let seen = count.clone();
            let mut subject = Local::subject::<Event, Infallible>();
            let $subject = subject.clone();
            $chain.subscribe(move |_| seen.set(seen.get() + 1));
            for (at, event) in $events.enumerate() {
                subject.next(event);
                if at % BURST == BURST - 1 {
                    yield_now().await;
                }
            }
            subject.complete();
            Ok(count.get())
        })
    }};
}

/// The events that were followed by quiet, counted.
pub fn debounce(events: Events) -> Result<u64> {
    in_bursts!(events, |subject| subject.debounce(WINDOW))
}

/// The first events and the last ones of each window, counted.
pub fn throttle(events: Events) -> Result<u64> {
    let edges = ThrottleEdge { leading: true, trailing: true };
    in_bursts!(events, |subject| subject.throttle_time(WINDOW, edges))
}
