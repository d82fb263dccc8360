//! `thingflow queue feed`: puts dead letters, and events from files, into an outbox.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use thingflow::Timestamp;
use thingflow::adapters::outbox::{DeadLetterRecord, code};
use thingflow_journal::inspect::Reader;
use thingflow_journal::{CommitWindow, Options, PushError, Range, Record, Start, Store};

use crate::failure::{Done, Failure};
use crate::output::{counted, progress, say};
use crate::people::stored;
use crate::records::{DEAD, FED, all_in, dead_letters, open, unlimited};

/// Bytes that are committed at once.
const COMMIT: usize = 256 * 1024;

#[derive(Args)]
pub(crate) struct Feed {
    /// The outbox's folder
    folder: PathBuf,
    /// What to put in: a folder of dead letters, another outbox, or a file of lines as `export` writes them. By default the
    /// outbox's own dead letters
    source: Option<PathBuf>,
    /// Only what this outlet has refused; it counts as not fed yet
    #[arg(long, value_name = "NAME")]
    outlet: Option<String>,
    /// Dead letters that were fed before, too
    #[arg(long)]
    again: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Feed {
    pub(crate) fn run(self) -> Done {
        let own = || dead_letters(&self.folder).ok_or_else(|| Failure::cannot("there are no dead letters"));
        let source = match &self.source {
            Some(source) => source.clone(),
            None => own()?,
        };
        if is_same(&source, &self.folder) {
            return Err(Failure::cannot(format!("{} is the outbox itself; name another source", source.display())));
        }
        let mut queue = Queue::open(&self.folder, &source)?;
        let put = self.put_from(&source, &mut queue).and_then(|()| queue.commit());
        put.map_err(|failure| queue.interrupted(failure))?;
        let fed = queue.close()?;
        say(self.json, &json!({ "fed": fed }), &format!("{} put into {}", counted(fed, "event"), self.folder.display()))
    }

    fn put_from(&self, source: &Path, queue: &mut Queue) -> Done {
        if !fs::metadata(source).is_ok_and(|found| found.is_dir()) {
            put_lines(source, queue)
        } else if source.file_name() == Some(DEAD.as_ref()) && self.outlet.is_none() && !self.again {
            fed_once(source, queue)
        } else {
            self.put_all(source, queue)
        }
    }

    fn put_all(&self, source: &Path, queue: &mut Queue) -> Done {
        let (mut reader, bar) = (Reader::open(open(source)?, Range::all())?, progress(all_in(source)?));
        loop {
            let records = reader.next(COMMIT)?;
            if records.is_empty() {
                bar.finish_and_clear();
                return Ok(());
            }
            for record in &records {
                put(record, self.outlet.as_deref(), queue)?;
            }
            bar.inc(records.len() as u64);
        }
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    place(one).is_some_and(|place_of_one| place(other) == Some(place_of_one))
}

/// Makes the position that says what of some dead letters has been fed, if there is none.
pub(crate) fn begin_feeding(dead: &Path) -> Done {
    let mut letters = Store::open(open(dead)?, Options::new(u64::MAX, CommitWindow::default()))?;
    letters.open_consumer(FED, Start::Oldest)?;
    Ok(letters.close()?)
}

/// Puts in what has not been fed before. A position in the dead letters says what that is; it moves when the events are on the
/// disk.
fn fed_once(source: &Path, queue: &mut Queue) -> Done {
    let mut letters = Store::open(open(source)?, Options::new(u64::MAX, CommitWindow::default()))?;
    letters.open_consumer(FED, Start::Oldest)?;
    let bar = progress(letters.counts(FED)?.waiting);
    loop {
        let records = letters.next(FED, COMMIT)?;
        let Some(last) = records.last().map(|record| record.number) else { break };
        for record in &records {
            put(record, None, queue)?;
        }
        queue.commit()?;
        letters.acknowledge(FED, last)?;
        bar.inc(records.len() as u64);
    }
    bar.finish_and_clear();
    Ok(letters.close()?)
}

/// Puts in the event of a record. A dead letter may be without: it was too long.
fn put(record: &Record, outlet: Option<&str>, queue: &mut Queue) -> Done {
    let letter = DeadLetterRecord::decode(&record.payload);
    let letter = letter.map_err(|error| Failure::cannot(format!("record {}: {error}", record.number)))?;
    match letter {
        Some(letter) if outlet.is_some_and(|outlet| *outlet != letter.outlet) || letter.event.is_empty() => Ok(()),
        Some(letter) => queue.push(letter.taken.as_nanos(), &letter.event),
        None => queue.push(record.time, &record.payload),
    }
}

/// Puts in the events of a file of lines, if all of them can be read: so it can be fed again once it is mended.
fn put_lines(source: &Path, queue: &mut Queue) -> Done {
    let file = fs::metadata(source).ok().filter(fs::Metadata::is_file);
    let bar = progress(file.as_ref().map(|file| 2 * file.len())); // bytes, read twice
    if file.is_some() {
        each_line(source, &bar, |_, _| Ok(()))?;
    }
    each_line(source, &bar, |time, event| queue.push(time, event))?;
    bar.finish_and_clear();
    Ok(())
}

fn each_line(source: &Path, bar: &ProgressBar, mut put: impl FnMut(i64, &[u8]) -> Done) -> Done {
    let doing = format!("read {}", source.display());
    let file = File::open(source).map_err(Failure::io(&doing))?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let mut bytes = Vec::new();
    for (n, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(Failure::io(&doing))?;
        bar.inc(line.len() as u64 + 1);
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |why: String| Failure::cannot(format!("line {} of {}: {why}", n + 1, source.display()));
        let mut value: Value = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        let event = value.get_mut("event").map(|event| stored(event.take()));
        let event = event.ok_or_else(|| wrong("there is no \"event\" in it".into()))?;
        let time = match value.get("time") {
            None | Some(Value::Null) => now,
            Some(Value::String(time)) => {
                time.parse::<Timestamp>().map_err(|error| wrong(error.to_string()))?.as_nanos()
            }
            Some(other) => {
                return Err(wrong(format!("invalid \"time\" {other}: use text such as \"2026-01-31T11:00:00Z\"")));
            }
        };
        bytes.clear();
        code::encode(&event, &mut bytes).map_err(|error| wrong(error.to_string()))?;
        put(time, &bytes)?;
    }
    Ok(())
}

/// An outbox that nobody else has open.
struct Queue {
    store: Store,
    waiting: usize,
    fed: u64,
}

impl Queue {
    /// With room for what is in the source, if that is a folder.
    fn open(folder: &Path, source: &Path) -> Done<Self> {
        let options = if source.is_dir() { unlimited(&[folder, source])? } else { unlimited(&[folder])? };
        let store = Store::open(open(folder)?, options)?;
        Ok(Self { store, waiting: 0, fed: 0 })
    }

    fn push(&mut self, time: i64, payload: &[u8]) -> Done {
        if self.waiting > COMMIT {
            self.commit()?;
        }
        self.store.push(time, payload).map_err(|error: PushError| Failure::cannot(error))?;
        self.waiting += payload.len();
        self.fed += 1;
        Ok(())
    }

    fn commit(&mut self) -> Done {
        self.store.commit()?;
        self.waiting = 0;
        Ok(())
    }

    /// What fails may leave a part that was put in before.
    fn interrupted(&self, failure: Failure) -> Failure {
        match (failure, self.fed - self.store.buffered().min(self.fed)) {
            (Failure::Cannot(what), stored) if stored > 0 => {
                Failure::Cannot(format!("{what}; {} before that are in the outbox already", counted(stored, "event")))
            }
            (failure, _) => failure,
        }
    }

    fn close(self) -> Done<u64> {
        self.store.close()?;
        Ok(self.fed)
    }
}
