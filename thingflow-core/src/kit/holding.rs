//! [`Holding`]: events that wait in a stage.

use super::ending::Ending;
use super::gate::Gate;
use super::marks::Marks;
use crate::clock::{Instant, Timestamp};
use crate::error::StreamError;
use crate::limit::{Bounded, Limit, Overflow, QueueState};
use crate::state::{Saved, StateVisitor};
use crate::storage::Store;
use crate::thing::{Closed, Demand, Emitter, InputThing, Receipt};

/// Events that wait in a stage, within a [`Limit`]: what [`delay`](crate::Timing::delay), [`pace`](crate::Timing::pace) and
/// [`buffer`](crate::FlowControl::buffer) have in common.
///
/// Those downstream may be full: then the events wait until there is room. The source may send too much: then the limit
/// says what becomes of it. The stream may end: then the end waits, where somebody wakes the stage, and else all is sent at
/// once. A watermark waits behind the events that were held when it came. A stage hands its methods on to those of the same
/// name here.
///
/// `W` is what waits; a stage says with each call how an event is made of it.
///
/// ```
/// # use core::time::Duration;
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "std")] {
/// use thingflow_core::kit::Holding;
/// use thingflow_core::Timestamp;
/// use thingflow_core::storage::Growing;
/// # use thingflow_core::testing::{Recorder, timed};
/// /// Lets events wait for the next full second.
/// struct AtFullSeconds<T>(Holding<T, Growing<T>>);
/// impl<T> AtFullSeconds<T> {
///     fn next_second(now: Instant) -> Instant {
///         Instant::from_nanos(now.as_nanos().next_multiple_of(1_000_000_000))
///     }
/// }
/// impl<T> Filter<T> for AtFullSeconds<T> {
///     type Out = T;
///     fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
///         let demand = self.0.hold(event, "at_full_seconds", |event| event, out)?;
///         self.0.wait(|_, now| Self::next_second(now), out);
///         Ok(demand)
///     }
///     fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
///         let demand = self.0.send(usize::MAX, |_, now| Self::next_second(now) == now, |event| event, out)?;
///         self.0.wait(|_, now| Self::next_second(now), out);
///         self.0.follow(demand, out)
///     }
///     fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
///         self.0.on_watermark(watermark, out)
///     }
///     fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
///         if self.0.may_wait(out) { self.on_wake(out).map(drop) } else { self.0.flush(|event| event, out) }
///     }
///     fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
///         self.0.fail(error, |event| event, out)
///     }
///     fn has_room(&self, _: bool) -> bool {
///         self.0.has_room()
///     }
///     fn is_draining(&self) -> bool {
///         self.0.is_draining()
///     }
///     fn is_holding(&self) -> bool {
///         self.0.is_holding()
///     }
/// }
/// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
/// let stage = AtFullSeconds(Holding::new(Limit::block(16)));
/// scheduler.schedule_recurring(timed([(0.25, 'a'), (0.5, 'b'), (1.5, 'c')]).pipe(stage).connect(seen.clone()))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "'a'@1 'b'@1 'c'@2 |@2");
/// # }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Holding<W, S> {
    held: Bounded<W, S>,
    marks: Marks,
    gate: Gate,
    ending: Ending,
    drop_on_error: bool,
}

impl<W, S: Store<W>> Holding<W, S> {
    /// Holds nothing yet.
    pub fn new(limit: Limit) -> Self {
        Self {
            held: Bounded::new(limit),
            marks: Marks::default(),
            gate: Gate::default(),
            ending: Ending::default(),
            drop_on_error: false,
        }
    }

    /// Drops what is held when the stream ends with an error. By default it is sent before the error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    /// Takes one more in. The receipt asks the source to pause if there is no room for the next one.
    ///
    /// A limit that drops nothing ends the stream with an error when a source goes on although it was asked to pause. `stage`
    /// is the name of the stage in that error. A stage that sends all it holds at its end cannot pause: in a store of fixed size room
    /// is made for its events, by sending the oldest.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[inline]
    pub fn hold<T>(
        &mut self,
        waits: W,
        stage: &'static str,
        mut event: impl FnMut(W) -> T,
        out: &mut Emitter<'_, '_, impl InputThing<T>>,
    ) -> Receipt {
        let is_full = self.held.len() >= S::ROOM && !self.held.has_room();
        if is_full && out.context().floods() && self.send_oldest(&mut event, out)? == Demand::Done {
            return Ok(Demand::Done);
        }
        let before = self.held.len();
        match self.held.push(waits, stage) {
            Ok(demand) if self.marks.is_empty() => Ok(demand),
            Ok(demand) => {
                // An event that made room has gone.
                let drops_oldest = self.held.limit().overflow() == Overflow::DropOldest;
                self.marks.left(usize::from(drops_oldest && self.held.len() == before));
                self.marks.follow(demand, out)
            }
            Err(full) => {
                if self.send_all(event, out)? != Demand::Done {
                    out.error(full)?;
                }
                Ok(Demand::Done)
            }
        }
    }

    /// Sends all that is held, each watermark in its place. Stages downstream that have no room make some.
    fn send_all<T>(&mut self, mut event: impl FnMut(W) -> T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let before = out.context().set_floods(true);
        let mut demand = Ok(Demand::More);
        while matches!(demand, Ok(Demand::More | Demand::Full)) && !self.held.is_empty() {
            demand = self.send_oldest(&mut event, out);
        }
        out.context().set_floods(before);
        demand
    }

    /// Sends the oldest event, whether there is room or not, and the watermark behind it.
    fn send_oldest<T>(
        &mut self,
        event: &mut impl FnMut(W) -> T,
        out: &mut Emitter<'_, '_, impl InputThing<T>>,
    ) -> Receipt {
        let Some(oldest) = self.held.pop() else { return Ok(Demand::More) };
        let demand = out.next(event(oldest))?;
        self.marks.left(1);
        self.marks.follow(demand, out)
    }

    /// Passes a watermark on behind the events that are held now.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn on_watermark<T>(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.marks.come(watermark, self.held.len(), out)
    }

    /// Sends an event past those that wait, if none does and downstream has room; else `None`.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[inline]
    pub fn pass<T>(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Result<Receipt, T> {
        if !self.held.is_empty() || !self.gate.is_open(out) {
            return Err(event);
        }
        self.held.pass();
        Ok(self.gate.send(event, out))
    }

    /// Sends up to `most`, oldest first, as long as `ready` says so of the oldest at this time, and downstream has room.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn send<T>(
        &mut self,
        most: usize,
        ready: impl Fn(&W, Instant) -> bool,
        mut event: impl FnMut(W) -> T,
        out: &mut Emitter<'_, '_, impl InputThing<T>>,
    ) -> Receipt {
        let mut demand = Demand::More;
        for _ in 0..most {
            if demand == Demand::Done || !self.held.front().is_some_and(|oldest| ready(oldest, out.now())) {
                break;
            }
            if !self.gate.is_open(out) {
                break;
            }
            let Some(oldest) = self.held.pop() else { break };
            demand = demand.and(self.gate.send(event(oldest), out)?);
            self.marks.left(1);
            demand = self.marks.follow(demand, out)?;
        }
        Ok(demand)
    }

    /// Lets the source go on if there is room again, and asks for the wake-up at which the oldest is `due`, or, while
    /// downstream is full, once it has room.
    pub fn wait<T>(&mut self, due: impl FnOnce(&W, Instant) -> Instant, out: &mut Emitter<'_, '_, impl InputThing<T>>) {
        if self.held.take_room() {
            self.gate.resume(out);
        }
        if !self.gate.is_open(out) {
            out.context().wake_on_resume();
        } else if let Some(oldest) = self.held.front() {
            let due = due(oldest, out.now());
            out.wake_at(due);
        }
    }

    /// Passes the end on if it has waited, and nothing is held any more. `demand` is the receipt so far.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn follow<T>(&mut self, demand: Demand, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.ending.follow(demand, self.held.is_empty(), out)
    }

    /// The stream has completed: whether the end may wait for what is held. Where nobody wakes the stage it may not; then
    /// [`flush`](Self::flush).
    pub fn may_wait<N>(&mut self, out: &mut Emitter<'_, '_, N>) -> bool {
        self.ending.may_wait(out.context())
    }

    /// Sends all that is held, and ends the stream.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn flush<T>(&mut self, event: impl FnMut(W) -> T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if self.send_all(event, out)? == Demand::Done { Ok(()) } else { out.completed() }
    }

    /// Sends all that is held, unless it is to be [dropped](Self::drop_on_error), and ends the stream with an error.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn fail<T>(
        &mut self,
        error: StreamError,
        event: impl FnMut(W) -> T,
        out: &mut Emitter<'_, '_, impl InputThing<T>>,
    ) -> Closed {
        if !self.drop_on_error && self.send_all(event, out)? == Demand::Done {
            return Ok(());
        }
        self.held.clear();
        out.error(error)
    }

    /// What is held, may be held and was dropped, see [`Filter::queue`](crate::Filter::queue).
    pub fn queue(&self) -> Option<QueueState> {
        Some(self.held.state())
    }

    /// Whether another event would not be one too many for the source.
    pub fn has_room(&self) -> bool {
        self.held.has_room()
    }

    /// Whether the end waits.
    pub fn is_draining(&self) -> bool {
        self.ending.waits()
    }

    /// Whether an event waits, or the end.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty() || self.is_draining()
    }

    /// Shows the events that are held to a walk over the state. A watermark among them is none of it: another follows.
    pub fn on_events(&mut self, name: &'static str, state: &mut dyn StateVisitor)
    where
        W: Saved,
    {
        self.held.on_events(name, state);
        if self.held.is_empty() {
            self.marks = Marks::default();
        }
    }
}
