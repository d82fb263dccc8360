//! `posts`: events from other threads into the loop, through a bounded queue.

use super::{Group, names, number, subject, word};
use crate::child::{Readings, ask};
use crate::figure::{Bound, OURS};
use crate::posting;
use crate::report::{Report, Values, value_of};
use crate::sampling::in_turns;
use crate::subjects::thingflow;
use crate::subjects::{calloop, hand, tokio};
use crate::{Result, args, machine};

pub const GROUP: Group =
    Group { name: "posts", about: "from 1 and 4 threads, on two cores and on one", counts: false, measure, child };

/// What can be done with an inbox.
type Subject = (Throughput, Ping);
type Throughput = fn(usize, u64) -> Result<Readings>;
type Ping = fn(usize) -> Result<Readings>;

macro_rules! inbox {
    ($inbox:ty) => {
        (posting::throughput::<$inbox> as Throughput, posting::ping::<$inbox> as Ping)
    };
}

const SUBJECTS: &[(&str, Subject)] = &[
    (OURS, inbox!(thingflow::posts::Block)),
    ("hand, crossbeam", inbox!(hand::posts::Channel)),
    ("hand, swapped", inbox!(hand::posts::Swap)),
    ("tokio", inbox!(tokio::posts::Channel)),
    ("calloop", inbox!(calloop::posts::Channel)),
];

/// What our queue can do when it is full.
const POLICIES: &[(&str, Throughput)] = &[
    ("block", posting::lossy::<thingflow::posts::Block>),
    ("drop_oldest", posting::lossy::<thingflow::posts::DropOldest>),
    ("drop_newest", posting::lossy::<thingflow::posts::DropNewest>),
    ("fail", posting::lossy::<thingflow::posts::Fail>),
];

/// What part of the better hand loop's rate ours has to reach.
const RATE_SHARE: f64 = 0.8;

/// How much slower than the quicker hand loop a single post may be.
const PING_FACTOR: f64 = 1.2;

const HANDS: [&str; 2] = ["hand, crossbeam", "hand, swapped"];
const TURNS: usize = 5;
const POSTS: u64 = 1_000_000;
const PINGS: usize = 500;

fn measure(report: &mut Report) {
    for (cores, on) in [(2, "two cores"), (1, "one core")] {
        for threads in [1, 4] {
            rates(report, cores, threads, &format!("{on}, {threads} posting"));
        }
    }
    pings(report);
    for threads in [1, 4] {
        policies(report, threads);
    }
}

/// At full speed: near the better hand loop, and ahead of both peers.
fn rates(report: &mut Report, cores: usize, threads: usize, name: &str) {
    eprintln!("  {name}");
    let rates = medians("rate", &names(SUBJECTS), args![cores, threads, POSTS], ["rate"]).remove(0);
    let limits = [
        best_hand(&rates, f64::max).map(|hand| RATE_SHARE * hand),
        value_of(&rates, "tokio"),
        value_of(&rates, "calloop"),
    ];
    let limit = limits.into_iter().collect::<Option<Vec<f64>>>().map(|all| all.into_iter().fold(0.0, f64::max));
    report.add(GROUP.name, name, "M/s", rates, limit.map(Bound::AtLeast));
}

/// One post into a loop that sleeps.
fn pings(report: &mut Report) {
    eprintln!("  single posts");
    let mut pings = medians("ping", &names(SUBJECTS), args![2, PINGS], ["p50_us", "p99_us"]);
    let (p99, p50) = (pings.remove(1), pings.remove(0));
    let limit = best_hand(&p50, f64::min).map(|hand| Bound::AtMost(PING_FACTOR * hand));
    report.add(GROUP.name, "single post, median", "us", p50, limit);
    report.add(GROUP.name, "single post, p99", "us", p99, None);
}

/// What each of our policies does with more than the loop can take. The subject is always ours.
fn policies(report: &mut Report, threads: usize) {
    for (policy, _) in POLICIES {
        let mut lossy = medians("lossy", &[*policy], args![2, threads, POSTS], ["rate", "arrived"]);
        for (name, unit) in [("arrived", "share"), ("posts", "M/s")] {
            let values = lossy.pop().into_iter().flatten().map(|(_, value)| (OURS, value)).collect();
            report.add(GROUP.name, &format!("{policy}, {threads} posting, {name}"), unit, values, None);
        }
    }
}

fn best_hand(values: &Values, better: fn(f64, f64) -> f64) -> Option<f64> {
    let [one, other] = HANDS.map(|hand| value_of(values, hand));
    Some(better(one?, other?))
}

/// Asks all subjects in turns; gives the medians, one list for each reading.
fn medians<const N: usize>(kind: &str, subjects: &[&'static str], rest: &[String], readings: [&str; N]) -> Vec<Values> {
    let ask = |subject: &'static str| ask(&[args![GROUP.name, kind, subject], rest].concat());
    let medians = in_turns(subjects, TURNS, ask, &readings);
    let column = |at: usize| {
        let value = |row: &Result<Vec<f64>>| row.as_ref().map(|row| row[at]).map_err(|error| error.to_string().into());
        medians.iter().map(|(subject, row)| (*subject, value(row))).collect()
    };
    (0..N).map(column).collect()
}

/// `rate SUBJECT CORES THREADS POSTS`, `lossy POLICY CORES THREADS POSTS`, `ping SUBJECT CORES POSTS`
fn child(args: &[String]) -> Result<Readings> {
    let (kind, name) = (word(args, 0)?, word(args, 1)?);
    if number::<usize>(args, 2)? == 1 {
        machine::stay_on_one_core()?;
    }
    match kind {
        "rate" => (subject(SUBJECTS, name)?.0)(number(args, 3)?, number(args, 4)?),
        "lossy" => subject(POLICIES, name)?(number(args, 3)?, number(args, 4)?),
        "ping" => (subject(SUBJECTS, name)?.1)(number(args, 3)?),
        other => Err(format!("no {other} here").into()),
    }
}
