//! A lamp that is lit while it is bright: sensor → average of five → threshold → pin.
//!
//! ```sh
//! cargo run -p lux-led                                # all simulated
//! cargo run -p lux-led --features tsl2591,gpio        # TSL2591 on I2C bus 1, LED on GPIO 17
//! cargo run -p lux-led --features mqtt                # publishes too: LUX_LED_BROKER=mqtt://broker.local
//! cargo xtask deploy --host pi@raspberrypi.local --example lux-led --features tsl2591,gpio  # as a service on a board
//! ```
//!
//! Wiring on a Raspberry Pi: TSL2591 to 3.3 V, ground, SDA (pin 3) and SCL (pin 5); the LED with a resistor of 330 Ω
//! between GPIO 17 (pin 11) and ground. Never an LED without its resistor.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use embedded_hal::digital::OutputPin;
use thingflow::adapters::gpio::pin_out;
use thingflow::prelude::*;

fn main() -> ExitCode {
    thingflow::adapters::logging::init();
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
    watch(&scheduler, sensor()?, led()?)?;
    #[cfg(feature = "systemd")]
    thingflow::adapters::systemd::notify(&scheduler)?;
    scheduler.run_forever()?;
    Ok(())
}

/// Prints the light, and lights the lamp while the average of five readings is above 25 lux. A reading that fails is logged
/// and tried again, less and less often; after twenty in a row, which take eleven minutes, the run fails.
fn watch<S, P>(scheduler: &Scheduler, sensor: S, led: P) -> Result<(), Box<dyn Error>>
where
    S: Sensor<Reading = f64> + 'static,
    P: OutputPin<Error: Send + Sync> + 'static,
{
    let lux = SensorOutput::new(sensor);
    lux.fatal_errors().for_each(|event| println!("{event}"));
    #[cfg(feature = "mqtt")]
    publish(scheduler, &lux)?;
    let led = pin_out("led", led).safe_after(Duration::from_secs(60)); // off while the sensor is silent
    lux.map(|e| e.val).running_avg(5).map(|v| v > 25.0).connect(led);
    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(60));
    let retry = OnFailure::Retry { backoff, attempts: 20 };
    scheduler.schedule_periodic(lux, Periodic::every(Duration::from_secs(1)).on_failure(retry))?;
    Ok(())
}

/// Publishes the readings; those of an hour wait while the broker is away.
#[cfg(feature = "mqtt")]
fn publish<S: Sensor<Reading = f64> + 'static>(
    scheduler: &Scheduler,
    lux: &SensorOutput<S>,
) -> Result<(), Box<dyn Error>> {
    use thingflow::adapters::mqtt::{Client, Message, Options};
    let broker = std::env::var("LUX_LED_BROKER").unwrap_or_else(|_| "mqtt://localhost".to_owned());
    let options = Options::new(&broker)?.availability("lux-led/status")?.queue(Limit::drop_oldest(3600));
    let client = Client::new(options);
    lux.fatal_errors().try_map(|lux| Message::json("lux-led/lux", &lux)).connect(client.publisher());
    scheduler.schedule_on_main_event_loop(client.thing())?;
    Ok(())
}

#[cfg(not(feature = "tsl2591"))]
fn sensor() -> Result<thingflow::sensors::simulated::List<f64>, Box<dyn Error>> {
    Ok(thingflow::sensors::simulated::List::new("lux", [10.0, 20.0, 30.0, 40.0, 50.0, 40.0, 30.0, 20.0]).repeating())
}

#[cfg(feature = "tsl2591")]
fn sensor() -> Result<impl Sensor<Reading = f64>, Box<dyn Error>> {
    use thingflow::sensors::{bus::linux::I2cBus, tsl2591::Tsl2591};
    Ok(Tsl2591::new("lux", I2cBus::open(1)?))
}

#[cfg(not(feature = "gpio"))]
fn led() -> Result<thingflow::adapters::gpio::SimulatedPin, Box<dyn Error>> {
    Ok(thingflow::adapters::gpio::SimulatedPin::new())
}

#[cfg(feature = "gpio")]
fn led() -> Result<thingflow::adapters::gpio::chardev::OutputLine, Box<dyn Error>> {
    use thingflow::adapters::gpio::{PinState, chardev::Line};
    Ok(Line::named("GPIO17").output(PinState::Low)?)
}

#[cfg(all(test, not(any(feature = "tsl2591", feature = "gpio"))))]
mod tests {
    use super::*;
    use thingflow::testing::FlakySensor;

    #[test]
    fn the_lamp_follows_the_average() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let pin = led()?;
        watch(&scheduler, sensor()?, pin.clone())?;
        scheduler.run_for(Duration::from_secs(8))?;
        assert!(pin.level(), "the average of 50, 40, 30 and their neighbours is above 25");
        drop(scheduler);
        assert!(!pin.level(), "the lamp goes out when the program ends");
        Ok(())
    }

    #[test]
    fn readings_go_on_after_one_that_failed() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let pin = led()?;
        watch(&scheduler, FlakySensor::new("lux", [Ok(10.0), Err("no acknowledge"), Ok(90.0)]), pin.clone())?;
        scheduler.run_for(Duration::from_millis(2050))?;
        assert_eq!(pin.writes(), [false], "dark, and no reading after that");
        scheduler.run_for(Duration::from_millis(50))?;
        assert_eq!(pin.writes(), [false, true], "tried again after a tenth of a second");
        Ok(())
    }

    #[test]
    fn a_sensor_that_stays_away_fails_the_run() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        watch(&scheduler, FlakySensor::new("lux", vec![Err("no acknowledge"); 20]), led()?)?;
        scheduler.run_for(Duration::from_secs(600))?;
        let error = scheduler.run_for(Duration::from_secs(300)).unwrap_err();
        assert!(error.to_string().ends_with("no acknowledge"), "{error}");
        Ok(())
    }
}
