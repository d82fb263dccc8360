//! [`TapEvents`]: the events of a place, as a thread that looks at them for a while gets them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::super::engine::Engine;
use super::client::Client;
use super::inspector::Spot;
use super::{Desk, InspectError};
use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::diagram::{Graph, Met};
use crate::identity::next_number;
use crate::port::PortRef;
use crate::size::Size;
use crate::tap::{PortTap, Shown, Tapping, text};

/// How a tap looks at events: by default at ten a second at most, of which 64 may wait for whoever reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct TapSettings {
    every: Duration,
    room: usize,
    take: Option<u64>,
}

impl Default for TapSettings {
    fn default() -> Self {
        Self { every: Duration::from_millis(100), room: 64, take: None }
    }
}

impl TapSettings {
    /// The next event, and no more.
    pub fn once() -> Self {
        Self::default().take(1)
    }

    /// After an event has been shown, no other is for this long, by the scheduler's clock: those that come meanwhile are
    /// counted. `Duration::ZERO` shows each event.
    pub fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// How many events may wait for the reader; one more is dropped, and counted.
    #[track_caller]
    pub fn room(self, events: impl Into<Size>) -> Self {
        Self { room: events.into().get(), ..self }
    }

    /// The tap ends by itself after `n` events that were shown.
    pub fn take(self, n: u64) -> Self {
        Self { take: Some(n), ..self }
    }
}

/// An event that a tap shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Seen {
    /// When it passed, on the scheduler's clock.
    pub at: Instant,
    /// When it passed, by the wall clock.
    pub timestamp: Timestamp,
    /// The event, at most about a thousand characters of it: a longer one ends in `…`.
    pub text: String,
}

/// The events of a place, see [`Inspector::tap`](crate::Inspector::tap). Dropping it ends the tap.
pub struct TapEvents {
    events: Receiver<Seen>,
    counts: Arc<Counts>,
    client: Client,
    number: usize,
}

#[derive(Default)]
struct Counts {
    passed: AtomicU64,
    shown: AtomicU64,
    dropped: AtomicU64,
    /// Nobody reads any more.
    closed: AtomicBool,
}

impl TapEvents {
    /// The next event that is shown. `None` if none comes within the timeout.
    ///
    /// # Errors
    /// [`InspectError::Ended`] when all have been read and no more will come: what was asked for has been shown, the stream has
    /// ended, or the run has.
    pub fn next(&self, timeout: Duration) -> Result<Option<Seen>, InspectError> {
        match self.events.recv_timeout(timeout) {
            Ok(seen) => Ok(Some(seen)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(InspectError::Ended),
        }
    }

    /// How many events have passed the place since the tap was opened, those that were not shown included.
    pub fn passed(&self) -> u64 {
        self.counts.passed.load(Relaxed)
    }

    /// How many were to be shown, and were dropped because too many waited to be read.
    pub fn dropped(&self) -> u64 {
        self.counts.dropped.load(Relaxed)
    }

    /// How many were left out, so as not to show too many a second.
    pub fn left_out(&self) -> u64 {
        self.passed().saturating_sub(self.counts.shown.load(Relaxed) + self.dropped())
    }
}

impl Drop for TapEvents {
    fn drop(&mut self) {
        self.counts.closed.store(true, Relaxed); // should the request get lost, the next event finds out
        let number = self.number;
        let _ = self.client.tell(move |engine| engine.untap(number));
    }
}

impl fmt::Debug for TapEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapEvents")
            .field("passed", &self.passed())
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}

pub(super) fn open(client: &Client, place: Spot, settings: TapSettings) -> Result<TapEvents, InspectError> {
    let (sender, events) = sync_channel(settings.room);
    let (counts, number) = (Arc::<Counts>::default(), next_number());
    let end = End { sender, counts: counts.clone(), every: settings.every, next: Instant::ZERO, left: settings.take };
    client.ask(move |engine| engine.tap(&place, number, end))?;
    Ok(TapEvents { events, counts, client: client.clone(), number })
}

/// The end of a tap on the reactor.
struct End {
    sender: SyncSender<Seen>,
    counts: Arc<Counts>,
    every: Duration,
    next: Instant,
    left: Option<u64>,
}

impl Tapping for End {
    fn see(&mut self, event: &Shown<'_>, cx: &Context<'_>) -> bool {
        if self.counts.closed.load(Relaxed) || self.left == Some(0) {
            return false;
        }
        self.counts.passed.fetch_add(1, Relaxed);
        if cx.now() < self.next {
            return true;
        }
        self.next = cx.now() + self.every;
        let seen = Seen { at: cx.now(), timestamp: cx.timestamp(), text: text(event) };
        let taken = self.sender.try_send(seen).is_ok();
        (if taken { &self.counts.shown } else { &self.counts.dropped }).fetch_add(1, Relaxed);
        self.left = self.left.map(|left| left - u64::from(taken));
        self.left != Some(0)
    }
}

/// Where the events of a node can be seen.
enum Found {
    Port(PortRef),
    /// The probe gets the tap on a second walk, for it cannot be kept.
    Probe,
}

impl Engine {
    fn tap(&self, place: &Spot, number: usize, end: End) -> Result<(), InspectError> {
        let mut places = Vec::new();
        let (graph, _) = self.walk(&mut |node, met| {
            places.push((
                node,
                match met {
                    Met::Port(port) => Found::Port(port.clone()),
                    Met::Probe(_) => Found::Probe,
                },
            ));
        });
        let node = find(&graph, place)?;
        match places.into_iter().find(|(at, _)| *at == node) {
            None => Err(InspectError::NoTap(graph.nodes[node].name.clone())),
            Some((_, Found::Port(port))) => {
                let desk = self.desk();
                let tap = PortTap::new(Box::new(end), desk.shows.borrow().shows());
                desk.taps.borrow_mut().push((number, port.port().tap(tap)));
                Ok(())
            }
            Some((_, Found::Probe)) => {
                let mut end = Some(end);
                let _ = self.walk(&mut |at, met| {
                    if let (Met::Probe(probe), true, Some(end)) = (met, at == node, end.take_if(|_| at == node)) {
                        probe.tap(Box::new(end));
                    }
                });
                Ok(())
            }
        }
    }

    fn untap(&self, number: usize) {
        let tap = self.desk().take_tap(number);
        if let Some(tap) = tap {
            tap.disconnect();
        }
    }
}

impl Desk {
    fn take_tap(&self, number: usize) -> Option<crate::port::Connection> {
        let mut taps = self.taps.borrow_mut();
        let at = taps.iter().position(|(of, _)| *of == number)?;
        Some(taps.swap_remove(at).1)
    }
}

/// The index of the node.
fn find(graph: &Graph, place: &Spot) -> Result<usize, InspectError> {
    let is_it = |node: &crate::diagram::Node| match place {
        Spot::Id(id) => node.id == Some(*id),
        Spot::Name(name) => node.name == *name,
    };
    let mut found = graph.nodes.iter().enumerate().filter(|(_, node)| is_it(node)).map(|(at, _)| at);
    let first = found.next().ok_or_else(|| InspectError::UnknownNode(place.to_string()))?;
    match found.count() {
        0 => Ok(first),
        others => Err(InspectError::Ambiguous(place.to_string(), others + 1)),
    }
}
