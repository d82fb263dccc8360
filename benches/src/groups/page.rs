//! `page`: what a flow of 1,000 events a second costs with a page, unwatched and watched, beside the same without.

use super::{Group, names, number, subject, word};
use crate::child::{self, Readings};
use crate::event::Events;
use crate::figure::{Bound, OURS};
use crate::report::{Report, Values, value_of};
use crate::sampling::{Workload, timed};
use crate::subjects::thingflow::page::{self, Page};
use crate::{Result, args, counter};

pub const GROUP: Group =
    Group { name: "page", about: "a live page, unwatched and watched", counts: true, measure, child };

/// The flow with an unwatched page is ours, what it is compared with the same flow without one.
const SUBJECTS: &[(&str, Page)] = &[("without a page", Page::None), (OURS, Page::Unwatched)];

const WATCHED: &str = "watched";

/// How many times the instructions without a page an event may take. Since somebody may ask, how late calls are is noted.
const LIMIT: f64 = 1.06;

/// How much processor time and memory the unwatched page may take: a hundredth of a core, and a MiB and a quarter.
const MOST_MS: f64 = 10.0;
const MOST_KIB: f64 = 1024.0;

fn measure(report: &mut Report) {
    let workload = Workload { group: GROUP.name, subjects: names(SUBJECTS), size: 0, counted: 50_000, timed: 0 };
    let counts = workload.instructions();
    let limit = value_of(&counts, "without a page").map(|without| Bound::AtMost(LIMIT * without));
    report.add(GROUP.name, "unwatched, an event", "instr", counts, limit);
    if counter::is_emulated() {
        return;
    }
    let said = ["without a page", OURS, WATCHED].map(|name| (name, child::ask(args![GROUP.name, name])));
    let more = |reading: &str, with: usize| -> Values {
        let get =
            |at: usize| said[at].1.as_ref().map_err(|error| error.to_string().into()).and_then(|it| it.get(reading));
        vec![(OURS, get(with).and_then(|with| Ok(with - get(0)?)))]
    };
    report.add(GROUP.name, "unwatched, 1,000 events/s, CPU more", "ms/s", more("ms", 1), Some(Bound::AtMost(MOST_MS)));
    report.add(GROUP.name, "unwatched, memory more", "KiB", more("KiB", 1), Some(Bound::AtMost(MOST_KIB)));
    report.add(GROUP.name, "one tab and a plot, 1,000 events/s, CPU more", "ms/s", more("ms", 2), None);
    report.add(GROUP.name, "one tab and a plot, memory more", "KiB", more("KiB", 2), None);
}

/// `SUBJECT SIZE EVENTS`, or `SUBJECT` for some seconds.
fn child(args: &[String]) -> Result<Readings> {
    let name = word(args, 0)?;
    if args.len() == 1 {
        return page::seconds(if name == WATCHED { Page::Watched } else { subject(SUBJECTS, name)? });
    }
    let kind = subject(SUBJECTS, name)?;
    let mut failed = Ok(());
    let readings = timed(number(args, 2)?, |events: Events| {
        page::events(kind, events).unwrap_or_else(|error| {
            failed = Err(error);
            0
        })
    });
    failed.map(|()| readings)
}
