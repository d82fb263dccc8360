//! What is read: the library's sensors, and those of this program.

mod cores;
mod cost;
mod processes;
mod throughput;

use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::time::Duration;

use thingflow::diagram::Graph;
use thingflow::joins::merge;
use thingflow::prelude::*;
use thingflow::sensors::linux::{CpuLoad, Disk, DiskValue, Memory, MemoryValue, Network, NetworkValue, Thermal};

use cores::Cores;
pub(crate) use cost::{Cost, OwnCost};
pub(crate) use processes::{Busiest, Top};
use throughput::{Direction, Throughput};

const PERIOD: Duration = Duration::from_secs(1);

/// The sensors of this machine, scheduled.
pub(crate) struct Machine<'a> {
    scheduler: &'a Scheduler,
    /// How many readings of each.
    ticks: usize,
    readings: Vec<Port<SensorEvent<f64>>>,
    sources: Vec<PortRef>,
}

/// What they send.
pub(crate) struct Sources {
    pub(crate) readings: Port<SensorEvent<f64>>,
    pub(crate) top: Port<Top>,
    pub(crate) cost: Port<Cost>,
    ports: Vec<PortRef>,
}

impl Sources {
    /// Everything that stands behind the sensors, with the number of events on each connection.
    pub(crate) fn graph(ports: &[PortRef]) -> Graph {
        let mut graph = Graph::new();
        ports.iter().for_each(|port| graph.add_port(port));
        graph
    }

    pub(crate) fn ports(&self) -> Vec<PortRef> {
        self.ports.clone()
    }
}

impl<'a> Machine<'a> {
    /// Schedules all sensors that this machine has.
    pub(crate) fn schedule(scheduler: &'a Scheduler, ticks: usize) -> Result<Sources, Box<dyn Error>> {
        let mut machine = Self { scheduler, ticks, readings: Vec::new(), sources: Vec::new() };
        machine.value(CpuLoad::new("cpu")?)?;
        let cores = machine.events(Cores::new()?)?;
        machine.readings.push(cores.flat_map(each_core).share());
        machine.value(Memory::new("memory", MemoryValue::UsedPercent)?)?;
        machine.value(Disk::new("disk /", "/", DiskValue::UsedPercent)?)?;
        machine.value(Throughput::new("disk read", Direction::Read)?)?;
        machine.value(Throughput::new("disk write", Direction::Written)?)?;
        for interface in interfaces()? {
            machine.value(Network::new(named(&interface, "in"), &interface, NetworkValue::ReceivedBytes)?)?;
            machine.value(Network::new(named(&interface, "out"), &interface, NetworkValue::SentBytes)?)?;
        }
        for zone in zones() {
            machine.value(Thermal::new(named("temp", &zone), &zone)?)?;
        }
        let top = machine.events(Busiest::new()?)?;
        machine.readings.push(top.map(|event| event.map(|top| top.percent)).share());
        let cost = machine.events(OwnCost::new())?;
        Ok(Sources {
            readings: merge(machine.readings.iter().collect::<Vec<_>>()).share(),
            top: top.map(|event| event.val).share(),
            cost: cost.map(|event| event.val).share(),
            ports: machine.sources,
        })
    }

    /// A sensor of one value.
    fn value(&mut self, sensor: impl Sensor<Reading = f64> + 'static) -> Result<(), Box<dyn Error>> {
        let port = self.events(sensor)?;
        self.readings.push(port);
        Ok(())
    }

    /// A reading that fails is left out and reported; the next one comes in its time.
    fn events<S: Sensor + 'static>(&mut self, sensor: S) -> Result<Port<SensorEvent<S::Reading>>, Box<dyn Error>>
    where
        S::Reading: Clone,
    {
        let id = sensor.id();
        let output = SensorOutput::new(sensor);
        self.sources.push(output.port().as_ref());
        let events = output.take(self.ticks).share().named(id.to_string());
        self.scheduler.schedule_periodic(output, Periodic::every(PERIOD).on_failure(OnFailure::Skip))?;
        Ok(events)
    }
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
