//! `track(f)`, `track_by(tracker, meta)`: follows each event until nobody holds it any more, then tells what became of it.
//!
//! Holds one record for each event that is on its way.

use super::tracked::Tracked;
use super::tracker::Tracker;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`track`](super::Tracking::track) and [`track_by`](super::Tracking::track_by).
///
/// An event costs one allocation here and none further on. With [`Tracker::at_most`] the source is asked to pause while
/// too many events are on their way.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::tracking::Tracking;
/// # use std::{cell::RefCell, rc::Rc};
/// let done = Rc::new(RefCell::new(Vec::new()));
/// let notes = done.clone();
/// let lists = from_iter(1..=3).track(move |event| notes.borrow_mut().push(event.index)).chunks(2);
/// let lists = lists.collect_now();
/// assert!(done.borrow().is_empty()); // we hold them all
/// # drop(lists);
/// ```
#[derive(Clone, Debug)]
pub struct Track<M, F> {
    tracker: Tracker<M>,
    meta: F,
}

/// A [`Track`] that attaches nothing to the events.
pub type TrackPlain<T> = Track<(), fn(&T)>;

impl<M, F> Track<M, F> {
    pub(super) fn new(tracker: Tracker<M>, meta: F) -> Self {
        Self { tracker, meta }
    }
}

impl<T, M: 'static, F: FnMut(&T) -> M> Filter<T> for Track<M, F> {
    type Out = Tracked<T, M>;

    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let meta = (self.meta)(&event);
        let event = self.tracker.track_sending(event, meta);
        let sent = out.next(event).and_then(|demand| {
            self.tracker.settle(out.context())?;
            Ok(demand.and(self.tracker.demand()))
        });
        if sent.is_err() {
            self.tracker.end_run();
        }
        sent
    }

    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.completed()?;
        self.tracker.settle(out.context())
    }

    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.error(error)?;
        self.tracker.settle(out.context())
    }

    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.tracker.settle(out.context())?;
        Ok(Demand::More)
    }

    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.tracker.register(out.context());
        Ok(Demand::More)
    }
}
