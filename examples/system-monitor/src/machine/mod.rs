//! What is read: the library's sensors, and those of this program.

mod cores;
mod cost;
mod processes;
mod throughput;

use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::time::Duration;

use thingflow::joins::merge;
use thingflow::prelude::*;
use thingflow::sensors::linux::{CpuLoad, Disk, DiskValue, Memory, MemoryValue, Network, NetworkValue, Thermal};

use cores::Cores;
pub(crate) use cost::{Cost, OwnCost};
pub(crate) use processes::{Busiest, Top};
use throughput::{Direction, Throughput};

const PERIOD: Duration = Duration::from_secs(1);

/// What the sensors of this machine send.
pub(crate) struct Sources {
    pub(crate) readings: Port<SensorEvent<f64>>,
    pub(crate) top: Port<SensorEvent<Top>>,
    pub(crate) cost: Port<SensorEvent<Cost>>,
    /// The sensors of one number each.
    pub(crate) numbers: Vec<String>,
}

/// Schedules sensors, and gathers what they send.
struct Scheduling<'a> {
    scheduler: &'a Scheduler,
    values: Vec<Port<SensorEvent<f64>>>,
}

/// Schedules all sensors that this machine has.
pub(crate) fn schedule(scheduler: &Scheduler) -> Result<Sources, Box<dyn Error>> {
    let mut all = Scheduling { scheduler, values: Vec::new() };
    all.value(CpuLoad::new("cpu")?)?;
    let cores = all.events(Cores::new()?)?;
    all.value(Memory::new("memory", MemoryValue::UsedPercent)?)?;
    all.value(Disk::new("disk /", "/", DiskValue::UsedPercent)?)?;
    all.value(Throughput::new("disk read", Direction::Read)?)?;
    all.value(Throughput::new("disk write", Direction::Written)?)?;
    for interface in interfaces()? {
        all.value(Network::new(named(&interface, "in"), &interface, NetworkValue::ReceivedBytes)?)?;
        all.value(Network::new(named(&interface, "out"), &interface, NetworkValue::SentBytes)?)?;
    }
    for zone in zones() {
        all.value(Thermal::new(named("temp", &zone), &zone)?)?;
    }
    let top = all.events(Busiest::new()?)?;
    let cost = all.events(OwnCost::new())?;
    let values = merge(all.values.iter().collect::<Vec<_>>());
    let readings = merge((values, cores.flat_map(each_core), top.map(percent))).share().named("readings");
    let numbers = all.values.iter().map(|port| port.as_ref().name()).collect();
    Ok(Sources { readings, top, cost, numbers })
}

impl Scheduling<'_> {
    /// A sensor of one value.
    fn value(&mut self, sensor: impl Sensor<Reading = f64> + 'static) -> Result<(), Box<dyn Error>> {
        let port = self.events(sensor)?;
        self.values.push(port);
        Ok(())
    }

    /// A reading that fails is left out and reported; the next one comes in its time.
    fn events<S: Sensor + 'static>(&mut self, sensor: S) -> Result<Port<SensorEvent<S::Reading>>, Box<dyn Error>>
    where
        S::Reading: Clone,
    {
        let id = sensor.id();
        let output = SensorOutput::new(sensor).named(id.to_string());
        let port = output.port().clone();
        self.scheduler.schedule_periodic(output, Periodic::every(PERIOD).on_failure(OnFailure::Skip))?;
        Ok(port)
    }
}

fn percent(event: SensorEvent<Top>) -> SensorEvent<f64> {
    event.map(|top| top.percent)
}

/// Such a name is kept for the life of the program; there are as many as there are sensors.
fn named(what: impl Display, which: impl Display) -> SensorId {
    SensorId::intern(&format!("{what} {which}"))
}

fn each_core(event: SensorEvent<Vec<f64>>) -> impl Iterator<Item = SensorEvent<f64>> {
    let SensorEvent { ts, val, .. } = event;
    val.into_iter().enumerate().map(move |(core, load)| SensorEvent::new(named("core", core), ts, load))
}

/// The network interfaces that something has gone through, in the order of their names; the machine's own if no other.
fn interfaces() -> Result<Vec<String>, Box<dyn Error>> {
    let all = procfs::net::dev_status()?;
    let used = all.values().filter(|it| it.name != "lo" && it.recv_bytes + it.sent_bytes > 0);
    let mut names: Vec<String> = used.map(|it| it.name.clone()).collect();
    names.sort();
    if names.is_empty() && all.contains_key("lo") {
        names.push("lo".to_owned());
    }
    Ok(names)
}

/// The temperatures that the kernel knows by a name. A machine in the cloud has none.
fn zones() -> Vec<String> {
    let entries = fs::read_dir("/sys/class/thermal").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| fs::read_to_string(entry.path().join("type")).ok());
    let mut names: Vec<String> = names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    names.sort();
    names.dedup();
    names
}
