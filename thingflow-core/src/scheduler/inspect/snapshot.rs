//! [`Snapshot`]: what a scheduler and its graph are like between two calls, as plain data.

use std::time::Duration;

use super::super::engine::Engine;
use super::super::handle::ScheduleStats;
use super::super::keyed::Id;
use super::super::phase::Phase;
use super::super::table::{Schedule, Trigger};
use super::super::threads::watch::Overrun;
use super::desk::Desk;
use super::turns::TurnTimes;
use crate::clock::{Instant, Timestamp};
use crate::diagram::{Graph, Met, Node};
use crate::error::StreamError;
use crate::identity::NodeId;
use crate::port::PortRef;

/// A scheduler and its graph between two calls: the graph with its counts and queues, the schedules, the errors. It is plain
/// data, which any thread may have; with the feature `serde` it is a record.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::ListSensor;
/// let mut scheduler = Scheduler::virtual_time()?;
/// let second = Duration::from_secs(1);
/// scheduler.schedule_sensor(ListSensor::new("lux", [20.0, 30.0, 40.0]), second, |lux| {
///     lux.map(|event| event.val).delay(10 * second, Limit::block(16)).for_each(drop);
/// })?;
/// scheduler.run_for(2 * second)?;
/// let snapshot = scheduler.snapshot();
/// assert_eq!(snapshot.graph.to_string(), "lux -> map -> delay -> call\n");
/// assert_eq!(snapshot.node("delay").map(|delay| delay.queues[0].waiting), Some(2));
/// assert_eq!(snapshot.schedules[0].stats.ticks, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// When it was made, on the scheduler's clock.
    pub at: Instant,
    /// When it was made, by the wall clock.
    pub timestamp: Timestamp,
    /// Everything that is scheduled and what stands behind it, and all other ports that the run has started.
    pub graph: Graph,
    /// What is scheduled, in the order of scheduling as a rule.
    pub schedules: Vec<ScheduleInfo>,
    /// How many errors were reported since the first inspector was made, see
    /// [`Scheduler::reports`](crate::Scheduler::reports).
    pub reported: u64,
    /// The errors of each Thing, of at most 256 of them.
    pub errors: Vec<Reported>,
    /// The Things whose calls took longer than [asked](crate::Scheduler::watch_on_separate_thread); none unless that is watched.
    pub overruns: Vec<Overrun>,
    /// How long its turns took since an [`Inspector`](crate::Inspector) has first asked for a snapshot.
    pub turns: TurnTimes,
}

impl Snapshot {
    /// The first node of this name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.graph.nodes.iter().find(|node| node.name == name)
    }

    /// The first schedule of this name.
    pub fn schedule(&self, name: &str) -> Option<&ScheduleInfo> {
        self.schedules.iter().find(|schedule| schedule.name == name)
    }
}

/// A schedule in a [`Snapshot`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ScheduleInfo {
    /// The id by which [`Control`](crate::Control) knows it.
    pub id: NodeId,
    /// The name of its node in the graph, or else of its Thing.
    pub name: String,
    /// Its node in the graph, if it shows one. That of a pool or a thread has an id of its own.
    pub node: Option<NodeId>,
    /// What makes it run.
    pub kind: ScheduleKind,
    /// What it is doing.
    pub state: ScheduleState,
    /// What it has done so far.
    pub stats: ScheduleStats,
    /// How many samplings have failed since the last that did not.
    pub failing: u32,
    /// When a periodic one is due next.
    pub next: Option<Instant>,
    /// How late its ticks were since the first inspector was made.
    pub lateness: Lateness,
    /// How long its calls took since that has been [measured](crate::Inspector::measure).
    pub calls: Option<CallTimes>,
}

/// What makes a schedule run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ScheduleKind {
    /// Time, each period.
    Periodic(Duration),
    /// Every turn, or a timetable of its own.
    Recurring,
    /// It runs once.
    Once,
    /// A descriptor, or events that other threads post.
    Event,
    /// The answers of a thread to what the graph gives it.
    Answers,
}

/// What a schedule is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ScheduleState {
    /// Its first call comes in the next turn.
    New,
    /// It is asked for events when it is due.
    Running,
    /// It waits for room in a queue downstream.
    Full,
    /// It has been paused.
    Paused,
    /// It is to complete in the next turn, or is about to be dropped.
    Ending,
    /// It has completed, and stages downstream still send what they hold.
    Draining,
    /// The run is being stopped.
    Stopped,
}

impl From<Phase> for ScheduleState {
    fn from(phase: Phase) -> Self {
        match phase {
            phase if phase.is_paused() => Self::Paused,
            Phase::New(_) => Self::New,
            Phase::Running | Phase::Freed => Self::Running,
            Phase::Full => Self::Full,
            Phase::Paused { .. } => Self::Paused,
            Phase::Ending | Phase::Cancelled => Self::Ending,
            Phase::Draining => Self::Draining,
            Phase::Stopped => Self::Stopped,
        }
    }
}

/// How late the ticks of a periodic schedule were served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Lateness {
    /// How many ticks that is about.
    pub ticks: u64,
    /// The sum of all.
    pub total: Duration,
    /// The latest of them.
    pub longest: Duration,
    /// The last one.
    pub last: Duration,
}

impl Lateness {
    pub(super) fn add(&mut self, late: Duration) {
        self.ticks += 1;
        self.total += late;
        self.longest = self.longest.max(late);
        self.last = late;
    }
}

/// How long the calls of a Thing took, with everything downstream of it, in real time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CallTimes {
    /// How many calls that is about.
    pub calls: u64,
    /// The sum of all.
    pub total: Duration,
    /// The longest of them.
    pub longest: Duration,
}

impl CallTimes {
    pub(super) fn add(&mut self, spent: Duration) {
        self.calls += 1;
        self.total += spent;
        self.longest = self.longest.max(spent);
    }
}

/// The errors of one Thing that ended nothing, or its stream only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Reported {
    /// The name of the Thing.
    pub thing: String,
    /// How many there were.
    pub count: u64,
    /// What the last one says, with its causes.
    pub last: String,
    /// When that was, on the scheduler's clock.
    pub at: Instant,
}

impl Reported {
    pub(super) fn new(thing: &str, error: &StreamError, at: Instant) -> Self {
        Self { thing: thing.to_owned(), count: 1, last: error.to_string(), at }
    }

    pub(super) fn again(&mut self, error: &StreamError, at: Instant) {
        self.count += 1;
        self.last = error.to_string();
        self.at = at;
    }
}

impl Engine {
    pub(in super::super) fn node_id(&self, id: Id) -> NodeId {
        NodeId::schedule(self.number, id.serial())
    }

    /// The graph, and what a walk comes to that is more than data.
    pub(super) fn walk(&self, see: &mut dyn FnMut(usize, Met<'_>)) -> (Graph, Vec<(Id, usize)>) {
        let (mut graph, mut nodes) = (Graph::new(), Vec::new());
        self.each_shown(|id, thing| nodes.push((id, graph.add_as(thing, Some(self.node_id(id)), see))));
        if let Some(reports) = self.reports.listened() {
            graph.add_port_and_see(&reports, see);
        }
        for port in self.link.ports() {
            graph.add_port_and_see(&PortRef::new(port), see);
        }
        (graph, nodes)
    }

    pub(in super::super) fn snapshot(&self) -> Snapshot {
        let (graph, nodes) = self.walk(&mut |_, _| {});
        let mut nodes = nodes.into_iter().peekable(); // in the order of the schedules, which are not all shown
        let mut node_of = |id: Id| nodes.next_if(|(of, _)| *of == id).map(|(_, at)| &graph.nodes[at]);
        let desk = self.desk.get();
        let info = |id| {
            let node = node_of(id);
            // A name is user code, which may use the engine.
            let own = if node.is_none() { self.look_at(id, |thing| thing.name().to_owned()) } else { None };
            self.with_schedule(id, |schedule| self.info(id, schedule, (node, own), desk))
        };
        let infos = self.ids().into_iter().filter_map(info).collect();
        let (reported, errors) = desk.map(Desk::errors).unwrap_or_default();
        let at = self.now();
        Snapshot {
            at,
            timestamp: self.clock.timestamp_at(at),
            graph: graph.walked(),
            schedules: infos,
            reported,
            errors,
            overruns: self.watched.shared().overruns(),
            turns: desk.map(Desk::turns).unwrap_or_default(),
        }
    }

    fn info(
        &self,
        id: Id,
        schedule: &Schedule,
        (node, own): (Option<&Node>, Option<String>),
        desk: Option<&Desk>,
    ) -> ScheduleInfo {
        let (kind, next) = match schedule.trigger {
            Trigger::Periodic(beat, tick) => (ScheduleKind::Periodic(beat.period()), Some(tick)),
            Trigger::Recurring => (ScheduleKind::Recurring, None),
            Trigger::Once => (ScheduleKind::Once, None),
            Trigger::Event => (ScheduleKind::Event, None),
            Trigger::Answers => (ScheduleKind::Answers, None),
        };
        let noted = desk.map(|desk| desk.noted(id)).unwrap_or_default();
        ScheduleInfo {
            id: self.node_id(id),
            name: node.map(|node| node.name.clone()).or(own).unwrap_or_default(),
            node: node.and_then(|node| node.id),
            kind,
            state: schedule.phase.into(),
            stats: schedule.counts.get(),
            failing: schedule.failed_in_a_row(),
            next,
            lateness: noted.lateness,
            calls: desk.is_some_and(Desk::measures).then_some(noted.calls),
        }
    }
}
