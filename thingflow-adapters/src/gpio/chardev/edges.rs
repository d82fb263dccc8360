//! [`Edges`]: each edge of a line, with what the kernel knows of it.

use std::io;

use gpiocdev::line::{EdgeEvent, EdgeKind};
use gpiocdev::request::Request;
use thingflow_core::{
    Clock, Context, Demand, Descriptor, EventThing, Failure, Instant, Interest, Port, PortRef, PortSource, Ports,
    Receipt, Registry, SensorEvent, SensorId, StreamError, SystemClock, Timestamp,
};

use super::LineFault;

/// One edge of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Whether the line went high.
    pub rising: bool,
    /// The kernel's count of this line's edges, from 1.
    pub sequence: u32,
    /// How many edges before this one were lost, because they were not fetched in time.
    pub lost: u32,
}

/// The edges of a line, as they happen: no sampling, no thread. The time of an event is the kernel's.
///
/// For the level that the line has after each of them, see [`Line::levels`](super::Line::levels).
///
/// Connect to its [`port`](Self::port), then give it to `schedule_on_main_event_loop`. Made by
/// [`Line::edges`](super::Line::edges).
#[derive(Debug)]
pub struct Edges {
    watched: Watched,
    name: String,
    id: SensorId,
    port: Port<SensorEvent<Edge>>,
    sequence: Sequence,
}

impl Edges {
    pub(super) fn new(request: Request, name: String, id: SensorId) -> Self {
        let port = Port::new().named(id.to_string());
        Self { watched: Watched::new(request), name, id, port, sequence: Sequence::default() }
    }

    /// The output port.
    pub fn port(&self) -> &Port<SensorEvent<Edge>> {
        &self.port
    }
}

impl Ports for Edges {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl PortSource for Edges {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let Self { watched, id, port, sequence, .. } = self;
        let clocks = Clocks::read();
        watched.send_all(cx, |event, cx| port.emit(sequence.event(*id, event, clocks), cx))
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl EventThing for Edges {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.watched.register(registry)
    }
}

/// Lines whose edges the kernel keeps for us.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) request: Descriptor<Request>,
    /// Room for one event of the kernel.
    one: Vec<u64>,
}

/// So many edges are sent before others have their turn.
const BATCH: usize = 64;

impl Watched {
    pub(super) fn new(request: Request) -> Self {
        let one = vec![0; request.edge_event_u64_size()];
        Self { request: Descriptor::new(request), one }
    }

    /// Sends the edges that are there; if they are many, some of them, and asks for another turn.
    pub(super) fn send_all(
        &mut self,
        cx: &mut Context<'_>,
        mut send: impl FnMut(&EdgeEvent, &mut Context<'_>) -> Receipt,
    ) -> Result<Demand, Failure> {
        for _ in 0..BATCH {
            if self.is_drained()? {
                return Ok(Demand::More);
            }
            let demand = send(&self.read()?, cx)?;
            if demand != Demand::More {
                return Ok(demand);
            }
        }
        cx.call_again();
        Ok(Demand::More)
    }

    /// Whether no edge waits to be fetched.
    pub(super) fn is_drained(&self) -> Result<bool, StreamError> {
        self.request.has_edge_event().map(|waits| !waits).map_err(gone)
    }

    /// Reads one event. Not by `read_edge_event`: in gpiocdev 0.8.0 that one fetches up to eight and returns the first.
    fn read(&mut self) -> Result<EdgeEvent, StreamError> {
        let words = self.request.read_edge_events_into_slice(&mut self.one).map_err(gone)?;
        self.request.edge_event_from_slice(&self.one[..words]).map_err(gone)
    }

    pub(super) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.request, 0, Interest::READABLE)
    }
}

pub(super) fn gone(error: gpiocdev::Error) -> StreamError {
    StreamError::caused("the GPIO line gave no edge", LineFault(error))
}

/// What the monotonic clock and the wall clock show at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    now: Instant,
    wall: Timestamp,
}

impl Clocks {
    pub(super) fn read() -> Self {
        Self { now: SystemClock.now(), wall: SystemClock.timestamp() }
    }

    /// The wall clock's time at which the kernel saw an edge, which it notes by the monotonic clock.
    pub(super) fn time_of(self, event: &EdgeEvent) -> Timestamp {
        let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
        let since = signed(event.timestamp_ns).saturating_sub(signed(self.now.as_nanos()));
        Timestamp::from_nanos(self.wall.as_nanos().saturating_add(since))
    }
}

/// Counts the edges that are missing.
#[derive(Debug, Default)]
struct Sequence(u32);

impl Sequence {
    fn event(&mut self, id: SensorId, event: &EdgeEvent, clocks: Clocks) -> SensorEvent<Edge> {
        let sequence = event.line_seqno;
        let lost = sequence.wrapping_sub(self.0).wrapping_sub(1);
        self.0 = sequence;
        let edge = Edge { rising: event.kind == EdgeKind::Rising, sequence, lost };
        SensorEvent { sensor_id: id, ts: clocks.time_of(event), val: edge }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_edges_are_counted_by_the_gaps() {
        let mut sequence = Sequence(u32::MAX - 2);
        let mut edge = |line_seqno, kind| {
            let event = EdgeEvent { timestamp_ns: 1_500_000_000, kind, offset: 3, seqno: 0, line_seqno };
            // The wall clock is 40 s ahead of the other.
            let clocks = Clocks { now: Instant::from_nanos(2_000_000_000), wall: Timestamp::from_secs(42) };
            sequence.event("button".into(), &event, clocks)
        };
        let first = edge(u32::MAX - 1, EdgeKind::Rising);
        assert_eq!((first.sensor_id, first.ts), ("button".into(), Timestamp::from_millis(41_500)));
        assert_eq!(first.val, Edge { rising: true, sequence: u32::MAX - 1, lost: 0 });
        assert_eq!(edge(2, EdgeKind::Falling).val, Edge { rising: false, sequence: 2, lost: 3 });
    }
}
