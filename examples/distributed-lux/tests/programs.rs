//! Both programs as a user starts them, with a broker of their own; the server is killed in the middle.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use distributed_lux::Lux;
use mosquitto::Mosquitto;
use thingflow::adapters::sqlite;
use thingflow::prelude::*;

#[allow(dead_code)] // it serves other tests too
#[path = "../../../thingflow-adapters/tests/support/mosquitto.rs"]
mod mosquitto;

fn server(broker: &str, database: &Path) -> Result<Child, Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lux-server"));
    Ok(command.arg(broker).arg(database).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?)
}

/// Sends so many readings; returns when the broker has them.
fn device(broker: &str, name: &str, folder: &Path, readings: usize) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lux-device"));
    let status = command.args([broker, name]).arg(folder).arg(readings.to_string()).status()?;
    if status.success() { Ok(()) } else { Err(format!("the device ended with {status}").into()) }
}

/// How many different readings of a device are in the database.
fn stored(database: &Path, name: &str) -> usize {
    let Ok(rows) = sqlite::Reader::<Lux>::open(database, "lux") else { return 0 };
    let rows = rows.flow().map(|row| row.record).filter({
        let name = name.to_owned();
        move |lux| lux.sensor_id == *name
    });
    rows.map(|lux| lux.ts).collect_now().into_iter().collect::<BTreeSet<_>>().len()
}

#[test]
fn tf96_all_that_devices_measure_is_stored_though_the_server_is_killed() -> Result<(), Box<dyn Error>> {
    let (broker, folder) = (Mosquitto::start(), tempfile::tempdir()?);
    let (url, database) = (format!("mqtt://{}", broker.address()), folder.path().join("lux.db"));
    let mut first = server(&url, &database)?;
    broker.wait_for_log("lux/+ (QoS 1)");
    device(&url, "attic", &folder.path().join("attic"), 150)?;
    first.kill()?; // with whatever is on its way
    first.wait()?;
    device(&url, "cellar", &folder.path().join("cellar"), 50)?;
    let mut second = server(&url, &database)?;
    device(&url, "attic", &folder.path().join("attic"), 100)?;
    let mut found = (0, 0);
    for _ in 0..200 {
        found = (stored(&database, "attic"), stored(&database, "cellar"));
        if found == (250, 50) {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    second.kill()?;
    second.wait()?;
    assert_eq!(found, (250, 50));
    Ok(())
}
