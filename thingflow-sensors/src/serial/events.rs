//! [`SerialEvents`]: a serial line as a source of the main event loop.

use std::fmt;
use std::io;

use rustix::io::Errno;
use thingflow_core::{
    Context, Demand, Descriptor, EventThing, Failure, Interest, Port, PortRef, PortSource, Ports, Receipt, Registry,
    SensorEvent, SensorId, StreamError,
};

use super::{Decode, Tty};

/// What a serial line brings, as it comes: no sampling and no thread, and nobody is woken while the line is silent.
///
/// The time of an event is that at which the end of its frame was read. A frame that gives no reading is reported and left
/// out. A line that fails, as that of a board that is unplugged, ends the stream by an error; where it shall be opened anew,
/// take [`Framed::opening`](super::Framed::opening) on an edge thread.
///
/// Connect to its [`port`](Self::port), then give it to `schedule_on_main_event_loop`.
///
/// ```no_run
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::serial::{Named, NamedLines, SerialEvents, Tty};
/// let line = Tty::open("/dev/ttyACM0", 115_200)?;
/// let board = SerialEvents::new("board", line, NamedLines::new(["lux", "temp"]));
/// board.port().map(Named::event).for_each(|event| println!("{event}"));
/// let mut scheduler = Scheduler::new()?;
/// scheduler.schedule_on_main_event_loop(board)?;
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SerialEvents<D: Decode> {
    id: SensorId,
    /// What counts and reports call it.
    name: String,
    line: Descriptor<Tty>,
    decoder: D,
    port: Port<SensorEvent<D::Item>>,
    bytes: [u8; 256],
    /// What of the bytes has been decoded, and what has been read.
    at: usize,
    filled: usize,
}

/// So many pieces are decoded before others have their turn.
const BATCH: usize = 16;

impl<D: Decode<Item: Clone + 'static>> SerialEvents<D> {
    /// The readings that `decoder` makes of what `line` brings. A frame that has begun is passed over.
    pub fn new(id: impl Into<SensorId>, line: Tty, mut decoder: D) -> Self {
        let id = id.into();
        let name = id.number().map_or_else(|| id.to_string(), |number| format!("sensor {number}"));
        decoder.reset();
        Self {
            port: Port::new().named(id.to_string()),
            id,
            name,
            line: Descriptor::new(line),
            decoder,
            bytes: [0; 256],
            at: 0,
            filled: 0,
        }
    }

    /// The output port.
    pub fn port(&self) -> &Port<SensorEvent<D::Item>> {
        &self.port
    }

    /// Sends what has been read; what is left when nobody wants more waits.
    fn send_read(&mut self, cx: &mut Context<'_>) -> Receipt {
        while let Some(byte) = self.bytes.get(self.at..self.filled).and_then(|rest| rest.first()) {
            self.at += 1;
            match self.decoder.push(*byte) {
                None => {}
                Some(Ok(val)) => {
                    let demand = self.port.emit(SensorEvent { sensor_id: self.id, ts: cx.timestamp(), val }, cx)?;
                    if demand != Demand::More {
                        return Ok(demand);
                    }
                }
                Some(Err(error)) => cx.report(self.name(), &StreamError::caused("a reading is lost", error)),
            }
        }
        Ok(Demand::More)
    }
}

impl<D: Decode<Item: Clone + 'static>> Ports for SerialEvents<D> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl<D: Decode<Item: Clone + 'static>> PortSource for SerialEvents<D> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        for _ in 0..BATCH {
            let demand = self.send_read(cx)?;
            if demand != Demand::More {
                return Ok(demand);
            }
            (self.at, self.filled) = (0, 0);
            match self.line.read_now(&mut self.bytes) {
                Ok(read) => self.filled = read,
                Err(error) if Errno::from_io_error(&error) == Some(Errno::AGAIN) => return Ok(Demand::More),
                Err(error) => return Err(StreamError::caused("the serial line gave no reading", error).into()),
            }
        }
        cx.call_again();
        Ok(Demand::More)
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl<D: Decode<Item: Clone + 'static>> EventThing for SerialEvents<D> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.line, 0, Interest::READABLE)
    }
}

impl<D: Decode> fmt::Debug for SerialEvents<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SerialEvents").field("id", &self.id).field("line", &*self.line).finish_non_exhaustive()
    }
}
