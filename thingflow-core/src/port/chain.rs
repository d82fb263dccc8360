//! Chains that begin at a port: what the fluent methods on `&Port` make.

use core::fmt;

use super::{Connection, Port};
use crate::chain::{Chain, Connected, Then};
use crate::thing::{Filter, InputThing};

/// A chain that begins at a port and has not been connected yet.
#[must_use = "a chain does nothing until it is connected"]
pub struct PortChain<T, F> {
    port: Port<T>,
    filter: F,
}

impl<T: Clone + 'static, F: Filter<T> + 'static> PortChain<T, F>
where
    F::Out: Clone + 'static,
{
    /// Ends the chain in a port of its own, so that any number of branches can begin there.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// let lux = Port::<f64>::new();
    /// let average = lux.running_avg(5).share();
    /// average.for_each(|v| println!("{v}"));
    /// average.map(|v| v > 25.0).for_each(|on| println!("{on}"));
    /// ```
    #[doc(alias = "publish")]
    pub fn share(self) -> Port<F::Out> {
        let port = Port::new();
        self.connect(port.clone());
        port
    }
}

impl<T: Clone + 'static> Chain for &Port<T> {
    type Item = T;
    type Piped<F: Filter<T> + 'static> = PortChain<T, F>;
    type Ended<N: InputThing<T> + 'static> = Connection;

    fn pipe<F: Filter<T> + 'static>(self, filter: F) -> PortChain<T, F> {
        PortChain { port: self.clone(), filter }
    }
    fn connect<N: InputThing<T> + 'static>(self, thing: N) -> Connection {
        Port::connect(self, thing)
    }
}

impl<T: Clone + 'static, F: Filter<T> + 'static> Chain for PortChain<T, F> {
    type Item = F::Out;
    type Piped<G: Filter<F::Out> + 'static> = PortChain<T, Then<F, G>>;
    type Ended<N: InputThing<F::Out> + 'static> = Connection;

    fn pipe<G: Filter<F::Out> + 'static>(self, filter: G) -> PortChain<T, Then<F, G>> {
        PortChain { port: self.port, filter: Then::new(self.filter, filter) }
    }
    fn connect<N: InputThing<F::Out> + 'static>(self, thing: N) -> Connection {
        self.port.connect(Connected::new(self.filter, thing))
    }
}

impl<T, F: fmt::Debug> fmt::Debug for PortChain<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortChain").field("port", &self.port).field("filter", &self.filter).finish()
    }
}
