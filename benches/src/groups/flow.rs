//! `flow`: events held back and routed, and what thousands of flows take.

use super::{Group, names, number, subject, word};
use crate::child::{self, Readings};
use crate::event::Events;
use crate::figure::{Bound, OURS};
use crate::report::{Report, value_of};
use crate::sampling::{Workload, timed};
use crate::subjects::{hand, rxrust, thingflow};
use crate::{Result, args, counter};

pub const GROUP: Group =
    Group { name: "flow", about: "buffer, chunks, group_by; 8,000 flows", counts: true, measure, child };

type Subject = fn(Events) -> u64;

const OPERATORS: [(&str, &[(&str, Subject)]); 3] = [
    ("buffer", &[("hand", hand::flow::buffer), (OURS, thingflow::flow::buffer)]),
    (
        "chunks of 10",
        &[("hand", hand::flow::chunks), (OURS, thingflow::flow::chunks), ("rxrust", rxrust::flow::chunks)],
    ),
    (
        "group_by, 8 keys",
        &[("hand", hand::flow::group_by), (OURS, thingflow::flow::group_by), ("rxrust", rxrust::flow::group_by)],
    ),
];

/// How many times rxRust's instructions ours may take.
const LIMIT: f64 = 1.5;

/// How many flows are put up, what each may take in KiB, and the events that all of them send in a second.
const FLOWS: usize = 8_000;
const FLOW_LIMIT_KIB: f64 = 10.0;
const EVENTS_A_SECOND: u32 = 800;

fn measure(report: &mut Report) {
    for (at, (operator, subjects)) in OPERATORS.iter().enumerate() {
        let workload = Workload { group: GROUP.name, subjects: names(subjects), size: at, counted: 20_000, timed: 0 };
        let counts = workload.instructions();
        let limit = value_of(&counts, "rxrust").map(|rxrust| Bound::AtMost(LIMIT * rxrust));
        report.add(GROUP.name, &format!("{operator}, an event"), "instr", counts, limit);
    }
    if counter::is_emulated() {
        return;
    }
    let flows = |reading: &str| vec![(OURS, child::ask(args![GROUP.name, FLOWS]).and_then(|said| said.get(reading)))];
    let limit = Some(Bound::AtMost(FLOW_LIMIT_KIB));
    report.add(GROUP.name, "8,000 flows, 800 events/s, a flow", "KiB", flows("KiB"), limit);
    report.add(GROUP.name, "8,000 flows, 800 events/s, CPU", "ms/s", flows("ms"), None);
}

/// `SUBJECT OPERATOR EVENTS`, or `FLOWS`
fn child(args: &[String]) -> Result<Readings> {
    if args.len() == 1 {
        return thingflow::flow::many(number(args, 0)?, EVENTS_A_SECOND);
    }
    let (_, subjects) = OPERATORS.get(number::<usize>(args, 1)?).ok_or("no such operator")?;
    let run = subject(subjects, word(args, 0)?)?;
    Ok(timed(number(args, 2)?, run))
}
