//! What tests of Things need: a [`Recorder`], sensors with given readings, a source with given times.
//!
//! With `std` a [`Scheduler`](crate::Scheduler) on the virtual clock makes any timed test run in no time.

mod check_filter;
#[cfg(feature = "std")]
mod check_reader;
mod check_wrapper;
#[cfg(feature = "std")]
mod check_writer;

pub use check_filter::check_filter;
#[cfg(feature = "std")]
pub use check_reader::{Feed, check_reader};
pub use check_wrapper::{Inner, check_wrapper};
#[cfg(feature = "std")]
pub use check_writer::{Store, Weather, check_writer};

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Debug};
use core::time::Duration;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, StreamError};
use crate::event::SensorId;
use crate::output::{Flow, Source};
use crate::sensor::{SampleError, Sensor};
use crate::thing::{Closed, Demand, Receipt, Sink};

/// A sink that keeps what it gets, with the time at which it came. Clones share what they keep, also on other threads (with
/// the feature `std`).
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::Recorder;
/// let seen = Recorder::new();
/// pipe::<i32>().map(|x| x + 1).to(seen.clone()).feed([1, 2])?;
/// assert_eq!(seen.events(), [2, 3]);
/// assert_eq!(seen.text(), "2 3 |"); // `|` completed, `! why` ended by an error
/// # Ok::<(), RunError>(())
/// ```
pub struct Recorder<T> {
    seen: Kept<Seen<T>>,
}

#[cfg(feature = "std")]
type Kept<T> = std::sync::Arc<std::sync::Mutex<T>>;
#[cfg(not(feature = "std"))]
type Kept<T> = alloc::rc::Rc<core::cell::RefCell<T>>;

struct Seen<T> {
    events: Vec<(Instant, T)>,
    end: Option<(Instant, Result<(), StreamError>)>,
    after_end: usize,
}

impl<T> Recorder<T> {
    /// A recorder that has seen nothing.
    pub fn new() -> Self {
        let seen = Seen { events: Vec::new(), end: None, after_end: 0 };
        Self { seen: Kept::new(seen.into()) }
    }

    fn with<R>(&self, look: impl FnOnce(&mut Seen<T>) -> R) -> R {
        #[cfg(feature = "std")]
        return look(&mut self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        #[cfg(not(feature = "std"))]
        return look(&mut self.seen.borrow_mut());
    }

    /// Whether the stream has ended as it should.
    pub fn is_completed(&self) -> bool {
        self.with(|seen| matches!(seen.end, Some((_, Ok(())))))
    }

    /// The error that ended the stream, if one did.
    pub fn error(&self) -> Option<String> {
        self.with(|seen| seen.end.as_ref().and_then(|(_, end)| end.as_ref().err().map(ToString::to_string)))
    }

    /// When the stream ended.
    pub fn ended_at(&self) -> Option<Instant> {
        self.with(|seen| seen.end.as_ref().map(|(at, _)| *at))
    }

    /// How many notices came after the end. Anything but 0 is a broken promise of the Thing under test.
    pub fn after_end(&self) -> usize {
        self.with(|seen| seen.after_end)
    }
}

impl<T: Clone> Recorder<T> {
    /// The events so far.
    pub fn events(&self) -> Vec<T> {
        self.with(|seen| seen.events.iter().map(|(_, event)| event.clone()).collect())
    }

    /// The events so far, with the time of each.
    pub fn timed(&self) -> Vec<(Instant, T)> {
        self.with(|seen| seen.events.clone())
    }
}

impl<T: Debug> Recorder<T> {
    /// What came, as a line: `1 2 |`, or `1 ! the reason`.
    pub fn text(&self) -> String {
        self.line(|_, event| format!("{event:?}"), |_| String::new())
    }

    /// What came, as a line with the time in seconds: `1@0.5 2@1 |@1.5`.
    pub fn timed_text(&self) -> String {
        let secs = |at: Instant| format!("@{}", at.since(Instant::ZERO).as_secs_f64());
        self.line(|at, event| format!("{event:?}{}", secs(at)), secs)
    }

    fn line(&self, event: impl Fn(Instant, &T) -> String, end: impl Fn(Instant) -> String) -> String {
        self.with(|seen| {
            let mut words: Vec<String> = seen.events.iter().map(|(at, e)| event(*at, e)).collect();
            match &seen.end {
                Some((at, Ok(()))) => words.push(format!("|{}", end(*at))),
                Some((at, Err(error))) => words.push(format!("!{} {error}", end(*at))),
                None => {}
            }
            words.join(" ")
        })
    }
}

impl<T> Clone for Recorder<T> {
    fn clone(&self) -> Self {
        Self { seen: self.seen.clone() }
    }
}

impl<T> Default for Recorder<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Debug for Recorder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({} events)", self.with(|seen| seen.events.len()))
    }
}

impl<T> Seen<T> {
    fn end(&mut self, at: Instant, end: Result<(), StreamError>) {
        self.after_end += usize::from(self.end.is_some());
        self.end.get_or_insert((at, end));
    }
}

impl<T> Sink for Recorder<T> {
    type Event = T;
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.with(|seen| {
            seen.after_end += usize::from(seen.end.is_some());
            seen.events.push((cx.now(), event));
        });
        Ok(Demand::More)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.with(|seen| seen.end(cx.now(), Ok(())));
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.with(|seen| seen.end(cx.now(), Err(error)));
        Ok(())
    }
}

/// A source that sends each value at its time, in seconds since the start of the graph, and completes with the last.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use core::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::{Recorder, timed};
/// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
/// let presses = timed([(0.5, 'a'), (0.75, 'b'), (2.0, 'c')]);
/// scheduler.schedule_recurring(presses.debounce(Duration::from_millis(500)).connect(seen.clone()))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "'b'@1.25 'c'@2 |@2");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If a time is negative or no number.
#[track_caller]
pub fn timed<T>(events: impl IntoIterator<Item = (impl Into<f64>, T)>) -> Flow<Timed<T>> {
    let mut list = Vec::new();
    for (secs, event) in events {
        list.push((Duration::from_secs_f64(secs.into()), event));
    }
    Flow::new(Timed { start: None, events: list.into_iter() })
}

/// Made by [`timed`].
#[derive(Clone, Debug)]
pub struct Timed<T> {
    start: Option<Instant>,
    events: alloc::vec::IntoIter<(Duration, T)>,
}

impl<T> Source for Timed<T> {
    type Item = T;
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<T>, Failure> {
        Ok(self.events.next().map(|(_, event)| event))
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let start = *self.start.get_or_insert(cx.now());
        self.events.as_slice().first().map(|(after, _)| start + *after)
    }
}

/// A sensor with given readings, which then ends.
///
/// ```
/// use thingflow_core::{SampleError, Sensor, testing::ListSensor};
/// let mut lux = ListSensor::new("lux", [20.0]);
/// assert_eq!(lux.sample(), Ok(20.0));
/// assert_eq!(lux.sample(), Err(SampleError::Ended));
/// ```
#[derive(Clone, Debug)]
pub struct ListSensor<T> {
    id: SensorId,
    readings: alloc::vec::IntoIter<T>,
}

impl<T> ListSensor<T> {
    /// A sensor with the given readings.
    pub fn new(id: impl Into<SensorId>, readings: impl Into<Vec<T>>) -> Self {
        Self { id: id.into(), readings: readings.into().into_iter() }
    }
}

impl<T> Sensor for ListSensor<T> {
    type Reading = T;
    type Error = core::convert::Infallible;
    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<T, SampleError<Self::Error>> {
        self.readings.next().ok_or(SampleError::Ended)
    }
}

/// A sensor with given readings, over and over, without an end: for a demonstration, or a test that runs for a time.
///
/// ```
/// use thingflow_core::{Sensor, testing::EndlessSensor};
/// let mut lux = EndlessSensor::new("lux", [20.0, 30.0]);
/// assert_eq!([lux.sample(), lux.sample(), lux.sample()], [Ok(20.0), Ok(30.0), Ok(20.0)]);
/// ```
#[derive(Clone, Debug)]
pub struct EndlessSensor<T> {
    id: SensorId,
    readings: core::iter::Cycle<alloc::vec::IntoIter<T>>,
}

impl<T: Clone> EndlessSensor<T> {
    /// A sensor with the given readings.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn new(id: impl Into<SensorId>, readings: impl Into<Vec<T>>) -> Self {
        let readings = readings.into();
        assert!(!readings.is_empty(), "an endless sensor repeats its readings: give it one at least");
        Self { id: id.into(), readings: readings.into_iter().cycle() }
    }
}

impl<T: Clone> Sensor for EndlessSensor<T> {
    type Reading = T;
    type Error = core::convert::Infallible;
    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<T, SampleError<Self::Error>> {
        self.readings.next().ok_or(SampleError::Ended)
    }
}

/// A sensor some of whose samplings fail, as given; then it ends.
///
/// ```
/// use thingflow_core::{Sensor, testing::FlakySensor};
/// let mut co2 = FlakySensor::new("co2", [Err("no answer"), Ok(410.0)]);
/// assert_eq!(co2.sample().unwrap_err().to_string(), "no answer");
/// assert_eq!(co2.sample(), Ok(410.0));
/// ```
#[derive(Clone, Debug)]
pub struct FlakySensor<T> {
    id: SensorId,
    readings: alloc::vec::IntoIter<Result<T, &'static str>>,
}

impl<T> FlakySensor<T> {
    /// A sensor with the given readings and failures.
    pub fn new(id: impl Into<SensorId>, readings: impl Into<Vec<Result<T, &'static str>>>) -> Self {
        Self { id: id.into(), readings: readings.into().into_iter() }
    }
}

impl<T> Sensor for FlakySensor<T> {
    type Reading = T;
    type Error = StreamError;
    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<T, SampleError<StreamError>> {
        match self.readings.next() {
            Some(Ok(reading)) => Ok(reading),
            Some(Err(why)) => Err(StreamError::new(why).into()),
            None => Err(SampleError::Ended),
        }
    }
}
