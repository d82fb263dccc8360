//! [`Trace`]: logs what passes any port of a live graph, without a change to its chains.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::{Any, TypeId};
use core::fmt::{self, Debug, Display};

use super::clean::{called, clean};
use super::trace::TARGET;
use crate::context::Context;
use crate::event::SensorEvent;
use crate::notice::{Notice, Question};
use crate::output::OutputThing;
use crate::port::PortRef;
use crate::thing::{Demand, InputThing, Receipt};
use crate::visit::{Visitor, ports_behind, short_name};

/// Logs every notice that a port sends, for all ports behind a source: events and what was answered, if that was not
/// `More`, at the level `debug`; the end at `info`. The target is `thingflow::trace`.
///
/// It traces the connections there are. What is connected later, and what passes inside of a chain, is not seen: use
/// [`traced`](super::Tracing::traced) for that. Numbers, truth values, text and sensor events of them are shown as they
/// are; of other types the name, unless [`show`](Self::show) is told of them.
///
/// ```
/// use thingflow_core::diagram::Trace;
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::ListSensor;
/// let lux = SensorOutput::new(ListSensor::new("lux", [20.0, 30.0]));
/// let average = lux.map(|e| e.val).running_avg(5).share().named("average");
/// average.connect(call(drop));
/// Trace::new().downstream(&lux);
/// // logs "lux -> map -> running_avg -> average: next lux 1970-01-01T00:00:01Z 20" and "average -> call: next 20.0"
/// ```
#[doc(alias = "trace_downstream")]
#[derive(Clone, Default)]
pub struct Trace {
    shows: Rc<Shows>,
}

impl Trace {
    /// A trace that shows the common types.
    pub fn new() -> Self {
        let trace = Self::default().show::<String>().show::<&'static str>().show::<()>();
        let trace = trace.number::<f64>().number::<f32>().number::<bool>().number::<usize>();
        let trace = trace.number::<i64>().number::<i32>().number::<i16>().number::<i8>();
        trace.number::<u64>().number::<u32>().number::<u16>().number::<u8>()
    }

    fn number<T: Debug + Display + 'static>(self) -> Self {
        self.show::<T>()
            .show_by::<SensorEvent<T>>(|event, f| write(event, |event: &SensorEvent<T>| write!(f, "{event}")))
    }

    /// Shows events of type `T` by their `Debug`.
    #[must_use]
    pub fn show<T: Debug + 'static>(self) -> Self {
        self.show_by::<T>(|event, f| write(event, |event: &T| write!(f, "{event:?}")))
    }

    fn show_by<T: 'static>(mut self, show: Show) -> Self {
        Rc::make_mut(&mut self.shows).0.push((TypeId::of::<T>(), show));
        self
    }

    /// How it shows events.
    #[cfg(feature = "std")]
    pub(crate) fn shows(&self) -> Rc<Shows> {
        self.shows.clone()
    }

    /// Traces all ports behind a source. A second call logs everything twice.
    pub fn downstream(&self, source: &dyn OutputThing) {
        self.source(source, &mut BTreeSet::new());
    }

    /// Traces all ports behind what is scheduled.
    #[cfg(feature = "std")]
    pub fn scheduled(&self, scheduler: &crate::Scheduler) {
        let mut seen = BTreeSet::new();
        scheduler.each_shown(|source| self.source(source, &mut seen));
    }

    /// Traces a port and all behind it: `trace.downstream_of(&port.as_ref())`.
    pub fn downstream_of(&self, port: &PortRef) {
        let ports = ports_behind(|visitor| visitor.port(port.clone(), false));
        ports.iter().for_each(|port| port.port().trace(&port.name(), &self.shows));
    }

    /// A source's own port has the name of the source, unless it was given one.
    fn source(&self, source: &dyn OutputThing, seen: &mut BTreeSet<usize>) {
        let own = first_ports(source);
        for port in ports_behind(|visitor| source.describe(visitor)) {
            if seen.insert(port.id()) {
                let name = Some(port.name()).filter(|name| name != "port" || !own.contains(&port.id()));
                port.port().trace(name.as_deref().unwrap_or(source.name()), &self.shows);
            }
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("types", &self.shows.0.len()).finish()
    }
}

fn write<T: 'static>(event: &dyn Any, show: impl FnOnce(&T) -> fmt::Result) -> fmt::Result {
    event.downcast_ref().map_or(Ok(()), show)
}

type Show = fn(&dyn Any, &mut dyn fmt::Write) -> fmt::Result;

/// How events of the known types are shown.
#[derive(Clone, Default)]
pub(crate) struct Shows(Vec<(TypeId, Show)>);

impl Shows {
    /// Writes an event as it is to be shown; of an unknown type the name of that.
    pub(crate) fn write<T: 'static>(&self, event: &T, f: &mut dyn fmt::Write) -> fmt::Result {
        let known = self.0.iter().find(|(id, _)| *id == TypeId::of::<T>());
        match known {
            Some((_, show)) => show(event, f),
            None => f.write_str(short_name::<T>()),
        }
    }

    fn text<T: 'static>(&self, event: &T) -> String {
        let mut text = String::new();
        let _ = self.write(event, &mut text); // a `Debug` that fails shows what it has written by then
        text
    }
}

/// Around the Thing at one connection of a port.
pub(crate) struct Hop<T> {
    thing: Box<dyn InputThing<T>>,
    /// The port, the filters and the end of the connection.
    way: String,
    shows: Rc<Shows>,
}

impl<T: 'static> Hop<T> {
    pub(crate) fn new(port: &str, thing: Box<dyn InputThing<T>>, shows: Rc<Shows>) -> Self {
        let mut way = Way(clean(port));
        thing.ask(Question::Describe(&mut way));
        Self { thing, way: way.0, shows }
    }

    fn log_next(&self, event: &T) {
        if log::log_enabled!(target: TARGET, log::Level::Debug) {
            log::debug!(target: TARGET, "{}: next {}", self.way, self.shows.text(event));
        }
    }

    fn log_end(&self, what: impl Display) {
        log::info!(target: TARGET, "{}: {what}", self.way);
    }

    fn answered(&self, receipt: Receipt) -> Receipt {
        if !matches!(receipt, Ok(Demand::More)) {
            log::debug!(target: TARGET, "{}: was answered {receipt:?}", self.way);
        }
        receipt
    }
}

impl<T: 'static> InputThing<T> for Hop<T> {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.log_next(&event);
        let receipt = self.thing.next(event, cx);
        self.answered(receipt)
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        self.log_next(event);
        let receipt = self.thing.next_ref(event, cx);
        self.answered(receipt)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match &notice {
            Notice::Completed => self.log_end("completed"),
            Notice::Error(error) => self.log_end(format_args!("error: {error}")),
            _ => {}
        }
        self.thing.notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.thing.ask(question)
    }
}

/// The ports of a source itself.
fn first_ports(source: &dyn OutputThing) -> Vec<usize> {
    #[derive(Default)]
    struct First {
        ports: Vec<usize>,
        has_filters: bool,
    }
    impl Visitor for First {
        fn filter(&mut self, _: &str) {
            self.has_filters = true;
        }
        fn place(&mut self, _: &str) {}
        fn branch(&mut self, _: &dyn Fn(&mut dyn Visitor)) {}
        fn sink(&mut self, _: &str) {}
        fn port(&mut self, port: PortRef, _: bool) {
            if !self.has_filters {
                self.ports.push(port.id());
            }
        }
    }
    let mut first = First::default();
    source.describe(&mut first);
    first.ports
}

/// Writes the way of a connection down, without its branches.
struct Way(String);

impl Way {
    fn push(&mut self, name: &str) {
        self.0 = format!("{} -> {}", self.0, clean(name));
    }
}

impl Visitor for Way {
    fn filter(&mut self, name: &str) {
        self.push(name);
    }
    fn filter_type(&mut self, name: &'static str) {
        self.push(&called(name));
    }
    fn sink_type(&mut self, name: &'static str) {
        self.push(&called(name));
    }
    fn branch(&mut self, _: &dyn Fn(&mut dyn Visitor)) {}
    fn sink(&mut self, name: &str) {
        self.push(name);
    }
    fn port(&mut self, port: PortRef, _: bool) {
        self.push(&port.name());
    }
}
