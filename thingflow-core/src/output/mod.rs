//! What the scheduler drives: the [`OutputThing`], made of a [`Source`] and either a port ([`Output`]) or a fused chain
//! ([`Flow`]).

mod flow;
mod source;
#[cfg(feature = "alloc")]
mod with_port;

pub use flow::{ConnectedFlow, Flow};
pub use source::Source;
#[cfg(feature = "std")]
pub(crate) use source::is_due;
#[cfg(feature = "alloc")]
pub use with_port::Output;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, StreamError};
use crate::thing::{Closed, Demand, Receipt};
use crate::visit::{Visitor, short_name};

#[cfg(feature = "alloc")]
use crate::port::PortRef;

/// A Thing with outputs only, driven by a scheduler: each call of `produce` sends what is there now.
///
/// You rarely write one: a [`Source`] with an [`Output`] or a [`Flow`] is one. Write it yourself for several output
/// ports of different types, see `examples/multi-port`, or for an event source. `produce` and
/// [`ports`](Self::ports) are enough: the rest follows from the ports.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::prelude::*;
/// use thingflow_core::{PortRef, diagram::Graph};
/// /// Sends evens and odds to ports of their own.
/// struct Sorted { next: u32, even: Port<u32>, odd: Port<u32> }
/// impl OutputThing for Sorted {
///     fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
///         self.next += 1;
///         let port = if self.next % 2 == 0 { &self.even } else { &self.odd };
///         let _ = port.emit(self.next, cx)?; // one that nobody listens to is no reason to end
///         Ok(Demand::More)
///     }
///     fn ports(&self, see: &mut dyn FnMut(PortRef)) {
///         see(self.even.as_ref());
///         see(self.odd.as_ref());
///     }
/// }
/// let sorted = Sorted { next: 0, even: Port::new().named("even"), odd: Port::new().named("odd") };
/// sorted.odd.connect(call(drop));
/// assert!(sorted.is_listened());
/// assert_eq!(Graph::of(&sorted).to_string(), "Sorted -> even\nSorted -> odd -> Call\n");
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be scheduled",
    label = "this is no `OutputThing`",
    note = "an output is scheduled by value: connect to it before, or keep a clone of its `port()`",
    note = "a chain is scheduled once it ends in a Thing: `.connect(..)`",
    note = "a sensor is wrapped first: `SensorOutput::new(..)`, a source too: `Flow::new(..).output()`"
)]
pub trait OutputThing {
    /// Sends the next event or events.
    ///
    /// # Errors
    /// See [`Source::pull`].
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure>;

    /// Shows the output ports, each by `see(port.as_ref())`. A Thing without ports writes the other methods instead.
    #[cfg(feature = "alloc")]
    fn ports(&self, _see: &mut dyn FnMut(PortRef)) {}

    /// Called once, when the run begins or the Thing is scheduled in a running graph: starts what is connected.
    fn start(&mut self, cx: &mut Context<'_>) -> Receipt {
        #[cfg(feature = "alloc")]
        return start_all(|see| self.ports(see), cx);
        #[cfg(not(feature = "alloc"))]
        {
            let _ = cx;
            Ok(Demand::More)
        }
    }

    /// Ends all outputs by an error.
    ///
    /// # Errors
    /// The fatal error of a connected Thing.
    fn fail(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        #[cfg(feature = "alloc")]
        return fail_all(|see| self.ports(see), &error, cx);
        #[cfg(not(feature = "alloc"))]
        {
            let _ = (error, cx);
            Ok(())
        }
    }

    /// Ends all outputs as they should end: what runs once has no more events.
    ///
    /// # Errors
    /// The fatal error of a connected Thing.
    fn complete(&mut self, cx: &mut Context<'_>) -> Closed {
        #[cfg(feature = "alloc")]
        return complete_all(|see| self.ports(see), cx);
        #[cfg(not(feature = "alloc"))]
        {
            let _ = cx;
            Ok(())
        }
    }

    /// Whether anything that still wants events is connected. If not, the scheduler lets go of the Thing.
    fn is_listened(&self) -> bool {
        #[cfg(feature = "alloc")]
        {
            let mut listened = false;
            self.ports(&mut |port| listened = listened || port.is_listened());
            listened
        }
        #[cfg(not(feature = "alloc"))]
        true
    }

    /// Whether those who listen have room for another event, see [`InputThing::has_room`](crate::InputThing::has_room).
    fn has_room(&self) -> bool {
        #[cfg(feature = "alloc")]
        {
            let mut room = true;
            self.ports(&mut |port| room = room && port.port().has_room());
            room
        }
        #[cfg(not(feature = "alloc"))]
        true
    }

    /// Wakes what is connected without a port in between, see [`InputThing::on_wake`](crate::InputThing::on_wake).
    fn wake(&mut self, _cx: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }

    /// Whether what is connected without a port in between still sends what it holds, see
    /// [`InputThing::is_draining`](crate::InputThing::is_draining). The Thing is not asked for events any more then, only
    /// woken.
    fn is_draining(&self) -> bool {
        false
    }

    /// When the Thing acts next by a timetable of its own, see [`Source::due`]: a recurring schedule sleeps until then.
    fn due(&mut self, _cx: &mut Context<'_>) -> Option<Instant> {
        None
    }

    /// Shows the outputs to a walk over the graph.
    fn describe(&self, visitor: &mut dyn Visitor) {
        #[cfg(feature = "alloc")]
        self.ports(&mut |port| visitor.port(port, false));
        #[cfg(not(feature = "alloc"))]
        let _ = visitor;
    }

    /// The name in drawings and reports.
    fn name(&self) -> &str {
        short_name::<Self>()
    }
}

/// The ports of a Thing, one after the other.
#[cfg(feature = "alloc")]
type Each<'a> = &'a mut dyn FnMut(PortRef);

#[cfg(feature = "alloc")]
fn start_all(ports: impl FnOnce(Each<'_>), cx: &mut Context<'_>) -> Receipt {
    let (mut any, mut open, mut full, mut fatal) = (false, false, false, None);
    ports(&mut |port| {
        any = true;
        if fatal.is_none() {
            match port.port().start(cx) {
                Ok(demand) => {
                    open |= demand != Demand::Done;
                    full |= demand == Demand::Full;
                }
                Err(error) => fatal = Some(error),
            }
        }
    });
    match fatal {
        Some(error) => Err(error),
        None if any && !open => Ok(Demand::Done),
        None => Ok(if full { Demand::Full } else { Demand::More }),
    }
}

#[cfg(feature = "alloc")]
fn fail_all(ports: impl FnOnce(Each<'_>), error: &StreamError, cx: &mut Context<'_>) -> Closed {
    let mut result = Ok(());
    ports(&mut |port| {
        if result.is_ok() {
            result = port.port().fail(error.clone(), cx);
        }
    });
    result
}

#[cfg(feature = "alloc")]
fn complete_all(ports: impl FnOnce(Each<'_>), cx: &mut Context<'_>) -> Closed {
    let mut result = Ok(());
    ports(&mut |port| {
        if result.is_ok() {
            result = port.port().complete(cx);
        }
    });
    result
}
