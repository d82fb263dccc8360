//! `thingflow queue`: list, check, export, cut and feed.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use thingflow::{BootId, Timestamp};
use thingflow_journal::inspect::{self, Check, Overview, Reader};

use crate::failure::{Done, Failure};
use crate::feed::{self, begin_feeding};
use crate::output::{Lines, counted, progress, progress_of_lines, say};
use crate::records::{DEAD, FED, Which, clocks_of, dead_letters, open, records_in, to_json};

/// Bytes of records that are read at once.
const AT_ONCE: usize = 256 * 1024;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Says what is there: segments, who reads and how much waits for them, dead letters. Also beside the program
    List {
        /// The outbox's folder
        folder: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Reads every record and checksum, and the dead letters; ends with 1 if something is damaged. Also beside the program
    Check {
        /// The outbox's folder
        folder: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Writes records as lines of JSON. Also beside the program
    ///
    /// Numbers that are no finite ones become null.
    Export {
        /// The outbox's folder, or its folder `dead`
        folder: PathBuf,
        #[command(flatten)]
        which: Which,
        /// Into this file
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Drops all records below a number, delivered or not, while the program does not run
    ///
    /// No outlet sends them, and no dead letter of them is fed; they are on the disk until all others of their segment have gone.
    /// Of a recording only whole segments go.
    Cut {
        /// The outbox's folder, or its folder `dead`
        folder: PathBuf,
        /// The number of the first record that stays
        #[arg(long, value_name = "NUMBER")]
        before: u64,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Puts dead letters, or other events, into an outbox while the program does not run: every port sends them, as new ones
    Feed(feed::Feed),
}

pub(crate) fn run(command: Command) -> Done {
    match command {
        Command::List { folder, json } => list(&folder, json),
        Command::Check { folder, json } => check(&folder, json),
        Command::Export { folder, which, output } => export(&folder, &which, output.as_deref()),
        Command::Cut { folder, before, json } => cut(&folder, before, json),
        Command::Feed(feed) => feed.run(),
    }
}

fn list(folder: &Path, json: bool) -> Done {
    let overview = inspect::list(&open(folder)?)?;
    let dead = match dead_letters(folder) {
        Some(dead) => {
            let letters = inspect::list(&open(&dead)?)?;
            let fed = letters.consumers.iter().find(|consumer| consumer.name == FED);
            fed.map_or_else(|| records_in(&letters), |fed| fed.waiting)
        }
        None => 0,
    };
    let (mut value, mut text) = describe(&overview);
    value["dead_letters"] = dead.into();
    let _ = writeln!(text, "{}", counted(dead, "dead letter"));
    say(json, &value, &text)
}

/// What a journal consists of.
pub(crate) fn describe(overview: &Overview) -> (Value, String) {
    let segments = &overview.segments;
    let (records, disk) = (records_in(overview), segments.iter().map(|segment| segment.disk).sum::<u64>());
    let times = segments.iter().filter_map(|segment| segment.times);
    let times = times.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    let time = |nanos: i64| Timestamp::from_nanos(nanos).to_string();
    let (first, last) = (segments.first().map_or(0, |s| s.first), segments.last().map_or(0, |s| s.last));
    let outlets = overview
        .consumers
        .iter()
        .map(|consumer| json!({ "name": consumer.name, "delivered": consumer.delivered, "waiting": consumer.waiting }));
    let value = json!({
        "records": records, "first": first, "last": last, "segments": segments.len(), "bytes": disk,
        "oldest": times.map(|times| time(times.0)), "newest": times.map(|times| time(times.1)),
        "outlets": outlets.collect::<Vec<_>>(), "quarantine": overview.quarantine,
        "boots": overview.clocks.iter().map(|clock| {
            json!({ "boot": BootId::from_u128(clock.boot).to_string(), "clock_set": clock.time.is_some() })
        }).collect::<Vec<_>>(),
    });
    let (all, files) = (counted(records, "record"), counted(segments.len() as u64, "segment"));
    let mut text = format!("{all}, {first} to {last}, in {files} of {}\n", counted(disk, "byte"));
    if let Some((oldest, newest)) = times {
        let _ = writeln!(text, "taken from {} to {}", time(oldest), time(newest));
    }
    for consumer in &overview.consumers {
        let delivered = consumer.delivered.map_or("an unreadable position".into(), |number| number.to_string());
        let _ = writeln!(text, "{}: {} waiting, delivered up to {delivered}", consumer.name, consumer.waiting);
    }
    for clock in &overview.clocks {
        let boot = BootId::from_u128(clock.boot);
        let known = if clock.time.is_some() { "its times are put right" } else { "its clock has not been set yet" };
        let _ = writeln!(text, "taken before the clock was set, in boot {boot}: {known}");
    }
    for file in &overview.quarantine {
        let _ = writeln!(text, "damaged part kept as {file}");
    }
    (value, text)
}

fn check(folder: &Path, json: bool) -> Done {
    let mut checks = vec![(folder.to_owned(), check_one(folder)?)];
    if let Some(dead) = dead_letters(folder) {
        checks.push((dead.clone(), check_one(&dead)?));
    }
    let sound = checks.iter().all(|(_, check)| check.is_sound());
    let (mut journals, mut text) = (Vec::new(), String::new());
    for (folder, check) in &checks {
        let (value, lines) = describe_check(folder, check);
        journals.push(value);
        text.push_str(&lines);
    }
    say(json, &json!({ "sound": sound, "journals": journals }), &text)?;
    if sound { Ok(()) } else { Err(Failure::Damaged) }
}

fn check_one(folder: &Path) -> Done<Check> {
    let bar = progress(0);
    let check = inspect::check(&open(folder)?, steps(&bar));
    bar.finish_and_clear();
    Ok(check?)
}

/// Shows on a bar how much is done, and of how much.
fn steps(bar: &ProgressBar) -> impl FnMut(usize, usize) {
    |done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    }
}

fn describe_check(folder: &Path, check: &Check) -> (Value, String) {
    let folder = folder.display().to_string();
    let damage = check.damage.iter().map(|damage| {
        json!({
            "file": damage.file, "offset": damage.offset, "bytes": damage.bytes, "missing": damage.missing,
            "from": damage.from,
        })
    });
    let value = json!({
        "folder": folder, "sound": check.is_sound(), "records": check.records, "lost": check.lost(),
        "damage": damage.collect::<Vec<_>>(), "headers": check.headers, "short": check.short, "positions": check.positions,
    });
    let verdict = if check.is_sound() { "sound" } else { "damaged" };
    let mut text =
        format!("{folder}: {verdict}, {} can be read, {} lost\n", counted(check.records, "record"), check.lost());
    for damage in &check.damage {
        let _ = writeln!(
            text,
            "  {} at {}: {}, {} from {} on",
            damage.file,
            damage.offset,
            counted(damage.bytes, "byte"),
            counted(damage.missing, "record"),
            damage.from
        );
    }
    for file in &check.short {
        let _ = writeln!(text, "  {file} has been shortened: what stood behind its last record is lost");
    }
    for file in check.headers.iter().chain(&check.positions) {
        let _ = writeln!(text, "  {file} cannot be read");
    }
    (value, text)
}

fn export(folder: &Path, which: &Which, output: Option<&Path>) -> Done {
    let (all, clocks) = (which.most_of(&inspect::list(&open(folder)?)?), clocks_of(folder)?);
    let mut reader = Reader::open(open(folder)?, which.range())?;
    let mut lines = Lines::to(output)?;
    let bar = progress_of_lines(all, output.is_some());
    let mut all_readable = true;
    loop {
        let records = reader.next(AT_ONCE)?;
        if records.is_empty() {
            break;
        }
        for record in &records {
            let (line, readable) = to_json(record, &clocks);
            all_readable &= readable;
            lines.line(line)?;
        }
        bar.inc(records.len() as u64);
    }
    bar.finish_and_clear();
    lines.end()?;
    if all_readable { Ok(()) } else { Err(Failure::Damaged) }
}

fn cut(folder: &Path, before: u64, json: bool) -> Done {
    let files = open(folder)?;
    if folder.file_name() == Some(DEAD.as_ref()) {
        begin_feeding(folder)?;
    }
    let bar = progress(0);
    let cut = inspect::cut(files, before, steps(&bar));
    bar.finish_and_clear();
    let cut = cut?;
    say(json, &json!({ "cut": cut }), &format!("{} dropped", counted(cut, "record")))
}
