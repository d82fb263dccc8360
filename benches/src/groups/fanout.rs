//! `fanout`: one port, many sinks, each with a threshold.

use super::{Group, names, number, subject, word};
use crate::Result;
use crate::child::Readings;
use crate::event::Events;
use crate::figure::Bound;
use crate::figure::OURS;
use crate::report::{Report, Values, value_of};
use crate::sampling::{Workload, ratios, timed};
use crate::subjects::thingflow;
use crate::subjects::{boxed, hand, rxrust};

pub const GROUP: Group = Group { name: "fanout", about: "one port, 1, 10 and 100 sinks", counts: true, measure, child };

/// Events to that many sinks.
type Subject = fn(Events, usize) -> u64;

const SUBJECTS: &[(&str, Subject)] = &[
    ("hand", hand::fanout::sinks),
    (OURS, thingflow::fanout::sinks),
    ("rxrust subject", rxrust::fanout::sinks),
    ("boxed closures", boxed::fanout::sinks),
];

/// How many instructions a delivery to one of a hundred sinks may take.
const LIMIT: f64 = 20.0;

fn measure(report: &mut Report) {
    for sinks in [1, 10, 100] {
        let deliveries = 5_000_000;
        let workload = Workload {
            group: GROUP.name,
            subjects: names(SUBJECTS),
            size: sinks,
            counted: 2_000,
            timed: deliveries / sinks as u64,
        };
        let counts = shared(workload.instructions(), sinks);
        let limit = limit(&counts).filter(|_| sinks == 100);
        report.add(GROUP.name, &format!("{sinks} sinks, a delivery"), "instr", counts, limit);
        let times = workload.times();
        let hand = value_of(&times, "hand");
        report.add(GROUP.name, &format!("{sinks} sinks, time"), "x hand", ratios(times, hand), None);
    }
}

/// Ours has to keep the limit, and to be better than rxRust.
fn limit(counts: &Values) -> Option<Bound> {
    value_of(counts, "rxrust subject").map(|rxrust| Bound::AtMost(rxrust.min(LIMIT)))
}

/// What one sink's share of an event is.
fn shared(counts: Values, sinks: usize) -> Values {
    counts.into_iter().map(|(subject, count)| (subject, count.map(|count| count / sinks as f64))).collect()
}

/// `SUBJECT SINKS EVENTS`
fn child(args: &[String]) -> Result<Readings> {
    let run = subject(SUBJECTS, word(args, 0)?)?;
    let sinks = number(args, 1)?;
    Ok(timed(number(args, 2)?, |events| run(events, sinks)))
}
