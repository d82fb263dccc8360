//! A filter of one's own, and its fluent method.

use thingflow::prelude::*;

/// A filter: passes an event only if it differs from the last one passed by at least `band`. The built-in `deadband` does the
/// same for numbers of all kinds and sensor events.
pub(crate) struct ChangedBy {
    band: f64,
    last: Option<f64>,
}

impl Filter<f64> for ChangedBy {
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
    fn changed_by(self, band: f64) -> Self::Piped<ChangedBy> {
        self.pipe(ChangedBy { band, last: None })
    }
}

impl<C: Chain<Item = f64>> MyFilters for C {}
