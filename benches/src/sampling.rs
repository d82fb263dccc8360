//! How the groups that push events measure: instructions by a counter, time by medians over turns.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use crate::child::{self, Readings};
use crate::event::Events;
use crate::report::Values;
use crate::{Result, args, counter};

/// How many turns each subject gets.
const TURNS: usize = 7;

/// A workload of a group: the subjects that do it, and the size (ports, hops, sinks) they do it in.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The group whose children do it.
    pub group: &'static str,
    /// The programs to measure.
    pub subjects: Vec<&'static str>,
    /// Ports, hops or sinks.
    pub size: usize,
    /// Events for one counted pass.
    pub counted: u64,
    /// Events for one timed pass.
    pub timed: u64,
}

impl Workload {
    /// Instructions for each event; two subjects at once, since a count does not mind company.
    pub fn instructions(&self) -> Values {
        let counts = |subjects: &[&'static str]| -> Vec<std::result::Result<f64, String>> {
            let count = |subject: &str| counter::per_event(args![self.group, subject, self.size], self.counted);
            subjects.iter().map(|subject| count(subject).map_err(|error| error.to_string())).collect()
        };
        let (left, right) = self.subjects.split_at(self.subjects.len() / 2);
        let counted = thread::scope(|scope| {
            let other = scope.spawn(|| counts(left));
            let right = counts(right);
            other.join().map(|left| [left, right].concat())
        });
        let counted = counted.unwrap_or_else(|_| vec![Err("the counting thread failed".into()); self.subjects.len()]);
        self.subjects.iter().zip(counted).map(|(subject, count)| (*subject, count.map_err(Into::into))).collect()
    }

    /// The median time of an event in nanoseconds. All subjects take turns, and have to agree on the result. Nothing on
    /// an emulated processor, whose time says nothing.
    pub fn times(&self) -> Values {
        if counter::is_emulated() {
            return Values::new();
        }
        let ask = |subject: &str| child::ask(args![self.group, subject, self.size, self.timed]);
        let measured = in_turns(&self.subjects, TURNS, ask, &["ns", "result"]);
        let expected = measured.iter().find_map(|(_, medians)| Some(medians.as_ref().ok()?[1]));
        let judge = |medians: Vec<f64>| -> Result<f64> {
            let [time, result] = medians[..] else { return Err("no reading".into()) };
            // Averages may be summed up in another order, so a reading that is all but 64 may fall to either side.
            match expected {
                Some(expected) if (result - expected).abs() > expected * 1e-3 => {
                    Err(format!("found {result}, the others {expected}").into())
                }
                _ => Ok(time),
            }
        };
        measured.into_iter().map(|(subject, medians)| (subject, medians.and_then(judge))).collect()
    }
}

/// The child's side: runs the workload once, gives the time of an event and the result.
pub fn timed(events: u64, run: impl FnOnce(Events) -> u64) -> Readings {
    let start = Instant::now();
    let result = black_box(run(Events::new(events, Events::SEED)));
    let time = start.elapsed().as_nanos() as f64 / events as f64;
    Readings::default().with("ns", time).with("result", result as f64)
}

/// Asks all subjects again and again in turns, and gives the medians of the readings asked for.
pub fn in_turns(
    subjects: &[&'static str],
    turns: usize,
    ask: impl Fn(&'static str) -> Result<Readings>,
    readings: &[&str],
) -> Vec<(&'static str, Result<Vec<f64>>)> {
    let mut seen: Vec<Result<Vec<Vec<f64>>>> = subjects.iter().map(|_| Ok(Vec::new())).collect();
    for _ in 0..turns {
        for (subject, seen) in subjects.iter().zip(&mut seen) {
            let Ok(rows) = seen else { continue };
            let row = ask(subject).and_then(|said| readings.iter().map(|name| said.get(name)).collect());
            match row {
                Ok(row) => rows.push(row),
                Err(error) => *seen = Err(error),
            }
        }
    }
    let medians = |rows: Vec<Vec<f64>>| {
        (0..readings.len()).map(|column| median(rows.iter().map(|row| row[column]).collect())).collect()
    };
    subjects.iter().copied().zip(seen.into_iter().map(|rows| rows.map(medians))).collect()
}

/// The middle value.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The values in terms of another subject's.
pub fn ratios(values: Values, base: Option<f64>) -> Values {
    let ratio = |value: f64| base.map(|base| value / base).ok_or_else(|| "nothing to compare with".into());
    values.into_iter().map(|(subject, value)| (subject, value.and_then(ratio))).collect()
}
