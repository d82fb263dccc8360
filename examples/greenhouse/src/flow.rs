//! The flow: sensors → means of a minute → outbox → broker and database; moisture → hysteresis → pump.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use embedded_hal::digital::OutputPin;
use thingflow::Delivery;
use thingflow::adapters::actuators::{ActuatorInput, relay::Relay};
use thingflow::adapters::mqtt::{self, Client, Device, Message};
use thingflow::adapters::outbox::{self, Outbox, Outlet, OutletMeter, Stored};
use thingflow::adapters::sqlite;
use thingflow::elementwise::Hysteresis;
use thingflow::prelude::*;
use thingflow::sensors::simulated::Sine;
use thingflow::tracking::Tracking;
use thingflow::windows::Mean;

use crate::args::Options;

type Reading = SensorEvent<f64>;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Puts everything together. The meters show what waits on the disk, for the broker and for the database.
pub(crate) fn build(
    scheduler: &mut Scheduler,
    options: &Options,
    folder: &Path,
    pin: impl OutputPin<Error: Send + Sync> + 'static,
) -> Result<[OutletMeter; 2], Box<dyn Error>> {
    let temperature = SensorOutput::new(Sine::new("temperature", 720).amplitude(6.0).offset(22.0));
    let humidity = SensorOutput::new(Sine::new("humidity", 720).amplitude(15.0).offset(70.0));
    let moisture = SensorOutput::new(Sine::new("moisture", 240).amplitude(15.0).offset(40.0));

    // The pump waters from 30 % up to 45 %, a minute at least. It stops if the sensor is silent, and when the program ends.
    let pump = Relay::new(pin).min_on(12 * options.every).min_off(12 * options.every);
    let pump = ActuatorInput::new("pump", pump).safe_after(24 * options.every);
    let wet = moisture.take(options.ticks).map(|reading| reading.val).running_avg(5);
    wet.pipe(Hysteresis::new(30.0, 45.0).initially(true)).map(|wet| !wet).connect(pump);

    // What is measured goes to the disk, 64 MiB of it at most, and stays there until the other side has it.
    let window = outbox::CommitWindow::every(Duration::from_millis(100));
    let mut outbox = Outbox::open(folder.join("outbox"), outbox::Options::new(64 << 20, window))?;
    let sensors = [temperature, humidity, moisture];
    let minute = Window::each(12 * options.every).aligned();
    for sensor in &sensors {
        let means = sensor.take(options.ticks).aggregate(minute, Mean::new());
        means.inspect(|mean| println!("{mean}")).connect(outbox.input());
    }

    // To the database: a row that comes again after a kill is known by its number.
    let writer = sqlite::Writer::new(folder.join("readings.db"), "readings").create_table();
    let writer = writer.key("greenhouse", Stored::number_of).keep_for(YEAR);
    let (database, refused) = scheduler.worker("database", writer, Delivery::within(Limit::block(256)))?;
    outbox.port("database", Outlet::default())?.connect(database);
    refused.connect(outbox.dead_letters());

    // To Home Assistant.
    let client = Client::new(announced(&options.broker)?);
    let stored = outbox.port("broker", Outlet::default())?;
    stored.try_map_value(|mean: Reading| Message::json(topic(&mean), &mean)).connect(client.publisher());

    let meters = ["broker", "database"].map(|name| outbox.meter(name));
    scheduler.schedule_on_main_event_loop(client.thing())?;
    scheduler.schedule_on_main_event_loop(outbox)?;
    for sensor in sensors {
        scheduler.schedule_periodic(sensor, options.every)?;
    }
    Ok(meters)
}

fn topic(reading: &Reading) -> String {
    format!("greenhouse/{}", reading.sensor_id)
}

/// A client that tells Home Assistant what there is, and whether it is there.
fn announced(broker: &str) -> Result<mqtt::Options, Box<dyn Error>> {
    let mut device = Device::new("greenhouse", "Greenhouse");
    for name in ["temperature", "humidity", "moisture"] {
        let sample = SensorEvent::new(name, Timestamp::UNIX_EPOCH, 0.0);
        device = device.entities(&topic(&sample), &sample)?;
    }
    Ok(mqtt::Options::new(broker)?.availability("greenhouse/status")?.discovery(&device)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::adapters::gpio::SimulatedPin;
    use thingflow::adapters::mqtt::testing::Broker;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn the_pump_waters_while_the_soil_is_dry_and_stops_with_the_program() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let mut scheduler = Scheduler::virtual_time()?;
        let pin = SimulatedPin::new();
        let options = Options { broker: "mqtt://127.0.0.1:1".to_owned(), ..Options::default() };
        let meters = build(&mut scheduler, &options, folder.path(), pin.clone())?;
        scheduler.run_for(HOUR)?;
        assert_eq!(pin.writes(), [false, true, false, true, false, true], "it is dry three times");
        let waiting = meters.map(|meter| meter.stats().waiting);
        assert_eq!(
            waiting,
            [180, 0],
            "without a broker the means of each full minute wait for it, and for nobody else"
        );
        Ok(())
    }

    #[test]
    fn home_assistant_hears_what_there_is() -> Result<(), Box<dyn Error>> {
        let (folder, broker) = (tempfile::tempdir()?, Broker::start()?);
        let mut scheduler = Scheduler::new()?;
        let options =
            Options { broker: broker.address(), every: Duration::from_millis(1), ticks: 24, ..Options::default() };
        build(&mut scheduler, &options, folder.path(), SimulatedPin::new())?;
        scheduler.run_forever()?; // until all is delivered
        let config = broker.retained("homeassistant/sensor/greenhouse/moisture/config").ok_or("it is announced")?;
        assert!(
            config.contains(r#""device_class":"moisture""#) && config.contains(r#""greenhouse/status""#),
            "{config}"
        );
        assert!(!broker.published("greenhouse/moisture").is_empty());
        let says_offline = |broker: &Broker| broker.retained("greenhouse/status").as_deref() == Some("offline");
        assert!(broker.wait_until(Duration::from_secs(30), says_offline)); // nobody waits for an answer to a goodbye
        Ok(())
    }
}
