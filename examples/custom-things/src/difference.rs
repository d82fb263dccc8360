//! A Thing of one's own with two inputs.

use thingflow::prelude::*;

/// A Thing with two inputs: sends how much warmer it is indoors, each time either changes.
pub(crate) struct Difference {
    indoors: Option<f64>,
    outdoors: Option<f64>,
    out: Port<f64>,
}

impl Ports for Difference {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.out.as_ref());
    }
}

impl Difference {
    pub(crate) fn new(out: Port<f64>) -> Self {
        Self { indoors: None, outdoors: None, out }
    }
    pub(crate) fn on_indoors(&mut self, v: f64, cx: &mut Context<'_>) -> Receipt {
        self.indoors = Some(v);
        self.send(cx)
    }
    pub(crate) fn on_outdoors(&mut self, v: f64, cx: &mut Context<'_>) -> Receipt {
        self.outdoors = Some(v);
        self.send(cx)
    }
    fn send(&self, cx: &mut Context<'_>) -> Receipt {
        self.indoors.zip(self.outdoors).map_or(Ok(Demand::More), |(a, b)| self.out.emit(a - b, cx))
    }
}
