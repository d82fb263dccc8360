//! Lines of the kernel's GPIO character device (`/dev/gpiochip0`): on every board, without root, with changes as events.
//!
//! A [`Line`] is found by its name, which stays the same from board to board, or by chip and number. It becomes an
//! output, an input, or a source of its levels or edges.
//!
//! ```no_run
//! use std::time::Duration;
//! use thingflow_adapters::gpio::{PinState, chardev::Line, pin_out};
//! use thingflow_core::prelude::*;
//! let switch = Line::named("GPIO27").pull_up().active_low().debounce(Duration::from_millis(5)).levels("switch")?;
//! let led = Line::named("GPIO17").output(PinState::Low)?;
//! switch.port().map(|e| e.val).connect(pin_out("led", led));
//! let mut scheduler = Scheduler::new()?;
//! scheduler.schedule_on_main_event_loop(switch)?;
//! scheduler.run_forever()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The kernel may put a line back to its default when the program ends; what happens then is up to the board. A program that
//! is killed sets no line any more: see the command `thingflow-safe-lines`, which is there with the feature `gpiocdev`.

mod edges;
mod levels;
mod line_level;
mod pins;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use embedded_hal::digital::PinState;
use gpiocdev::line::{Bias, EdgeDetection, EventClock, Offset};
use gpiocdev::request::{Builder, Request};
use thingflow_core::SensorId;

use super::GpioError;
pub use edges::{Edge, Edges};
pub use levels::Levels;
pub use line_level::{LineLevel, LineLevelError};
pub use pins::{InputLine, LineFault, OutputLine};

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
        let (request, [number]) = request([&self], |builder| builder.as_output(pins::value(level)))?;
        Ok(OutputLine { request, number })
    }

    /// Makes it an input.
    ///
    /// # Errors
    /// As for [`output`](Self::output).
    pub fn input(self) -> Result<InputLine, GpioError> {
        let (request, [number]) = request([&self], Builder::as_input)?;
        Ok(InputLine { request, number })
    }

    /// Makes it a source of its level: true for high, at the start and at each change, with the time at which the kernel
    /// saw it.
    ///
    /// # Errors
    /// As for [`output`](Self::output).
    pub fn levels(self, id: impl Into<SensorId>) -> Result<Levels<bool>, GpioError> {
        let (request, [number]) = request([&self], watch)?;
        let levels = Levels::new(request, [number; 2], self.to_string(), id.into(), |[level, _]| level);
        levels.map_err(|error| self.other(error))
    }

    /// Makes it and another line of its chip a source of the levels of both, as the contacts of a rotary encoder want it:
    /// the kernel keeps the order of their changes.
    ///
    /// # Errors
    /// As for [`output`](Self::output), and if these are not two lines of one chip.
    pub fn levels_with(self, other: Self, id: impl Into<SensorId>) -> Result<Levels<(bool, bool)>, GpioError> {
        let both = [self, other];
        let (request, numbers) = request(both.each_ref(), watch)?;
        let name = format!("{} and {}", both[0], both[1]);
        let levels = Levels::new(request, numbers, name, id.into(), |[a, b]| (a, b));
        levels.map_err(|error| both[0].other(error))
    }

    /// Makes it a source of its edges, both of them, with their number and the time at which the kernel saw them.
    ///
    /// # Errors
    /// As for [`output`](Self::output).
    pub fn edges(self, id: impl Into<SensorId>) -> Result<Edges, GpioError> {
        let (request, _) = request([&self], watch)?;
        Ok(Edges::new(request, self.to_string(), id.into()))
    }

    /// The chip and the number, if the line is there and free.
    fn find(&self) -> Result<(PathBuf, Offset), GpioError> {
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

/// Edges carry the monotonic clock's time: what lasts from one to the other does not change when the wall clock is set.
fn watch(builder: &mut Builder) -> &mut Builder {
    builder.as_input().with_edge_detection(EdgeDetection::BothEdges).with_event_clock(EventClock::Monotonic)
}

/// Asks the kernel for lines of one chip, all of them for the same.
fn request<const N: usize>(
    lines: [&Line; N],
    how: impl Fn(&mut Builder) -> &mut Builder,
) -> Result<(Request, [Offset; N]), GpioError> {
    let mut builder = Request::builder();
    builder.with_consumer("thingflow");
    let (mut numbers, mut first) = ([0; N], None);
    for (at, line) in lines.into_iter().enumerate() {
        let (chip, number) = line.find()?;
        let chip = fs::canonicalize(&chip).unwrap_or(chip); // which may go by several names
        if *first.get_or_insert_with(|| chip.clone()) != chip || numbers[..at].contains(&number) {
            let cause = "the two have to be different lines of one chip".into();
            return Err(GpioError::Other { line: format!("{} with {line}", lines[0]), cause });
        }
        numbers[at] = number;
        builder.on_chip(chip).with_line(number);
        how(&mut builder).with_bias(line.bias);
        if line.active_low {
            builder.as_active_low();
        }
        if let Some(period) = line.debounce {
            builder.with_debounce_period(period);
        }
    }
    let request = builder.request().map_err(|error| lines[0].other(error))?;
    Ok((request, numbers))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_chip_or_line_is_named() {
        let error = Line::at("/dev/gpiochip-none", 3).output(PinState::Low).unwrap_err().to_string();
        assert!(error.starts_with("no GPIO chip /dev/gpiochip-none"), "{error}");
        let error = Line::at("/dev/null", 3).input().unwrap_err().to_string();
        assert!(error.starts_with("GPIO line /dev/null: "), "{error}");
        let error = Line::named("no such line").levels("button").unwrap_err();
        assert!(
            matches!(error, GpioError::NoChip { .. } | GpioError::NoLine { .. } | GpioError::Denied { .. }),
            "{error}"
        );
    }
}
