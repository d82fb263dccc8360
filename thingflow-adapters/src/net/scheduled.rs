//! [`Scheduled`]: what a scheduler is given of a Thing whose handles the program keeps.

use std::io;

use thingflow_core::{
    Context, Demand, EventThing, Failure, Instant, Notice, OutputThing, Question, Receipt, Registry, Shared,
};

/// A Thing that says goodbye to its peers when its schedule, or the run, ends: then this is dropped, and handles may live on.
pub(crate) struct Scheduled<S: 'static> {
    shared: Shared<S>,
    close: fn(&mut S),
    /// That of the Thing, which does not change: what is shared cannot be borrowed for as long as a name is looked at.
    name: String,
}

impl<S: OutputThing> Scheduled<S> {
    pub(crate) fn new(shared: &Shared<S>, close: fn(&mut S)) -> Self {
        Self { shared: shared.clone(), close, name: shared.with(|thing| thing.name().to_owned()) }
    }
}

impl<S: OutputThing> OutputThing for Scheduled<S> {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        self.shared.produce(cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.shared.notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.shared.ask(question)
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.shared.due(cx)
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl<S: EventThing> EventThing for Scheduled<S> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.shared.register(registry)
    }
}

impl<S> Drop for Scheduled<S> {
    fn drop(&mut self) {
        self.shared.with(self.close);
    }
}
