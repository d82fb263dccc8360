//! [`Branch`]: chains that begin at a port.

use super::{Connection, Port, PortChain};
use crate::chain::Chain;
use crate::output::{Output, Source};
use crate::thing::{Filter, InputThing};

/// A chain that begins at a port, so that nothing is left to be done once its end is connected: what can be an input of a
/// join, and what can be split into several ports.
///
/// A flow is none: connected, it is still to be scheduled. Let its chain begin at the port of
/// [`flow.output()`](crate::Flow::output), or make the Thing yourself, for example by
/// [`Split::new`](crate::splitting::Split::new): take its ports, connect it, and schedule the flow.
///
/// ```compile_fail
/// use thingflow_core::prelude::*;
/// let (even, odd) = from_iter(1..9).partition(|x| x % 2 == 0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not begin at a port",
    note = "what does is `&port`, `&output`, a chain that begins there, or a join; `.output()` gives a flow a port"
)]
pub trait Branch: Chain<Item: 'static> {
    /// Connects the end of the chain to a Thing.
    fn attach<N: InputThing<Self::Item> + 'static>(self, thing: N) -> Connection;
}

impl<T: Clone + 'static> Branch for &Port<T> {
    fn attach<N: InputThing<T> + 'static>(self, thing: N) -> Connection {
        Chain::connect(self, thing)
    }
}

impl<S: Source> Branch for &Output<S>
where
    S::Item: Clone + 'static,
{
    fn attach<N: InputThing<S::Item> + 'static>(self, thing: N) -> Connection {
        Chain::connect(self, thing)
    }
}

impl<T: Clone + 'static, F: Filter<T> + 'static> Branch for PortChain<T, F>
where
    F::Out: 'static,
{
    fn attach<N: InputThing<F::Out> + 'static>(self, thing: N) -> Connection {
        self.connect(thing)
    }
}
