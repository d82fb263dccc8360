//! A fan that runs while a room is warm: sensor → average of five → threshold → pin.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use thingflow::adapters::gpio::{SimulatedPin, pin_out};
use thingflow::adapters::{logging, systemd};
use thingflow::embedded_hal::digital::OutputPin;
use thingflow::prelude::*;
use thingflow::sensors::simulated::Sine;

fn main() -> ExitCode {
    logging::init(); // RUST_LOG=debug shows more
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error:?}"); // with its causes
            ExitCode::FAILURE // so that systemd starts it again
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    let room = Sine::new("room", 60).amplitude(5.0).offset(24.0); // here: your sensor
    let fan = SimulatedPin::new(); // here: your pin
    control(&scheduler, room, fan)?;
    systemd::notify(&scheduler)?; // does nothing unless systemd has started the program
    scheduler.run_forever()?; // until Ctrl-C, SIGTERM or a fatal error
    Ok(())
}

/// What fails is tried again, less and less often; after twenty times in a row the run fails.
fn control<S, P>(scheduler: &Scheduler, room: S, fan: P) -> Result<(), Box<dyn Error>>
where
    S: Sensor<Reading = f64> + 'static,
    P: OutputPin<Error: Send + Sync> + 'static,
{
    let room = SensorOutput::new(room);
    room.fatal_errors().for_each(|event| log::info!("{event}"));
    let warm = room.map(|event| event.val).running_avg(5).hysteresis(24.0, 25.0).share();
    warm.dedup().for_each(|on| log::info!("fan: {on}"));
    warm.connect(pin_out("fan", fan).safe_after(Duration::from_secs(60))); // it stops while the sensor is silent
    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(60));
    let retry = OnFailure::Retry { backoff, attempts: 20 };
    scheduler.schedule_periodic(room, Periodic::every(Duration::from_secs(1)).on_failure(retry))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::FlakySensor;

    #[test]
    fn the_fan_runs_while_it_is_warm() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let fan = SimulatedPin::new();
        control(&scheduler, FlakySensor::new("room", [Ok(20.0), Err("no answer"), Ok(40.0)]), fan.clone())?;
        scheduler.run_for(Duration::from_millis(2500))?;
        assert!(fan.level(), "the average is 30, although a reading has failed");
        drop(scheduler);
        assert!(!fan.level(), "it stops when the program ends");
        Ok(())
    }
}
