//! [`Pin`]: a pin as a sink.

use embedded_hal::digital::OutputPin;
use thingflow::prelude::*;

/// Sets a pin; low at the end, whatever ended it. A fatal error of another Thing tells nobody, so the pin goes low when it is
/// dropped as well. A processor that hangs, or panics without unwinding, drops nothing: see the firmware's panic handler, and
/// give what can do harm a watchdog.
pub(crate) struct Pin<P: OutputPin> {
    pin: P,
    complaint: &'static str,
}

impl<P: OutputPin> Pin<P> {
    /// A pin that ends the run with `complaint` if it cannot be set.
    pub(crate) fn new(pin: P, complaint: &'static str) -> Self {
        Self { pin, complaint }
    }
}

impl<P: OutputPin> Sink for Pin<P> {
    type Event = bool;
    fn on_next(&mut self, high: bool, cx: &mut Context<'_>) -> Receipt {
        self.pin.set_state(high.into()).map(|()| Demand::More).map_err(|_| cx.fatal(self.complaint))
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.pin.set_low().map_err(|_| cx.fatal(self.complaint))
    }
    fn on_error(&mut self, _: StreamError, cx: &mut Context<'_>) -> Closed {
        self.on_completed(cx)
    }
}

impl<P: OutputPin> Drop for Pin<P> {
    fn drop(&mut self) {
        let _ = self.pin.set_low(); // nobody is left who could do anything about it
    }
}
