//! [`Levels`]: the levels of one line or two, at the start and at each change.

use std::io;

use gpiocdev::line::{EdgeEvent, EdgeKind, Offset, Value};
use gpiocdev::request::Request;
use thingflow_core::{
    Clock, Context, Demand, EventThing, Failure, Port, PortRef, PortSource, Ports, Registry, SensorEvent, SensorId,
    StreamError, SystemClock, Timestamp,
};

use super::edges::{Clocks, Watched, gone};

/// The level of a line, or of two, at the start and at each change: no sampling, no thread, and nobody is woken while
/// nothing changes. The time of an event is the kernel's.
///
/// Edges that come too quickly to be fetched are lost (the kernel keeps 16 for each line); the last level is not, since the
/// lines are then read anew.
///
/// Connect to its [`port`](Self::port), then give it to `schedule_on_main_event_loop`. Made by
/// [`Line::levels`](super::Line::levels) and [`Line::levels_with`](super::Line::levels_with).
#[derive(Debug)]
pub struct Levels<T> {
    watched: Watched,
    name: String,
    id: SensorId,
    port: Port<SensorEvent<T>>,
    lines: Lines,
    /// When the lines were read, until that has been sent.
    begun: Option<Timestamp>,
    shape: fn([bool; 2]) -> T,
}

impl<T: Clone + 'static> Levels<T> {
    /// One line is both of two.
    pub(super) fn new(
        request: Request,
        numbers: [Offset; 2],
        name: String,
        id: SensorId,
        shape: fn([bool; 2]) -> T,
    ) -> Result<Self, gpiocdev::Error> {
        let begun = Some(SystemClock.timestamp());
        let lines = Lines { numbers, levels: read(&request, numbers)?, sequence: 0, lost: false };
        let port = Port::new().named(id.to_string());
        Ok(Self { watched: Watched::new(request), name, id, port, lines, begun, shape })
    }

    /// The output port.
    pub fn port(&self) -> &Port<SensorEvent<T>> {
        &self.port
    }

    /// Whether the lines now differ from what the edges have told.
    fn read_anew(&mut self) -> Result<bool, StreamError> {
        let levels = read(&self.watched.request, self.lines.numbers).map_err(gone)?;
        self.lines.lost = false;
        Ok(std::mem::replace(&mut self.lines.levels, levels) != levels)
    }

    fn send_levels(&self, ts: Timestamp, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        Ok(self.port.emit(SensorEvent { sensor_id: self.id, ts, val: (self.shape)(self.lines.levels) }, cx)?)
    }
}

fn read(request: &Request, numbers: [Offset; 2]) -> Result<[bool; 2], gpiocdev::Error> {
    let level = |number| request.value(number).map(|value| value == Value::Active);
    Ok([level(numbers[0])?, level(numbers[1])?])
}

impl<T: Clone + 'static> Ports for Levels<T> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl<T: Clone + 'static> PortSource for Levels<T> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        if let Some(time) = self.begun.take() {
            let demand = self.send_levels(time, cx)?;
            if demand != Demand::More {
                return Ok(demand);
            }
        }
        let Self { watched, lines, port, id, shape, .. } = self;
        let clocks = Clocks::read();
        let demand = watched.send_all(cx, |event, cx| {
            if !lines.take(event) {
                return Ok(Demand::More);
            }
            port.emit(SensorEvent { sensor_id: *id, ts: clocks.time_of(event), val: shape(lines.levels) }, cx)
        })?;
        if demand == Demand::More && self.lines.lost && self.watched.is_drained()? && self.read_anew()? {
            return self.send_levels(SystemClock.timestamp(), cx);
        }
        Ok(demand)
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl<T: Clone + 'static> EventThing for Levels<T> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.watched.register(registry)
    }
}

/// What is known of the lines.
#[derive(Debug)]
struct Lines {
    numbers: [Offset; 2],
    levels: [bool; 2],
    /// The kernel's count of the last edge, of all lines of the request.
    sequence: u32,
    /// Whether edges are missing, so that `levels` may be those of another time.
    lost: bool,
}

impl Lines {
    /// Notes an edge; true if a level has changed by it.
    fn take(&mut self, event: &EdgeEvent) -> bool {
        self.lost |= event.seqno != self.sequence.wrapping_add(1);
        self.sequence = event.seqno;
        let before = self.levels;
        for (number, level) in self.numbers.iter().zip(&mut self.levels) {
            if *number == event.offset {
                *level = event.kind == EdgeKind::Rising;
            }
        }
        self.levels != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A kernel with two lines, 7 and 3, that keeps so many edges and drops the oldest.
    struct Kernel {
        room: usize,
        levels: [bool; 2],
        sequence: u32,
        edges: Vec<EdgeEvent>,
    }

    impl Kernel {
        fn toggle(&mut self, which: usize) {
            self.levels[which] = !self.levels[which];
            self.sequence = self.sequence.wrapping_add(1);
            let kind = if self.levels[which] { EdgeKind::Rising } else { EdgeKind::Falling };
            if self.edges.len() == self.room {
                self.edges.remove(0);
            }
            self.edges.push(EdgeEvent {
                timestamp_ns: u64::from(self.sequence),
                kind,
                offset: NUMBERS[which],
                seqno: self.sequence,
                line_seqno: 0,
            });
        }
    }

    const NUMBERS: [Offset; 2] = [7, 3];

    proptest! {
        #[test]
        fn levels_follow_the_lines_and_a_loss_is_noticed(
            toggles in proptest::collection::vec((0_usize..2, any::<bool>()), 0..60),
            room in 1_usize..8,
        ) {
            let mut kernel = Kernel { room, levels: [true, false], sequence: 0, edges: Vec::new() };
            let mut lines = Lines { numbers: NUMBERS, levels: kernel.levels, sequence: 0, lost: false };
            let (mut waiting, mut happened) = (0, vec![kernel.levels]);
            for (which, fetch) in toggles {
                kernel.toggle(which);
                happened.push(kernel.levels);
                waiting += 1;
                if !fetch {
                    continue;
                }
                let mut told = Vec::new();
                for event in std::mem::take(&mut kernel.edges) {
                    prop_assert!(lines.take(&event) || lines.lost, "each edge is a change unless some are missing");
                    told.push(lines.levels);
                }
                prop_assert_eq!(lines.lost, waiting > room);
                if waiting <= room {
                    prop_assert_eq!(&told, &happened[happened.len() - waiting..]);
                }
                // What `read_anew` does then.
                (lines.lost, lines.levels, waiting) = (false, kernel.levels, 0);
            }
        }
    }

    #[test]
    fn a_line_that_stands_for_both_has_one_level() {
        let mut lines = Lines { numbers: [5, 5], levels: [false, false], sequence: 0, lost: false };
        let edge = |kind, seqno| EdgeEvent { timestamp_ns: 0, kind, offset: 5, seqno, line_seqno: seqno };
        assert!(lines.take(&edge(EdgeKind::Rising, 1)));
        assert_eq!(lines.levels, [true, true]);
        assert!(!lines.take(&edge(EdgeKind::Rising, 3))); // the one in between was lost
        assert!(lines.lost);
    }
}
