//! `thingflow top`: what flows in a running program, again and again.

use std::io::IsTerminal;
use std::thread;
use std::time::Duration;

use clap::Args;
use console::{Term, measure_text_width, truncate_str};
use serde::Deserialize;
use thingflow::diagram::Node;
use thingflow::{Overrun, ScheduleInfo, ScheduleKind, ScheduleState, Snapshot};

use crate::failure::{Done, Failure};
use crate::live::{Program, Which, plain};
use crate::output::Lines;

#[derive(Args)]
pub(crate) struct Top {
    /// Seconds between two looks
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = seconds)]
    every: f64,
    /// Ends after so many looks; without a terminal after one
    #[arg(long, short, value_name = "NUMBER")]
    number: Option<u64>,
    #[command(flatten)]
    which: Which,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.05..=86400.0).contains(&seconds) => Ok(seconds),
        _ => Err("invalid time: give seconds from 0.05 to 86400".into()),
    }
}

#[derive(Deserialize)]
struct About {
    title: String,
}

/// What has become of the events of an output.
#[derive(Deserialize)]
struct Output {
    name: String,
    taken: u64,
    delivered: u64,
    waiting: u64,
    dropped: u64,
    dead: u64,
    lost: u64,
    /// Seconds.
    oldest: Option<f64>,
    why: Option<String>,
}

/// What a program says of itself at one moment.
struct Look {
    snapshot: Snapshot,
    outputs: Vec<Output>,
}

impl Look {
    fn at(program: &Program) -> Done<Self> {
        // A program of before does not tell of its outputs.
        Ok(Self { snapshot: program.snapshot()?, outputs: program.ask("/api/outputs").unwrap_or_default() })
    }
}

pub(crate) fn run(top: &Top) -> Done {
    let program = top.which.program()?;
    let terminal = std::io::stdout().is_terminal().then(Term::stdout);
    let mut left = top.number.unwrap_or(if terminal.is_some() { u64::MAX } else { 1 });
    let title = program.ask::<About>("/api/about")?.title;
    let mut before = Look::at(&program)?;
    while left > 0 {
        thread::sleep(Duration::from_secs_f64(top.every));
        match (Look::at(&program), &terminal) {
            (Ok(now), _) => {
                show(&page(&title, &before, &now), terminal.as_ref())?;
                before = now;
            }
            // Perhaps it starts again.
            (Err(Failure::Cannot(why)), Some(term)) => show(&[format!("{}: {why}", plain(&title))], Some(term))?,
            (Err(failure), _) => return Err(failure),
        }
        left -= 1;
    }
    Ok(())
}

/// On a terminal in place of what was there, and no more than fits.
fn show(page: &[String], terminal: Option<&Term>) -> Done {
    let Some(term) = terminal else {
        let mut lines = Lines::to(None)?;
        page.iter().try_for_each(|line| lines.line(line))?;
        return lines.end();
    };
    let (height, width) = term.size();
    let fits =
        page.iter().take(usize::from(height).saturating_sub(1)).map(|line| truncate_str(line, usize::from(width), "…"));
    let text: String = fits.map(|line| format!("{line}\x1b[K\n")).collect();
    term.write_str(&format!("\x1b[H{text}\x1b[J")).map_err(Failure::io("write"))
}

/// All lines.
fn page(title: &str, before: &Look, now: &Look) -> Vec<String> {
    let Look { snapshot: now, outputs } = now;
    let (before, earlier) = (&before.snapshot, &before.outputs);
    let mut lines = vec![format!("{}  {}", plain(title), now.timestamp)];
    let mut problems = problems(before, now);
    problems.extend(outputs.iter().filter_map(|it| Some(format!("{} {}", plain(&it.name), plain(it.why.as_ref()?)))));
    lines.push(if problems.is_empty() { "no problems".into() } else { format!("problems: {}", problems.join("; ")) });
    lines.push(String::new());
    lines.extend(table(
        &["SCHEDULE", "RUNS", "STATE", "CALLS", "PER S", "MISSED", "FAILED", "LATEST TICK"],
        now.schedules.iter().map(|schedule| schedule_row(before, now, schedule)),
    ));
    lines.push(String::new());
    let counts = |node: &&Node| node.tappable || !node.queues.is_empty();
    lines.extend(table(
        &["PLACE", "ID", "EVENTS", "PER S", "QUEUE", "DROPPED", "REFUSED"],
        now.graph.nodes.iter().filter(counts).map(|node| place_row(before, now, node)),
    ));
    if !outputs.is_empty() {
        lines.push(String::new());
        lines.extend(table(
            &["OUTPUT", "TAKEN", "DELIVERED", "PER S", "WAITING", "OLDEST", "DROPPED", "REFUSED", "LOST"],
            outputs.iter().map(|output| output_row((before, earlier), now, output)),
        ));
    }
    if !now.errors.is_empty() || !now.overruns.is_empty() {
        lines.push(String::new());
        lines.push("REPORTS".into());
        lines.extend(
            now.errors.iter().map(|it| format!("{}: {}: {}", plain(&it.thing), times(it.count), plain(&it.last))),
        );
        lines.extend(now.overruns.iter().map(held_up));
    }
    lines
}

fn times(count: u64) -> String {
    if count == 1 { "once".into() } else { format!("{count} times") }
}

fn held_up(it: &Overrun) -> String {
    format!(
        "{} has held up everything else {}, for {:.1?} at the longest",
        plain(&it.thing),
        times(it.count),
        it.longest
    )
}

/// What is wrong now, and what has gone wrong since the last look.
fn problems(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let failing = now.schedules.iter().filter(|it| it.failing > 0);
    let mut all: Vec<_> =
        failing.map(|it| format!("{}: the last {} samplings failed", plain(&it.name), it.failing)).collect();
    let full = now.schedules.iter().filter(|it| it.state == ScheduleState::Full);
    all.extend(full.map(|it| format!("{} waits for room downstream", plain(&it.name))));
    for node in &now.graph.nodes {
        let dropped = |node: &Node| node.queues.iter().map(|queue| queue.dropped).sum::<u64>();
        let old = before.graph.nodes.iter().find(|old| old.id.is_some() && old.id == node.id);
        if old.is_some_and(|old| dropped(node) > dropped(old)) {
            all.push(format!("{} drops events", plain(&node.name)));
        }
    }
    for it in &now.overruns {
        let old = before.overruns.iter().find(|old| old.thing == it.thing).map_or(0, |old| old.count);
        if it.count > old {
            all.push(held_up(it));
        }
    }
    all
}

fn schedule_row(before: &Snapshot, now: &Snapshot, schedule: &ScheduleInfo) -> Vec<String> {
    let old = before.schedules.iter().find(|old| old.id == schedule.id).map(|old| old.stats.ticks);
    let stats = schedule.stats;
    vec![
        plain(&schedule.name),
        match schedule.kind {
            ScheduleKind::Periodic(period) => format!("every {period:?}"),
            kind => format!("{kind:?}").to_lowercase(),
        },
        format!("{:?}", schedule.state).to_lowercase(),
        stats.ticks.to_string(),
        rate(before, now, old, stats.ticks),
        stats.missed.to_string(),
        stats.failures.to_string(),
        if schedule.lateness.ticks > 0 { format!("{:.1?}", schedule.lateness.longest) } else { String::new() },
    ]
}

fn place_row(before: &Snapshot, now: &Snapshot, node: &Node) -> Vec<String> {
    let counted = |node: &Node| node.events.or(node.probe.as_ref().map(|probe| probe.events));
    let old = before.graph.nodes.iter().find(|old| old.id.is_some() && old.id == node.id).and_then(counted);
    let sum = |of: fn(&thingflow::QueueState) -> u64| node.queues.iter().map(of).sum::<u64>();
    let capacity: Option<u64> = node.queues.iter().map(|queue| queue.capacity).sum();
    let queued = |text: String| if node.queues.is_empty() { String::new() } else { text };
    vec![
        plain(&node.name),
        node.id.map_or_else(String::new, |id| id.to_string()),
        counted(node).map_or_else(String::new, |events| events.to_string()),
        counted(node).map_or_else(String::new, |events| rate(before, now, old, events)),
        queued(match capacity {
            Some(capacity) => format!("{} of {capacity}", sum(|queue| queue.waiting)),
            None => sum(|queue| queue.waiting).to_string(),
        }),
        queued(sum(|queue| queue.dropped).to_string()),
        queued(sum(|queue| queue.dead).to_string()),
    ]
}

fn output_row((before, earlier): (&Snapshot, &[Output]), now: &Snapshot, output: &Output) -> Vec<String> {
    let old = earlier.iter().find(|old| old.name == output.name).map(|old| old.delivered);
    vec![
        plain(&output.name),
        output.taken.to_string(),
        output.delivered.to_string(),
        rate(before, now, old, output.delivered),
        output.waiting.to_string(),
        output.oldest.map_or_else(String::new, |seconds| format!("{seconds:.0} s")),
        output.dropped.to_string(),
        output.dead.to_string(),
        output.lost.to_string(),
    ]
}

/// How many a second there were between two snapshots.
#[expect(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
fn rate(before: &Snapshot, now: &Snapshot, old: Option<u64>, new: u64) -> String {
    let seconds = now.at.since(before.at).as_secs_f64();
    match old {
        Some(old) if seconds > 0.0 => format!("{:.1}", new.saturating_sub(old) as f64 / seconds),
        _ => String::new(),
    }
}

/// A table whose columns are as wide as they have to be; all but the first are to the right if they are numbers.
fn table<const N: usize>(head: &[&str; N], rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let mut all = vec![head.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()];
    all.extend(rows);
    let widths: Vec<_> =
        (0..N).map(|column| all.iter().map(|row| measure_text_width(&row[column])).max().unwrap_or(0)).collect();
    let is_number = |column: usize| {
        column > 0
            && all[1..]
                .iter()
                .all(|row| row[column].starts_with(|c: char| c.is_ascii_digit()) || row[column].is_empty())
    };
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let room = " ".repeat(widths[column] - measure_text_width(cell));
            if is_number(column) { room + cell } else { cell.clone() + &room }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}
