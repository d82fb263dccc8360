//! `thingflow record`: info, replay and test.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};
use thingflow::adapters::recording::{Entry, Replay, What};
use thingflow::prelude::*;
use thingflow_journal::Range;
use thingflow_journal::inspect::{self, Reader};

use crate::failure::{Done, Failure};
use crate::live::plain;
use crate::output::{Lines, counted, progress, progress_of_lines, say};
use crate::people::shown;
use crate::queue::describe;
use crate::records::{all_in, open};
use crate::test_file;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Says what was recorded: streams, how many events, runs, times
    Info {
        /// The recording's folder
        folder: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Writes the events as lines of JSON, as far apart as they came
    Replay {
        /// The recording's folder
        folder: PathBuf,
        /// So many times as fast
        #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
        speed: f64,
        /// All at once
        #[arg(long, conflicts_with = "speed")]
        at_once: bool,
        /// Only these streams
        #[arg(long, value_name = "NAME")]
        stream: Vec<String>,
    },
    /// Turns a recording into a test: copies it beside the test, and writes the file of the test
    Test {
        /// The recording's folder
        folder: PathBuf,
        /// The test: `tests/freezer_alarm.rs` in the folder of a package
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: Command) -> Done {
    match command {
        Command::Info { folder, json } => info(&folder, json),
        Command::Replay { folder, speed, at_once, stream } => {
            replay(&folder, if at_once { None } else { Some(speed) }, &stream)
        }
        Command::Test { folder, file, json } => test_file::write(&folder, &file, json),
    }
}

/// What is known of a stream.
#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) events: u64,
    /// The first event.
    pub(crate) sample: Option<Value>,
}

/// What is known of a recording.
#[derive(Default)]
pub(crate) struct Survey {
    pub(crate) runs: u64,
    /// Those that began before the wall clock was set.
    pub(crate) unset: u64,
    /// The longest of the runs.
    pub(crate) length: Duration,
    pub(crate) streams: BTreeMap<String, Stream>,
}

/// Looks through a recording.
pub(crate) fn survey(folder: &Path) -> Done<Survey> {
    let mut reader = Reader::open(open(folder)?, Range::all())?;
    let (mut survey, bar) = (Survey::default(), progress(all_in(folder)?));
    loop {
        let records = reader.next(256 * 1024)?;
        if records.is_empty() {
            break;
        }
        for record in &records {
            if let Some(entry) = Entry::decode(&record.payload) {
                survey.see(&entry);
            }
        }
        bar.inc(records.len() as u64);
    }
    bar.finish_and_clear();
    if survey.streams.is_empty() && survey.runs == 0 {
        return Err(Failure::cannot(format!("{} is not a recording, or an empty one", folder.display())));
    }
    Ok(survey)
}

impl Survey {
    fn see(&mut self, entry: &Entry<'_>) {
        let began = entry.what == What::Began;
        self.runs += u64::from(began);
        self.unset += u64::from(began && entry.moment().is_some_and(|(moment, _)| !moment.is_known()));
        self.length = self.length.max(entry.at);
        if entry.stream.is_empty() {
            return;
        }
        let stream = match self.streams.get_mut(entry.stream) {
            Some(stream) => stream,
            None => self.streams.entry(entry.stream.to_owned()).or_default(),
        };
        if entry.what == What::Event {
            stream.events += 1;
            if stream.sample.is_none() {
                stream.sample = thingflow::adapters::recording::code::decode(entry.contents).ok().map(shown);
            }
        }
    }
}

fn info(folder: &Path, json: bool) -> Done {
    let (mut value, mut text) = describe(&inspect::list(&open(folder)?)?);
    let survey = survey(folder)?;
    let streams = survey
        .streams
        .iter()
        .map(|(name, stream)| json!({ "name": name, "events": stream.events, "first": stream.sample }));
    value["streams"] = streams.collect();
    value["runs"] = survey.runs.into();
    value["runs_before_clock_set"] = survey.unset.into();
    value["seconds"] = survey.length.as_secs_f64().into();
    text.push_str(&format!("{}, the longest of {:?}\n", counted(survey.runs, "run"), survey.length));
    if survey.unset > 0 {
        text.push_str(&format!("of these, {} before the clock was set\n", survey.unset));
    }
    for (name, Stream { events, sample }) in &survey.streams {
        let first = sample.as_ref().map_or(String::new(), |sample| format!(", the first {sample}"));
        text.push_str(&plain(&format!("{name}: {}{first}", counted(*events, "event"))));
        text.push('\n');
    }
    say(json, &value, &text)
}

/// Without a speed all at once, on the virtual clock.
fn replay(folder: &Path, speed: Option<f64>, only: &[String]) -> Done {
    let survey = survey(folder)?;
    if let Some(missing) = only.iter().find(|name| !survey.streams.contains_key(*name)) {
        return Err(Failure::cannot(format!("there is no stream {missing:?} in {}", folder.display())));
    }
    let mut replay = Replay::open(folder)?;
    let mut scheduler = match speed {
        Some(_) => Scheduler::new()?,
        None => Scheduler::with_clock(replay.clock())?,
    };
    let lines = Rc::new(RefCell::new(Lines::to(None)?));
    let failed = Rc::new(RefCell::new(None));
    let is_chosen = |name: &String| only.is_empty() || only.contains(name);
    let chosen = survey.streams.iter().filter(|(name, _)| is_chosen(name));
    let bar = progress_of_lines(chosen.map(|(_, stream)| stream.events).sum(), false);
    for name in survey.streams.keys().filter(|name| is_chosen(name)) {
        let (lines, failed, stream, bar) = (lines.clone(), failed.clone(), name.clone(), bar.clone());
        let (stopper, live) = (scheduler.stopper(), speed.is_some());
        replay.port::<Value>(name)?.for_each(move |event| {
            bar.inc(1);
            let lines = &mut *lines.borrow_mut();
            let line = lines.line(json!({ "stream": stream, "event": shown(event) }));
            let written = line.and_then(|()| if live { lines.flush() } else { Ok(()) });
            if let Err(error) = written {
                failed.borrow_mut().get_or_insert(error);
                stopper.stop();
            }
        });
    }
    let replay = match speed {
        Some(speed) if speed.is_finite() && speed > 0.0 => replay.speed(speed).without_lead(),
        Some(speed) => return Err(Failure::cannot(format!("invalid speed {speed}: use a factor above 0"))),
        None => replay,
    };
    scheduler.schedule_recurring(replay).map_err(Failure::cannot)?;
    scheduler.run_forever()?;
    drop(scheduler);
    bar.finish_and_clear();
    if let Some(error) = failed.take() {
        return Err(error);
    }
    Rc::into_inner(lines).map_or(Ok(()), |lines| lines.into_inner().end())
}
