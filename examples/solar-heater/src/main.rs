//! Two thermometers and a switch → a controller with a state → commands for the pump of a solar heater.
//!
//! ```sh
//! cargo run -p solar-heater
//! ```

mod controller;

use std::error::Error;
use std::time::Duration;

use thingflow::prelude::*;
use thingflow::sensors::simulated::List;

use controller::{Command, Controller, Switch};

const ROOF: [f64; 9] = [30.0, 50.0, 55.0, 60.0, 60.0, 45.0, 42.0, 45.0, 60.0];
const TANK: [f64; 9] = [40.0; 9];

fn main() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    heater(&scheduler)?.print_debug();
    scheduler.run_forever()?;
    Ok(())
}

/// A thermometer that says nothing for so long has failed: the pump stops.
const SILENCE: Duration = Duration::from_secs(5);

/// Connects and schedules all three inputs. The port is that of the commands.
fn heater(scheduler: &Scheduler) -> Result<Port<Command>, Box<dyn Error>> {
    let pump = Port::new().named("pump");
    let controller = Shared::new(Controller::new(pump.clone()));
    let every = Duration::from_secs(1);
    scheduler.schedule_sensor(List::new("roof", ROOF), every, |roof| {
        let input = controller.input(Controller::on_roof).on_completed(Controller::on_lost);
        roof.timeout(SILENCE).connect(input.on_error(Controller::on_failed));
    })?;
    scheduler.schedule_sensor(List::new("tank", TANK), every, |tank| {
        let input = controller.input(Controller::on_tank).on_completed(Controller::on_lost);
        tank.timeout(SILENCE).connect(input.on_error(Controller::on_failed));
    })?;
    let switch = from_iter([Switch::Off, Switch::Auto]).connect(controller.input(Controller::on_switch));
    scheduler.schedule_periodic(switch, Duration::from_millis(2750))?;
    Ok(pump)
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::Recorder;

    #[test]
    fn the_pump_follows_the_sun_and_the_switch() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let seen = Recorder::new();
        heater(&scheduler)?.connect(seen.clone());
        scheduler.run_forever()?;
        assert_eq!(seen.timed_text(), "Start@2 Stop@2.75 Start@5.5 Stop@7 Start@9 Stop@10");
        Ok(())
    }
}
