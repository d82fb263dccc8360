//! An outbox: a buffer on disk in front of whatever may be away, which survives kills and power cuts.
//!
//! What it has taken is on disk before it is acknowledged upstream, and stays until it has been delivered. See [`Outbox`].

mod dead;
mod error;
mod input;
mod meter;
mod outgoing;
mod outlet;
mod recent;
mod stored;

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::path::Path;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thingflow_core::tracking::{Tracked, Tracker};
use thingflow_core::{
    Context, Demand, EventThing, Failure, InputThing, Notice, Port, PortRef, PortSource, Ports, Question, Receipt,
    Registry, StreamError,
};
use thingflow_journal::{BootClock, Files, Folder, Journal};

use meter::Tally;
use outgoing::{Next, Outgoing};

use crate::journaling::desk::Desk;

pub use crate::journaling::code;
pub use dead::{DeadLetterRecord, DeadLetters};
pub use error::OutboxError;
pub use input::{OutboxInput, TrackedInput};
pub use meter::{OutletMeter, OutletStats};
pub use outlet::Outlet;
pub use stored::Stored;
pub use thingflow_journal::{CommitWindow, Dropped, Options, Policy, Start, Wear};

/// What reports call it.
const NAME: &str = "outbox";

/// The folder of the dead letters, within that of the outbox.
const DEAD: &str = "dead";

/// What one turn sends to one outlet, so that the others have their turn too.
const MOST_IN_A_TURN: usize = 256;

/// A buffer on disk: events come in by its inputs and leave by its ports, as tracked events that are kept until whoever takes
/// them is done.
///
/// An event is synced to the disk before it is acknowledged upstream and before it is sent; the reactor never waits for that.
/// Each port has a name and a position that survives, and gets all events in their order, whatever the others do. The position
/// is behind the last event that is done together with all before it. What is beyond it when the program ends comes again in
/// the next run, with the mark [`Stored::resent`] if it may have been sent before: after a clean end what was on its way, and
/// what was done before an earlier event; after a kill at most 50 ms more, after a power cut a second. At the limit in bytes the policy
/// of the [`Options`] decides: [`Policy::Block`] pauses the sources.
///
/// Done means that the last holder of a [`Tracked`] event has let go of it: a [`Worker`](thingflow_core::Worker) does so when
/// the other side has it, and keeps it while that is away. An event that has [failed](Tracked::fail) is a dead letter; one that
/// was [abandoned](Tracked::abandon) is sent again after a while.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::tracking::{Tracked, Tracking};
/// use thingflow_core::{Batch, Delivery, Refusal, testing::ListSensor};
/// use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, Stored};
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// # let (sent, server) = std::sync::mpsc::channel();
/// let mut outbox = Outbox::open(folder, Options::new(64 << 20, CommitWindow::default()))?;
/// let readings = outbox.port("server", Outlet::default())?;
///
/// // What talks to the server, on a thread of its own.
/// let upload = move |batch: &mut Batch<Tracked<SensorEvent<f64>, Stored>>| -> Result<(), Refusal> {
///     batch.iter().for_each(|event| sent.send(event.value).unwrap_or(()));
///     Ok(())
/// };
/// let mut scheduler = Scheduler::virtual_time()?;
/// let (writer, refused) = scheduler.worker("server", upload, Delivery::within(Limit::block(256)))?;
/// readings.connect(writer);
/// refused.connect(outbox.dead_letters());
///
/// let lux = SensorOutput::new(ListSensor::new("lux", [20.0, 30.0]));
/// lux.connect(outbox.input());
/// let meter = outbox.meter("server");
/// scheduler.schedule_on_main_event_loop(outbox)?;
/// scheduler.schedule_periodic(lux, std::time::Duration::from_secs(1))?;
/// scheduler.run_forever()?;
/// assert_eq!(server.iter().map(|event| event.val).collect::<Vec<_>>(), [20.0, 30.0]);
/// assert_eq!(meter.stats().to_string(), "2 taken = 2 delivered + 0 waiting + 0 dropped + 0 dead + 0 lost");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Schedule it once its inputs and ports are connected. It ends when all inputs have ended and everything is delivered; a stop
/// ends it at once, and what is left goes out with the next run. What it takes from an input that nobody reads stays on the
/// disk.
///
/// # Before the wall clock is set
///
/// A board without a battery-backed clock boots in the past, and takes readings before a network has set its clock. These are
/// stored with the boot and the monotonic time. As soon as the clock is set in that boot their times are put right, on their way
/// out: [`Stored::taken`] and the time of a [`SensorEvent`](thingflow_core::SensorEvent); for times in events of other types
/// there is [`Stored::put_right`]. It is noted on the disk, so a later process and a later boot do so, too. What goes out before,
/// or is of a boot in which the clock was never set, is marked: [`Stored::is_time_known`] is false.
/// [`Outlet::hold_until_clock_is_set`] has an outlet wait. Where the clock is right and the kernel does not know it, such as in a
/// container, call [`Scheduler::trust_wall_clock`](thingflow_core::Scheduler::trust_wall_clock).
///
/// On the virtual clock each event is committed at once, whatever the window.
pub struct Outbox<T> {
    lanes: Vec<Lane<T>>,
    desk: Desk,
    registry: Rc<OnceCell<Registry>>,
    tally: Tally,
    keeper: Rc<Keeper>,
    event: PhantomData<fn() -> T>,
}

/// The journals. The last holder closes them: that is whoever has seen the last event settled.
struct Keeper {
    journal: Journal,
    dead: Journal,
}

/// One outlet.
struct Lane<T> {
    port: Port<Tracked<T, Stored>>,
    tracker: Tracker<Stored>,
    /// Taken out when the outbox is gone and nothing is on its way.
    outgoing: Rc<RefCell<Option<Outgoing>>>,
}

impl<T: Serialize + DeserializeOwned + Clone + 'static> Outbox<T> {
    /// Opens the outbox in a folder, and makes both if they are not there. `options` says how much it may hold, what happens
    /// at the limit, and how often it writes. The dead letters are in the folder `dead` within, and have a limit of their own:
    /// 8 MiB, of which the oldest make room.
    ///
    /// It waits for the disk, so open it before the scheduler runs.
    ///
    /// # Errors
    /// If the folder is in use, is of another version, or cannot be written.
    pub fn open(folder: impl AsRef<Path>, options: Options) -> Result<Self, OutboxError> {
        let path = folder.as_ref();
        let open = |path: &Path| {
            let doing = format!("open the folder {}", path.display());
            Folder::open(path).map_err(|error| thingflow_journal::Error::Io { doing, error })
        };
        let files = open(path).map_err(OutboxError::Journal)?;
        let dead = open(&path.join(DEAD)).map_err(OutboxError::DeadLetters)?;
        Self::open_as(&path.display().to_string(), files, dead, options)
    }

    /// As [`open`](Self::open), on other files than folders: for tests of what happens when a disk fails.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        files: impl Files + 'static,
        dead: impl Files + 'static,
        options: Options,
    ) -> Result<Self, OutboxError> {
        Self::open_as(NAME, files, dead, options)
    }

    fn open_as(
        store: &str,
        files: impl Files + 'static,
        dead: impl Files + 'static,
        options: Options,
    ) -> Result<Self, OutboxError> {
        let journal = Journal::open_on(files, options).map_err(OutboxError::Journal)?;
        let letters = Options::new(8 << 20, CommitWindow::default()).policy(Policy::DropOldest);
        let dead = Journal::open_on(dead, letters).map_err(OutboxError::DeadLetters)?;
        let desk = Desk::new(NAME, &journal).map_err(OutboxError::Bell)?;
        dead.notify(desk.bell.ringer());
        desk.inlet.borrow_mut().awaits_commits = true;
        let tally = Tally::new(store, desk.inlet.borrow().count.clone());
        let (keeper, registry) = (Rc::new(Keeper { journal, dead }), Rc::default());
        Ok(Self { lanes: Vec::new(), desk, registry, tally, keeper, event: PhantomData })
    }

    /// A port of tracked events. Its name is that of its position on the disk: 1 to 64 letters, digits, hyphens and
    /// underscores.
    ///
    /// An outbox keeps an event until every port that was ever opened on it is done; one that is not opened again holds all
    /// that comes, up to the limit. See [`forget`](Self::forget).
    ///
    /// # Errors
    /// [`OutboxError::Journal`] if the name is invalid or in use, or the disk is full.
    #[allow(clippy::needless_pass_by_value)] // settings are given away
    pub fn port(&mut self, name: &str, outlet: Outlet) -> Result<Port<Tracked<T, Stored>>, OutboxError> {
        let consumer = self.keeper.journal.consumer(name, outlet.start);
        let mut consumer = consumer.map_err(OutboxError::Journal)?;
        consumer.notify(self.desk.bell.ringer());
        let (keeper, registry) = (self.keeper.clone(), self.registry.clone());
        let outgoing = Outgoing::new(consumer, &outlet, keeper, registry, self.tally.clone());
        if outlet.share.is_some() {
            self.desk.inlet.borrow_mut().recent.push(outgoing.recent.clone());
        }
        let outgoing = Rc::new(RefCell::new(Some(outgoing)));
        let home = outgoing.clone();
        let tracker = Tracker::new(move |settled, cx| {
            if let Some(outgoing) = &mut *home.borrow_mut() {
                outgoing.settle(settled, cx);
            }
            Ok(())
        });
        let port = Port::new().named(name);
        self.lanes.push(Lane { port: port.clone(), tracker, outgoing });
        Ok(port)
    }

    /// Forgets the position of a port that is no longer needed.
    ///
    /// # Errors
    /// [`OutboxError::Journal`] if there is none of the name, or it is open.
    pub fn forget(&self, name: &str) -> Result<(), OutboxError> {
        self.keeper.journal.remove_consumer(name).map_err(OutboxError::Journal)
    }

    /// An input for events. An event that cannot be stored is dropped, counted and reported.
    pub fn input(&self) -> OutboxInput<T> {
        OutboxInput::new(&self.desk.inlet)
    }

    /// An input for tracked events: each is done when it is on the disk, or was dropped by the policy; one that cannot be
    /// stored has failed.
    pub fn tracked_input<M: 'static>(&self) -> TrackedInput<T, M> {
        TrackedInput::new(&self.desk.inlet)
    }

    /// A sink for what a [`Worker`](thingflow_core::Worker) behind one of the ports has refused for good: it becomes a dead
    /// letter, with the reason. The event is done when that is on the disk.
    ///
    /// The worker may have got the events in another form, by [`Tracked::map`]: what is kept is the event that the outbox took.
    pub fn dead_letters<U>(&self) -> DeadLetters<U> {
        DeadLetters::new()
    }

    /// Shows where the events of a port are. All zero if there is no port of that name.
    pub fn meter(&self, name: &str) -> OutletMeter {
        OutletMeter::new(name, &self.tally)
    }
}

impl<T: DeserializeOwned + Clone + 'static> Outbox<T> {
    /// Sends what there is. Whether everything has been delivered and nothing can come any more.
    fn send_all(&mut self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let mut ended = self.desk.is_closed_upstream();
        for lane in &mut self.lanes {
            lane.send(self.desk.clocks(), cx)?;
            if ended && lane.with(true, |outgoing| outgoing.is_done()) && !lane.port.is_closed() {
                lane.port.complete(cx)?;
            }
        }
        ended &= self.lanes.iter().all(|lane| lane.port.is_closed() || !lane.port.is_listened());
        Ok(ended)
    }

    /// On the virtual clock everything is committed at once.
    fn hold_time(&self) {
        let waits = self.desk.waits_for_journal() || self.lanes.iter().any(Lane::waits_for_thread);
        if self.desk.hold_time(waits) {
            self.keeper.journal.commit_soon();
            self.keeper.dead.commit_soon();
        }
    }
}

impl<T: DeserializeOwned + Clone + 'static> Lane<T> {
    fn send(&mut self, clocks: &[BootClock], cx: &mut Context<'_>) -> Receipt {
        if !self.port.is_listened() {
            return Ok(Demand::Done);
        }
        for _ in 0..MOST_IN_A_TURN {
            if !self.has_room() {
                cx.wake_on_resume();
                return Ok(Demand::Full);
            }
            let next = self.with(Next::Nothing, |outgoing| outgoing.next(cx, clocks));
            let stored = match next {
                Next::Event(stored) => stored,
                Next::At(due) => {
                    cx.wake_at(due);
                    return Ok(Demand::More);
                }
                Next::Busy | Next::Nothing => return Ok(Demand::More),
            };
            if self.send_one(stored, cx)? == Demand::Done {
                return Ok(Demand::Done);
            }
        }
        cx.call_again();
        Ok(Demand::More)
    }

    fn send_one(&mut self, stored: Stored, cx: &mut Context<'_>) -> Receipt {
        match stored.decode() {
            Ok(value) => self.port.emit(self.tracker.track(value, stored, cx), cx),
            Err(error) => {
                let error = StreamError::caused("an event cannot be sent", error);
                cx.report(NAME, &error);
                self.with((), |outgoing| outgoing.refused(stored, &error, cx));
                Ok(Demand::More)
            }
        }
    }

    fn has_room(&self) -> bool {
        InputThing::ask(&self.port, Question::Room)
    }

    fn waits_for_thread(&self) -> bool {
        self.port.is_listened() && self.has_room() && self.with(false, |outgoing| outgoing.waits_for_thread())
    }
}

impl<T> Lane<T> {
    fn with<R>(&self, otherwise: R, see: impl FnOnce(&mut Outgoing) -> R) -> R {
        self.outgoing.borrow_mut().as_mut().map_or(otherwise, see)
    }
}

/// What is on its way holds the journal open until it is settled.
impl<T> Drop for Lane<T> {
    fn drop(&mut self) {
        if self.tracker.in_flight() == 0 {
            self.outgoing.take();
        }
    }
}

impl<T: Clone + 'static> Ports for Outbox<T> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        self.lanes.iter().for_each(|lane| see(lane.port.as_ref()));
    }
}

impl<T: DeserializeOwned + Clone + 'static> PortSource for Outbox<T> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        self.desk.look(&self.keeper.journal, cx);
        self.desk.report(&self.keeper.dead, cx);
        self.lanes.iter().for_each(|lane| lane.with((), Outgoing::bury));
        let ended = self.send_all(cx)?;
        self.hold_time();
        Ok(if ended { Demand::Done } else { Demand::More })
    }

    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Start => self.tell_ports(Notice::Start, cx),
            Notice::Wake => {
                if let Some(registry) = self.registry.get() {
                    registry.call_soon();
                }
                Ok(Demand::More)
            }
            notice => {
                self.desk.note_clock(&self.keeper.journal, cx);
                self.tell_ports(notice, cx)
            }
        }
    }

    fn answer(&self, question: Question<'_>) -> bool {
        match question {
            // What comes in is kept, whether somebody listens or not.
            Question::Open => self.desk.inlet.borrow().open > 0 || self.ask_ports(Question::Open),
            Question::Room => true,
            question => self.ask_ports(question),
        }
    }

    fn name(&self) -> &str {
        NAME
    }
}

impl<T: DeserializeOwned + Clone + 'static> EventThing for Outbox<T> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let _ = self.registry.set(registry.clone());
        self.desk.register(registry)
    }
}

/// The end of the run.
impl<T> Drop for Outbox<T> {
    fn drop(&mut self) {
        self.desk.close(&self.keeper.journal);
    }
}

impl<T> fmt::Debug for Outbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("durable", &self.desk.durable).finish_non_exhaustive()
    }
}
