//! `allocations`: how many there are once all is warm. None, in each part that an event passes through.

use std::hint::black_box;

use super::{Group, number, subject, word};
use crate::child::{Readings, ask};
use crate::counting::Count;
use crate::event::Events;
use crate::figure::{Bound, OURS};
use crate::report::Report;
use crate::subjects::thingflow;
use crate::{Result, args};

pub const GROUP: Group =
    Group { name: "allocations", about: "none for an event once warm", counts: false, measure, child };

/// Warms up, then counts the allocations of that many events.
type Part = fn(u64) -> Result<u64>;

/// What our events pass through.
const PARTS: &[(&str, Part)] = &[
    ("chain", thingflow::allocations::chain),
    ("ports", thingflow::allocations::ports),
    ("timers", thingflow::allocations::timers),
    ("edge queue", thingflow::allocations::edge_queue),
    ("worker queue", thingflow::allocations::worker_queue),
    (CONTROL, boxes),
];

/// Shows that the count sees what there is.
const CONTROL: &str = "control: a box an event";

fn measure(report: &mut Report) {
    for (part, _) in PARTS {
        let events = if *part == "timers" { 1_000 } else { 100_000 };
        let counted = ask(args![GROUP.name, part, events]).and_then(|said| said.get("allocations"));
        let (subject, limit) = if *part == CONTROL { ("boxes", None) } else { (OURS, Some(Bound::AtMost(0.0))) };
        report.add(GROUP.name, &format!("{part}, {events} events"), "allocs", vec![(subject, counted)], limit);
    }
}

fn boxes(events: u64) -> Result<u64> {
    let count = Count::start();
    for event in Events::new(events, Events::SEED) {
        black_box(Box::new(event));
    }
    Ok(count.stop())
}

/// `PART EVENTS`
fn child(args: &[String]) -> Result<Readings> {
    let part = subject(PARTS, word(args, 0)?)?;
    Ok(Readings::default().with("allocations", part(number(args, 1)?)? as f64))
}
