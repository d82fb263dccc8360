//! What the scheduler drives: the [`OutputThing`], made of a [`Source`] and either a port ([`Output`]) or a fused chain
//! ([`Flow`]).

mod flow;
#[cfg(feature = "alloc")]
mod ports;
mod source;
#[cfg(feature = "alloc")]
mod with_port;

pub use flow::{ConnectedFlow, Flow};
#[cfg(feature = "alloc")]
pub(crate) use ports::TellEach;
#[cfg(feature = "alloc")]
pub use ports::{PortSource, Ports};
pub use source::Source;
#[cfg(feature = "alloc")]
pub(crate) use source::is_due;
#[cfg(feature = "alloc")]
pub use with_port::Output;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, StreamError};
use crate::notice::{Notice, Question};
use crate::thing::{Closed, Demand, Receipt};
#[cfg(feature = "alloc")]
use crate::visit::Visitor;

/// A Thing with outputs only, driven by a scheduler: each call of `produce` sends what is there now.
///
/// You rarely write one: a [`Source`] with an [`Output`] or a [`Flow`] is one, and so is a [`PortSource`], which has several
/// ports, or is an event source. This is what the engine sees of them. As with [`InputThing`](crate::InputThing) nothing has a
/// default, so one that is put around another hands everything on, or does not compile.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// /// Counts how often a Thing is called.
/// struct Counted<O> { thing: O, calls: u64 }
/// impl<O: OutputThing> OutputThing for Counted<O> {
///     fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
///         self.calls += 1;
///         self.thing.produce(cx)
///     }
///     fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
///         self.thing.notice(notice, cx)
///     }
///     fn ask(&self, question: Question<'_>) -> bool {
///         self.thing.ask(question)
///     }
///     fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
///         self.thing.due(cx)
///     }
///     fn name(&self) -> &str {
///         self.thing.name()
///     }
/// }
/// # use thingflow_core::testing::Recorder;
/// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
/// let beats = interval(Duration::from_secs(1)).take(2).connect(seen.clone());
/// scheduler.schedule_recurring(Counted { thing: beats, calls: 0 })?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "0@1 1@2 |@2");
/// # }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be scheduled",
    label = "does not implement `OutputThing`",
    note = "an output is scheduled by value: connect to it before, or keep a clone of its `port()`",
    note = "a chain is scheduled once it ends in a Thing: `.connect(..)`",
    note = "a sensor is wrapped first: `SensorOutput::new(..)`, a source too: `Flow::new(..).output()`",
    note = "implement `Ports` and `PortSource` for a custom Thing with ports"
)]
pub trait OutputThing {
    /// Sends the next event or events.
    ///
    /// # Errors
    /// See [`Source::pull`].
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure>;

    /// Tells what is connected. [`Notice::Wake`] is for what is connected without a port in between: ports are woken by the
    /// scheduler.
    ///
    /// # Errors
    /// The fatal error of a connected Thing.
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt;

    /// Asks what is connected. If nothing there is [open](Question::Open) the scheduler lets go of the Thing; while something
    /// there is [draining](Question::Draining) it is not asked for events any more, only woken.
    fn ask(&self, question: Question<'_>) -> bool;

    /// When the Thing acts next by a timetable of its own, see [`Source::due`]: a recurring schedule sleeps until then. `None`
    /// if it has none.
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant>;

    /// The name in drawings and reports.
    fn name(&self) -> &str;
}

/// What the schedulers say and ask, by its name.
#[cfg_attr(not(feature = "std"), allow(dead_code))]
impl dyn OutputThing + '_ {
    pub(crate) fn start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.notice(Notice::Start, cx)
    }
    pub(crate) fn wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.notice(Notice::Wake, cx)
    }
    pub(crate) fn fail(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.notice(Notice::Error(error), cx).map(drop)
    }
    pub(crate) fn complete(&mut self, cx: &mut Context<'_>) -> Closed {
        self.notice(Notice::Completed, cx).map(drop)
    }
    pub(crate) fn is_listened(&self) -> bool {
        self.ask(Question::Open)
    }
    pub(crate) fn has_room(&self) -> bool {
        self.ask(Question::Room)
    }
    pub(crate) fn is_draining(&self) -> bool {
        self.ask(Question::Draining)
    }
    #[cfg(feature = "alloc")]
    pub(crate) fn describe(&self, visitor: &mut dyn Visitor) {
        self.ask(Question::Describe(visitor));
    }
}
