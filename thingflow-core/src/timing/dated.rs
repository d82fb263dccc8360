//! `dated()`: mark each event with the moment at which it came.
//!
//! Holds nothing.

use crate::moment::Dated;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`dated`](super::Timing::dated).
#[derive(Clone, Copy, Debug)]
pub struct Date;

impl<T> Filter<T> for Date {
    type Out = Dated<T>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Dated<T>>>) -> Receipt {
        let moment = out.context().moment();
        out.next(Dated::new(moment, event))
    }
}
