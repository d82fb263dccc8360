//! A [`Shared`] Thing that is scheduled: it sends by itself, and takes what comes through its inputs.

use super::{Inner, Shared};
use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, FatalError};
use crate::notice::{Notice, Question};
use crate::output::OutputThing;
use crate::thing::{Demand, Receipt};

/// Schedule a clone: the Thing itself stays with its inputs. So a client sends what comes through its inputs, and its ports
/// what it hears, all by one connection.
impl<S: OutputThing + 'static> OutputThing for Shared<S> {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let demand = self.inner.call(Demand::More, cx, S::produce)?;
        if demand == Demand::Done {
            self.inner.is_done.set(true);
        }
        Ok(demand)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if matches!(notice, Notice::Wake) && self.inner.wake.get().is_some() {
            return self.inner.wake(cx);
        }
        self.inner.call(Demand::More, cx, |thing, cx| thing.notice(notice, cx))
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.name(); // its inputs have the same one
        match self.inner.thing.try_borrow() {
            Ok(thing) => thing.ask(question),
            Err(_) => matches!(question, Question::Open | Question::Room),
        }
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.inner.thing.try_borrow_mut().ok()?.due(cx)
    }
    fn name(&self) -> &str {
        if self.inner.name.get().is_none()
            && let Ok(thing) = self.inner.thing.try_borrow()
        {
            let _ = self.inner.name.set(thing.name().into());
        }
        self.inner.name()
    }
}

impl<S: 'static> Inner<S> {
    /// Calls the Thing, unless it is being called, and then delivers what came in the meantime.
    fn call<R, E: From<FatalError>>(
        &self,
        otherwise: R,
        cx: &mut Context<'_>,
        call: impl FnOnce(&mut S, &mut Context<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let result = match self.thing.try_borrow_mut() {
            Ok(mut thing) => call(&mut thing, cx)?,
            Err(_) => return Ok(otherwise),
        };
        self.drain(cx)?;
        Ok(result)
    }
}

#[cfg(feature = "std")]
impl<S: crate::EventThing + 'static> crate::EventThing for Shared<S> {
    fn register(&mut self, registry: &crate::Registry) -> std::io::Result<()> {
        self.inner.thing.borrow_mut().register(registry)
    }
}
