//! Random schedules on the model file system, and an oracle that knows what must be left after each crash.

use std::collections::{BTreeMap, BTreeSet};

use thingflow_journal::model::{Draw, Model};
use thingflow_journal::{
    CommitWindow, Error, Options, Policy, PushError, Range, Record, Report, Start, Store, SyncPoint,
};

/// What a schedule does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Pushes a record with a payload of this many bytes.
    Push(u16),
    Commit,
    /// A consumer reads about so many bytes.
    Read(u8, u16),
    /// A consumer acknowledges this share, in 256ths, of what it holds.
    Acknowledge(u8, u8),
    SyncPositions,
    /// Closes cleanly, and opens again.
    Close,
    /// The process ends after so many operations on files; `true` for a power cut.
    Crash(u8, bool),
    /// Opens twice without a push in between: the second time nothing may be written.
    OpenTwice,
}

/// What surrounds a schedule.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) consumers: usize,
    pub(crate) policy: Policy,
    pub(crate) max_records: Option<u64>,
    /// One write or sync in so many fails.
    pub(crate) failing: u64,
    /// One transfer in so many is short, and one interrupted.
    pub(crate) short: u64,
    pub(crate) capacity: Option<u64>,
    pub(crate) ignored: Option<SyncPoint>,
    /// In bytes, as the next.
    pub(crate) limit: u64,
    pub(crate) segment: u64,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            consumers: 1,
            policy: Policy::Block,
            max_records: None,
            failing: 0,
            short: 0,
            capacity: None,
            ignored: None,
            limit: LIMIT,
            segment: SEGMENT,
        }
    }
}

pub(crate) const SEGMENT: u64 = 8 * 1024;
pub(crate) const LIMIT: u64 = 96 * 1024;

impl Setting {
    pub(crate) fn options(&self) -> Options {
        let options =
            Options::new(self.limit, CommitWindow::default()).segment_bytes(self.segment).buffer_bytes(12 * 1024);
        let options = options.policy(self.policy);
        self.max_records.map_or(options.clone(), |records| options.max_records(records))
    }
}

/// A schedule drawn from a seed.
pub(crate) fn schedule(seed: u64, len: usize) -> Vec<Step> {
    let draw = &mut Draw::new(seed);
    // Some schedules run into the limit, others keep up.
    let (lazy, long) = (draw.once_in(3), draw.once_in(2));
    let step = |_| match draw.below(if lazy { 60 } else { 100 }) {
        0..=29 => Step::Push(draw.below(if long { 3000 } else { 60 }) as u16),
        30..=44 => Step::Commit,
        45..=48 => Step::Crash(draw.below(24) as u8, draw.once_in(2)),
        49..=50 => Step::SyncPositions,
        51 => Step::Close,
        52 => Step::OpenTwice,
        53..=77 => Step::Read(draw.below(2) as u8, draw.below(6000) as u16),
        _ => Step::Acknowledge(draw.below(2) as u8, draw.below(256) as u8),
    };
    (0..len).map(step).collect()
}

/// A schedule that fills the disk and loses power, over and over.
pub(crate) fn tight(seed: u64, len: usize) -> Vec<Step> {
    let draw = &mut Draw::new(seed);
    let step = |_| match draw.below(100) {
        0..=54 => Step::Push(draw.below(3000) as u16),
        55..=79 => Step::Commit,
        80..=84 => Step::Close,
        _ => Step::Crash(draw.below(16) as u8, draw.once_in(2)),
    };
    (0..len).map(step).collect()
}

/// A schedule of a program that is killed all the time, and loses power now and then.
pub(crate) fn restless(seed: u64, len: usize) -> Vec<Step> {
    let draw = &mut Draw::new(seed);
    let step = |_| match draw.below(100) {
        0..=29 => Step::Push(draw.below(3000) as u16),
        30..=54 => Step::Commit,
        55..=69 => Step::Read(0, 6000),
        _ => Step::Crash(draw.below(24) as u8, draw.once_in(3)),
    };
    (0..len).map(step).collect()
}

/// What is known of a consumer.
#[derive(Debug, Default)]
struct Known {
    opened: bool,
    /// Acknowledged without an error; the same at the last sync; the highest that was tried.
    done: u64,
    synced: u64,
    tried: u64,
    /// The highest that was tried in this life, so that it is written sooner or later.
    acknowledged: u64,
    /// The highest number that was ever handed out.
    handed: u64,
    /// What it has been given in this life, and not acknowledged.
    holds: Vec<u64>,
    /// The last number that it was given in this life.
    last: Option<u64>,
    /// The least position that the last crash may have left.
    lower: u64,
    after_close: bool,
    delivered: u64,
}

/// What must hold.
pub(crate) struct Oracle {
    pub(crate) disk: Model,
    setting: Setting,
    store: Option<Store>,
    /// What was pushed in this life, by number.
    pushed: BTreeMap<u64, Vec<u8>>,
    /// All contents that a number has been pushed with and that a crash may have left.
    candidates: BTreeMap<u64, Vec<Vec<u8>>>,
    /// What has been acknowledged or delivered: one payload for a number, for ever.
    durable: BTreeMap<u64, Vec<u8>>,
    known: Vec<Known>,
    next_payload: u64,
    /// Numbers of `durable` that may be gone: a limit dropped them.
    dropped: bool,
    pub(crate) crashes: u64,
    /// Power cuts so far.
    cuts: u64,
    /// The highest number that may have been there at the last crash.
    left_by_crash: u64,
    /// Segments that were the newest at a crash: only those may be torn.
    newest_at_crash: BTreeSet<String>,
}

pub(crate) type Verdict = Result<(), String>;

macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err(format!($($text)+));
        }
    };
}

impl Oracle {
    pub(crate) fn new(seed: u64, setting: Setting) -> Self {
        let disk = Model::new(seed);
        disk.faults(|faults| {
            faults.ignored = setting.ignored;
            faults.interrupted = setting.short;
            faults.short = setting.short;
            faults.capacity = setting.capacity;
        });
        let known = (0..setting.consumers).map(|_| Known::default()).collect();
        let dropped = setting.policy == Policy::DropOldest;
        Self {
            disk,
            setting,
            store: None,
            pushed: BTreeMap::new(),
            candidates: BTreeMap::new(),
            durable: BTreeMap::new(),
            known,
            next_payload: 0,
            dropped,
            crashes: 0,
            cuts: 0,
            left_by_crash: 0,
            newest_at_crash: BTreeSet::new(),
        }
    }

    /// Runs a schedule, then reads everything that is left.
    pub(crate) fn run(mut self, steps: &[Step]) -> Verdict {
        self.go(steps).map_err(|what| format!("{what}; {:?}", self.setting))
    }

    pub(crate) fn go(&mut self, steps: &[Step]) -> Verdict {
        self.open()?;
        for (index, step) in steps.iter().enumerate() {
            let failing = self.setting.failing;
            self.disk.faults(|faults| faults.failing = failing);
            self.step(*step).map_err(|what| format!("step {index}, {step:?}: {what}"))?;
            self.invariants().map_err(|what| format!("after step {index}, {step:?}: {what}"))?;
        }
        self.disk.faults(|faults| {
            faults.failing = 0;
            faults.capacity = None;
        });
        self.crash(true)?;
        self.drain()
    }

    fn step(&mut self, step: Step) -> Verdict {
        match step {
            Step::Push(len) => self.push(len.into()),
            Step::Commit => self.commit(),
            Step::Read(consumer, bytes) => self.read(consumer.into(), bytes.into()).map(drop),
            Step::Acknowledge(consumer, share) => self.acknowledge(consumer.into(), share),
            Step::SyncPositions => self.sync_positions(),
            Step::Close => self.close(),
            Step::Crash(after, cut) => {
                self.disk.stop_after(after.into());
                // A failed sync that a killed process knew of is known to nobody else.
                let cut = cut || self.setting.failing > 0;
                self.crash_soon(cut)
            }
            Step::OpenTwice => self.open_twice(),
        }
    }

    /// Goes on until the crash that was set happens, with whatever comes.
    fn crash_soon(&mut self, cut: bool) -> Verdict {
        let draw = &mut Draw::new(self.disk.operations());
        for _ in 0..24 {
            match draw.below(4) {
                0 => self.push(draw.below(900) as usize)?,
                1 => self.commit()?,
                2 => drop(self.read(draw.below(2) as usize, 900)?),
                _ => self.acknowledge(draw.below(2) as usize, 200)?,
            }
            if self.disk.is_stopped() {
                break;
            }
        }
        self.crash(cut)
    }

    fn crash(&mut self, cut: bool) -> Verdict {
        self.left_by_crash = self.store.take().map_or(self.left_by_crash, |store| store.next_number() - 1);
        self.crashes += 1;
        self.end_life(cut);
        if cut {
            self.disk.cut_power();
        } else {
            self.disk.kill();
        }
        if cut {
            self.cuts += 1;
        }
        // Sometimes the opening is interrupted too.
        let operations = self.disk.operations();
        if operations.is_multiple_of(3) {
            self.disk.stop_after(operations % 17);
            match Store::open(self.disk.clone(), self.setting.options()) {
                Ok(store) => self.store = Some(store),
                Err(_) if self.disk.is_stopped() => {}
                Err(error) if self.setting.failing > 0 => drop(error),
                Err(error) => return Err(format!("cannot open: {error:?}")),
            }
            self.store = None;
            if operations.is_multiple_of(2) {
                self.disk.cut_power();
            } else {
                self.disk.kill();
            }
            if operations.is_multiple_of(2) {
                self.cuts += 1;
                self.end_life(true);
            }
        }
        self.open()
    }

    fn end_life(&mut self, cut: bool) {
        self.newest_at_crash.extend(self.disk.names().into_iter().rfind(|name| name.ends_with(".seg")));
        for (number, payload) in std::mem::take(&mut self.pushed) {
            self.candidates.entry(number).or_default().push(payload);
        }
        for known in &mut self.known {
            known.lower = if cut { known.synced } else { known.done };
            known.done = known.lower;
            known.synced = known.synced.min(known.lower);
            known.holds.clear();
            known.last = None;
            known.after_close = false;
            known.delivered = 0;
            known.acknowledged = 0;
        }
    }

    fn open(&mut self) -> Verdict {
        let open = || Store::open(self.disk.clone(), self.setting.options());
        let store = match open() {
            // Once more without faults: a disk that fails at the opening is an error, not a loss.
            Err(_) if self.setting.failing > 0 => {
                self.disk.faults(|faults| faults.failing = 0);
                self.disk.kill();
                open()
            }
            other => other,
        };
        let mut store = store.map_err(|error| format!("cannot open: {error:?}"))?;
        for index in 0..self.known.len() {
            match store.open_consumer(name(index), Start::Oldest) {
                Ok(()) => self.known[index].opened = true,
                Err(Error::Full(_)) if self.setting.capacity.is_some() || !self.known[index].opened => {}
                Err(Error::Io { .. }) if self.setting.failing > 0 => {}
                Err(error) => return Err(format!("cannot open a consumer: {error:?}")),
            }
        }
        let reused = self.durable.range(store.next_number()..).next();
        ensure!(reused.is_none(), "number {reused:?} would be used again");
        self.store = Some(store);
        self.invariants()
    }

    fn open_twice(&mut self) -> Verdict {
        if self.setting.failing > 0 {
            return Ok(());
        }
        self.crash(false)?;
        self.store = None;
        self.end_life(false);
        self.disk.kill();
        let changes = self.disk.changes();
        self.open()?;
        let changed = self.disk.changes() - changes;
        ensure!(changed == 0, "the second open changes {changed} things");
        Ok(())
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().expect("it is open between crashes")
    }

    fn push(&mut self, len: usize) -> Verdict {
        self.next_payload += 1;
        let mut payload = self.next_payload.to_le_bytes().to_vec();
        payload.resize(len + 8, self.next_payload as u8);
        let expected = self.store().next_number();
        let time = self.next_payload as i64;
        match self.store().push(time, &payload) {
            Err(PushError::Dropped) => {
                ensure!(self.setting.policy == Policy::DropNewest, "a record was dropped");
            }
            Ok(number) => {
                ensure!(number == expected, "number {number}, not {expected}");
                ensure!(!self.durable.contains_key(&number), "number {number} is used again");
                self.pushed.insert(number, payload);
            }
            Err(PushError::Full) => {
                ensure!(self.setting.policy == Policy::Block, "refused");
            }
            Err(error) => return Err(error.to_string()),
        }
        Ok(())
    }

    fn commit(&mut self) -> Verdict {
        let committed = self.store().commit();
        let durable = self.store().durable();
        match committed {
            Ok(number) => ensure!(number == durable, "durable {durable}, not {number}"),
            Err(Error::Full(_)) => {}
            Err(_) if self.disk.is_stopped() || self.setting.failing > 0 => {}
            Err(error) => return Err(format!("cannot commit: {error:?}")),
        }
        if !self.dropped {
            let done: Vec<(u64, Vec<u8>)> =
                self.pushed.range(..=durable).map(|(number, payload)| (*number, payload.clone())).collect();
            self.durable.extend(done);
        }
        Ok(())
    }

    fn read(&mut self, index: usize, bytes: usize) -> Result<usize, String> {
        if !self.known.get(index).is_some_and(|known| known.opened) {
            return Ok(0);
        }
        match self.store().next(name(index), bytes) {
            Ok(records) => {
                for record in &records {
                    self.check_record(index, record)?;
                }
                Ok(records.len())
            }
            Err(_) if self.disk.is_stopped() || self.setting.failing > 0 => Ok(0),
            Err(error) => Err(format!("cannot read: {error:?}")),
        }
    }

    fn check_record(&mut self, index: usize, record: &Record) -> Verdict {
        let number = record.number;
        self.check_payload(record)?;
        let known = &mut self.known[index];
        let after = known.last.unwrap_or(known.lower);
        ensure!(number > after, "number {number} comes after {after}, consumer {index}");
        let fresh = after.max(known.tried) + 1;
        if number > fresh && !self.dropped {
            let skipped = self.durable.range(fresh..number).next().map(|(number, _)| number);
            ensure!(skipped.is_none(), "number {skipped:?} was left out before {number}, consumer {index}");
        }
        let again = number <= known.handed;
        ensure!(!again || record.resent, "number {number} comes again without a mark");
        ensure!(
            again || !record.resent || !known.after_close || number <= self.left_by_crash,
            "number {number} has a mark after a clean close"
        );
        known.last = Some(number);
        known.handed = known.handed.max(number);
        known.holds.push(number);
        // What was delivered must not be lost, even if it was never acknowledged to whoever pushed it.
        self.durable.insert(number, record.payload.clone());
        Ok(())
    }

    fn check_payload(&self, record: &Record) -> Verdict {
        let number = record.number;
        if let Some(payload) = self.durable.get(&number) {
            ensure!(*payload == record.payload, "number {number} has another payload than before");
            return Ok(());
        }
        let now = self.pushed.get(&number).into_iter();
        let before = self.candidates.get(&number).into_iter().flatten();
        let is_known = now.chain(before).any(|payload| *payload == record.payload);
        ensure!(is_known, "number {number} was never pushed with this payload");
        Ok(())
    }

    fn acknowledge(&mut self, index: usize, share: u8) -> Verdict {
        let Some(known) = self.known.get_mut(index) else { return Ok(()) };
        let count = (known.holds.len() * usize::from(share)).div_ceil(256);
        let Some(number) = count.checked_sub(1).and_then(|last| known.holds.get(last)).copied() else { return Ok(()) };
        known.tried = known.tried.max(number);
        known.acknowledged = number;
        known.holds.drain(..count);
        known.delivered += count as u64;
        match self.store().acknowledge(name(index), number) {
            Ok(()) => self.known[index].done = self.known[index].done.max(number),
            Err(_) if self.disk.is_stopped() || self.setting.failing > 0 => {}
            Err(error) => return Err(format!("cannot acknowledge: {error:?}")),
        }
        Ok(())
    }

    fn sync_positions(&mut self) -> Verdict {
        match self.store().sync_positions() {
            Ok(()) => self.known.iter_mut().filter(|known| known.opened).for_each(|known| {
                known.done = known.done.max(known.acknowledged);
                known.synced = known.done;
            }),
            Err(_) if self.disk.is_stopped() || self.setting.failing > 0 => {}
            Err(error) => return Err(format!("cannot sync: {error:?}")),
        }
        Ok(())
    }

    fn close(&mut self) -> Verdict {
        let Some(store) = self.store.take() else { return Ok(()) };
        let next = store.next_number();
        let before = std::mem::replace(&mut self.left_by_crash, next - 1);
        match store.close() {
            Ok(()) => {
                if !self.dropped {
                    self.durable.extend(self.pushed.range(..next).map(|(n, p)| (*n, p.clone())));
                }
                self.known.iter_mut().filter(|known| known.opened).for_each(|known| {
                    known.done = known.done.max(known.acknowledged);
                    known.synced = known.done;
                });
                self.left_by_crash = before;
                self.end_life(false);
                self.known.iter_mut().for_each(|known| known.after_close = true);
            }
            Err(_) if self.setting.failing > 0 || self.setting.capacity.is_some() => self.end_life(true),
            Err(Error::Full(_)) => self.end_life(true),
            Err(error) => return Err(format!("cannot close: {error:?}")),
        }
        self.disk.kill();
        self.open()
    }

    /// What holds between any two calls.
    fn invariants(&mut self) -> Verdict {
        let used = self.disk.disk_bytes();
        let limit = self.setting.limit;
        ensure!(used <= limit, "{used} bytes on the disk, the limit is {limit}");
        if self.disk.is_stopped() {
            return Ok(());
        }
        let Some(store) = &mut self.store else { return Ok(()) };
        for report in store.take_reports().0 {
            if let Report::Damage { file, .. } = &report {
                let may_be_torn = self.setting.failing > 0 || self.newest_at_crash.contains(file);
                ensure!(may_be_torn, "{report}");
            }
        }
        ensure!(store.kept().is_conserved(), "not conserved: {:?}", store.kept());
        for (index, known) in self.known.iter().enumerate().filter(|(_, known)| known.opened) {
            let counts = store.counts(name(index)).map_err(|error| error.to_string())?;
            ensure!(counts.is_conserved(), "not conserved: {counts:?}");
            ensure!(counts.delivered == known.delivered, "{counts:?}, but {} were delivered", known.delivered);
            let power_was_kept = self.cuts == 0 && self.setting.failing == 0;
            ensure!(counts.lost == 0 || !power_was_kept, "lost without a power cut: {counts:?}");
        }
        Ok(())
    }

    /// Reads all that is left, for every consumer, and for none.
    fn drain(&mut self) -> Verdict {
        self.disk.faults(|faults| faults.failing = 0);
        let failing = std::mem::take(&mut self.setting.failing);
        for index in 0..self.known.len() {
            while self.read(index, 4000)? > 0 {}
            let known = &self.known[index];
            let fresh = known.last.unwrap_or(known.lower).max(known.tried) + 1;
            let left = self.durable.range(fresh..).next().map(|(number, _)| number);
            ensure!(!known.opened || left.is_none() || self.dropped, "number {left:?} is lost, consumer {index}");
            self.acknowledge(index, 255)?;
            let counts = self.store().counts(name(index)).ok().filter(|_| self.known[index].opened);
            ensure!(counts.is_none_or(|counts| counts.waiting == 0), "still waiting: {counts:?}");
        }
        self.setting.failing = failing;
        self.drain_range()
    }

    fn drain_range(&mut self) -> Verdict {
        let mut range = Range::all();
        let mut seen = BTreeSet::new();
        loop {
            let records = self.store().read(&mut range, 3000).map_err(|error| error.to_string())?;
            if records.is_empty() {
                break;
            }
            self.invariants()?;
            for record in records {
                self.check_payload(&record)?;
                ensure!(seen.last().is_none_or(|last| *last < record.number), "numbers do not rise");
                seen.insert(record.number);
            }
        }
        if self.known.is_empty() && !self.dropped {
            let lost = self.durable.keys().find(|number| !seen.contains(number));
            ensure!(lost.is_none(), "number {lost:?} is lost");
        }
        Ok(())
    }
}

pub(crate) fn name(index: usize) -> &'static str {
    ["first", "second"][index.min(1)]
}
