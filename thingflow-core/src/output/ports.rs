//! [`Ports`]: a Thing with output ports, and [`PortSource`], one that a scheduler drives.

use alloc::vec::Vec;

use super::OutputThing;
use crate::clock::Instant;
use crate::context::Context;
use crate::error::Failure;
use crate::notice::{Notice, Question, Receipts};
use crate::port::{Port, PortRef};
use crate::thing::{Demand, Receipt};
use crate::visit::short_name;

/// A Thing with output ports: it shows them, and everything that is told to or asked of the Thing reaches them.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::{PortRef, Question};
/// /// A pump and its lamp.
/// struct Pump { on: Port<bool>, lamp: Port<&'static str> }
/// impl Ports for Pump {
///     fn ports(&self, see: &mut dyn FnMut(PortRef)) {
///         see(self.on.as_ref());
///         see(self.lamp.as_ref());
///     }
/// }
/// let pump = Pump { on: Port::new(), lamp: Port::new() };
/// assert!(!pump.ask_ports(Question::Open));
/// pump.lamp.connect(call(drop));
/// assert!(pump.ask_ports(Question::Open));
/// ```
pub trait Ports {
    /// Shows each output port, by `see(port.as_ref())`, always in the same order.
    fn ports(&self, see: &mut dyn FnMut(PortRef));

    /// Tells all ports. The receipt is `Done` if none of them goes on; a Thing without ports goes on. It is never `Done` at a start
    /// or a flush: that nobody listens ends nothing by itself, for the Thing is asked whether it is [open](Question::Open).
    ///
    /// # Errors
    /// The fatal error of a connected Thing; the ports after it are not told.
    fn tell_ports(&self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        let goes_on = matches!(notice, Notice::Start | Notice::Flush);
        let demand = self.tell_each(notice, cx)?;
        Ok(if goes_on && demand == Demand::Done { Demand::More } else { demand })
    }

    /// Asks all ports, see [`Question::of_all`].
    fn ask_ports(&self, mut question: Question<'_>) -> bool {
        let all = question.asks_all();
        let mut answer = all;
        self.ports(&mut |port| {
            let one = port.ask(question.reborrow());
            answer = if all { answer && one } else { answer || one };
        });
        answer
    }

    /// The receipt for an event, from those of the ports that it went to. A port that nobody listens to is no reason to
    /// stop the source; all of them are.
    fn receipt_of(&self, receipts: Receipts) -> Demand {
        if receipts.any_done() && !self.ask_ports(Question::Open) { Demand::Done } else { receipts.of_open() }
    }
}

/// For filters and sinks with several outputs, which have no other reason to go on.
pub(crate) trait TellEach: Ports {
    /// Tells all ports. The receipt is `Done` if none of them goes on, also at a start.
    fn tell_each(&self, mut notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        let (mut receipts, mut any, mut fatal) = (Receipts::default(), false, None);
        self.ports(&mut |port| {
            any = true;
            if fatal.is_none() {
                match port.notice(notice.reborrow(), cx) {
                    Ok(demand) => receipts.add(demand),
                    Err(error) => fatal = Some(error),
                }
            }
        });
        match fatal {
            Some(error) => Err(error),
            None => Ok(if any { receipts.sum() } else { Demand::More }),
        }
    }
}

impl<P: Ports + ?Sized> TellEach for P {}

/// No ports.
impl Ports for () {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

/// One port.
impl<T: Clone + 'static> Ports for Port<T> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.as_ref());
    }
}

/// Several ports.
impl<P: Ports> Ports for Vec<P> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        self.iter().for_each(|port| port.ports(see));
    }
}

macro_rules! several {
    ($($name:ident $i:tt)+) => {
        /// Several ports.
        impl<$($name: Ports),+> Ports for ($($name,)+) {
            fn ports(&self, see: &mut dyn FnMut(PortRef)) {
                $(self.$i.ports(see);)+
            }
        }
    };
}
several!(A 0 B 1);
several!(A 0 B 1 C 2);
several!(A 0 B 1 C 2 D 3);

/// What the author of a Thing with several output ports writes, or of one that waits for descriptors. Every such Thing is an
/// [`OutputThing`].
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::{PortRef, diagram::Graph};
/// /// Sends evens and odds to ports of their own.
/// struct Sorted { next: u32, even: Port<u32>, odd: Port<u32> }
/// impl Ports for Sorted {
///     fn ports(&self, see: &mut dyn FnMut(PortRef)) {
///         see(self.even.as_ref());
///         see(self.odd.as_ref());
///     }
/// }
/// impl PortSource for Sorted {
///     fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
///         self.next += 1;
///         let port = if self.next % 2 == 0 { &self.even } else { &self.odd };
///         let _ = port.emit(self.next, cx)?; // one that nobody listens to is no reason to end
///         Ok(Demand::More)
///     }
/// }
/// let sorted = Sorted { next: 0, even: Port::new().named("even"), odd: Port::new().named("odd") };
/// sorted.odd.connect(call(drop));
/// assert_eq!(Graph::of(&sorted).to_string(), "Sorted -> even\nSorted -> odd -> call\n");
/// ```
pub trait PortSource: Ports {
    /// Sends the next event or events.
    ///
    /// # Errors
    /// See [`Source::pull`](crate::Source::pull).
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure>;

    /// Takes a notice: tells the ports of all but [`Notice::Wake`], which the scheduler brings to them. Override for what the
    /// Thing itself does at the start, at a time that it has asked for, or at the end.
    ///
    /// # Errors
    /// The fatal error of a connected Thing.
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if matches!(notice, Notice::Wake) { Ok(Demand::More) } else { self.tell_ports(notice, cx) }
    }

    /// Answers a question, by asking the ports. A Thing without ports, such as one that answers at a socket, goes on although
    /// nobody listens; one that has inputs besides its port has that [keep running](Port::keep_running). Override for a Thing that
    /// holds events itself, or that has no room for more.
    fn answer(&self, question: Question<'_>) -> bool {
        let mut without = matches!(question, Question::Open);
        self.ports(&mut |_| without = false);
        without || self.ask_ports(question)
    }

    /// When the Thing acts next by a timetable of its own, see [`Source::due`](crate::Source::due).
    fn due(&mut self, _cx: &mut Context<'_>) -> Option<Instant> {
        None
    }

    /// The name in drawings and reports. By default that of the type.
    fn name(&self) -> &str {
        short_name::<Self>()
    }
}

impl<S: PortSource> OutputThing for S {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        self.send(cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.on_notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.answer(question)
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        PortSource::due(self, cx)
    }
    fn name(&self) -> &str {
        PortSource::name(self)
    }
}
