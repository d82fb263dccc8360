//! `named(name)`: a name for this place of the chain, in drawings and reports.
//!
//! Holds nothing.

use crate::thing::{Emitter, Filter, InputThing, Receipt};
use crate::visit::Visitor;

/// Made by [`named`](super::Filters::named). Events pass unchanged.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([20.0]).map(|c| c * 1.8 + 32.0).named("to Fahrenheit").collect_now(), [68.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Named(pub(super) &'static str);

impl<T> Filter<T> for Named {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter(self.0);
    }
}
