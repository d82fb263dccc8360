//! `timing`: what an event costs an operator with a timer, in bursts of 64.

use super::{Group, names, number, subject, word};
use crate::Result;
use crate::child::Readings;
use crate::event::Events;
use crate::figure::{Bound, OURS};
use crate::report::{Report, value_of};
use crate::sampling::{Workload, timed};
use crate::subjects::{hand, rxrust, thingflow};

pub const GROUP: Group =
    Group { name: "timing", about: "debounce and throttle of a burst", counts: true, measure, child };

/// How many events come at once.
pub const BURST: usize = 64;

type Subject = fn(Events) -> Result<u64>;

const OPERATORS: [(&str, [(&str, Subject); 3]); 2] = [
    (
        "debounce",
        [("hand", hand::timing::debounce), (OURS, thingflow::timing::debounce), ("rxrust", rxrust::timing::debounce)],
    ),
    (
        "throttle",
        [("hand", hand::timing::throttle), (OURS, thingflow::timing::throttle), ("rxrust", rxrust::timing::throttle)],
    ),
];

/// How many times rxRust's instructions ours may take.
const LIMIT: f64 = 1.5;

fn measure(report: &mut Report) {
    for (at, (operator, subjects)) in OPERATORS.iter().enumerate() {
        let workload = Workload { group: GROUP.name, subjects: names(subjects), size: at, counted: 20_000, timed: 0 };
        let counts = workload.instructions();
        let limit = value_of(&counts, "rxrust").map(|rxrust| Bound::AtMost(LIMIT * rxrust));
        report.add(GROUP.name, &format!("{operator}, an event"), "instr", counts, limit);
    }
}

/// `SUBJECT OPERATOR EVENTS`
fn child(args: &[String]) -> Result<Readings> {
    let (_, subjects) = OPERATORS.get(number::<usize>(args, 1)?).ok_or("no such operator")?;
    let run = subject(subjects, word(args, 0)?)?;
    let mut failed = Ok(());
    let readings = timed(number(args, 2)?, |events| {
        run(events).unwrap_or_else(|error| {
            failed = Err(error);
            0
        })
    });
    failed.map(|()| readings)
}
