//! [`Sensors`]: what each sensor has sent last, and how long ago, while somebody looks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use thingflow_core::diagram::{Node, NodeKind};
use thingflow_core::{Inspector, Instant, NodeId, ScheduleKind, Seen, Snapshot, TapEvents, TapSettings};

use crate::reading::Reading;

/// Sources that are looked at, and sensors that are shown.
const MOST: usize = 64;
/// How long new ones may take at each look: where there are thousands of places each takes a while.
const BUDGET: Duration = Duration::from_millis(200);
/// Events of a source that may wait until it is looked at again. One that sends more is shown in part: one event in so long a time.
const ROOM: usize = 64;
const EVERY: Duration = Duration::from_millis(500);
/// A sensor is late that is silent for so many times its usual interval, if it is as long as this.
const LATE: u32 = 3;
const SOONEST: Duration = Duration::from_secs(3);

/// What the sensors of a graph have sent, by their places.
#[derive(Default)]
pub(crate) struct Sensors {
    places: BTreeMap<NodeId, Place>,
}

/// A source, or a probe that sees events of sensors.
struct Place {
    name: String,
    /// Of a source; a probe tells its last event by itself.
    events: Option<TapEvents>,
    period: Option<Duration>,
    since: Instant,
    /// How many events it has sent since then, and how many of them before its tap was opened.
    passed: u64,
    before: u64,
    last_at: Option<Instant>,
    has_ended: bool,
    /// By their sensors, and when they came.
    readings: BTreeMap<String, (Reading, Instant)>,
}

/// A row of the table.
#[derive(Serialize)]
pub(crate) struct SensorState<'s> {
    place: NodeId,
    name: &'s str,
    #[serde(flatten)]
    reading: Option<&'s Reading>,
    /// Seconds since its last event.
    age: Option<f64>,
    state: State,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Fresh,
    /// Nothing has come for much longer than usual.
    Stale,
    /// Nothing has come since somebody looks.
    Waiting,
    Ended,
}

impl Sensors {
    /// Goes by a snapshot: what is new is looked at, and what is gone is forgotten.
    pub(crate) fn follow(&mut self, inspector: &Inspector, snapshot: &Snapshot) {
        let began = std::time::Instant::now();
        let nodes = || snapshot.graph.nodes.iter().filter_map(|node| Some((node.id?, node)));
        self.places.retain(|known, _| nodes().any(|(id, _)| id == *known));
        for (id, node) in nodes().filter(|(_, node)| node.tappable) {
            let is_known = self.places.contains_key(&id);
            if !is_known && self.places.len() < MOST && began.elapsed() < BUDGET && is_sensor(node) {
                let events = (node.kind == NodeKind::Source).then(|| tap(inspector, id, Duration::ZERO)).flatten();
                self.places.insert(id, Place::new(node, events, id, snapshot));
            }
            if let Some(place) = self.places.get_mut(&id).filter(|place| place.events.is_none()) {
                place.see_probe(node, snapshot.at);
            }
        }
        for (id, place) in &mut self.places {
            place.look(snapshot.at);
            if place.events.as_ref().is_some_and(|events| events.dropped() > 0) {
                (place.events, place.before) = (tap(inspector, *id, EVERY), place.passed);
            }
        }
    }

    /// The rows of the table, at a time of the scheduler's clock.
    pub(crate) fn rows(&self, now: Instant) -> Vec<SensorState<'_>> {
        let rows = self.places.iter().flat_map(|(id, place)| {
            let row = |reading| place.row(*id, reading, now);
            // A source that is never asked, such as a client, may be none of a sensor.
            let none = (place.readings.is_empty() && place.period.is_some()).then(|| row(None));
            none.into_iter().chain(place.readings.values().map(move |reading| row(Some(reading))))
        });
        rows.take(MOST).collect()
    }
}

fn tap(inspector: &Inspector, id: NodeId, every: Duration) -> Option<TapEvents> {
    inspector.tap(id, TapSettings::default().every(every).room(ROOM)).ok()
}

/// Whether a place belongs into the table: it is a source, or its events say that they are of a sensor.
fn is_sensor(node: &Node) -> bool {
    let last = node.probe.as_ref().and_then(|probe| probe.last.as_deref());
    node.kind == NodeKind::Source || last.is_some_and(|text| Reading::of(text).is_of_sensor())
}

impl Place {
    fn new(node: &Node, events: Option<TapEvents>, id: NodeId, snapshot: &Snapshot) -> Self {
        let period = snapshot.schedules.iter().find(|it| it.node == Some(id)).and_then(|it| match it.kind {
            ScheduleKind::Periodic(period) => Some(period),
            _ => None,
        });
        let (name, since) = (node.name.clone(), snapshot.at);
        let (last_at, has_ended, readings) = (None, false, BTreeMap::new());
        Self { name, events, period, since, passed: 0, before: 0, last_at, has_ended, readings }
    }

    /// Takes in what its tap has seen.
    fn look(&mut self, now: Instant) {
        let Some(events) = &self.events else { return };
        let passed = self.before + events.passed();
        if passed > self.passed {
            (self.passed, self.last_at) = (passed, Some(now)); // those that are not shown, too
        }
        let mut seen = Vec::new();
        loop {
            match events.next(Duration::ZERO) {
                Ok(Some(it)) => seen.push(it),
                Ok(None) => break,
                Err(_) => {
                    self.has_ended = true;
                    break;
                }
            }
        }
        for Seen { text, at, .. } in seen {
            self.note(&text, at);
        }
    }

    fn see_probe(&mut self, node: &Node, now: Instant) {
        let Some(probe) = &node.probe else { return };
        if probe.events != self.passed {
            (self.passed, self.last_at) = (probe.events, Some(now));
            if let Some(text) = &probe.last {
                self.note(text, now);
            }
        }
    }

    fn note(&mut self, text: &str, at: Instant) {
        let reading = Reading::of(text);
        let sensor = reading.sensor.clone().unwrap_or_default();
        if self.readings.len() < MOST || self.readings.contains_key(&sensor) {
            self.readings.insert(sensor, (reading, at));
        }
    }

    fn row<'s>(&'s self, id: NodeId, reading: Option<&'s (Reading, Instant)>, now: Instant) -> SensorState<'s> {
        // What is not shown is of the same sensor where there is one only.
        let last = reading.map(|(_, at)| *at).filter(|_| self.readings.len() > 1).or(self.last_at);
        let age = last.map(|last| now - last);
        let reading = reading.map(|(reading, _)| reading);
        let state = match age {
            _ if self.has_ended => State::Ended,
            None => State::Waiting,
            Some(age) if self.is_late(age, now) => State::Stale,
            Some(_) => State::Fresh,
        };
        SensorState { place: id, name: &self.name, reading, age: age.map(|age| age.as_secs_f64()), state }
    }

    /// By its period, or else by how often it has sent so far.
    fn is_late(&self, age: Duration, now: Instant) -> bool {
        let seen = u32::try_from(self.passed).unwrap_or(u32::MAX);
        let mean = || (seen >= 3).then(|| (now - self.since).saturating_sub(age) / seen);
        self.period.or_else(mean).is_some_and(|usual| age >= SOONEST.max(usual.saturating_mul(LATE)))
    }
}
