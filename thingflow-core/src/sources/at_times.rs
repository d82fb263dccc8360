//! `at_times(|event| event.ts)`, `as_recorded()`: sends what was recorded at the pace of the recording.
//!
//! Holds one event: the next.

use core::fmt;
use core::mem::replace;
use core::time::Duration;

use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::error::{Failure, RunError, StreamError};
use crate::event::SensorEvent;
use crate::output::{Flow, Source};

impl<S: Source> Flow<S> {
    /// Sends each event as long after the first one as it was recorded; the first when the graph starts to run. `time` says
    /// when that was. So operators that look at the clock, such as windows of time, `debounce` and joins within a time, give
    /// over a recording what they gave live. Without this stage all of it is at one time for them.
    ///
    /// It works on any clock: on the virtual one in no time. An event that is older than the one before goes at once, in
    /// its place. Schedule it with
    #[cfg_attr(feature = "std", doc = "[`schedule_recurring`](crate::Scheduler::schedule_recurring).")]
    #[cfg_attr(not(feature = "std"), doc = "`schedule_recurring`.")]
    /// It looks one event ahead. A sampling that fails does so in its place, for the policy to decide.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::Recorder;
    /// let rows = [(1_000, 'a'), (1_001, 'b'), (1_060, 'c')]; // seconds since 1970
    /// let recording = from_iter(rows).at_times(|(secs, _)| Timestamp::from_secs(*secs)).map(|(_, row)| row);
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// scheduler.schedule_recurring(recording.debounce(Duration::from_secs(10)).connect(seen.clone()))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), "'b'@11 'c'@60 |@60");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "replay")]
    #[doc(alias = "timed")]
    pub fn at_times<F: FnMut(&S::Item) -> Timestamp>(self, time: F) -> Flow<AtTimes<S, F>> {
        self.over(|source| AtTimes { source, time, begin: None, start: None, next: Next::Unknown })
    }

    /// [`at_times`](Self::at_times) of sensor events, each at its `ts`.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::Recorder;
    /// let lux = [(60, 20.0), (90, 30.0)].map(|(s, lux)| SensorEvent::new("lux", Timestamp::from_secs(s), lux));
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// scheduler.schedule_recurring(from_iter(lux).as_recorded().map(|e| e.val).connect(seen.clone()))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), "20.0@0 30.0@30 |@30");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::type_complexity)] // a function pointer, so that the type has a name
    pub fn as_recorded<V>(self) -> Flow<AtTimes<S, fn(&SensorEvent<V>) -> Timestamp>>
    where
        S: Source<Item = SensorEvent<V>>,
    {
        self.at_times(|event| event.ts)
    }
}

impl<S: Source, F: FnMut(&S::Item) -> Timestamp> Flow<AtTimes<S, F>> {
    /// Says when the recording began: an event of that time comes when the graph starts to run, an older one too. Give it to
    /// each of several recordings that belong together, as their first events need not be of one time.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::Recorder;
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// let begin = Timestamp::from_secs(100);
    /// for row in [(103, "in"), (102, "out")] {
    ///     let recording = from_iter([row]).at_times(|row| Timestamp::from_secs(row.0)).beginning_at(begin);
    ///     scheduler.schedule_recurring(recording.map(|row| row.1).connect(seen.clone()))?;
    /// }
    /// scheduler.run_forever()?;
    /// assert!(seen.timed_text().starts_with(r#""out"@2 "in"@3"#));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn beginning_at(self, begin: Timestamp) -> Self {
        self.over(|source| AtTimes { begin: Some(begin), ..source })
    }
}

impl<S: Source, F: FnMut(&S::Item) -> Timestamp> Flow<AtTimes<S, F>> {
    /// When the recording begins: the time of its first event, or what [`beginning_at`](Self::beginning_at) says. `None` if
    /// it has no event. For a clock that starts there, so that what looks at the calendar, such as windows that are aligned
    /// and [`timestamp`](crate::Elementwise::timestamp), sees the recorded time too. It reads the first event, which is kept.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::Recorder;
    /// use thingflow_core::VirtualClock;
    /// let rows = [(1_420_110_060, 20.0), (1_420_110_090, 30.0)];
    /// let mut recording = from_iter(rows).at_times(|row| Timestamp::from_secs(row.0));
    /// let begin = recording.begins_at()?.ok_or("an empty recording")?;
    /// let mut scheduler = Scheduler::with_clock(VirtualClock::starting_at(begin))?;
    /// let seen = Recorder::new();
    /// scheduler.schedule_recurring(recording.timestamp().map(|(ts, _)| ts.to_string()).connect(seen.clone()))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.events(), ["2015-01-01T11:01:00Z", "2015-01-01T11:01:30Z"]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// That of the source, if it fails before its first event.
    pub fn begins_at(&mut self) -> Result<Option<Timestamp>, RunError> {
        self.source_mut().begins_at()
    }
}

/// Made by [`at_times`](Flow::at_times) and [`as_recorded`](Flow::as_recorded).
pub struct AtTimes<S: Source, F> {
    source: S,
    time: F,
    begin: Option<Timestamp>,
    start: Option<Instant>,
    next: Next<S::Item>,
}

/// What comes next.
enum Next<T> {
    Unknown,
    /// An event, and how long after the beginning it comes.
    Event(Duration, T),
    End,
    Failed(Failure),
    /// What a fatal error was about: the context in which it was made will be gone.
    Fatal(RunError),
}

impl<S: Source, F: FnMut(&S::Item) -> Timestamp> AtTimes<S, F> {
    fn begins_at(&mut self) -> Result<Option<Timestamp>, RunError> {
        if self.begin.is_none() && matches!(self.next, Next::Unknown) {
            let cx = &mut Context::detached(Instant::ZERO);
            self.next = self.look_ahead(cx);
        }
        match replace(&mut self.next, Next::Unknown) {
            Next::Fatal(error) => Err(error),
            Next::Failed(Failure::Sample(error)) => Err(early(error)),
            next => {
                self.next = next;
                Ok(self.begin)
            }
        }
    }

    fn look_ahead(&mut self, cx: &mut Context<'_>) -> Next<S::Item> {
        match self.source.pull(cx) {
            Ok(Some(event)) => {
                let time = (self.time)(&event);
                let begin = *self.begin.get_or_insert(time);
                Next::Event(time - begin, event)
            }
            Ok(None) => Next::End,
            Err(Failure::Fatal(token)) => Next::Fatal(cx.take_error(token)),
            Err(failure) => Next::Failed(failure),
        }
    }
}

impl<S: Source, F: FnMut(&S::Item) -> Timestamp> Source for AtTimes<S, F> {
    type Item = S::Item;
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        let next = match replace(&mut self.next, Next::Unknown) {
            Next::Unknown => self.look_ahead(cx),
            next => next,
        };
        match next {
            Next::Event(_, event) => Ok(Some(event)),
            Next::Unknown | Next::End => Ok(None),
            Next::Failed(failure) => Err(failure),
            Next::Fatal(error) => Err(cx.fatal_again(error).into()),
        }
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let start = *self.start.get_or_insert(cx.now());
        if matches!(self.next, Next::Unknown) {
            let due = self.source.due(cx).filter(|due| *due > cx.now());
            if due.is_some() {
                return due;
            }
            self.next = self.look_ahead(cx);
        }
        match self.next {
            Next::Event(after, _) => Some(start + after),
            _ => None,
        }
    }
    fn name(&self) -> &str {
        self.source.name()
    }
}

#[cfg(feature = "alloc")]
fn early(error: StreamError) -> RunError {
    RunError::new(error)
}

/// Without an allocator an error is a text that is in the program.
#[cfg(not(feature = "alloc"))]
fn early(_: StreamError) -> RunError {
    RunError::new("the recording has failed before its first event")
}

impl<S: Source, F> fmt::Debug for AtTimes<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtTimes")
            .field("source", &self.source.name())
            .field("begin", &self.begin)
            .finish_non_exhaustive()
    }
}
