//! What a tab hears while it is open: one stream of server-sent events with snapshots and with the events of what it plots.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use serde::Serialize;
use thingflow_core::{InspectError, NodeId, Snapshot, TapEvents, TapSettings};
use tokio::sync::mpsc::{Receiver, Sender, channel, error::TrySendError};

use crate::outputs::Output;
use crate::sensors::{SensorState, Sensors};
use crate::server::Site;
use crate::slider::SliderState;

/// Tabs that may be open at once.
const MOST_STREAMS: usize = 16;
/// Places that a tab may plot, with all tabs of its browser: they share a stream.
const MOST_TAPS: usize = 64;
/// Messages that may wait for a tab.
const ROOM: usize = 32;
/// A tab that takes nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often what is plotted is looked at, and how many of these looks lie between two snapshots.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: u32 = 10;

/// Opens a stream; `tap=ID` once for each place whose events it shall have.
pub(crate) async fn open(State(site): State<Arc<Site>>, Query(words): Query<Vec<(String, String)>>) -> Response {
    let taps: Result<Vec<NodeId>, _> = words.iter().filter(|(key, _)| key == "tap").map(|(_, id)| id.parse()).collect();
    let taps = match taps {
        Ok(taps) if taps.len() <= MOST_TAPS => taps,
        Ok(_) => {
            return (StatusCode::BAD_REQUEST, "too many places at once: a browser plots up to 64\n").into_response();
        }
        Err(_) => return (StatusCode::BAD_REQUEST, "invalid id of a place\n").into_response(),
    };
    let Some(place) = Place::take(&site) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many browsers look already: close one\n").into_response();
    };
    let (to, from) = channel(ROOM);
    let watch = move || Watch { place, to, since: Instant::now(), missed: 0, sensors: Sensors::default() }.run(&taps);
    // A thread, since the scheduler's answers are waited for; it sleeps but for ten looks a second.
    if let Err(error) = thread::Builder::new().name("thingflow-tab".into()).spawn(watch) {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("cannot start a thread: {error}\n")).into_response();
    }
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(Messages(from))).into_response()
}

struct Messages(Receiver<Bytes>);

impl Stream for Messages {
    type Item = Result<Bytes, Infallible>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(Ok))
    }
}

/// The tabs that are open.
#[derive(Default)]
pub(crate) struct Tabs {
    open: usize,
    /// Whether probes and calls are measured for them, and not because the program itself has asked for that.
    measures: bool,
}

impl Tabs {
    /// How many streams are open.
    pub(crate) fn open(&self) -> usize {
        self.open
    }
}

/// One of the tabs that may be open.
struct Place(Arc<Site>);

impl Place {
    fn take(site: &Arc<Site>) -> Option<Self> {
        let mut tabs = site.tabs();
        tabs.open = Some(tabs.open + 1).filter(|open| *open <= MOST_STREAMS)?;
        Some(Self(site.clone()))
    }

    /// Has probes and calls measured while a tab is open, if they are not already.
    fn measure(&self, snapshot: &Snapshot) {
        let is_measured = snapshot.schedules.iter().any(|schedule| schedule.calls.is_some());
        if !is_measured {
            self.0.tabs().measures = true; // not while it is asked, for which others would have to wait
            let _ = self.0.inspector.measure(true); // the next look tries again
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut tabs = self.0.tabs();
        tabs.open -= 1;
        let was_last = tabs.open == 0 && std::mem::take(&mut tabs.measures);
        drop(tabs);
        if was_last {
            let _ = self.0.inspector.measure(false); // the run may have ended
        }
    }
}

/// A message: its kind stands in the event's name.
#[derive(Serialize)]
#[serde(untagged)]
enum Message<'a> {
    Snapshot {
        snapshot: &'a Snapshot,
        missed: u64,
        sensors: Vec<SensorState<'a>>,
        outputs: Vec<Output>,
        sliders: Vec<SliderState<'a>>,
    },
    Seen {
        tap: NodeId,
        at: i64,
        text: &'a str,
    },
    Ended {
        why: &'a str,
    },
    Untapped {
        tap: NodeId,
        why: &'a str,
    },
}

impl Message<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Snapshot { .. } => "snapshot",
            Self::Seen { .. } => "seen",
            Self::Ended { .. } => "ended",
            Self::Untapped { .. } => "untapped",
        }
    }
}

/// The thread of a tab.
struct Watch {
    place: Place,
    to: Sender<Bytes>,
    /// Since when nothing has been taken, at the latest.
    since: Instant,
    /// Messages that a slow tab has missed.
    missed: u64,
    sensors: Sensors,
}

impl Watch {
    fn run(mut self, taps: &[NodeId]) {
        let mut taps: Vec<(NodeId, TapEvents)> = taps.iter().filter_map(|id| Some((*id, self.tap(*id)?))).collect();
        let mut looks = 0;
        while !self.to.is_closed() && self.since.elapsed() < PATIENCE {
            if looks % LOOKS == 0 && !self.look() {
                return;
            }
            looks = looks.wrapping_add(1);
            taps.retain(|(id, events)| self.pass_on(*id, events));
            thread::sleep(LOOK);
        }
    }

    fn tap(&mut self, id: NodeId) -> Option<TapEvents> {
        match self.place.0.inspector.tap(id, TapSettings::default().every(LOOK)) {
            Ok(events) => Some(events),
            Err(error) => {
                self.send(&Message::Untapped { tap: id, why: &error.to_string() });
                None
            }
        }
    }

    /// Sends a snapshot. `false`: there will be none any more.
    fn look(&mut self) -> bool {
        match self.place.0.inspector.snapshot() {
            Ok(snapshot) => {
                self.place.measure(&snapshot);
                let (site, missed) = (self.place.0.clone(), self.missed);
                let mut seen = std::mem::take(&mut self.sensors);
                seen.follow(&site.inspector, &snapshot);
                let (outputs, sliders) = (site.offers.outputs.look(snapshot.timestamp), site.offers.sliders());
                let sensors = seen.rows(snapshot.at);
                self.send(&Message::Snapshot { snapshot: &snapshot, missed, sensors, outputs, sliders });
                self.sensors = seen;
            }
            Err(error) => {
                let overruns = self.place.0.inspector.overruns();
                let held = overruns
                    .iter()
                    .find_map(|it| Some(format!("{} has been holding it up for {:.1?}", it.thing, it.ongoing?)));
                self.send(&Message::Ended { why: &held.unwrap_or_else(|| error.to_string()) });
                return error != InspectError::Ended;
            }
        }
        true
    }

    /// Sends what a tap has seen. `false`: it sees no more.
    fn pass_on(&mut self, id: NodeId, events: &TapEvents) -> bool {
        loop {
            match events.next(Duration::ZERO) {
                Ok(Some(seen)) => {
                    let at = seen.timestamp.as_nanos() / 1_000_000;
                    self.send(&Message::Seen { tap: id, at, text: &seen.text });
                }
                Ok(None) => return true,
                Err(_) => {
                    self.send(&Message::Untapped { tap: id, why: "it sends no more" });
                    return false;
                }
            }
        }
    }

    fn send(&mut self, message: &Message<'_>) {
        let Ok(json) = serde_json::to_string(message) else { return };
        let text = format!("event: {}\ndata: {json}\n\n", message.name());
        match self.to.try_send(text.into()) {
            Ok(()) => self.since = Instant::now(),
            Err(TrySendError::Full(_)) => self.missed += 1,
            Err(TrySendError::Closed(_)) => {}
        }
    }
}
