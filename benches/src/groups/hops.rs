//! `hops`: what one port more on the way costs.

use super::{Group, names, number, subject, word};
use crate::Result;
use crate::child::Readings;
use crate::event::Events;
use crate::figure::Bound;
use crate::figure::OURS;
use crate::report::{Report, Values, value_of};
use crate::sampling::{Workload, timed};
use crate::subjects::thingflow;
use crate::subjects::{boxed, rxrust};

pub const GROUP: Group = Group { name: "hops", about: "one port after the other", counts: true, measure, child };

/// Events through that many ports in a row, into a sink with a threshold.
type Subject = fn(Events, usize) -> u64;

const SUBJECTS: &[(&str, Subject)] =
    &[(OURS, thingflow::hops::hops), ("rxrust subject", rxrust::hops::hops), ("boxed closures", boxed::hops::hops)];

/// How many instructions a further hop may take.
const LIMIT: f64 = 26.0;

/// Where the slope is taken.
const FEW: usize = 1;
const MANY: usize = 11;

fn measure(report: &mut Report) {
    let few = Workload { group: GROUP.name, subjects: names(SUBJECTS), size: FEW, counted: 20_000, timed: 2_000_000 };
    let many = Workload { size: MANY, ..few.clone() };
    let counts = slope(few.instructions(), &many.instructions());
    report.add(GROUP.name, "each further port, an event", "instr", counts, Some(Bound::AtMost(LIMIT)));
    report.add(GROUP.name, "each further port, time of an event", "ns", slope(few.times(), &many.times()), None);
}

/// The difference that one hop makes.
fn slope(few: Values, many: &Values) -> Values {
    let hop = |subject, few: f64| {
        let many = value_of(many, subject).ok_or("not measured over many hops")?;
        Ok((many - few) / (MANY - FEW) as f64)
    };
    few.into_iter().map(|(subject, few)| (subject, few.and_then(|few| hop(subject, few)))).collect()
}

/// `SUBJECT HOPS EVENTS`
fn child(args: &[String]) -> Result<Readings> {
    let run = subject(SUBJECTS, word(args, 0)?)?;
    let hops = number(args, 1)?;
    Ok(timed(number(args, 2)?, |events| run(events, hops)))
}
