//! `thingflow record test`: a recording and the file of a test that replays it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;
use thingflow_journal::inspect::Reader;
use thingflow_journal::{Folder, Range, Store};

use crate::failure::{Done, Failure};
use crate::output::{progress, say};
use crate::record::{Stream, survey};
use crate::records::{all_in, open, unlimited};

/// Bytes that are copied at once.
const AT_ONCE: usize = 256 * 1024;

pub(crate) fn write(folder: &Path, file: &Path, json: bool) -> Done {
    let name = file.file_stem().and_then(|name| name.to_str()).filter(|name| is_identifier(name));
    let name = name.ok_or_else(|| {
        Failure::cannot(format!(
            "invalid name of a test {}: use letters, digits and underscores, and .rs",
            file.display()
        ))
    })?;
    let survey = survey(folder)?;
    let data = file.with_extension("recording");
    if file.exists() || data.exists() {
        return Err(Failure::cannot(format!(
            "{} or {} is there already; remove them first",
            file.display(),
            data.display()
        )));
    }
    copy(folder, &data).inspect_err(|_| {
        let _ = fs::remove_dir_all(&data); // a part of it is of no use, and would be in the way of the next try
    })?;
    let text = test(name, folder, survey.streams.iter());
    let doing = format!("write {}", file.display());
    let mut to = File::create_new(file).map_err(Failure::io(&doing))?;
    to.write_all(text.as_bytes()).map_err(Failure::io(&doing))?;
    let value = serde_json::json!({ "test": file, "recording": data });
    say(json, &value, &format!("wrote {} and {}", file.display(), data.display()))
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

/// Without what a journal reserves for more.
fn copy(from: &Path, to: &Path) -> Done {
    fs::create_dir_all(to).map_err(Failure::io(format!("make {}", to.display())))?;
    let files = Folder::open(to).map_err(Failure::io(format!("open {}", to.display())))?;
    let mut copy = Store::open(files, unlimited(&[from])?)?;
    let (mut reader, bar) = (Reader::open(open(from)?, Range::all())?, progress(all_in(from)?));
    loop {
        let records = reader.next(AT_ONCE)?;
        if records.is_empty() {
            bar.finish_and_clear();
            return Ok(copy.close()?);
        }
        for record in &records {
            copy.push(record.time, &record.payload).map_err(Failure::cannot)?;
        }
        copy.commit()?;
        bar.inc(records.len() as u64);
    }
}

/// The type of a stream's events, as far as they tell it.
fn type_of(sample: Option<&Value>) -> String {
    match sample {
        Some(Value::Bool(_)) => "bool".into(),
        Some(Value::String(_)) => "String".into(),
        Some(Value::Number(number)) if number.is_f64() => "f64".into(),
        Some(Value::Number(_)) => "i64".into(),
        Some(Value::Object(fields))
            if fields.len() == 3 && ["sensor_id", "ts", "val"].iter().all(|f| fields.contains_key(*f)) =>
        {
            format!("SensorEvent<{}>", type_of(fields.get("val")))
        }
        _ => "serde_json::Value".into(),
    }
}

fn test<'a>(name: &str, folder: &Path, streams: impl Iterator<Item = (&'a String, &'a Stream)>) -> String {
    let (mut ports, mut checks, mut needs_json) = (String::new(), String::new(), false);
    let mut variables = BTreeSet::new();
    for (number, (stream, Stream { events, sample })) in streams.enumerate() {
        let kind = type_of(sample.as_ref());
        let variable = Some(variable(stream, number)).filter(|name| variables.insert(name.clone()));
        let variable = variable.unwrap_or_else(|| format!("stream_{number}"));
        needs_json |= kind.contains("serde_json");
        let _ = writeln!(ports, "    let {variable} = replay.port::<{kind}>({stream:?})?;");
        let _ = writeln!(ports, "    let {variable}_seen = Recorder::new();");
        let _ = writeln!(ports, "    {variable}.connect({variable}_seen.clone()); // put your graph in between");
        let _ = writeln!(checks, "    assert_eq!({variable}_seen.events().len(), {events});");
    }
    let json = if needs_json { "\n// Put the types of your events in place of `serde_json::Value`.\n" } else { "" };
    let from = folder.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    format!(
        r#"//! The recording {from:?}, replayed. Needs `thingflow` with the features `recording` and `std`.
{json}
use std::error::Error;

use thingflow::adapters::recording::Replay;
use thingflow::prelude::*;
use thingflow::testing::Recorder;

#[test]
fn {name}() -> Result<(), Box<dyn Error>> {{
    let mut replay = Replay::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/{name}.recording"))?;
    let mut scheduler = Scheduler::with_clock(replay.clock())?;
{ports}
    scheduler.schedule_recurring(replay)?;
    scheduler.run_forever()?;
{checks}    Ok(())
}}
"#
    )
}

/// A name of a variable for a stream.
fn variable(stream: &str, number: usize) -> String {
    let name: String =
        stream.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if is_identifier(&name) && !["replay", "scheduler", "_"].contains(&name.as_str()) && !is_keyword(&name) {
        name
    } else {
        format!("stream_{number}")
    }
}

fn is_keyword(name: &str) -> bool {
    const KEYWORDS: [&str; 44] = [
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
        "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
        "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
        "trait", "true", "try", "type", "use",
    ];
    KEYWORDS.contains(&name) || ["unsafe", "unsized", "typeof", "virtual", "where", "while", "yield"].contains(&name)
}
