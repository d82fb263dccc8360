//! `chain`: `map → running_avg(5) → map → count`, fused and behind one port.

use super::{Group, names, number, subject, word};
use crate::Result;
use crate::child::Readings;
use crate::event::Events;
use crate::figure::Bound;
use crate::figure::OURS;
use crate::report::{Report, value_of};
use crate::sampling::{Workload, ratios, timed};
use crate::subjects::thingflow;
use crate::subjects::{boxed, futures, hand, iterator, rxrust};

pub const GROUP: Group =
    Group { name: "chain", about: "map, average of five, map, count", counts: true, measure, child };

type Subject = fn(Events) -> u64;

/// Put together by types.
const FUSED: &[(&str, Subject)] = &[
    ("hand", hand::chain::fused),
    (OURS, thingflow::chain::fused),
    ("iterator", iterator::chain::fused),
    ("futures", futures::chain::fused),
    ("rxrust", rxrust::chain::fused),
];

/// Put together at run time, at one point or more; the loop by hand again, to compare with.
const BEHIND_A_PORT: &[(&str, Subject)] = &[
    ("hand", hand::chain::fused),
    (OURS, thingflow::chain::behind_a_port),
    ("rxrust subject", rxrust::chain::behind_a_port),
    ("boxed closures", boxed::chain::staged),
];

/// How many instructions the chain may take behind one port.
const PORT_LIMIT: f64 = 58.0;

fn measure(report: &mut Report) {
    let fused = Workload { group: GROUP.name, subjects: names(FUSED), size: 0, counted: 50_000, timed: 5_000_000 };
    let behind = Workload { subjects: names(BEHIND_A_PORT), size: 1, ..fused.clone() };

    let counts = fused.instructions();
    let limit = value_of(&counts, "hand").map(|hand| Bound::AtMost(1.05 * hand));
    report.add(GROUP.name, "fused, an event", "instr", counts, limit);
    let limit = Some(Bound::AtMost(PORT_LIMIT));
    report.add(GROUP.name, "behind one port, an event", "instr", behind.instructions(), limit);

    for (name, workload) in [("fused, time", fused), ("behind one port, time", behind)] {
        let times = workload.times();
        let hand = value_of(&times, "hand");
        report.add(GROUP.name, name, "x hand", ratios(times, hand), None);
    }
}

/// `SUBJECT PORTS EVENTS`
fn child(args: &[String]) -> Result<Readings> {
    let subjects = if number::<usize>(args, 1)? == 0 { FUSED } else { BEHIND_A_PORT };
    let run = subject(subjects, word(args, 0)?)?;
    Ok(timed(number(args, 2)?, run))
}
