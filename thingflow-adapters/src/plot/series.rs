//! [`Series`]: what goes into a picture, and when that is written.

use std::cell::RefCell;
use std::fs;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::rc::Rc;

use thingflow_core::{Closed, Context, Demand, Receipt, SensorEvent, Sink, StreamError, Timestamp};

use super::error::PlotError;
use super::ticks::Times;
use crate::printable::printable;

/// What can be drawn: a number, a truth as 0 or 1, a number that may be missing; and a sensor event of these, with its own time. Other
/// events become one of them by `map`.
pub trait Plotted {
    /// The number, if there is one.
    fn number(&self) -> Option<f64>;
    /// The time that the event has. Without one it is drawn at the time at which it comes.
    fn time(&self) -> Option<Timestamp> {
        None
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Plotted for $number {
            fn number(&self) -> Option<f64> {
                #[allow(clippy::cast_lossless, clippy::cast_precision_loss, reason = "no picture is so exact")]
                Some(*self as f64)
            }
        }
    )*};
}

numbers!(f64, f32, i64, i32, i16, i8, u64, u32, u16, u8, isize, usize);

impl Plotted for bool {
    fn number(&self) -> Option<f64> {
        Some(u8::from(*self).into())
    }
}

impl<T: Plotted> Plotted for Option<T> {
    fn number(&self) -> Option<f64> {
        self.as_ref()?.number()
    }
    fn time(&self) -> Option<Timestamp> {
        self.as_ref()?.time()
    }
}

impl<T: Plotted> Plotted for SensorEvent<T> {
    fn number(&self) -> Option<f64> {
        self.val.number()
    }
    fn time(&self) -> Option<Timestamp> {
        Some(self.ts)
    }
}

/// What is drawn of one series.
pub(super) trait Data: 'static {
    fn add(&mut self, at: Timestamp, number: Option<f64>);
}

/// What a picture looks like, beside its data.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) title: String,
    pub(super) unit: String,
    pub(super) size: (u32, u32),
    pub(super) times: Times,
}

/// The methods by which every picture is told what it looks like.
macro_rules! look {
    () => {
        /// What stands above it.
        #[must_use]
        pub fn title(self, title: &str) -> Self {
            self.sheet.borrow_mut().look.title = crate::printable::printable(title);
            self
        }

        /// The unit of the numbers, such as `°C`.
        #[must_use]
        pub fn unit(self, unit: &str) -> Self {
            self.sheet.borrow_mut().look.unit = crate::printable::printable(unit);
            self
        }

        /// How large it is, in pixels: 900 times 340, if nothing is said. At least 100 of each.
        #[must_use]
        pub fn size(self, width: u32, height: u32) -> Self {
            self.sheet.borrow_mut().look.size = (width.clamp(100, 20_000), height.clamp(100, 20_000));
            self
        }
    };
}
pub(super) use look;

/// Makes a picture of series and their names.
type Draw<D> = fn(&Look, &[(String, D)]) -> Result<String, PlotError>;

/// A picture of several series.
pub(super) struct Sheet<D> {
    path: PathBuf,
    pub(super) look: Look,
    pub(super) series: Vec<(String, D)>,
    /// Series that have not ended.
    open: usize,
    /// Something has come since it was written.
    is_new: bool,
    draw: Draw<D>,
}

impl<D> Sheet<D> {
    pub(super) fn new(path: PathBuf, draw: Draw<D>) -> Self {
        let (title, unit, size) = (String::new(), String::new(), (900, 340));
        let look = Look { title, unit, size, times: Times::default() };
        Self { path, look, series: Vec::new(), open: 0, is_new: false, draw }
    }

    /// Writes the picture as it is now, if it is another one than before.
    pub(super) fn write(&mut self) -> Result<(), PlotError> {
        if !self.is_new {
            return Ok(());
        }
        let svg = (self.draw)(&self.look, &self.series)?;
        let mut beside = self.path.clone().into_os_string();
        beside.push(".part");
        let written = fs::write(&beside, svg).and_then(|()| fs::rename(&beside, &self.path));
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            PlotError::Write(self.path.clone(), error)
        })?;
        self.is_new = false;
        Ok(())
    }
}

/// A series of a picture, made by [`Plot::series`](super::Plot::series) and [`Histogram::series`](super::Histogram::series): connect it
/// to a port or a chain.
#[must_use = "a series draws nothing until it is connected"]
pub struct Series<E> {
    into: Box<dyn Picture>,
    has_ended: bool,
    event: PhantomData<fn(E)>,
}

/// A picture, as its series know it.
trait Picture {
    fn add(&self, at: Timestamp, number: Option<f64>);
    fn write(&self) -> Result<(), PlotError>;
    /// One of its series has ended: whether that was the last.
    fn ends(&self) -> bool;
}

/// A place in a picture.
struct Place<D> {
    sheet: Rc<RefCell<Sheet<D>>>,
    number: usize,
}

impl<D: Data> Picture for Place<D> {
    fn add(&self, at: Timestamp, number: Option<f64>) {
        let mut sheet = self.sheet.borrow_mut();
        sheet.series[self.number].1.add(at, number);
        sheet.is_new = true;
    }
    fn write(&self) -> Result<(), PlotError> {
        self.sheet.borrow_mut().write()
    }
    fn ends(&self) -> bool {
        let mut sheet = self.sheet.borrow_mut();
        sheet.open -= 1;
        sheet.open == 0
    }
}

impl<E: Plotted> Series<E> {
    pub(super) fn new<D: Data>(sheet: &Rc<RefCell<Sheet<D>>>, name: &str, data: D) -> Self {
        let mut new = sheet.borrow_mut();
        new.series.push((printable(name), data));
        new.open += 1;
        new.is_new = true;
        let number = new.series.len() - 1;
        Self { into: Box::new(Place { sheet: sheet.clone(), number }), has_ended: false, event: PhantomData }
    }

    fn end(&mut self, cx: &mut Context<'_>) -> Closed {
        if !std::mem::replace(&mut self.has_ended, true) && self.into.ends() {
            self.into.write().map_err(|error| cx.fatal(error))?;
        }
        Ok(())
    }
}

impl<E: Plotted> Sink for Series<E> {
    type Event = E;

    fn on_next(&mut self, event: E, cx: &mut Context<'_>) -> Receipt {
        self.into.add(event.time().unwrap_or_else(|| cx.timestamp()), event.number());
        Ok(Demand::More)
    }

    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.end(cx)
    }

    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("plot", &error);
        self.end(cx)
    }

    fn on_flush(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.into.write().map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
}

/// A series that is let go of before its end is drawn as far as it came, with the others.
impl<E> Drop for Series<E> {
    fn drop(&mut self) {
        if !self.has_ended
            && self.into.ends()
            && let Err(error) = self.into.write()
        {
            log::error!("{error}");
        }
    }
}

impl<E> std::fmt::Debug for Series<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Series").field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}
