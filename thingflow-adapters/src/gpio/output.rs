//! `pin_out(name, pin)`: a pin, driven by the events of a stream.

use std::fmt;

use embedded_hal::digital::{OutputPin, PinState};
use thingflow_core::{Closed, Context, Demand, InputThing, Receipt, StreamError, Visitor};

/// A Thing that drives a pin: high at `true`, low at `false`, written on changes only. Sensor events do not fit, by
/// their type; say first what they mean: `.map(|e| e.val > 25.0)`.
///
/// The pin is at its safe level, low unless told otherwise, before the first event, at the end of the stream, and when
/// the Thing is dropped: so also when the run ends by a signal, a fatal error or a panic. (Not when the process is
/// killed or the machine fails: a heater wants a watchdog in hardware as well.)
///
/// ```
/// use thingflow_adapters::gpio::{PinState, SimulatedPin, pin_out};
/// use thingflow_core::prelude::*;
/// let relay = SimulatedPin::new(); // one that is off when its pin is high
/// pipe().to(pin_out("relay", relay.clone()).safe(PinState::High)).feed([true, false, false])?;
/// assert_eq!(relay.writes(), [true, false, true]);
/// # Ok::<(), RunError>(())
/// ```
pub fn pin_out<P: OutputPin>(name: impl Into<String>, pin: P) -> GpioPinOut<P> {
    GpioPinOut { pin, name: name.into(), safe: PinState::Low, last: Last::Untouched }
}

/// Made by [`pin_out`].
pub struct GpioPinOut<P: OutputPin> {
    pin: P,
    name: String,
    safe: PinState,
    last: Last,
}

/// What was written last.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Untouched,
    Wrote(PinState),
    Failed,
}

impl<P: OutputPin> GpioPinOut<P> {
    /// Another safe level than low.
    #[must_use]
    pub fn safe(mut self, safe: PinState) -> Self {
        self.safe = safe;
        self
    }

    fn write(&mut self, level: PinState) -> Result<(), P::Error> {
        if self.last == Last::Wrote(level) {
            return Ok(());
        }
        self.last = Last::Failed;
        self.pin.set_state(level)?;
        self.last = Last::Wrote(level);
        Ok(())
    }

    fn drive(&mut self, level: PinState, cx: &mut Context<'_>) -> Closed {
        self.write(level).map_err(|error| cx.fatal(self.explain(level, &error)))
    }

    fn explain(&self, level: PinState, error: &P::Error) -> String {
        let level = if level == PinState::High { "high" } else { "low" };
        let check = "check the wiring, and that no other program uses the pin or its bus";
        format!("the pin `{}` cannot be set {level}: {error:?}; {check}", self.name)
    }
}

impl<P: OutputPin> InputThing<bool> for GpioPinOut<P> {
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.drive(self.safe, cx)?;
        Ok(Demand::More)
    }
    fn on_next(&mut self, high: bool, cx: &mut Context<'_>) -> Receipt {
        self.drive(high.into(), cx)?;
        Ok(Demand::More)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.drive(self.safe, cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report(&self.name, &error);
        self.drive(self.safe, cx)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink(&self.name);
    }
}

impl<P: OutputPin> Drop for GpioPinOut<P> {
    fn drop(&mut self) {
        if self.last == Last::Untouched {
            return; // it has never been ours
        }
        if let Err(error) = self.write(self.safe) {
            log::error!("{}", self.explain(self.safe, &error));
        }
    }
}

impl<P: OutputPin> fmt::Debug for GpioPinOut<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GpioPinOut").field("name", &self.name).field("safe", &self.safe).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpio::SimulatedPin;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;
    use thingflow_core::testing::{FlakySensor, ListSensor};
    use thingflow_core::{
        Filters, Instant, Port, Scheduler, SensorOutput, call, pipe, prelude::Chain, sinks::try_call,
    };

    #[test]
    fn writes_on_change_only_and_low_at_completion() {
        let pin = SimulatedPin::new();
        pipe().to(pin_out("led", pin.clone())).feed([true, true, false, true]).unwrap();
        assert_eq!(pin.writes(), [false, true, false, true, false]);
    }

    #[test]
    fn goes_low_at_an_error() {
        let (pin, port) = (SimulatedPin::new(), Port::new());
        port.connect(pin_out("led", pin.clone()));
        let cx = &mut Context::detached(Instant::ZERO);
        port.emit(true, cx).unwrap();
        assert!(pin.level());
        port.fail(StreamError::new("no reading"), cx).unwrap();
        assert!(!pin.level());
    }

    #[test]
    fn goes_low_when_it_is_disconnected() {
        let (pin, port) = (SimulatedPin::new(), Port::new());
        let connection = port.connect(pin_out("led", pin.clone()));
        port.emit(true, &mut Context::detached(Instant::ZERO)).unwrap();
        assert!(pin.level());
        connection.disconnect();
        assert!(!pin.level());
    }

    #[test]
    fn is_left_alone_when_it_was_never_started() {
        let pin = SimulatedPin::new();
        drop(pin_out("led", pin.clone()));
        assert_eq!(pin.writes(), []);
    }

    #[test]
    fn a_failing_sensor_leaves_the_heater_off() {
        let pin = SimulatedPin::new();
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let temperature = SensorOutput::new(FlakySensor::new("t", [Ok(10.0), Err("no answer"), Ok(10.0)]));
        temperature.map(|e| e.val < 20.0).connect(pin_out("heater", pin.clone()));
        scheduler.schedule_periodic(temperature, Duration::from_secs(1)).unwrap();
        scheduler.run_forever().unwrap();
        assert_eq!(pin.writes(), [false, true, false]);
    }

    #[test]
    fn a_fatal_error_elsewhere_leaves_the_heater_off() {
        let pin = SimulatedPin::new();
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let temperature = SensorOutput::new(ListSensor::new("t", [10.0, 10.0]));
        temperature.map(|e| e.val < 20.0).connect(pin_out("heater", pin.clone()));
        temperature.connect(try_call(|_| Err("the disk is full")));
        scheduler.schedule_periodic(temperature, Duration::from_secs(1)).unwrap();
        scheduler.run_forever().unwrap_err();
        assert_eq!(pin.writes(), [false, true, false]);
    }

    #[test]
    fn a_stop_leaves_the_heater_off() {
        let pin = SimulatedPin::new();
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let temperature = SensorOutput::new(ListSensor::new("t", [10.0; 9]));
        temperature.map(|e| e.val < 20.0).connect(pin_out("heater", pin.clone()));
        let stopper = scheduler.stopper();
        temperature.connect(call(move |_| stopper.stop()));
        scheduler.schedule_periodic(temperature, Duration::from_secs(1)).unwrap();
        scheduler.run_forever().unwrap();
        drop(scheduler);
        assert_eq!(pin.writes(), [false, true, false]);
    }

    #[test]
    fn a_panic_leaves_the_heater_off() {
        let pin = SimulatedPin::new();
        let ours = pin.clone();
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            let mut scheduler = Scheduler::virtual_time().unwrap();
            let temperature = SensorOutput::new(ListSensor::new("t", [10.0, 10.0]));
            temperature.map(|e| e.val < 20.0).connect(pin_out("heater", ours));
            temperature.connect(call(|_| panic!("a bug")));
            scheduler.schedule_periodic(temperature, Duration::from_secs(1)).unwrap();
            scheduler.run_forever()
        }));
        assert!(!matches!(panicked, Ok(Ok(()))));
        assert_eq!(pin.writes(), [false, true, false]);
    }

    #[test]
    fn a_pin_that_fails_ends_the_run_and_is_tried_once_more() {
        let pin = SimulatedPin::new();
        let mut chain = pipe().to(pin_out("heater", pin.clone()));
        pin.break_with("remote I/O error");
        let error = chain.feed([true]).unwrap_err().to_string();
        assert_eq!(
            error,
            "the pin `heater` cannot be set low: remote I/O error; check the wiring, and that no other program uses the \
             pin or its bus"
        );
        pin.mend();
        drop(chain);
        assert_eq!(pin.writes(), [false]);
    }
}
