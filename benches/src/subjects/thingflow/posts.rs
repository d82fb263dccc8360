//! A queue of 1024 from other threads into the scheduler, for each policy.

use std::io;
use std::ops::ControlFlow;

use thingflow_core::prelude::*;
use thingflow_core::{Limit, Overflow, Port, Remote};

use crate::event::Event;
use crate::posting;

/// The scheduler with one port that other threads post into.
struct Loop {
    scheduler: Scheduler,
    port: Port<Event>,
}

impl Loop {
    fn open(capacity: usize, overflow: Overflow) -> io::Result<(Self, Poster)> {
        let scheduler = Scheduler::new().map_err(io::Error::other)?;
        let queue = Limit::new(capacity, overflow);
        let (remote, port) = scheduler.remote(queue).map_err(io::Error::other)?;
        Ok((Self { scheduler, port }, Poster(remote)))
    }

    fn run(mut self, each: impl FnMut(Event) -> ControlFlow<()> + 'static) -> io::Result<()> {
        self.port.connect(Each(each));
        self.scheduler.run_forever().map_err(io::Error::other)
    }
}

/// Wants no more events when the driver breaks.
struct Each<F>(F);

impl<F: FnMut(Event) -> ControlFlow<()>> Sink for Each<F> {
    type Event = Event;
    fn on_next(&mut self, event: Event, _: &mut Context<'_>) -> Receipt {
        Ok(if (self.0)(event).is_break() { Demand::Done } else { Demand::More })
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}

/// Posts and does not mind a full or closed queue.
#[derive(Clone)]
pub struct Poster(Remote<Event>);

impl posting::Poster for Poster {
    fn post(&mut self, event: Event) {
        let _ = self.0.post(event);
    }
}

macro_rules! policy {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        pub struct $name(Loop);

        impl posting::Inbox for $name {
            type Poster = Poster;
            fn open(capacity: usize) -> io::Result<(Self, Poster)> {
                Loop::open(capacity, Overflow::$name).map(|(inner, poster)| (Self(inner), poster))
            }
            fn run(self, each: impl FnMut(Event) -> ControlFlow<()> + 'static) -> io::Result<()> {
                self.0.run(each)
            }
        }
    };
}
policy!(Block, "The poster waits.");
policy!(DropOldest, "The oldest event goes.");
policy!(DropNewest, "The new event goes.");
policy!(Fail, "The poster is told.");
