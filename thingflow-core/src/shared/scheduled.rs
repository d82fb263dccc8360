//! A [`Shared`] Thing that is scheduled: it produces by itself, and takes what comes through its inputs.

use super::{Inner, Shared};
use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, StreamError};
use crate::output::OutputThing;
use crate::port::PortRef;
use crate::thing::{Closed, Demand, Receipt};
use crate::visit::{Visitor, short_name};

/// Schedule a clone: the Thing itself stays with its inputs. How a client publishes what comes through its inputs, and sends
/// what it hears by its ports, all by one connection.
impl<S: OutputThing + 'static> OutputThing for Shared<S> {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let demand = match self.inner.thing.try_borrow_mut() {
            Ok(mut thing) => thing.produce(cx)?,
            Err(_) => return Ok(Demand::More),
        };
        if demand == Demand::Done {
            self.inner.is_done.set(true);
        }
        self.inner.drain(cx)?;
        Ok(demand)
    }
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        if let Ok(thing) = self.inner.thing.try_borrow() {
            thing.ports(see);
        }
    }
    fn start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.inner.call(Ok(Demand::More), cx, S::start)
    }
    fn fail(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.inner.call(Ok(()), cx, |thing, cx| thing.fail(error, cx))
    }
    fn complete(&mut self, cx: &mut Context<'_>) -> Closed {
        self.inner.call(Ok(()), cx, S::complete)
    }
    fn is_listened(&self) -> bool {
        self.inner.thing.try_borrow().map_or(true, |thing| thing.is_listened())
    }
    fn has_room(&self) -> bool {
        self.inner.thing.try_borrow().map_or(true, |thing| thing.has_room())
    }
    fn wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        if self.inner.wake.get().is_some() {
            self.inner.wake(cx)
        } else {
            self.inner.call(Ok(Demand::More), cx, S::wake)
        }
    }
    fn is_draining(&self) -> bool {
        self.inner.thing.try_borrow().is_ok_and(|thing| thing.is_draining())
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.inner.thing.try_borrow_mut().ok()?.due(cx)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        if let Ok(thing) = self.inner.thing.try_borrow() {
            thing.describe(visitor);
        }
    }
    fn name(&self) -> &str {
        short_name::<S>()
    }
}

impl<S: 'static> Inner<S> {
    /// Calls the Thing, unless it is being called, and then delivers what came in the meantime.
    fn call<R>(
        &self,
        otherwise: Result<R, crate::FatalError>,
        cx: &mut Context<'_>,
        call: impl FnOnce(&mut S, &mut Context<'_>) -> Result<R, crate::FatalError>,
    ) -> Result<R, crate::FatalError> {
        let result = match self.thing.try_borrow_mut() {
            Ok(mut thing) => call(&mut thing, cx)?,
            Err(_) => return otherwise,
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
