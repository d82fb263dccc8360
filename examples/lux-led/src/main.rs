//! A lamp that is lit while it is bright: sensor → average of five → threshold → pin.
//!
//! ```sh
//! cargo run -p lux-led                                # all simulated
//! cargo run -p lux-led --features tsl2591,gpio        # TSL2591 on I2C bus 1, LED on line 17 of the first chip
//! cargo xtask deploy --host pi@raspberrypi.local --example lux-led --features tsl2591,gpio  # as a service on a board
//! ```
//!
//! Wiring on a Raspberry Pi: TSL2591 to 3.3 V, ground, SDA (pin 3) and SCL (pin 5); the LED with a resistor of 330 Ω
//! between GPIO 17 (pin 11) and ground. Never an LED without its resistor.

use std::error::Error;
use std::time::Duration;

use embedded_hal::digital::OutputPin;
use thingflow_adapters::gpio::pin_out;
use thingflow_core::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    let lux = SensorOutput::new(sensor()?);
    lux.for_each(|event| println!("{event}"));
    lamp(&lux, led()?);
    scheduler.schedule_periodic(lux, Duration::from_secs(1))?;
    #[cfg(feature = "systemd")]
    thingflow_adapters::systemd::notify(&scheduler)?;
    scheduler.run_forever()?;
    Ok(())
}

/// Lights the lamp while the average of five readings is above 25 lux.
fn lamp<S, P>(lux: &SensorOutput<S>, led: P)
where
    S: Sensor<Reading = f64>,
    P: OutputPin + 'static,
{
    lux.map(|e| e.val).running_avg(5).map(|v| v > 25.0).connect(pin_out("led", led));
}

#[cfg(not(feature = "tsl2591"))]
fn sensor() -> Result<thingflow_sensors::simulated::List<f64>, Box<dyn Error>> {
    Ok(thingflow_sensors::simulated::List::new("lux", [10.0, 20.0, 30.0, 40.0, 50.0, 40.0, 30.0, 20.0]).repeating())
}

#[cfg(feature = "tsl2591")]
fn sensor() -> Result<thingflow_sensors::tsl2591::Tsl2591<linux_embedded_hal::I2cdev>, Box<dyn Error>> {
    let bus = linux_embedded_hal::I2cdev::new("/dev/i2c-1")?;
    Ok(thingflow_sensors::tsl2591::Tsl2591::new("lux", bus)?)
}

#[cfg(not(feature = "gpio"))]
fn led() -> Result<thingflow_adapters::gpio::SimulatedPin, Box<dyn Error>> {
    Ok(thingflow_adapters::gpio::SimulatedPin::new())
}

#[cfg(feature = "gpio")]
fn led() -> Result<thingflow_adapters::gpio::chardev::OutputLine, Box<dyn Error>> {
    use thingflow_adapters::gpio::{PinState, chardev::Line};
    Ok(Line::at("/dev/gpiochip0", 17).output(PinState::Low)?)
}

#[cfg(all(test, not(any(feature = "tsl2591", feature = "gpio"))))]
mod tests {
    use super::*;

    #[test]
    fn the_lamp_follows_the_average() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let (lux, pin) = (SensorOutput::new(sensor()?), led()?);
        lamp(&lux, pin.clone());
        scheduler.schedule_periodic(lux, Duration::from_secs(1))?;
        scheduler.run_for(Duration::from_secs(8))?;
        assert!(pin.level(), "the average of 50, 40, 30 and their neighbours is above 25");
        drop(scheduler);
        assert!(!pin.level(), "the lamp goes out when the program ends");
        Ok(())
    }
}
