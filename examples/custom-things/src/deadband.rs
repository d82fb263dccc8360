//! A filter of one's own, and its fluent method.

use thingflow_core::prelude::*;

/// A filter: passes an event only if it differs from the last one passed by at least `band`.
pub(crate) struct Deadband {
    band: f64,
    last: Option<f64>,
}

impl Filter<f64> for Deadband {
    type Out = f64;
    fn on_next(&mut self, v: f64, out: &mut Emitter<'_, '_, impl InputThing<f64>>) -> Receipt {
        if self.last.is_some_and(|last| (v - last).abs() < self.band) {
            return Ok(Demand::More);
        }
        self.last = Some(v);
        out.next(v)
    }
}

/// Its fluent method, on every chain of numbers: at ports, flows and pipes.
pub(crate) trait MyFilters: Chain<Item = f64> {
    fn deadband(self, band: f64) -> Self::Piped<Deadband> {
        self.pipe(Deadband { band, last: None })
    }
}

impl<C: Chain<Item = f64>> MyFilters for C {}
