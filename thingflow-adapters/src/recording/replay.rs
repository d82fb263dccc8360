//! [`Replay`]: what was recorded, once more.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use thingflow_core::{
    Context, Demand, Failure, Instant, Notice, Port, PortRef, PortSource, Ports, Question, Receipt, StreamError,
    Timestamp, VirtualClock,
};
use thingflow_journal::inspect::Reader;
use thingflow_journal::{Error, Files, Folder, Range, Record};

use super::NAME;
use super::entry::{Entry, What};
use super::error::RecordingError;
use crate::journaling::code;

/// Bytes that are read at once.
const AT_ONCE: usize = 256 * 1024;

/// Sends what was recorded, by a port for each stream: in the same order, each event at the time at which it came, counted
/// from the begin of the run.
///
/// On the [clock](Self::clock) of the recording, which is virtual, the same graph gives the same results to the last bit, as
/// fast as the machine can: what it computes from events, from the scheduler's time and from the wall clock. What operators do at
/// a time of their own they do exactly then, where a live run may have been late by some microseconds. On a scheduler in
/// real time it is as slow as it was, or [faster](Self::speed).
///
/// Runs that were recorded one after the other are replayed so. A stream that has completed in one of them has for the replay, too.
///
/// Schedule it by [`schedule_recurring`](thingflow_core::Scheduler::schedule_recurring). It reads the disk in pieces of 256 KiB
/// on the reactor's thread.
pub struct Replay {
    reader: Reader,
    ahead: VecDeque<Record>,
    tracks: BTreeMap<String, Box<dyn Track>>,
    epoch: Timestamp,
    /// When the run that is being replayed began, since the first one.
    run: Duration,
    /// When the first of all was, if the time before that is left out.
    lead: Duration,
    speed: f64,
    /// When the graph was started.
    started: Instant,
    /// When the next record came, since the first run began.
    next: Option<Duration>,
    number: u64,
}

impl Replay {
    /// Opens a recording, which may still go on: what has been committed by then is replayed.
    ///
    /// # Errors
    /// [`RecordingError::Journal`], [`RecordingError::Empty`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let path = folder.as_ref();
        let doing = || format!("open the folder {}", path.display());
        let files = Folder::open_existing(path)
            .map_err(|error| RecordingError::Journal(Error::Io { doing: doing(), error }))?;
        Self::open_on(files, Range::all())
    }

    /// As [`open`](Self::open), on other files than a folder, or only for some of the records. A part replays as a recording
    /// that began with its first record.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(files: impl Files + 'static, range: Range) -> Result<Self, RecordingError> {
        let reader = Reader::open(files, range).map_err(RecordingError::Journal)?;
        let mut replay = Self {
            reader,
            ahead: VecDeque::new(),
            tracks: BTreeMap::new(),
            epoch: Timestamp::UNIX_EPOCH,
            run: Duration::ZERO,
            lead: Duration::ZERO,
            speed: 1.0,
            started: Instant::ZERO,
            next: None,
            number: 0,
        };
        replay.fill().map_err(RecordingError::Journal)?;
        let first = replay.ahead.front().ok_or(RecordingError::Empty)?;
        let entry = Entry::decode(&first.payload).ok_or(RecordingError::Empty)?;
        if entry.what != What::Began {
            replay.lead = entry.at; // the begin was dropped, to make room
        }
        replay.epoch = Timestamp::from_nanos(first.time);
        replay.fill().map_err(RecordingError::Journal)?; // which counts from there
        Ok(replay)
    }

    /// The virtual clock that was that of the recorded run: it begins when that began.
    pub fn clock(&self) -> VirtualClock {
        VirtualClock::starting_at(self.epoch)
    }

    /// The port that sends a stream. Events that are of another type end it by an error. A stream that nobody asks for is left
    /// out.
    ///
    /// # Errors
    /// [`RecordingError::Name`] if the port of this name has been handed out.
    pub fn port<T: DeserializeOwned + Clone + 'static>(&mut self, stream: &str) -> Result<Port<T>, RecordingError> {
        if self.tracks.contains_key(stream) {
            return Err(RecordingError::Name(stream.into()));
        }
        let port = Port::<T>::new().named(stream);
        self.tracks.insert(stream.into(), Box::new(port.clone()));
        Ok(port)
    }

    /// So many times as fast as it was, or slower: 2.0 takes half the time. What is not positive or not finite is as 1.0.
    #[must_use]
    pub fn speed(self, factor: f64) -> Self {
        let speed = if factor.is_finite() && factor > 0.0 { factor } else { 1.0 };
        Self { speed, ..self }
    }

    /// Begins with the first event, and not with the run, which may have waited long for it.
    #[must_use]
    pub fn without_lead(mut self) -> Self {
        let first = self.ahead.iter().filter_map(|record| Entry::decode(&record.payload));
        let first = first.filter(|entry| entry.what != What::Began).map(|entry| entry.at).next();
        self.lead = first.unwrap_or(self.lead);
        self
    }

    /// Reads on if need be, and notes when the next record is due.
    fn fill(&mut self) -> Result<(), Error> {
        if self.ahead.is_empty() {
            self.ahead.extend(self.reader.next(AT_ONCE)?);
        }
        self.next = self.ahead.front().map(|record| match Entry::decode(&record.payload) {
            Some(entry) if entry.what == What::Began => self.begin_of(record.time),
            Some(entry) => self.run + entry.at,
            None => self.run,
        });
        Ok(())
    }

    /// When the next record is due; `None` at the end.
    fn next_due(&self) -> Option<Instant> {
        let since = self.next?.saturating_sub(self.lead);
        let since = if self.speed == 1.0 { since } else { since.div_f64(self.speed) };
        Some(self.started + since)
    }

    /// When a run began that began at that time of the wall clock, which may have been set meanwhile.
    fn begin_of(&self, time: i64) -> Duration {
        let since = Timestamp::from_nanos(time) - self.epoch;
        since.max(self.run)
    }

    /// Sends everything that is due.
    fn send_due(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        while self.next_due().is_some_and(|due| due <= cx.now()) {
            let Some(record) = self.ahead.pop_front() else { break };
            let demand = self.send_one(&record, cx)?;
            self.fill().map_err(|error| {
                let error = StreamError::caused("cannot read on in the recording", error);
                cx.fatal(error)
            })?;
            if demand == Demand::Full {
                return Ok(demand);
            }
        }
        Ok(Demand::More)
    }

    fn send_one(&mut self, record: &Record, cx: &mut Context<'_>) -> Receipt {
        let Some(entry) = Entry::decode(&record.payload) else {
            let error = format!("record {} is not of a recording, and is left out", record.number);
            cx.report(NAME, &StreamError::message(error));
            return Ok(Demand::More);
        };
        let before = std::mem::replace(&mut self.number, record.number);
        match entry.what {
            What::Began => {
                self.run = self.begin_of(record.time);
                return Ok(Demand::More);
            }
            _ if before > 0 && record.number > before + 1 => {
                let missing = record.number - before - 1;
                let error = format!("{missing} records are missing before {}", record.number);
                cx.report(NAME, &StreamError::message(error));
            }
            _ => {}
        }
        if entry.what == What::Flushed {
            self.tell_ports(Notice::Flush, cx)?;
            return Ok(Demand::More);
        }
        match self.tracks.get_mut(entry.stream) {
            Some(track) => track.send(&entry, cx),
            None => Ok(Demand::More),
        }
    }
}

/// A stream that is replayed, without the type of its events.
trait Track {
    fn send(&mut self, entry: &Entry<'_>, cx: &mut Context<'_>) -> Receipt;
    fn see(&self) -> PortRef;
    fn complete(&self, cx: &mut Context<'_>) -> Result<(), thingflow_core::FatalError>;
}

impl<T: DeserializeOwned + Clone + 'static> Track for Port<T> {
    fn send(&mut self, entry: &Entry<'_>, cx: &mut Context<'_>) -> Receipt {
        if self.is_closed() {
            return Ok(Demand::Done);
        }
        match entry.what {
            What::Event => match code::decode(entry.contents) {
                Ok(event) => return self.emit(event, cx),
                Err(error) => Port::fail(self, StreamError::caused("cannot replay an event", error), cx)?,
            },
            What::Completed => Port::complete(self, cx)?,
            What::Error => {
                let text = String::from_utf8_lossy(entry.contents).into_owned();
                Port::fail(self, StreamError::message(text), cx)?;
            }
            What::Watermark => {
                if let Ok(nanos) = entry.contents.try_into() {
                    let time = Timestamp::from_nanos(i64::from_le_bytes(nanos));
                    return thingflow_core::InputThing::notice(self, Notice::Watermark(time), cx);
                }
            }
            What::Began | What::Flushed => {}
        }
        Ok(Demand::More)
    }
    fn see(&self) -> PortRef {
        self.as_ref()
    }
    fn complete(&self, cx: &mut Context<'_>) -> Result<(), thingflow_core::FatalError> {
        if self.is_closed() { Ok(()) } else { Port::complete(self, cx) }
    }
}

impl Ports for Replay {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        self.tracks.values().for_each(|track| see(track.see()));
    }
}

impl PortSource for Replay {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        if self.send_due(cx)? == Demand::Full {
            return Ok(Demand::Full);
        }
        if self.ahead.is_empty() {
            for track in self.tracks.values() {
                track.complete(cx)?;
            }
            return Ok(Demand::Done);
        }
        Ok(if self.ask_ports(Question::Open) { Demand::More } else { Demand::Done })
    }

    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if matches!(notice, Notice::Start) {
            self.started = cx.now();
        }
        if matches!(notice, Notice::Wake) { Ok(Demand::More) } else { self.tell_ports(notice, cx) }
    }

    fn due(&mut self, _: &mut Context<'_>) -> Option<Instant> {
        self.next_due()
    }

    fn name(&self) -> &str {
        "replay"
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let streams: Vec<&String> = self.tracks.keys().collect();
        f.debug_struct("Replay").field("streams", &streams).finish_non_exhaustive()
    }
}
