//! `split(f)`: sends what a function makes of each event to several ports, each of its own type.
//!
//! Holds nothing.

use core::fmt;

use super::outputs::all_to_ports;
use crate::context::Context;
use crate::notice::{Notice, Question, Receipts};
use crate::output::Ports;
use crate::port::Port;
use crate::thing::{InputThing, Receipt};

/// What an event becomes: for each of two to four ports an event, or none. A tuple of options is one.
pub trait Slots: 'static {
    /// A port for each slot.
    type Ports: Ports + Clone + fmt::Debug + 'static;
    /// New ports.
    fn ports() -> Self::Ports;
    /// Sends each event to its port.
    ///
    /// # Errors
    /// The fatal error of a connected Thing.
    fn send(self, ports: &Self::Ports, cx: &mut Context<'_>) -> Receipt;
}

/// The Thing that splits.
///
/// [`split`](super::Splitting::split), [`partition`](super::Splitting::partition) and [`unzip`](super::Splitting::unzip)
/// connect one and give back its ports. Make it yourself where the chain is a flow, which is still to be scheduled.
///
/// An event for a port without connections is lost, and that is no reason to stop the source: it hears `Done` when no
/// port has a connection any more. The end of the stream goes to all ports.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// use thingflow_core::splitting::Split;
/// let (numbers, words) = (Recorder::new(), Recorder::new());
/// let split = Split::new(|text: &'static str| match text.parse::<i32>() {
///     Ok(number) => (Some(number), None),
///     Err(_) => (None, Some(text)),
/// });
/// let ports = split.ports();
/// ports.0.connect(numbers.clone());
/// ports.1.connect(words.clone());
/// from_iter(["1", "and", "2"]).connect(split).run(&mut Context::detached(Instant::ZERO))?;
/// assert_eq!([numbers.text(), words.text()], ["1 2 |", "\"and\" |"]);
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
pub struct Split<F, S: Slots> {
    f: F,
    ports: S::Ports,
}

impl<F, S: Slots> Split<F, S> {
    /// The Thing, to be connected.
    pub fn new<T>(f: F) -> Self
    where
        F: FnMut(T) -> S,
    {
        Self { f, ports: S::ports() }
    }

    /// Its ports.
    pub fn ports(&self) -> S::Ports {
        self.ports.clone()
    }
}

impl<T, S: Slots, F: FnMut(T) -> S> InputThing<T> for Split<F, S> {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        (self.f)(event).send(&self.ports, cx)
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        self.next(event.clone(), cx)
    }
    all_to_ports!("split", ports);
}

impl<F, S: Slots> fmt::Debug for Split<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").field("ports", &self.ports).finish_non_exhaustive()
    }
}

macro_rules! slots {
    ($($slot:ident $n:tt),+) => {
        impl<$($slot: Clone + 'static),+> Slots for ($(Option<$slot>,)+) {
            type Ports = ($(Port<$slot>,)+);
            fn ports() -> Self::Ports {
                ($(Port::<$slot>::new().named(stringify!($n)),)+)
            }
            fn send(self, ports: &Self::Ports, cx: &mut Context<'_>) -> Receipt {
                let mut receipts = Receipts::default();
                $(if let Some(event) = self.$n {
                    receipts.add(ports.$n.emit(event, cx)?);
                })+
                Ok(ports.receipt_of(receipts))
            }
        }
    };
}
slots!(A 0, B 1);
slots!(A 0, B 1, C 2);
slots!(A 0, B 1, C 2, D 3);
