//! `acknowledge()`: sends the values of tracked events, each of which is done when what follows has taken it.
//!
//! Holds nothing.

use super::tracked::Tracked;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`acknowledge`](super::Tracking::acknowledge).
///
/// It connects tracked events to Things that know nothing of tracking. Nothing that holds events back may follow it, as
/// taking is all that is seen of it. If a fatal error comes back the event is abandoned; so a writer on an edge thread is
/// connected as `pipe::<Tracked<Row>>().acknowledge().to(writer)`, and what it has written is done, also while the run is being closed.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::tracking::{Tracker, Tracking};
/// let tracker = Tracker::new(|_, _| Ok(()));
/// let mut disk = 2;
/// let store = try_call(|_: i32| { disk -= 1; if disk >= 0 { Ok(()) } else { Err("the disk is full") } });
/// let stored = pipe().track_by(&tracker, |_| ()).acknowledge().to(store).feed(0..9);
/// assert!(stored.is_err());
/// assert_eq!(tracker.committed(), 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Acknowledge;

impl<T, M> Filter<Tracked<T, M>> for Acknowledge {
    type Out = T;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: Tracked<T, M>, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let (value, ack) = event.split();
        let receipt = out.next(value);
        match receipt {
            Ok(_) => ack.done(),
            Err(_) => ack.abandon(),
        }
        receipt
    }
}
