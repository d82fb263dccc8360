//! [`Recording`]: what came through ports, on its way to the disk.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::{
    Context, Demand, EventThing, Failure, Notice, PortRef, PortSource, Ports, Question, Receipt, Registry,
};
use thingflow_journal::{Files, Folder, Journal, Options};

use super::NAME;
use super::entry::What;
use super::error::RecordingError;
use super::several::RecordedPorts;
use super::streams::{ClockInput, RecordedStream, Taken, Trigger};
use crate::journaling::desk::Desk;

/// Records what comes through ports: events and ends, the order between all of them, and when each came.
///
/// Each [`stream`](Self::stream) of it is a sink, to be connected to a port before what follows. The reactor never waits for
/// the disk; what happens at the limit the policy of the [`Options`] decides:
/// [`DropOldest`](super::Policy::DropOldest) keeps the newest past, [`Block`](super::Policy::Block) pauses the sources. A recording
/// that is opened again goes on behind the earlier run.
///
/// Schedule it once its streams are connected. It ends when they have ended.
pub struct Recording {
    desk: Desk,
    taken: Rc<RefCell<Taken>>,
    names: RefCell<BTreeSet<String>>,
    journal: Journal,
}

impl Recording {
    /// Opens the recording in a folder, and makes both if they are not there. It waits for the disk, so open it before the
    /// scheduler runs.
    ///
    /// # Errors
    /// [`RecordingError::Journal`] if the folder is in use, is of another version, or cannot be written.
    pub fn open(folder: impl AsRef<Path>, options: Options) -> Result<Self, RecordingError> {
        let path = folder.as_ref();
        let doing = || format!("open the folder {}", path.display());
        let files = Folder::open(path)
            .map_err(|error| RecordingError::Journal(thingflow_journal::Error::Io { doing: doing(), error }))?;
        Self::open_on(files, options)
    }

    /// As [`open`](Self::open), on other files than a folder: for tests of what happens when a disk fails.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(files: impl Files + 'static, options: Options) -> Result<Self, RecordingError> {
        let journal = Journal::open_on(files, options).map_err(RecordingError::Journal)?;
        let desk = Desk::new(NAME, &journal).map_err(RecordingError::Bell)?;
        let taken = Rc::new(RefCell::new(Taken::new(desk.inlet.clone())));
        Ok(Self { desk, taken, names: RefCell::default(), journal })
    }

    /// Records only what comes at most `before` a [trigger](Self::trigger) and at most `after` it. What came before is kept in
    /// memory until then, at most `bytes` of it, with some 40 bytes for each event: the oldest go.
    #[must_use]
    pub fn around(self, before: Duration, after: Duration, bytes: usize) -> Self {
        self.taken.borrow_mut().record_around(before, after, bytes);
        self
    }

    /// A stream of the recording, by whose name the [`Replay`](super::Replay) sends it.
    ///
    /// # Errors
    /// [`RecordingError::Name`].
    pub fn stream<T>(&self, name: &str) -> Result<RecordedStream<T>, RecordingError> {
        self.check_names([name])?;
        self.names.borrow_mut().insert(name.into());
        Ok(RecordedStream::new(name, &self.desk.inlet, &self.taken))
    }

    /// Each event that comes here is a trigger, see [`around`](Self::around).
    pub fn trigger<E>(&self) -> Trigger<E> {
        Trigger::new(&self.taken)
    }

    /// Takes note of the [changes](thingflow_core::Scheduler::clock_changes) of the wall clock when they happen, so that a replay
    /// has them at the same time. Without it they are noted before the next event.
    ///
    /// ```
    /// # use thingflow_adapters::recording::{CommitWindow, Options, Recording};
    /// # let folder = tempfile::tempdir()?;
    /// # let scheduler = thingflow_core::Scheduler::virtual_time()?;
    /// let recording = Recording::open(folder.path(), Options::new(64 << 20, CommitWindow::default()))?;
    /// scheduler.clock_changes().connect(recording.clock_changes());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clock_changes(&self) -> ClockInput {
        ClockInput::new(&self.taken)
    }

    /// Records several sources by one call: each port by its name, with the order between all of them. Connect it before what
    /// follows from them. The [`Replay`](super::Replay) gives them back [by one call](super::Replay::sources), too.
    ///
    /// ```
    /// use thingflow_adapters::recording::{CommitWindow, Options, Recording};
    /// use thingflow_core::prelude::*;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let (lux, door) = (Port::<SensorEvent<f64>>::new(), Port::<bool>::new());
    /// let recording = Recording::open(folder.path(), Options::new(64 << 20, CommitWindow::default()))?;
    /// recording.record(["lux", "door"], &(lux, door))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RecordingError::Name`]; nothing is connected then.
    pub fn record<S: RecordedPorts>(&self, names: S::Names<'_>, sources: &S) -> Result<(), RecordingError> {
        sources.record(names, self)
    }

    /// Whether these can be names of further streams.
    pub(super) fn check_names<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<(), RecordingError> {
        let (known, mut new) = (self.names.borrow(), BTreeSet::new());
        let mut unfit = names.into_iter().filter(|name| {
            let is_fit = (1..=255).contains(&name.len()) && !known.contains(*name);
            !(is_fit && new.insert(*name))
        });
        unfit.next().map_or(Ok(()), |name| Err(RecordingError::Name(name.into())))
    }

    fn hold_time(&self) {
        if self.desk.hold_time(self.desk.waits_for_journal()) {
            self.journal.commit_soon();
        }
    }
}

impl Ports for Recording {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Recording {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        self.desk.look(&self.journal, cx);
        self.taken.borrow_mut().follow_clock(cx);
        self.hold_time();
        let inlet = self.desk.inlet.borrow();
        Ok(if inlet.open == 0 && inlet.has_room() { Demand::Done } else { Demand::More })
    }

    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Start => self.taken.borrow_mut().begin(cx),
            Notice::Flush => {
                self.desk.note_clock(&self.journal, cx);
                let _ = self.taken.borrow_mut().put(What::Flushed, "", cx, |_| Ok(())); // the run ends anyway
            }
            _ => {}
        }
        Ok(Demand::More)
    }

    fn answer(&self, question: Question<'_>) -> bool {
        matches!(question, Question::Open | Question::Room)
    }

    fn name(&self) -> &str {
        NAME
    }
}

impl EventThing for Recording {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.desk.register(registry)
    }
}

/// The journal commits what it has when it is dropped.
impl Drop for Recording {
    fn drop(&mut self) {
        self.desk.close(&self.journal);
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("streams", &*self.names.borrow()).finish_non_exhaustive()
    }
}
