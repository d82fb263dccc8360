//! [`Replay`]: what was recorded, once more.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use thingflow_core::{
    Clock, Context, Demand, Failure, Instant, Moment, Notice, Port, PortRef, PortSource, Ports, Question, Receipt,
    StreamError, Timestamp, VirtualClock, WallClock,
};
use thingflow_journal::inspect::Reader;
use thingflow_journal::{Error, Files, Folder, Range, Record};

use super::NAME;
use super::entry::{Entry, What};
use super::error::RecordingError;
use super::several::RecordedPorts;
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
    ahead: std::vec::IntoIter<Record>,
    next: Option<Due>,
    tracks: Vec<(String, Box<dyn Track>)>,
    /// Where the stream of the last record is among the tracks.
    last_track: usize,
    clock: VirtualClock,
    /// When the run that is being replayed began, since the first one, and what was known of the wall clock then.
    run: Duration,
    began: Option<Moment>,
    /// When the last record came, since the first run began.
    latest: Duration,
    /// When the first of all was, if the time before that is left out.
    lead: Duration,
    speed: f64,
    /// When the graph was started.
    started: Instant,
    number: u64,
}

/// The next record.
struct Due {
    record: Record,
    /// `None` if it is not of a recording.
    what: Option<What>,
    /// When it came, since the first run began.
    at: Duration,
}

/// No run takes longer, and none begins later after the first: what says so is not of a recording. So what is due comes, before the
/// end of all time.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);
const LATEST: Duration = Duration::from_secs(400 * 365 * 86_400);

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
            ahead: Vec::new().into_iter(),
            next: None,
            tracks: Vec::new(),
            last_track: 0,
            clock: VirtualClock::new(),
            run: Duration::ZERO,
            began: None,
            latest: Duration::ZERO,
            lead: Duration::ZERO,
            speed: 1.0,
            started: Instant::ZERO,
            number: 0,
        };
        replay.advance().map_err(RecordingError::Journal)?;
        let Due { record, what, .. } = replay.next.as_ref().ok_or(RecordingError::Empty)?;
        let entry = Entry::decode(&record.payload).ok_or(RecordingError::Empty)?;
        let (is_begin, at) = (*what == Some(What::Began), entry.at);
        let moment = entry.moment().map(|(moment, _)| moment);
        replay.clock = clock_of(Timestamp::from_nanos(record.time), moment);
        if !is_begin {
            replay.lead = at; // the begin was dropped, to make room
        }
        Ok(replay)
    }

    /// The virtual clock that was that of the recorded run: it begins when that began, is not set as long as that was not, and is
    /// set when that was.
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// The port that sends a stream. Events that are of another type end it by an error. A stream that nobody asks for is left
    /// out.
    ///
    /// # Errors
    /// [`RecordingError::Name`] if the port of this name has been handed out.
    pub fn port<T: DeserializeOwned + Clone + 'static>(&mut self, stream: &str) -> Result<Port<T>, RecordingError> {
        self.check_names([stream])?;
        let port = Port::<T>::new();
        self.add(stream, &port);
        Ok(port)
    }

    /// The ports of several streams by one call, as they were [recorded](super::Recording::record): a tuple, or an array of ports
    /// of one type.
    ///
    /// ```
    /// # use thingflow_adapters::recording::{CommitWindow, Options, Recording, Replay};
    /// # use thingflow_core::prelude::*;
    /// # let folder = tempfile::tempdir()?;
    /// # let recording = Recording::open(folder.path(), Options::new(64 << 20, CommitWindow::default()))?;
    /// # recording.record(["lux", "door"], &(Port::<SensorEvent<f64>>::new(), Port::<bool>::new()))?;
    /// # let mut scheduler = Scheduler::virtual_time()?;
    /// # scheduler.schedule_on_main_event_loop(recording)?;
    /// # scheduler.run_for(std::time::Duration::ZERO)?;
    /// # drop(scheduler);
    /// fn graph((lux, door): (Port<SensorEvent<f64>>, Port<bool>)) {
    ///     // ...
    /// }
    /// let mut replay = Replay::open(folder.path())?;
    /// graph(replay.sources(["lux", "door"])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`port`](Self::port).
    pub fn sources<S: RecordedPorts>(&mut self, streams: S::Names<'_>) -> Result<S, RecordingError> {
        S::replay(streams, self)
    }

    /// Whether these can be names of further ports.
    pub(super) fn check_names<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<(), RecordingError> {
        let mut new = Vec::new();
        for name in names {
            if new.contains(&name) || self.tracks.iter().any(|(known, _)| known == name) {
                return Err(RecordingError::Name(name.into()));
            }
            new.push(name);
        }
        Ok(())
    }

    pub(super) fn add<T: DeserializeOwned + Clone + 'static>(&mut self, stream: &str, port: &Port<T>) {
        self.tracks.push((stream.into(), Box::new(port.clone().named(stream))));
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
        let is_first = |record: &Record| {
            let entry = Entry::decode(&record.payload);
            entry.filter(|entry| !matches!(entry.what, What::Began | What::Clock)).map(|entry| entry.at)
        };
        let next = self.next.as_ref().map(|due| &due.record);
        let first = next.into_iter().chain(self.ahead.as_slice()).find_map(is_first);
        self.lead = first.unwrap_or(self.lead);
        self
    }

    /// Goes on to the next record.
    fn advance(&mut self) -> Result<(), Error> {
        let record = match self.ahead.next() {
            Some(record) => record,
            None => {
                self.ahead = self.reader.next(AT_ONCE)?.into_iter();
                let Some(record) = self.ahead.next() else {
                    self.next = None;
                    return Ok(());
                };
                record
            }
        };
        let (what, at) = match Entry::decode_head(&record.payload) {
            Some((What::Began, _)) => (Some(What::Began), self.begin_of(&record)),
            Some((what, at)) if at <= LONGEST => (Some(what), self.run + at),
            _ => (None, self.run),
        };
        self.next = Some(Due { record, what, at });
        Ok(())
    }

    /// When the next record is due; `None` at the end.
    fn next_due(&self) -> Option<Instant> {
        let since = self.next.as_ref()?.at.saturating_sub(self.lead);
        let scaled = || Duration::try_from_secs_f64(since.as_secs_f64() / self.speed).unwrap_or(Duration::MAX);
        let since = if self.speed == 1.0 { since } else { scaled() };
        Some(self.started + since)
    }

    /// When a run began: by the monotonic clock in the same boot, else by the wall clock, else right after the run before.
    fn begin_of(&mut self, record: &Record) -> Duration {
        let moment = Entry::decode(&record.payload).and_then(|entry| entry.moment()).map(|(moment, _)| moment);
        let (before, shown) = (self.began, Timestamp::from_nanos(record.time));
        self.began = moment.or(Some(known_moment(shown)));
        let since = match (before, self.began) {
            (Some(before), Some(now)) if now.boot().is_same_as(before.boot()) => now.at().since(before.at()),
            (Some(before), Some(now)) if now.is_known() && before.is_known() => now.shown() - before.shown(),
            _ => Duration::ZERO,
        };
        let begin = self.run + since;
        if begin > LATEST { self.latest } else { begin.max(self.latest) }
    }

    /// Sends everything that is due.
    fn send_due(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        while self.next_due().is_some_and(|due| due <= cx.now()) {
            let Some(due) = self.next.take() else { break };
            let demand = self.send_one(&due, cx)?;
            self.advance().map_err(|error| {
                let error = StreamError::caused("cannot read on in the recording", error);
                cx.fatal(error)
            })?;
            if demand == Demand::Full {
                return Ok(demand);
            }
        }
        Ok(Demand::More)
    }

    fn send_one(&mut self, due: &Due, cx: &mut Context<'_>) -> Receipt {
        let Due { record, what, at } = due;
        self.latest = *at;
        let before = std::mem::replace(&mut self.number, record.number);
        if before > 0 && record.number > before + 1 && *what != Some(What::Began) {
            let missing = record.number - before - 1;
            let records = if missing == 1 { "record is" } else { "records are" };
            let error = format!("{missing} {records} missing before {}", record.number);
            cx.report(NAME, &StreamError::msg(error));
        }
        let Some(entry) = what.and_then(|_| Entry::decode(&record.payload)) else {
            let error = format!("record {} is not of a recording, and is left out", record.number);
            cx.report(NAME, &StreamError::msg(error));
            return Ok(Demand::More);
        };
        self.follow_clock(&entry, Timestamp::from_nanos(record.time));
        match entry.what {
            What::Began => self.run = *at,
            What::Clock => {}
            What::Flushed => return self.tell_ports(Notice::Flush, cx).map(|_| Demand::More),
            _ => {
                if let Some(track) = self.track_of(entry.stream) {
                    return track.send(&entry, cx);
                }
            }
        }
        Ok(Demand::More)
    }

    /// The wall clock of the replay shows what that of the run has shown.
    fn follow_clock(&self, entry: &Entry<'_>, shown: Timestamp) {
        let moment = entry.moment();
        if matches!(moment, Some((_, true))) {
            self.clock.set(shown);
        } else if self.speed == 1.0 && self.clock.timestamp() != shown {
            self.clock.slew(shown);
        }
        if matches!(moment, Some((moment, _)) if moment.is_known()) {
            self.clock.synchronize();
        }
    }

    /// The track of a stream. Sources that are sampled together come in the same order again and again.
    fn track_of(&mut self, stream: &str) -> Option<&mut Box<dyn Track>> {
        let count = self.tracks.len();
        let from = self.last_track + 1;
        let at = (from..from + count).map(|at| at % count).find(|at| self.tracks[*at].0 == stream)?;
        self.last_track = at;
        self.tracks.get_mut(at).map(|(_, track)| track)
    }
}

/// The clock of a run that began at this time.
fn clock_of(shown: Timestamp, began: Option<Moment>) -> VirtualClock {
    let clock = VirtualClock::starting_at(shown);
    match began {
        Some(began) if !began.is_known() => clock.unset(),
        _ => clock,
    }
}

/// Of a run of which nobody recorded whether its clock was set.
fn known_moment(shown: Timestamp) -> Moment {
    let mut clock = WallClock::unknown(Instant::ZERO, shown);
    clock.is_set = true;
    Moment::of(&clock)
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
                Port::fail(self, StreamError::msg(text), cx)?;
            }
            What::Watermark => {
                if let Ok(nanos) = entry.contents.try_into() {
                    let time = Timestamp::from_nanos(i64::from_le_bytes(nanos));
                    return thingflow_core::InputThing::notice(self, Notice::Watermark(time), cx);
                }
            }
            What::Began | What::Flushed | What::Clock => {}
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
        self.tracks.iter().for_each(|(_, track)| see(track.see()));
    }
}

impl PortSource for Replay {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        if self.send_due(cx)? == Demand::Full {
            return Ok(Demand::Full);
        }
        if self.next.is_none() {
            for (_, track) in &self.tracks {
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
        let streams: Vec<&String> = self.tracks.iter().map(|(name, _)| name).collect();
        f.debug_struct("Replay").field("streams", &streams).finish_non_exhaustive()
    }
}
