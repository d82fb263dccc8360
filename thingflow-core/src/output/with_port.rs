//! [`Output`]: a source with a port.

use core::fmt;

use super::OutputThing;
use super::source::{Source, pull_into};
use crate::chain::Chain;
use crate::clock::Instant;
use crate::context::Context;
use crate::error::Failure;
use crate::notice::{Notice, Question};
use crate::port::{Connection, Port, PortChain};
use crate::thing::{Demand, Filter, InputThing, Receipt};

/// A source with an output port: any number of chains can begin at `&output`, before and while it is scheduled.
///
/// [`SensorOutput`](crate::SensorOutput) is the one for sensors.
#[must_use = "an output does nothing until it is scheduled"]
pub struct Output<S: Source> {
    source: S,
    port: Port<S::Item>,
}

impl<S: Source> Output<S>
where
    S::Item: Clone + 'static,
{
    pub(crate) fn of(source: S) -> Self {
        Self { source, port: Port::new() }
    }

    /// The output port. Keep a clone to connect more after the output has been scheduled.
    pub fn port(&self) -> &Port<S::Item> {
        &self.port
    }

    /// Connects a Thing to the port.
    pub fn connect<N: InputThing<S::Item> + 'static>(&self, thing: N) -> Connection {
        self.port.connect(thing)
    }

    /// Names the output in drawings and reports.
    pub fn named(self, name: impl Into<alloc::string::String>) -> Self {
        let _same = self.port.clone().named(name);
        self
    }

    /// Goes on sampling although nobody listens, see [`Port::keep_running`].
    pub fn keep_running(self) -> Self {
        let _same = self.port.clone().keep_running();
        self
    }

    /// The source itself.
    pub fn source(&self) -> &S {
        &self.source
    }
}

impl<S: Source> Chain for &Output<S>
where
    S::Item: Clone + 'static,
{
    type Item = S::Item;
    type Piped<F: Filter<S::Item> + 'static> = PortChain<S::Item, F>;
    type Ended<N: InputThing<S::Item> + 'static> = Connection;

    fn pipe<F: Filter<S::Item> + 'static>(self, filter: F) -> PortChain<S::Item, F> {
        (&self.port).pipe(filter)
    }
    fn connect<N: InputThing<S::Item> + 'static>(self, thing: N) -> Connection {
        self.port.connect(thing)
    }
}

impl<S: Source> OutputThing for Output<S>
where
    S::Item: Clone + 'static,
{
    #[inline]
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        pull_into(&mut self.source, &mut self.port, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Start => {
                let _ = self.source.due(cx); // its time begins here
                self.port.notice(Notice::Start, cx)
            }
            Notice::Wake => Ok(Demand::More),
            notice => self.port.as_ref().notice(notice, cx),
        }
    }
    fn ask(&self, mut question: Question<'_>) -> bool {
        if let Question::Describe(visitor) = &mut question {
            crate::visit::show_type::<S>(self.source.name(), *visitor);
            if let Some(name) = self.port.given_name() {
                visitor.place(&name);
            }
        }
        self.port.ask(question)
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.source.due(cx)
    }
    fn name(&self) -> &str {
        self.source.name()
    }
}

/// Says so if it had readers and never ran: most likely it should have been scheduled.
impl<S: Source> Drop for Output<S> {
    fn drop(&mut self) {
        if self.port.waits_in_vain() {
            let name = self.port.given_name().unwrap_or_else(|| self.source.name().into());
            log::warn!("the output `{name}` has readers and never ran: schedule it");
        }
    }
}

impl<S: Source> fmt::Debug for Output<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({}, {:?})", self.source.name(), self.port)
    }
}
