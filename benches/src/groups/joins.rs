//! `joins`: two ports joined, the events going to one and the other in turns.

use super::{Group, names, number, subject, word};
use crate::Result;
use crate::child::Readings;
use crate::event::Events;
use crate::figure::{Bound, OURS};
use crate::report::{Report, value_of};
use crate::sampling::{Workload, ratios, timed};
use crate::subjects::{hand, rxrust, thingflow};

pub const GROUP: Group =
    Group { name: "joins", about: "zip, merge, combine_latest of two ports", counts: true, measure, child };

type Subject = fn(Events) -> u64;
type Subjects = [(&'static str, Subject); 3];

const OPERATORS: [(&str, Subjects); 3] = [
    ("zip", [("hand", hand::joins::zip), (OURS, thingflow::joins::zip), ("rxrust", rxrust::joins::zip)]),
    ("merge", [("hand", hand::joins::merge), (OURS, thingflow::joins::merge), ("rxrust", rxrust::joins::merge)]),
    (
        "combine_latest",
        [
            ("hand", hand::joins::combine_latest),
            (OURS, thingflow::joins::combine_latest),
            ("rxrust", rxrust::joins::combine_latest),
        ],
    ),
];

/// How many times rxRust's instructions ours may take.
const LIMIT: f64 = 1.5;

fn measure(report: &mut Report) {
    for (at, (operator, subjects)) in OPERATORS.iter().enumerate() {
        let workload =
            Workload { group: GROUP.name, subjects: names(subjects), size: at, counted: 20_000, timed: 5_000_000 };
        let counts = workload.instructions();
        let limit = value_of(&counts, "rxrust").map(|rxrust| Bound::AtMost(LIMIT * rxrust));
        report.add(GROUP.name, &format!("{operator}, an event"), "instr", counts, limit);
        let times = workload.times();
        let hand = value_of(&times, "hand");
        report.add(GROUP.name, &format!("{operator}, time"), "x hand", ratios(times, hand), None);
    }
}

/// `SUBJECT OPERATOR EVENTS`
fn child(args: &[String]) -> Result<Readings> {
    let (_, subjects) = OPERATORS.get(number::<usize>(args, 1)?).ok_or("no such operator")?;
    let run = subject(subjects, word(args, 0)?)?;
    Ok(timed(number(args, 2)?, run))
}
