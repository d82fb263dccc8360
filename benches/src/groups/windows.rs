//! `windows`: aggregates in windows of 10, 1,000 and 100,000 events, a result for each event; spectra and filters beside the
//! library that they stand on, called by hand.

use super::{Group, names, number, subject, word};
use crate::Result;
use crate::child::Readings;
use crate::event::Events;
use crate::figure::{Bound, OURS};
use crate::report::{Report, Values, value_of};
use crate::sampling::{Workload, ratios, timed};
use crate::subjects::thingflow::windows as ours;
use crate::subjects::{hand, rolling_stats, watermill};

pub const GROUP: Group = Group {
    name: "windows",
    about: "aggregates in windows of 10 to 100,000 events; spectra, filters",
    counts: true,
    measure,
    child,
};

type Subject = fn(Events, usize) -> u64;

/// A figure: what is made, and how its cost may grow with the window.
struct Made {
    name: &'static str,
    cost: Cost,
    subjects: &'static [(&'static str, Subject)],
}

#[derive(Clone, Copy, PartialEq)]
enum Cost {
    /// The same in each window.
    Flat,
    /// As the logarithm of the window.
    Log,
    /// The same in each window; what is quicker elsewhere is not right there, see [`DIGITS`].
    FlatAndRight,
    /// There is no window; at most 1.1 times what the same takes by hand.
    NoWindow,
}

use Cost::{Flat, FlatAndRight, Log, NoWindow};

const MADE: [Made; 25] = [
    Made {
        name: "running_avg",
        cost: Flat,
        subjects: &[(OURS, ours::running_avg), (WATERMILL, watermill::windows::mean)],
    },
    Made {
        name: "running_sum",
        cost: Flat,
        subjects: &[(OURS, ours::running_sum), (WATERMILL, watermill::windows::sum)],
    },
    Made {
        name: "running_variance",
        cost: Flat,
        subjects: &[(OURS, ours::running_variance), (WATERMILL, watermill::windows::variance)],
    },
    Made { name: "mean", cost: FlatAndRight, subjects: &[(OURS, ours::mean), (WATERMILL, watermill::windows::mean)] },
    Made { name: "sum", cost: FlatAndRight, subjects: &[(OURS, ours::sum), (WATERMILL, watermill::windows::sum)] },
    Made { name: "exact sum", cost: Flat, subjects: &[(OURS, ours::exact_sum)] },
    Made {
        name: "variance",
        cost: FlatAndRight,
        subjects: &[(OURS, ours::variance), (WATERMILL, watermill::windows::variance)],
    },
    Made { name: "deviation", cost: Flat, subjects: &[(OURS, ours::deviation)] },
    Made { name: "min", cost: Flat, subjects: &[(OURS, ours::min), (WATERMILL, watermill::windows::min)] },
    Made { name: "max", cost: Flat, subjects: &[(OURS, ours::max), (WATERMILL, watermill::windows::max)] },
    Made { name: "first", cost: Flat, subjects: &[(OURS, ours::first)] },
    Made { name: "last", cost: Flat, subjects: &[(OURS, ours::last)] },
    Made { name: "count", cost: Flat, subjects: &[(OURS, ours::count)] },
    Made { name: "histogram", cost: Flat, subjects: &[(OURS, ours::histogram)] },
    Made { name: "rate", cost: Flat, subjects: &[(OURS, ours::rate)] },
    Made { name: "integral", cost: Flat, subjects: &[(OURS, ours::integral)] },
    Made { name: "trend", cost: Flat, subjects: &[(OURS, ours::trend)] },
    Made { name: "covariance", cost: Flat, subjects: &[(OURS, ours::covariance)] },
    Made { name: "correlation", cost: Flat, subjects: &[(OURS, ours::correlation)] },
    Made { name: "median", cost: Log, subjects: &[(OURS, ours::median), (WATERMILL, watermill::windows::median)] },
    Made { name: "quantile", cost: Log, subjects: &[(OURS, ours::quantile)] },
    Made {
        name: "min, max, mean, deviation of all",
        cost: NoWindow,
        subjects: &[(OURS, ours::of_all), ("rolling-stats", rolling_stats::windows::of_all)],
    },
    Made {
        name: "spectra of 1,024",
        cost: NoWindow,
        subjects: &[(HAND, hand::windows::spectra), (OURS, ours::spectra)],
    },
    Made { name: "FIR of 31", cost: NoWindow, subjects: &[(HAND, hand::windows::fir), (OURS, ours::fir)] },
    Made { name: "biquad", cost: NoWindow, subjects: &[(HAND, hand::windows::biquad), (OURS, ours::biquad)] },
];

const WATERMILL: &str = "watermill";
const HAND: &str = "hand";

/// The sizes of the windows. Peers are measured in the middle one: some of theirs take as long as the window is.
const SIZES: [usize; 3] = [10, 1_000, 100_000];
const MIDDLE: usize = 1;

/// Digits that are right: of a variance of values far from 0, and of a mean long after a value that was too large.
const DIGITS: [(&str, Digits); 2] = [
    (
        "variance of values around 1e9, digits",
        [(OURS, ours::digits_far_from_zero), (WATERMILL, watermill::windows::digits_far_from_zero)],
    ),
    (
        "mean, a spike of 1e17 long gone, digits",
        [(OURS, ours::digits_after_a_spike), (WATERMILL, watermill::windows::digits_after_a_spike)],
    ),
];
type Digits = [(&'static str, fn() -> f64); 2];
const ENOUGH_DIGITS: f64 = 10.0;

/// What a flat cost may differ, and how many times that of the hand ours may be.
const LIMIT: f64 = 1.1;
/// Or so many instructions more, where a tenth is fewer than a look whether the result is a number.
const FEW: f64 = 4.5;

fn measure(report: &mut Report) {
    for (at, made) in MADE.iter().enumerate() {
        match made.cost {
            NoWindow => without_window(report, at, made),
            cost => in_windows(report, at, made, cost),
        }
    }
    for (name, subjects) in DIGITS {
        let digits = subjects.into_iter().map(|(subject, digits)| (subject, Ok(digits()))).collect();
        report.add(GROUP.name, name, "digits", digits, Some(Bound::AtLeast(ENOUGH_DIGITS)));
    }
}

/// The work of some subjects, in the window with the number `size`.
fn workload(at: usize, size: usize, subjects: Vec<&'static str>) -> Workload {
    let counted = (4 * SIZES[size] as u64).clamp(50_000, 200_000);
    Workload { group: GROUP.name, subjects, size: at * SIZES.len() + size, counted, timed: 2_000_000 }
}

fn in_windows(report: &mut Report, at: usize, made: &Made, cost: Cost) {
    let mut before: Option<f64> = None;
    for (size, window) in SIZES.into_iter().enumerate() {
        let subjects = if size == MIDDLE { names(made.subjects) } else { vec![OURS] };
        let counts = workload(at, size, subjects).instructions();
        let growth = if cost == Log { f64::log10(window as f64) / f64::log10(window as f64 / 100.0) } else { 1.0 };
        let limit = before.map(|before| Bound::AtMost(LIMIT * growth * before));
        if before.is_none() || cost == Log {
            before = value_of(&counts, OURS);
        }
        report.add(GROUP.name, &format!("{}, {window} events", made.name), "instr", counts, limit);
    }
    if made.subjects.len() > 1 {
        rows(report, at, made, cost != FlatAndRight);
    }
}

/// Millions of rows a second; if it `leads`, ahead of each peer.
fn rows(report: &mut Report, at: usize, made: &Made, leads: bool) {
    let rate = |nanos: f64| 1e3 / nanos;
    let times = workload(at, MIDDLE, names(made.subjects)).times();
    let rates: Values = times.into_iter().map(|(subject, time)| (subject, time.map(rate))).collect();
    let peers = rates.iter().filter(|(subject, _)| *subject != OURS).filter_map(|(_, rate)| rate.as_ref().ok());
    let limit = peers.copied().reduce(f64::max).filter(|_| leads).map(Bound::AtLeast);
    report.add(GROUP.name, &format!("{}, rows a second", made.name), "M/s", rates, limit);
}

fn without_window(report: &mut Report, at: usize, made: &Made) {
    let work = workload(at, 0, names(made.subjects));
    let counts = work.instructions();
    let hand = value_of(&counts, HAND);
    let limit = hand.map(|hand| Bound::AtMost((LIMIT * hand).max(hand + FEW)));
    report.add(GROUP.name, &format!("{}, an event", made.name), "instr", counts, limit);
    if hand.is_none() {
        return rows(report, at, made, false);
    }
    let times = work.times();
    let hand = value_of(&times, HAND);
    report.add(GROUP.name, &format!("{}, time", made.name), "x hand", ratios(times, hand), None);
}

/// `SUBJECT FIGURE-AND-SIZE EVENTS`
fn child(args: &[String]) -> Result<Readings> {
    let which = number::<usize>(args, 1)?;
    let made = MADE.get(which / SIZES.len()).ok_or("no such figure")?;
    let run = subject(made.subjects, word(args, 0)?)?;
    Ok(timed(number(args, 2)?, |events| run(events, SIZES[which % SIZES.len()])))
}
