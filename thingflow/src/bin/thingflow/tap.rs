//! `thingflow tap`: the events of a place, as they pass.

use clap::Args;
use serde::Deserialize;
use thingflow::Timestamp;

use crate::failure::{Done, Failure};
use crate::live::{self, Which, message, plain};
use crate::output::Lines;

#[derive(Args)]
pub(crate) struct Tap {
    /// The place: its name, or its id as `thingflow top` shows it
    place: String,
    /// Ends after so many events
    #[arg(long, short, value_name = "NUMBER")]
    number: Option<u64>,
    /// As lines of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

#[derive(Deserialize)]
struct Seen {
    /// Milliseconds since 1970.
    at: i64,
    text: String,
}

/// Why a stream has nothing more.
#[derive(Deserialize)]
struct End {
    why: String,
}

pub(crate) fn run(tap: &Tap) -> Done {
    let program = tap.which.program()?;
    let snapshot = program.snapshot()?;
    let place = live::place(&snapshot, &tap.place)?;
    let Some(id) = place.id else {
        return Err(Failure::cannot(format!(
            "cannot look at {}: it has no id; name a place that `thingflow top` lists with one",
            tap.place
        )));
    };
    let mut stream = program.open(&format!("/api/stream?tap={id}"))?;
    let mut lines = Lines::to(None)?;
    let mut left = tap.number.unwrap_or(u64::MAX);
    while left > 0 {
        let Some((name, data)) = message(&mut stream).map_err(|error| program.unreachable(&error))? else {
            return Err(Failure::cannot("the program has ended"));
        };
        match &*name {
            "seen" => show(&mut lines, &read(&data)?, tap.json)?,
            "untapped" => return Err(Failure::cannot(plain(&read::<End>(&data)?.why))),
            "ended" => eprintln!("thingflow: {}", plain(&read::<End>(&data)?.why)),
            _ => continue,
        }
        left -= u64::from(name == "seen");
    }
    lines.end()
}

fn read<'d, T: Deserialize<'d>>(data: &'d str) -> Done<T> {
    serde_json::from_str(data)
        .map_err(|error| Failure::cannot(format!("cannot read what the program has sent: {error}")))
}

fn show(lines: &mut Lines, seen: &Seen, json: bool) -> Done {
    let at = Timestamp::from_nanos(seen.at.saturating_mul(1_000_000));
    if json {
        lines.line(serde_json::json!({ "at": at.to_string(), "text": seen.text }))?;
    } else {
        lines.line(format!("{at} {}", plain(&seen.text)))?;
    }
    lines.flush()
}
