//! A device that measures light, and a server that stores and analyses what all devices publish. Two programs over MQTT, which
//! may be away from each other, killed and started again:
//!
//! ```sh
//! cargo run -p distributed-lux                                                    # both at once, with a broker of its own
//! cargo run -p distributed-lux --bin lux-device -- mqtt://broker attic /tmp/attic # on a board
//! cargo run -p distributed-lux --bin lux-server -- mqtt://broker /tmp/lux.db      # on a server
//! ```

use std::error::Error;
use std::time::Duration;

use distributed_lux::{Finding, device, server};
use thingflow::adapters::mqtt::testing::Broker;
use thingflow::prelude::*;
use thingflow::sensors::simulated::{Sine, StopAfter};
use thingflow::testing::Recorder;

fn main() -> Result<(), Box<dyn Error>> {
    run()?.iter().for_each(|finding| println!("{finding}"));
    Ok(())
}

/// Forty readings, from the sensor to the database; what the server has found in them.
fn run() -> Result<Vec<Finding>, Box<dyn Error>> {
    let (broker, folder) = (Broker::start()?, tempfile::tempdir()?);
    let mut scheduler = Scheduler::new()?;
    let (seen, stopper) = (Recorder::new(), scheduler.stopper());
    let findings = server(&mut scheduler, &broker.address(), &folder.path().join("lux.db"))?;
    findings.connect(seen.clone());
    let courses = findings.filter(|finding| matches!(finding, Finding::Course(_)));
    courses.skip(3).take(1).for_each(move |_| stopper.stop());

    let sensor = StopAfter::new(40, Sine::new("attic", 40).amplitude(20.0).offset(25.0));
    device(&scheduler, sensor, Duration::from_millis(5), &broker.address(), &folder.path().join("attic"))?;
    scheduler.run_forever()?;
    Ok(seen.events())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_device_measures_the_server_finds() -> Result<(), Box<dyn Error>> {
        let text = |finding: &Finding| finding.to_string().rsplit("attic: ").next().unwrap_or_default().to_owned();
        let found: Vec<String> = run()?.iter().map(text).collect();
        let expected = [
            "it is dark",
            "it is light",
            "25.0 to 44.8 lux, on average 36.7",
            "28.1 to 45.0 lux, on average 38.7",
            "it is dark",
            "5.2 to 25.0 lux, on average 13.3",
            "5.0 to 21.9 lux, on average 11.3",
        ];
        assert_eq!(found, expected);
        Ok(())
    }
}
