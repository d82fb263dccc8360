//! [`Notes`]: what stands below the names on the drawing of the graph: rates, what waits, last values, and what is wrong.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use thingflow_core::diagram::{Node, NodeKind, Note};
use thingflow_core::{Instant, NodeId, ScheduleInfo, ScheduleState, Snapshot};

use crate::reading::Reading;

/// So long lies between what is compared at least, so that several who look see the same.
const APART: Duration = Duration::from_secs(2);
/// Places that are drawn at most: the lines between more of them nobody can follow, and laying them out takes seconds.
const MOST: usize = 1000;
/// Characters of a value that are shown.
const LONGEST: usize = 24;

/// What the drawings before this one have counted.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Option<[Counts; 2]>>);

/// What rises while a program runs.
#[derive(Clone, Default)]
struct Counts {
    at: Instant,
    /// Events and drops, by places.
    places: HashMap<NodeId, (Option<u64>, u64)>,
    /// Missed ticks, by schedules.
    missed: HashMap<NodeId, u64>,
    /// Errors and overruns, by the names of Things.
    things: HashMap<String, (u64, u64)>,
}

impl Counts {
    fn of(snapshot: &Snapshot) -> Self {
        let nodes = snapshot.graph.nodes.iter();
        let mut things: HashMap<String, (u64, u64)> = HashMap::new();
        for it in &snapshot.errors {
            things.entry(it.thing.clone()).or_default().0 += it.count;
        }
        for it in &snapshot.overruns {
            things.entry(it.thing.clone()).or_default().1 += it.count;
        }
        Self {
            at: snapshot.at,
            places: nodes.filter_map(|node| Some((node.id?, (events(node), dropped(node))))).collect(),
            missed: snapshot.schedules.iter().map(|it| (it.id, it.stats.missed)).collect(),
            things,
        }
    }
}

impl Notes {
    /// The drawing of a snapshot; `None` if there is too much to be drawn.
    pub(crate) fn draw(&self, snapshot: &Snapshot, units: &BTreeMap<String, String>) -> Option<String> {
        if snapshot.graph.nodes.len() > MOST {
            return None;
        }
        let now = Counts::of(snapshot);
        let before = self.before(&now);
        let looked = Looked { snapshot, before, now, units };
        Some(snapshot.graph.svg_with(|node| looked.notes(node)))
    }

    /// The counts to compare with: those of some seconds ago, if there was a look.
    fn before(&self, now: &Counts) -> Option<Counts> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *known {
            Some([before, last]) if now.at.since(last.at) >= APART => *before = std::mem::replace(last, now.clone()),
            Some(_) => {}
            None => *known = Some([now.clone(), now.clone()]),
        }
        known.as_ref().map(|[before, _]| before.clone()).filter(|before| now.at.since(before.at) >= APART / 2)
    }
}

struct Looked<'s> {
    snapshot: &'s Snapshot,
    before: Option<Counts>,
    now: Counts,
    units: &'s BTreeMap<String, String>,
}

impl Looked<'_> {
    fn notes(&self, node: &Node) -> Vec<Note> {
        let mut notes = Vec::new();
        notes.extend(self.rate(node).map(good));
        notes.extend(self.last(node).map(good));
        notes.extend(waiting(node));
        let schedule = self.snapshot.schedules.iter().find(|it| it.node.is_some() && it.node == node.id);
        notes.extend(schedule.into_iter().flat_map(|it| self.state(it)));
        notes.extend(self.dropping(node));
        notes.extend(self.troubles(node));
        notes
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
    fn rate(&self, node: &Node) -> Option<String> {
        let before = self.before.as_ref()?;
        let (old, new) = (before.places.get(&node.id?)?.0?, events(node)?);
        let rate = new.checked_sub(old)? as f64 / self.now.at.since(before.at).as_secs_f64();
        Some(format!("{}{rate:.1}/s", of_filter(node)))
    }

    fn last(&self, node: &Node) -> Option<String> {
        let reading = Reading::of(node.probe.as_ref()?.last.as_deref()?);
        let value = match (&*reading.value, reading.value.parse::<f64>()) {
            ("true", _) => "● on".into(),
            ("false", _) => "○ off".into(),
            (_, Ok(number)) if number.fract() != 0.0 && (1e-3..1e6).contains(&number.abs()) => format!("{number:.3}"),
            (text, _) if text.chars().count() > LONGEST => text.chars().take(LONGEST).chain(['…']).collect(),
            (text, _) => text.to_owned(),
        };
        let unit = reading.unit.as_ref().or_else(|| self.units.get(&node.name));
        let unit = unit.map(|unit| format!(" {unit}")).unwrap_or_default();
        Some(format!("{}{value}{unit}", of_filter(node)))
    }

    fn state(&self, schedule: &ScheduleInfo) -> Vec<Note> {
        let state = match schedule.state {
            ScheduleState::Paused => Some("paused".to_owned()),
            ScheduleState::Full => Some("waits for room".to_owned()),
            _ => None,
        };
        let failing = (schedule.failing > 0).then(|| format!("fails, {} in a row", schedule.failing));
        let missed = self.before.as_ref().and_then(|before| before.missed.get(&schedule.id).copied());
        let misses = missed.is_some_and(|missed| schedule.stats.missed > missed).then(|| "misses ticks".to_owned());
        [state, failing, misses].into_iter().flatten().map(bad).collect()
    }

    fn dropping(&self, node: &Node) -> Option<Note> {
        let count = dropped(node);
        let before = self.before.as_ref().and_then(|before| before.places.get(&node.id?));
        let is_bad = before.is_some_and(|(_, before)| count > *before);
        (count > 0).then(|| Note { text: format!("{count} dropped"), is_bad })
    }

    /// What a Thing of this name has done wrong: errors, and what has held up all the others.
    fn troubles(&self, node: &Node) -> Vec<Note> {
        let Some((errors, overruns)) = self.now.things.get(&node.name).copied() else { return Vec::new() };
        let before = self.before.as_ref().map(|before| before.things.get(&node.name).copied().unwrap_or_default());
        let mut notes = Vec::new();
        if errors > 0 {
            let text = if errors == 1 { "1 error".into() } else { format!("{errors} errors") };
            notes.push(Note { text, is_bad: before.is_some_and(|before| errors > before.0) });
        }
        if let Some(it) = self.snapshot.overruns.iter().find(|it| it.thing == node.name) {
            let is_bad = it.ongoing.is_some() || before.is_some_and(|before| overruns > before.1);
            notes.push(Note { text: format!("slow, {:.0?}", it.longest.max(it.ongoing.unwrap_or_default())), is_bad });
        }
        notes
    }
}

fn good(text: String) -> Note {
    Note { text, is_bad: false }
}

fn bad(text: String) -> Note {
    Note { text, is_bad: true }
}

/// Filters that follow each other are one box: which of them it is.
fn of_filter(node: &Node) -> String {
    if node.kind == NodeKind::Filter { format!("{}: ", node.name) } else { String::new() }
}

fn waiting(node: &Node) -> Option<Note> {
    let waiting = node.queues.iter().map(|queue| queue.waiting).sum::<u64>();
    let capacity = node.queues.iter().map(|queue| queue.capacity).sum::<Option<u64>>().filter(|most| *most > 0);
    let of = capacity.map(|most| format!(" of {most}")).unwrap_or_default();
    let is_bad = capacity.is_some_and(|most| waiting >= most);
    (waiting > 0).then(|| Note { text: format!("{waiting}{of} waiting"), is_bad })
}

fn events(node: &Node) -> Option<u64> {
    node.events.or(node.probe.as_ref().map(|probe| probe.events))
}

fn dropped(node: &Node) -> u64 {
    node.queues.iter().map(|queue| queue.dropped).sum()
}
