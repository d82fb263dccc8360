//! `timers`: sensors of one second, spread over the second, for ten seconds.

use std::time::Duration;

use super::{Group, number, subject, word};
use crate::Result;
use crate::args;
use crate::child::{Readings, ask};
use crate::figure::Bound;
use crate::figure::OURS;
use crate::report::{Report, Values, value_of};
use crate::subjects::thingflow;
use crate::subjects::{calloop, hand, tokio};
use crate::ticking::Grid;

pub const GROUP: Group =
    Group { name: "timers", about: "1,000 and 100,000 sensors, 10 s each", counts: false, measure, child };

/// Sets up a timer for each sensor, calls `Grid::set_up`, runs until `Grid::end`, calls `tick` at each sample.
type Subject = fn(&Grid) -> Result<()>;

/// Ours, with a port for each sensor, so that more readers may be connected while it runs.
const WITH_PORTS: &str = "thingflow, a port each";

const SUBJECTS: &[(&str, Subject)] = &[
    (OURS, thingflow::timers::run),
    (WITH_PORTS, thingflow::timers::run_with_ports),
    ("hand, timerfd", hand::timers::exact),
    ("hand, timerfd at 1 ms", hand::timers::rounded),
    ("hand, mio's timeout", hand::timers::by_timeout),
    ("tokio", tokio::timers::run),
    ("calloop", calloop::timers::run),
];

/// How late the median tick of a thousand sensors may be.
const LATE_LIMIT_US: f64 = 50.0;

/// What a hundred thousand sensors may take, in MiB, each with a port and a reader: with the two of a program, 48.
const MEMORY_MIB: f64 = 46.0;

/// What part of tokio's processor time a hundred thousand sensors may take.
const CPU_SHARE: f64 = 0.6;

fn measure(report: &mut Report) {
    few(report);
    many(report);
}

/// A thousand sensors: precise, and no dearer than the other precise one.
fn few(report: &mut Report) {
    let [cpu, p50, p99, _] = run_all(1_000);
    let limit = value_of(&cpu, "calloop").map(Bound::AtMost);
    report.add(GROUP.name, "1,000 sensors, CPU", "s", cpu, limit);
    report.add(GROUP.name, "1,000 sensors, late, median", "us", p50, Some(Bound::AtMost(LATE_LIMIT_US)));
    report.add(GROUP.name, "1,000 sensors, late, p99", "us", p99, None);
}

/// A hundred thousand: cheaper than the cheapest one, and no later.
fn many(report: &mut Report) {
    let [cpu, p50, p99, memory] = run_all(100_000);
    let limit = value_of(&cpu, "tokio").map(|tokio| Bound::AtMost(CPU_SHARE * tokio));
    report.add(GROUP.name, "100,000 sensors, CPU", "s", cpu, limit);
    let limit = value_of(&p50, "tokio").map(Bound::AtMost);
    report.add(GROUP.name, "100,000 sensors, late, median", "us", p50, limit);
    report.add(GROUP.name, "100,000 sensors, late, p99", "us", p99, None);
    report.add(GROUP.name, "100,000 sensors, memory", "MiB", with_ports_first(memory), Some(Bound::AtMost(MEMORY_MIB)));
}

/// What holds for us is what we take with ports: others have none, but readers that are chosen beforehand.
fn with_ports_first(values: Values) -> Values {
    let ours = |subject| match subject {
        OURS => "thingflow, no port",
        WITH_PORTS => OURS,
        other => other,
    };
    let mut values: Values = values.into_iter().map(|(subject, value)| (ours(subject), value)).collect();
    values.sort_by_key(|(subject, _)| *subject != OURS);
    values
}

/// One after the other, since two at once would disturb each other.
fn run_all(sensors: usize) -> [Values; 4] {
    let mut values = [const { Values::new() }; 4];
    for (subject, _) in SUBJECTS {
        eprintln!("  {sensors} sensors, {subject}");
        let said = ask(args![GROUP.name, subject, sensors]).map_err(|error| error.to_string());
        for (values, reading) in values.iter_mut().zip(["cpu_s", "p50_us", "p99_us", "MiB"]) {
            let value = said.as_ref().map_err(|error| error.clone().into()).and_then(|said| said.get(reading));
            values.push((*subject, value));
        }
    }
    values
}

/// `SUBJECT SENSORS`
fn child(args: &[String]) -> Result<Readings> {
    let name = word(args, 0)?;
    let run = subject(SUBJECTS, name)?;
    let sensors = number(args, 1)?;
    let grid = Grid::after(lead(name, sensors), sensors)?;
    run(&grid)?;
    grid.finish()
}

/// How long the set-up may take. That of calloop is quadratic.
fn lead(subject: &str, sensors: usize) -> Duration {
    match (subject, sensors) {
        ("calloop", 20_000..) => Duration::from_secs(15),
        _ => Duration::from_secs(1),
    }
}
