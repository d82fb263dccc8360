//! Lines of the kernel's GPIO character device (`/dev/gpiochip0`): on every board, without root, with edges as events.
//!
//! A [`Line`] is found by its name, which stays the same from board to board, or by chip and number. It becomes an
//! output, an input, or a source of edges.
//!
//! ```no_run
//! use std::time::Duration;
//! use thingflow_adapters::gpio::{PinState, chardev::Line, pin_out};
//! use thingflow_core::prelude::*;
//! let button = Line::named("GPIO27").pull_up().active_low().debounce(Duration::from_millis(5)).edges("button")?;
//! let led = Line::named("GPIO17").output(PinState::Low)?;
//! button.port().map(|e| e.val.rising).connect(pin_out("led", led));
//! let mut scheduler = Scheduler::new()?;
//! scheduler.schedule_on_main_event_loop(button)?;
//! scheduler.run_forever()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The kernel may put a line back to its default when the program ends; what happens then is up to the board.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use embedded_hal::digital::{Error, ErrorKind, ErrorType, InputPin, OutputPin, PinState};
use gpiocdev::line::{Bias, EdgeDetection, EdgeEvent, EdgeKind, EventClock, Value};
use gpiocdev::request::{Builder, Request};
use thingflow_core::{
    Context, Demand, EventThing, Failure, Interest, OutputThing, Port, PortRef, Registry, SensorEvent, SensorId,
    StreamError, Timestamp,
};

use super::GpioError;

/// A line that is to be asked from the kernel, and how.
#[derive(Clone, Debug)]
pub struct Line {
    which: Which,
    bias: Option<Bias>,
    active_low: bool,
    debounce: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Which {
    Named(String),
    At(PathBuf, u32),
}

impl Line {
    /// The line of that name, on any chip. `gpioinfo` lists them.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new(Which::Named(name.into()))
    }

    /// The line of that number on a chip: `Line::at("/dev/gpiochip0", 17)`.
    pub fn at(chip: impl Into<PathBuf>, number: u32) -> Self {
        Self::new(Which::At(chip.into(), number))
    }

    fn new(which: Which) -> Self {
        Self { which, bias: None, active_low: false, debounce: None }
    }

    /// Switches the chip's pull-up resistor on.
    #[must_use]
    pub fn pull_up(self) -> Self {
        Self { bias: Some(Bias::PullUp), ..self }
    }

    /// Switches the chip's pull-down resistor on.
    #[must_use]
    pub fn pull_down(self) -> Self {
        Self { bias: Some(Bias::PullDown), ..self }
    }

    /// Turns the line's meaning around: it reads high when it is low, as with a button to ground.
    #[must_use]
    pub fn active_low(self) -> Self {
        Self { active_low: true, ..self }
    }

    /// Has the kernel, or the chip if it can, ignore an input that is not steady for so long.
    #[must_use]
    pub fn debounce(self, period: Duration) -> Self {
        Self { debounce: Some(period), ..self }
    }

    /// Makes it an output at this level; give the safe one.
    ///
    /// # Errors
    /// If there is no such line, it is in use, or this user may not have it.
    pub fn output(self, level: PinState) -> Result<OutputLine, GpioError> {
        self.request(|builder| builder.as_output(value(level))).map(OutputLine)
    }

    /// Makes it an input.
    ///
    /// # Errors
    /// As for [`output`](Self::output).
    pub fn input(self) -> Result<InputLine, GpioError> {
        self.request(Builder::as_input).map(InputLine)
    }

    /// Makes it a source of its edges, both of them, with the time at which the kernel saw them.
    ///
    /// # Errors
    /// As for [`output`](Self::output).
    pub fn edges(self, id: impl Into<SensorId>) -> Result<Edges, GpioError> {
        let (id, both) = (id.into(), EdgeDetection::BothEdges);
        let port = Port::new().named(id.to_string());
        let line = self.request(|b| b.as_input().with_edge_detection(both).with_event_clock(EventClock::Realtime))?;
        let one = vec![0; line.request.edge_event_u64_size()];
        Ok(Edges { line, id, port, sequence: Sequence::default(), one })
    }

    fn request(&self, how: impl FnOnce(&mut Builder) -> &mut Builder) -> Result<Requested, GpioError> {
        let (chip, number) = self.find()?;
        let mut builder = Request::builder();
        builder.on_chip(chip).with_consumer("thingflow").with_line(number);
        how(&mut builder).with_bias(self.bias);
        if self.active_low {
            builder.as_active_low();
        }
        if let Some(period) = self.debounce {
            builder.with_debounce_period(period);
        }
        let request = builder.request().map_err(|error| self.other(error))?;
        Ok(Requested { request, number, name: self.to_string() })
    }

    /// The chip and the number, if the line is there and free.
    fn find(&self) -> Result<(PathBuf, u32), GpioError> {
        let (chip, number) = match &self.which {
            Which::Named(name) => find_named(name)?,
            Which::At(chip, number) => (chip.clone(), *number),
        };
        let lines = open(&chip)?;
        let count = lines.info().map_err(|error| self.other(error))?.num_lines;
        if number >= count {
            let there = vec![format!("lines 0 to {} on {}", count.saturating_sub(1), chip.display())];
            return Err(GpioError::NoLine { line: self.to_string(), there });
        }
        let info = lines.line_info(number).map_err(|error| self.other(error))?;
        if info.used {
            return Err(GpioError::Busy { line: self.to_string(), by: info.consumer });
        }
        Ok((chip, number))
    }

    fn other(&self, error: gpiocdev::Error) -> GpioError {
        GpioError::Other { line: self.to_string(), cause: error.into() }
    }
}

fn value(level: PinState) -> Value {
    if level == PinState::High { Value::Active } else { Value::Inactive }
}

fn chips() -> Vec<PathBuf> {
    gpiocdev::chip::chips().unwrap_or_default()
}

fn open(chip: &Path) -> Result<gpiocdev::Chip, GpioError> {
    let other = |cause| GpioError::Other { line: chip.display().to_string(), cause };
    File::open(chip).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GpioError::NoChip { chip: chip.to_owned(), there: chips() },
        io::ErrorKind::PermissionDenied => GpioError::Denied { device: chip.to_owned() },
        _ => other(error.into()),
    })?;
    gpiocdev::Chip::from_path(chip).map_err(|error| other(error.into()))
}

fn find_named(name: &str) -> Result<(PathBuf, u32), GpioError> {
    let chips = chips();
    if chips.is_empty() {
        return Err(GpioError::NoChip { chip: "/dev/gpiochip*".into(), there: chips });
    }
    let mut there = Vec::new();
    for chip in chips {
        let lines = open(&chip)?;
        for info in lines.line_info_iter().into_iter().flatten().flatten() {
            if info.name == name {
                return Ok((chip, info.offset));
            }
            there.push(info.name);
        }
    }
    there.retain(|name| !name.is_empty());
    Err(GpioError::NoLine { line: name.to_owned(), there })
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.which {
            Which::Named(name) => f.write_str(name),
            Which::At(chip, number) => write!(f, "{number} of {}", chip.display()),
        }
    }
}

/// A line that the kernel has given us.
#[derive(Debug)]
struct Requested {
    request: Request,
    number: u32,
    name: String,
}

/// A line that is an output: an [`OutputPin`]. Made by [`Line::output`].
#[derive(Debug)]
pub struct OutputLine(Requested);

/// A line that is an input: an [`InputPin`]. Made by [`Line::input`].
#[derive(Debug)]
pub struct InputLine(Requested);

impl ErrorType for OutputLine {
    type Error = LineFault;
}

impl OutputPin for OutputLine {
    fn set_low(&mut self) -> Result<(), LineFault> {
        self.set_state(PinState::Low)
    }
    fn set_high(&mut self) -> Result<(), LineFault> {
        self.set_state(PinState::High)
    }
    fn set_state(&mut self, level: PinState) -> Result<(), LineFault> {
        self.0.request.set_value(self.0.number, value(level)).map(drop).map_err(LineFault)
    }
}

impl ErrorType for InputLine {
    type Error = LineFault;
}

impl InputPin for InputLine {
    fn is_high(&mut self) -> Result<bool, LineFault> {
        Ok(self.0.request.value(self.0.number).map_err(LineFault)? == Value::Active)
    }
    fn is_low(&mut self) -> Result<bool, LineFault> {
        self.is_high().map(|high| !high)
    }
}

/// What the kernel says when a line fails.
pub struct LineFault(gpiocdev::Error);

/// Reads as a sentence, since errors of `embedded-hal` are shown by this text.
impl fmt::Debug for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for LineFault {}

impl Error for LineFault {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

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
/// Connect to its [`port`](Self::port), then give it to `schedule_on_main_event_loop`. Made by [`Line::edges`].
#[derive(Debug)]
pub struct Edges {
    line: Requested,
    id: SensorId,
    port: Port<SensorEvent<Edge>>,
    sequence: Sequence,
    /// Room for one event of the kernel.
    one: Vec<u64>,
}

/// So many edges are sent before others have their turn.
const BATCH: usize = 64;

impl Edges {
    /// The output port.
    pub fn port(&self) -> &Port<SensorEvent<Edge>> {
        &self.port
    }

    fn send_all(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        for _ in 0..BATCH {
            if !self.line.request.has_edge_event().map_err(gone)? {
                return Ok(Demand::More);
            }
            let event = self.read()?;
            let demand = self.port.emit(self.sequence.event(self.id, &event), cx)?;
            if demand != Demand::More {
                return Ok(demand);
            }
        }
        cx.call_again();
        Ok(Demand::More)
    }

    /// Reads one event. Not by `read_edge_event`: in gpiocdev 0.8.0 that one fetches up to eight and returns the first.
    fn read(&mut self) -> Result<EdgeEvent, StreamError> {
        let words = self.line.request.read_edge_events_into_slice(&mut self.one).map_err(gone)?;
        self.line.request.edge_event_from_slice(&self.one[..words]).map_err(gone)
    }
}

fn gone(error: gpiocdev::Error) -> StreamError {
    StreamError::caused("the GPIO line gave no edge", LineFault(error))
}

/// Counts the edges that are missing.
#[derive(Debug, Default)]
struct Sequence(u32);

impl Sequence {
    fn event(&mut self, id: SensorId, event: &EdgeEvent) -> SensorEvent<Edge> {
        let sequence = event.line_seqno;
        let lost = sequence.wrapping_sub(self.0).wrapping_sub(1);
        self.0 = sequence;
        let ts = Timestamp::from_nanos(i64::try_from(event.timestamp_ns).unwrap_or(i64::MAX));
        SensorEvent { sensor_id: id, ts, val: Edge { rising: event.kind == EdgeKind::Rising, sequence, lost } }
    }
}

impl OutputThing for Edges {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        self.send_all(cx)
    }
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
    fn name(&self) -> &str {
        &self.line.name
    }
}

impl EventThing for Edges {
    fn register(&mut self, registry: &mut Registry<'_>) -> io::Result<()> {
        registry.register_fd(self.line.request.as_raw_fd(), Interest::READABLE)
    }
    fn deregister(&mut self, registry: &mut Registry<'_>) -> io::Result<()> {
        registry.deregister_fd(self.line.request.as_raw_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_chip_or_line_is_named() {
        let error = Line::at("/dev/gpiochip-none", 3).output(PinState::Low).unwrap_err().to_string();
        assert!(error.starts_with("no GPIO chip /dev/gpiochip-none"), "{error}");
        let error = Line::at("/dev/null", 3).input().unwrap_err().to_string();
        assert!(error.starts_with("GPIO line /dev/null: "), "{error}");
        let error = Line::named("no such line").edges("button").unwrap_err();
        assert!(
            matches!(error, GpioError::NoChip { .. } | GpioError::NoLine { .. } | GpioError::Denied { .. }),
            "{error}"
        );
    }

    #[test]
    fn lost_edges_are_counted_by_the_gaps() {
        let mut sequence = Sequence(u32::MAX - 2);
        let mut edge = |line_seqno, kind| {
            let event = EdgeEvent { timestamp_ns: 1_500_000_000, kind, offset: 3, seqno: 0, line_seqno };
            sequence.event("button".into(), &event)
        };
        let first = edge(u32::MAX - 1, EdgeKind::Rising);
        assert_eq!((first.sensor_id, first.ts), ("button".into(), Timestamp::from_millis(1500)));
        assert_eq!(first.val, Edge { rising: true, sequence: u32::MAX - 1, lost: 0 });
        assert_eq!(edge(2, EdgeKind::Falling).val, Edge { rising: false, sequence: 2, lost: 3 });
    }
}
