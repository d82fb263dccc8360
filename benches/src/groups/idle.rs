//! `idle`: wake-ups when there is next to nothing to do, and the size of a small program.

use std::convert::Infallible;
use std::thread;
use std::time::Duration;

use super::{Group, footprint, number, subject, word};
use crate::child::{Readings, Running, command};
use crate::figure::Bound;
use crate::figure::OURS;
use crate::report::{Report, Values};
use crate::subjects::thingflow;
use crate::subjects::{calloop, hand, tokio};
use crate::{Result, args, machine};

pub const GROUP: Group =
    Group { name: "idle", about: "wake-ups in 20 s, the size of lux-led", counts: false, measure, child };

/// One sensor with that period, for ever.
type Subject = fn(Duration) -> Result<Infallible>;

const SUBJECTS: &[(&str, Subject)] = &[
    (OURS, thingflow::idle::tick_every),
    ("hand", hand::idle::tick_every),
    ("tokio", tokio::idle::tick_every),
    ("calloop", calloop::idle::tick_every),
];

/// What is measured, the sensor's period in seconds, and the wake-ups that ours may have.
const CASES: [(&str, u64, f64); 2] = [("nothing due in 20 s", 3_600, 0.0), ("one sensor a second, 20 s", 1, 20.0)];

/// For how long wake-ups are counted.
const WATCHED: Duration = Duration::from_secs(20);

/// Between the start of a program and the first look at it: not a whole number of ticks.
const SETTLED: Duration = Duration::from_millis(2_500);

fn measure(report: &mut Report) {
    // They sleep nearly all the time, so they can do it side by side.
    let programs =
        CASES.map(|(_, period, _)| Vec::from_iter(SUBJECTS.iter().map(|(name, _)| (*name, start(name, period)))));
    thread::sleep(SETTLED);
    let before = programs.each_ref().map(switches);
    thread::sleep(WATCHED);
    let after = programs.each_ref().map(switches);
    for (((name, _, limit), before), after) in CASES.iter().zip(before).zip(after) {
        report.add(GROUP.name, name, "wake-ups", difference(before, after), Some(Bound::AtMost(*limit)));
    }
    footprint::measure(report);
}

fn start(subject: &str, period: u64) -> Result<Running> {
    Running::start(command(args![GROUP.name, subject, period])?)
}

/// How often each program has gone to sleep so far.
fn switches(programs: &Vec<(&'static str, Result<Running>)>) -> Values {
    let seen = |program: &Result<Running>| match program {
        Ok(program) => Ok(machine::voluntary_switches(program.id())? as f64),
        Err(error) => Err(error.to_string().into()),
    };
    programs.iter().map(|(name, program)| (*name, seen(program))).collect()
}

fn difference(before: Values, after: Values) -> Values {
    let both = before.into_iter().zip(after);
    both.map(|((name, before), (_, after))| (name, before.and_then(|before| Ok(after? - before)))).collect()
}

/// `SUBJECT SECONDS`: never answers.
fn child(args: &[String]) -> Result<Readings> {
    let run = subject(SUBJECTS, word(args, 0)?)?;
    match run(Duration::from_secs(number(args, 1)?))? {}
}
