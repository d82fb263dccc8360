//! `begin_each(f)`: send the port of a source that `f` makes for each event, and that begins then.
//!
//! Holds nothing.

use crate::chain::Chain;
use crate::output::{Flow, Source};
use crate::port::Port;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`begin_each`](super::Elementwise::begin_each).
#[derive(Clone, Copy, Debug)]
pub struct BeginEach<F>(pub(super) F);

impl<E, S, G, F> Filter<E> for BeginEach<F>
where
    S: Source + 'static,
    G: Filter<S::Item, Out: Clone + 'static> + 'static,
    F: FnMut(E) -> Flow<S, G>,
{
    type Out = Port<G::Out>;
    fn on_next(&mut self, event: E, out: &mut Emitter<'_, '_, impl InputThing<Port<G::Out>>>) -> Receipt {
        let (flow, port) = ((self.0)(event), Port::new());
        let cx = out.context();
        match cx.schedule_recurring(flow.connect(port.clone())) {
            Ok(handle) => {
                handle.let_go_when_forsaken();
                out.next(port)
            }
            Err(error) => Err(cx.fatal(error)),
        }
    }
}
