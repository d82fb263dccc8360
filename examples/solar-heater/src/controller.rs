//! The controller: what it knows, what it decides.

use thingflow::prelude::*;

/// The pump starts when the roof is warmer than the tank by this, in °C …
const START: f64 = 8.0;
/// … and stops when the difference is below this.
const STOP: f64 = 3.0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Switch {
    Auto,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Command {
    Start,
    Stop,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Idle,
    Heating,
    Off,
}

pub(crate) struct Controller {
    state: State,
    roof: Option<f64>,
    tank: Option<f64>,
    pump: Port<Command>,
}

impl Ports for Controller {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.pump.as_ref());
    }
}

impl Controller {
    pub(crate) fn new(pump: Port<Command>) -> Self {
        Self { state: State::Idle, roof: None, tank: None, pump }
    }

    pub(crate) fn on_roof(&mut self, event: SensorEvent<f64>, cx: &mut Context<'_>) -> Receipt {
        self.roof = Some(event.val);
        self.decide(cx)
    }

    pub(crate) fn on_tank(&mut self, event: SensorEvent<f64>, cx: &mut Context<'_>) -> Receipt {
        self.tank = Some(event.val);
        self.decide(cx)
    }

    pub(crate) fn on_switch(&mut self, to: Switch, cx: &mut Context<'_>) -> Receipt {
        match to {
            Switch::Off => self.go(State::Off, cx),
            Switch::Auto if self.state == State::Off => {
                self.state = State::Idle;
                self.decide(cx)
            }
            Switch::Auto => Ok(Demand::More),
        }
    }

    /// Without both thermometers the pump must not run.
    pub(crate) fn on_lost(&mut self, cx: &mut Context<'_>) -> Closed {
        (self.roof, self.tank) = (None, None);
        self.decide(cx).map(drop)
    }

    #[allow(clippy::needless_pass_by_value)] // the form of an error handler
    pub(crate) fn on_failed(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("controller", &error);
        self.on_lost(cx)
    }

    fn decide(&mut self, cx: &mut Context<'_>) -> Receipt {
        let gain = self.roof.zip(self.tank).map(|(roof, tank)| roof - tank);
        match (self.state, gain) {
            (State::Idle, Some(gain)) if gain > START => self.go(State::Heating, cx),
            (State::Heating, Some(gain)) if gain >= STOP => Ok(Demand::More),
            (State::Heating, _) => self.go(State::Idle, cx),
            _ => Ok(Demand::More),
        }
    }

    /// Changes the state; a command goes out only if the pump has to change too.
    fn go(&mut self, to: State, cx: &mut Context<'_>) -> Receipt {
        let from = std::mem::replace(&mut self.state, to);
        match (from == State::Heating, to == State::Heating) {
            (false, true) => self.pump.emit(Command::Start, cx),
            (true, false) => self.pump.emit(Command::Stop, cx),
            _ => Ok(Demand::More),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::Recorder;

    #[test]
    fn the_pump_stops_when_a_thermometer_fails() -> Result<(), FatalError> {
        let (roof, tank, pump, seen) = (Port::new(), Port::new(), Port::new(), Recorder::new());
        pump.connect(seen.clone());
        let controller = Shared::new(Controller::new(pump));
        roof.connect(controller.input(Controller::on_roof).on_error(Controller::on_failed));
        tank.connect(controller.input(Controller::on_tank));
        let cx = &mut Context::detached(Instant::ZERO);
        tank.emit(SensorEvent::new("tank", Timestamp::UNIX_EPOCH, 40.0), cx)?;
        roof.emit(SensorEvent::new("roof", Timestamp::UNIX_EPOCH, 60.0), cx)?;
        roof.fail(StreamError::new("no answer"), cx)?;
        assert_eq!(seen.text(), "Start Stop");
        Ok(())
    }
}
