//! I2C and SPI for real: a thermometer whose temperature the host changes, an empty address, an EEPROM, a flash chip.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use embedded_hal::i2c::I2c;
use embedded_hal::spi::SpiDevice;
use embedded_hal_bus::i2c::RcDevice;
use linux_embedded_hal::{I2CError, I2cdev, SpidevDevice};
use thingflow_core::Report;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_sensors::Chip;
use thingflow_sensors::bus::Guarded;
use thingflow_sensors::lm75::Lm75;
use thingflow_sensors::tmp105::Tmp105;

use crate::checks::{Checks, expect};
use crate::rhythm::Rhythm;
use crate::waiting::run_until;
use crate::{Result, host};

const BUS: &str = "/dev/i2c-1";
const EEPROM: u8 = 0x50;
const NOBODY: u8 = 0x49;
/// How often a thermometer that has a thread of its own is read, well or not.
const TRY: Duration = Duration::from_millis(200);

type Bus = Rc<RefCell<Guarded<I2cdev>>>;

pub(crate) fn check(checks: &mut Checks) {
    checks.run("a TMP105 follows the temperature", || {
        follow(|bus| Ok(SensorOutput::new(Tmp105::new("hall", RcDevice::new(bus)))), [23.5, -5.0625, 31.25])
    });
    checks.run("an LM75 follows the temperature", || {
        follow(|bus| Ok(SensorOutput::new(Lm75::new("hall", RcDevice::new(bus)))), [-10.5, 60.0, 23.5])
    });
    checks.run("an address where nobody answers is told", || {
        let error = Tmp105::new("attic", I2cdev::new(BUS)?).address(NOBODY).sample().map_err(|error| error.to_string());
        let text = error.err().ok_or("somebody answered")?;
        if text.starts_with("TMP105 does not answer") { Ok(text) } else { Err(text.into()) }
    });
    checks.run("a dead sensor is retried and leaves the others their rhythm", dead_beside_alive);
    checks.run("a device that hangs is retried and leaves the others their rhythm", || {
        let seen = hanging_beside_alive();
        host::ask("i2c well")?; // for those who come after it, also when it failed
        seen
    });
    checks.run("an EEPROM keeps what was written", || {
        let mut bus = I2cdev::new(BUS)?;
        bus.write(EEPROM, &[0x10, 0xA5, 0x5A])?;
        let mut back = [0; 2];
        bus.write_read(EEPROM, &[0x10], &mut back)?;
        expect("bytes", &back, &[0xA5, 0x5A])
    });
    checks.run("a flash chip tells its identity over SPI", || {
        let mut bytes = [0x9F, 0, 0, 0];
        SpidevDevice::open("/dev/spidev0.0")?.transfer_in_place(&mut bytes)?;
        expect("bytes", &[bytes[1], bytes[2], bytes[3]], &[0x20, 0xBA, 0x19])
    });
}

fn open() -> Result<Bus> {
    Ok(Rc::new(RefCell::new(Guarded::new(I2cdev::new(BUS)?))))
}

/// Samples a thermometer all the time, while the host changes the temperature.
fn follow<S>(sensor: impl FnOnce(Bus) -> Result<SensorOutput<S>>, celsius: [f64; 3]) -> Result<String>
where
    S: Sensor<Reading = f64> + 'static,
{
    let mut scheduler = Scheduler::new()?;
    let (hall, seen) = (sensor(open()?)?, Recorder::new());
    hall.map(|event| event.val).connect(seen.clone());
    scheduler.schedule_periodic(hall, Duration::from_millis(50))?;
    for celsius in celsius {
        host::ask(&format!("temperature {celsius}"))?;
        let is_there = || seen.events().last().is_some_and(|seen| (seen - celsius).abs() < 1e-9);
        run_until(&mut scheduler, &format!("{celsius} degrees (seen: {})", seen.text()), is_there)?;
    }
    Ok(format!("{celsius:?}, {} readings", seen.events().len()))
}

/// Reads from an address where nobody is.
struct Absent(RcDevice<Guarded<I2cdev>>);

impl Sensor for Absent {
    type Reading = f64;
    type Error = thingflow_sensors::ChipError<I2CError>;

    fn id(&self) -> SensorId {
        "attic".into()
    }
    fn sample(&mut self) -> std::result::Result<f64, SampleError<Self::Error>> {
        let mut raw = [0; 2];
        let read = self.0.write_read(NOBODY, &[0], &mut raw);
        Ok(read.map(|()| 0.0).map_err(|error| Chip::i2c("attic", NOBODY).silent(error))?)
    }
}

/// How many failures of this sensor were reported. A report about anything else is an error.
fn failures(reports: &Recorder<Report>, sensor: &str) -> Result<usize> {
    let reports = reports.events();
    match reports.iter().find(|report| &*report.thing != sensor) {
        Some(other) => Err(format!("this was reported beside the failures of {sensor}: {other}").into()),
        None => Ok(reports.len()),
    }
}

fn dead_beside_alive() -> Result<String> {
    let (bus, mut scheduler) = (open()?, Scheduler::new()?);
    let hall = SensorOutput::new(Tmp105::new("hall", RcDevice::new(bus.clone())));
    let attic = SensorOutput::new(Absent(RcDevice::new(bus.clone())));
    let (alive, reports, period) = (Recorder::new(), Recorder::new(), Duration::from_millis(50));
    hall.connect(alive.clone());
    attic.for_each(drop);
    scheduler.reports().connect(reports.clone());
    let retry = OnFailure::Retry { backoff: Backoff::new(period / 5, period), attempts: u32::MAX };
    let schedule = scheduler.schedule_periodic(hall, period)?;
    scheduler.schedule_periodic(attic, Periodic::every(period).on_failure(retry))?;
    run_until(&mut scheduler, "a first measurement", || !alive.events().is_empty())?;
    let rhythm = Rhythm::new(schedule, alive, period);
    rhythm.go_on(&mut scheduler, 20)?;
    let (failures, stats) = (failures(&reports, "attic")?, bus.borrow().stats());
    if failures < 5 || stats.lost < 5 {
        return Err(format!("only {failures} reports of {stats:?}").into());
    }
    Ok(format!("{}, {failures} failures reported", rhythm.judge()?))
}

/// The bus stops in the middle: each transfer takes until the driver gives up, which is a second. So the thermometer has a
/// thread of its own, and the loop beats on beside it.
fn hanging_beside_alive() -> Result<String> {
    let (mut scheduler, reports) = (Scheduler::new()?, Recorder::new());
    scheduler.reports().connect(reports.clone());
    host::ask("temperature 20")?;
    let retry = OnFailure::Retry { backoff: Backoff::constant(TRY), attempts: u32::MAX };
    let hall = Tmp105::new("hall", I2cdev::new(BUS)?);
    let hall = scheduler.schedule_sensor_on_separate_thread(hall, Periodic::every(TRY).on_failure(retry))?;
    let readings = Recorder::new();
    hall.map(|event| event.val).connect(readings.clone());
    let beat = Rhythm::beat(&scheduler, Duration::from_millis(50))?;

    // Right after a reading the bus is quiet, and what the host does to it does not meet the driver doing the same.
    run_until(&mut scheduler, "readings", || readings.events().len() >= 3)?;
    host::ask("i2c hang")?;
    host::ask("temperature 40")?;
    run_until(&mut scheduler, "failures", || reports.events().len() >= 2)?;
    beat.judge()?;
    if readings.events().contains(&40.0) {
        return Err("it was read while the bus hung".into());
    }
    host::ask("i2c well")?;
    run_until(&mut scheduler, "readings again", || readings.events().last() == Some(&40.0))?;
    let failures = failures(&reports, "hall")?;
    let last = reports.events().pop().map(|report| report.to_string()).unwrap_or_default();
    Ok(format!("{}, {failures} failures reported, of which the last is: {last}", beat.judge()?))
}
