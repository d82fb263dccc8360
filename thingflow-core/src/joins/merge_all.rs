//! `merge_all()`: sends the events of all ports of a stream of ports.
//!
//! Holds one connection an open port; with `at_most(n, limit)`, also up to `limit` ports that wait.

use super::held::{Held, Queue};
use super::join::Join;
use super::nested::{Nested, Nests};
use super::rule::{At, Rule, Takes};
use crate::limit::{Limit, QueueState};
use crate::port::Port;
use crate::size::Size;
use crate::state::StateVisitor;
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Made by [`merge_all`](super::Joins::merge_all).
///
/// Every port is connected when it comes, or with [`at_most`](Join::at_most) when it is its turn. It completes when the stream
/// of ports and all of them have ended.
///
/// ```
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let (rooms, hall, attic, seen) = (Port::new(), Port::new(), Port::new(), Recorder::new());
/// rooms.merge_all().connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// rooms.emit(hall.clone(), cx)?;
/// hall.emit(19, cx)?;
/// rooms.emit(attic.clone(), cx)?;
/// attic.emit(14, cx)?;
/// hall.emit(20, cx)?;
/// assert_eq!(seen.events(), [19, 14, 20]);
/// # Ok::<(), FatalError>(())
/// ```
#[derive(Debug)]
pub struct MergeAll<T> {
    ports: Nested<T>,
    queue: Option<Waiting<T>>,
}

/// Ports that are connected when others have ended.
#[derive(Debug)]
struct Waiting<T> {
    most: usize,
    ports: Held<Port<T>>,
}

impl<T> MergeAll<T> {
    pub(super) fn new() -> Self {
        Self { ports: Nested::default(), queue: None }
    }

    /// Connects those whose turn it is.
    fn go_on(&mut self) {
        let Some(Waiting { most, ports }) = &mut self.queue else { return };
        while self.ports.count() < *most
            && let Some(port) = ports.pop()
        {
            self.ports.add(&port);
        }
    }

    fn is_over(&self) -> bool {
        self.ports.is_over() && self.queue.as_ref().is_none_or(|queue| queue.ports.is_empty())
    }
}

impl<I, T> Join<I, MergeAll<T>> {
    /// Has at most `most` ports connected at a time; further ones wait within `limit`, and each is connected when one of those
    /// before it has ended. One that is [made on the spot](crate::Elementwise::begin_each) begins only then. With `most` 1 the
    /// ports are sent one after the other: `concatMap`.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use std::time::Duration;
    /// use thingflow_core::testing::{Recorder, timed};
    /// use thingflow_core::{Limit, prelude::*};
    /// # let second = Duration::from_secs(1);
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// let jobs = timed([(1.0, 'a'), (1.5, 'b')]).output();
    /// let steps = jobs.begin_each(move |job| interval(second).take(2).map(move |n| (job, n)));
    /// steps.merge_all().at_most(1, Limit::block(10)).connect(seen.clone());
    /// scheduler.schedule_recurring(jobs)?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), "('a', 0)@2 ('a', 1)@3 ('b', 0)@4 ('b', 1)@5 |@5");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "concat_all")]
    #[doc(alias = "concat_map")]
    #[track_caller]
    pub fn at_most(self, most: impl Into<Size>, limit: Limit) -> Self {
        let queue = Waiting { most: most.into().get(), ports: Held::new(limit) };
        self.with(|rule| MergeAll { queue: Some(queue), ..rule })
    }
}

impl<T> Nests<T> for MergeAll<T> {
    fn ports(&mut self) -> &mut Nested<T> {
        &mut self.ports
    }
}

impl<T> Rule for MergeAll<T> {
    type Out = T;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.ports.end(input);
        self.go_on();
        if self.queue.as_mut().is_some_and(|queue| queue.ports.take_room()) {
            out.context().resume();
        }
        if self.is_over() { out.finish() } else { Ok(Demand::More) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.ports.on_state("merge_all", state);
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        match &self.queue {
            _ if input != 0 => behind,
            Some(queue) => queue.ports.has_room(),
            None => true,
        }
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        self.queue.iter().for_each(|queue| see(queue.ports.state()));
    }
}

impl<T> Takes<At<0>, Port<T>> for MergeAll<T> {
    fn on_next(&mut self, _: At<0>, port: Port<T>, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        match &mut self.queue {
            Some(queue) if self.ports.count() >= queue.most => {
                queue.ports.push(port, "merge_all").or_else(|error| out.fail(error))
            }
            _ => {
                self.ports.add(&port);
                Ok(Demand::More)
            }
        }
    }
}

impl<T> Takes<usize, T> for MergeAll<T> {
    #[inline]
    fn on_next(&mut self, _: usize, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
}
