//! [`Inspector`]: asks a running scheduler, from any thread.

use std::fmt;
use std::time::Duration;

use super::super::Scheduler;
use super::super::engine::Engine;
use super::super::threads::watch::Overrun;
use super::client::Client;
use super::tapping::{self, TapEvents, TapSettings};
use super::{Control, InspectError, Snapshot};
use crate::context::Context;
use crate::diagram::Met;
use crate::error::FatalError;
use crate::identity::NodeId;

/// Asks a running scheduler from any thread what its graph is like, and gets the answer in the next turn, between two calls.
///
/// Each call waits for its answer, five seconds at most unless [`timeout`](Self::timeout) says otherwise. While nobody asks,
/// the way of an event is as it would be without.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::InspectError;
/// let mut scheduler = Scheduler::new()?;
/// let inspector = scheduler.inspector();
/// scheduler.schedule_recurring(never::<i32>().named("idle").connect(call(|_| {})))?;
/// let stopper = scheduler.stopper();
/// let page = std::thread::spawn(move || {
///     let snapshot = inspector.snapshot();
///     stopper.stop();
///     (snapshot, inspector)
/// });
/// scheduler.run_forever()?;
/// let Ok((snapshot, inspector)) = page.join() else { panic!("the thread has panicked") };
/// assert_eq!(snapshot?.graph.to_string(), "idle -> call\n");
/// drop(scheduler);
/// assert_eq!(inspector.snapshot(), Err(InspectError::Ended));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Inspector(pub(super) Client);

/// A place in the graph, by its id or by its name: `"average".into()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The node with this id.
    Id(NodeId),
    /// The only node of this name.
    Name(String),
}

impl From<NodeId> for Spot {
    fn from(id: NodeId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for Spot {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Inspector {
    /// Waits at most this long for each answer.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self(self.0.timeout(timeout))
    }

    /// The graph with its counts and queues, the schedules, the errors. To make one the reactor walks the whole graph: ask
    /// once a second rather than in a loop.
    ///
    /// # Errors
    /// [`InspectError::Ended`], [`InspectError::TimedOut`], [`InspectError::Busy`], [`InspectError::OwnThread`].
    pub fn snapshot(&self) -> Result<Snapshot, InspectError> {
        self.0.ask(|engine| {
            engine.desk().measure_turns();
            Ok(engine.snapshot())
        })
    }

    /// The Things whose calls took longer than [asked](crate::Scheduler::watch_on_separate_thread), how often and how long. This
    /// is answered at once, even while the scheduler is held up; unless that is watched there are none.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use thingflow_core::prelude::*;
    /// let mut scheduler = Scheduler::new()?;
    /// scheduler.watch_on_separate_thread(Duration::from_millis(1))?;
    /// let inspector = scheduler.inspector();
    /// let slow = from_iter([Duration::from_millis(5)]).named("slow").connect(call(|busy| {
    ///     let begun = std::time::Instant::now();
    ///     while begun.elapsed() < busy {}
    /// }));
    /// scheduler.schedule_recurring(slow)?;
    /// scheduler.run_forever()?;
    /// let overrun = &inspector.overruns()[0];
    /// assert_eq!((&*overrun.thing, overrun.count, overrun.ongoing), ("slow", 1, None));
    /// assert!(overrun.longest >= Duration::from_millis(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn overruns(&self) -> Vec<Overrun> {
        self.0.overruns()
    }

    /// Measures from now on how long each call of a Thing takes, and switches on all probes that there are, see
    /// [`probe`](crate::Elementwise::probe): their counts begin at zero. Or switches both off. While it is on, each call
    /// costs two readings of the clock, and each event at a probe the same and its `Debug`.
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    pub fn measure(&self, on: bool) -> Result<(), InspectError> {
        self.0.ask(move |engine| {
            engine.measure(on);
            Ok(())
        })
    }

    /// Looks at the events of a port or a probe for a while, as texts: see [`TapSettings`]. The place is given by its id or by
    /// its name. A source with a port of its own is a port too. Nothing is sampled for a tap, and no event waits for it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use thingflow_core::prelude::*;
    /// use thingflow_core::TapSettings;
    /// let mut scheduler = Scheduler::new()?;
    /// let inspector = scheduler.inspector();
    /// let numbers = interval(Duration::from_millis(1)).map(|n| n * 10).probe("tens");
    /// scheduler.schedule_recurring(numbers.connect(call(drop)))?;
    /// let stopper = scheduler.stopper();
    /// let seen = std::thread::spawn(move || {
    ///     let seen = inspector.tap("tens", TapSettings::once()).and_then(|tap| tap.next(Duration::from_secs(5)));
    ///     stopper.stop();
    ///     seen
    /// });
    /// scheduler.run_forever()?;
    /// let Ok(Ok(Some(seen))) = seen.join() else { panic!("no event") };
    /// assert!(seen.text.ends_with('0'));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InspectError::UnknownNode`], [`InspectError::Ambiguous`], [`InspectError::NoTap`]; and as
    /// [`snapshot`](Self::snapshot).
    pub fn tap(&self, place: impl Into<Spot>, settings: TapSettings) -> Result<TapEvents, InspectError> {
        tapping::open(&self.0, place.into(), settings)
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").field("ended", &self.0.has_ended()).finish_non_exhaustive()
    }
}

impl Engine {
    pub(super) fn measure(&self, on: bool) {
        self.desk().measure(on);
        let _ = self.walk(&mut |_, met| {
            if let Met::Probe(probe) = met {
                probe.switch(on);
            }
        });
    }
}

impl Scheduler {
    /// A handle by which any thread can ask what the graph is like while the scheduler runs. Nothing is noted before the first
    /// one is made.
    pub fn inspector(&self) -> Inspector {
        Inspector(self.engine.desk().client.clone())
    }

    /// A handle by which any thread can pause, resume and end what is scheduled. While there is one, paused schedules
    /// keep the run going, too.
    pub fn control(&self) -> Control {
        Control::new(self.engine.desk(), self.engine.bell.clone())
    }

    /// What an [`Inspector`] gets, on the scheduler's own thread.
    pub fn snapshot(&self) -> Snapshot {
        self.engine.snapshot()
    }

    /// What [`Inspector::measure`] does, on the scheduler's own thread.
    pub fn measure(&self, on: bool) {
        self.engine.measure(on);
    }

    /// Has taps of ports show events of type `T` by their `Debug`. Numbers, booleans, text and sensor events of these are
    /// shown anyway; of other types only the name is. A [`probe`](crate::Elementwise::probe) shows what it is given.
    pub fn show<T: fmt::Debug + 'static>(&self) {
        let desk = self.engine.desk();
        let shows = desk.shows.take().show::<T>();
        desk.shows.replace(shows);
    }
}

impl Context<'_> {
    /// Looks at the graph from inside of a call: `see` gets it in the next turn, when no Thing is being called. Where there is
    /// no scheduler it is dropped.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let mut scheduler = Scheduler::virtual_time()?;
    /// scheduler.schedule_recurring(from_iter(0..9).map(|n| n * n).connect(call(drop)))?;
    /// scheduler.with_context(|cx| {
    ///     cx.inspect(|snapshot, _| {
    ///         assert_eq!(snapshot.graph.to_string(), "from_iter -> map -> call\n");
    ///         Ok(())
    ///     });
    ///     Ok(())
    /// })?;
    /// scheduler.run_forever()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inspect(&self, see: impl FnOnce(Snapshot, &mut Context<'_>) -> Result<(), FatalError> + 'static) {
        if let Some(engine) = self.host().engine() {
            engine.do_later(move |engine, cx| see(engine.snapshot(), cx));
        }
    }
}
